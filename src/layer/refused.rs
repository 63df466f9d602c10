//! Answers that the layer gives itself.

use http::Response;
use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use super::body::DefenseBody;
use super::guard::Guard;
use crate::audit::Outcome;
use crate::limit::{Denied, RateLimitFields};
use crate::policy::Decision;
use crate::wire::{Protocol, Refusal, RefusalKind, refuse_for_good};

/// A refusal on its way to the client.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    /// The limit that was reached, if it was one.
    pub(super) denied: Option<Denied>,
}

impl Refused {
    pub(super) fn new(refusal: Refusal) -> Self {
        Self { refusal, denied: None }
    }
}

/// A request body over the cap; in the words of the proxy, which says the same to those who have
/// reached no grade.
pub(super) fn too_large() -> Refusal {
    let message = "The request body is too large.".to_owned();
    Refusal { kind: RefusalKind::TooLarge, message }
}

/// The answer, in the protocol's shape; ends the exchange.
pub(super) fn refused<R>(
    protocol: &dyn Protocol,
    decision: &Decision,
    mut guard: Guard,
    refused: Refused,
    rate_limit: Option<&RateLimitFields>,
) -> Response<DefenseBody<R>> {
    let Refused { refusal, denied } = refused;
    let status = refusal.kind.status();
    let answer = refusal.answer(protocol, &decision.id.to_string());
    let mut response = answer.map(DefenseBody::whole);
    if let Some(denied) = denied {
        let wait = HeaderValue::from(denied.retry_after_seconds());
        response.headers_mut().insert(RETRY_AFTER, wait);
        // What passes soon may be tried again: a library that is told not to gives up for good.
        if !denied.passes_within_a_minute() {
            refuse_for_good(&mut response);
        }
    }
    insert_rate_limit(rate_limit, response.headers_mut());
    if let Some(record) = guard.record() {
        record.status = Some(status.as_u16());
        response.extensions_mut().insert(record.decision.clone());
    }
    guard.end(match refusal.kind {
        RefusalKind::Unreadable => Outcome::UpstreamError,
        _ => Outcome::Refused,
    });
    response
}

/// Tells the state of the advertised limits.
pub(super) fn insert_rate_limit(fields: Option<&RateLimitFields>, headers: &mut HeaderMap) {
    let Some(RateLimitFields { policy, state }) = fields else { return };
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
