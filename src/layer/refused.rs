//! Answers that the layer gives itself.

use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use http::{Response, response};

use super::body::DefenseBody;
use super::guard::Guard;
use super::{document, head};
use crate::audit::Outcome;
use crate::limit::{Denied, RateLimitFields};
use crate::policy::Decision;
use crate::wire::{Protocol, Refusal, RefusalKind, refuse_for_good, refuse_for_now};

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

/// When a caller may try again for whom there is no room: bodies and answers take seconds to pass.
const RETRY_SECONDS: u64 = 2;

/// The answer, in the protocol's shape; ends the exchange.
pub(super) fn refused<R>(
    protocol: &dyn Protocol,
    decision: &Decision,
    mut guard: Box<Guard>,
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
        if denied.passes_within_a_minute() {
            refuse_for_now(&mut response);
        } else {
            refuse_for_good(&mut response);
        }
    }
    match refusal.kind {
        RefusalKind::Overloaded => {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
        }
        // It has cost its tokens, and would fail again.
        RefusalKind::Unreadable => refuse_for_good(&mut response),
        _ => {}
    }
    insert_rate_limit(rate_limit, response.headers_mut());
    if let Some(record) = guard.record() {
        record.status = Some(status.as_u16());
        response.extensions_mut().insert(record.decision.clone());
    }
    guard.end(match refusal.kind {
        RefusalKind::Unreadable | RefusalKind::UpstreamFailed => Outcome::UpstreamError,
        RefusalKind::Overloaded => Outcome::Overloaded,
        _ => Outcome::Refused,
    });
    response
}

/// An upstream's error that cannot be read, in the layer's words and the protocol's shape.
pub(super) fn told_anew<R>(
    protocol: &dyn Protocol,
    mut head: response::Parts,
    mut guard: Box<Guard>,
) -> Response<DefenseBody<R>> {
    let body = document::told_anew(protocol, head.status);
    head::rewrite_response(&mut head.headers);
    head.headers.remove(CONTENT_ENCODING);
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    guard.tally.response_fields_closed += 1;
    guard.end(Outcome::Complete);
    Response::from_parts(head, DefenseBody::whole(body))
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
