//! Answers that the layer gives itself.

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use super::body::DefenseBody;
use super::guard::Guard;
use crate::audit::Outcome;
use crate::limit::{Denied, RateLimitFields};
use crate::policy::Decision;
use crate::wire::{Protocol, Refusal, RefusalKind};

/// Names the decision to the client of a refused request, for support to look up.
const DECISION: HeaderName = HeaderName::from_static("guilloche-decision");
/// Tells the vendors' client libraries not to try again: each refusal would cost three requests.
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

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

/// A request body over the cap.
pub(super) fn too_large() -> Refusal {
    let message = "the request body is too large".to_owned();
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
    let body = Bytes::from(protocol.error_body(&refusal));
    let length = body.len();
    let mut response = Response::new(DefenseBody::whole(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if let Ok(id) = HeaderValue::from_str(&decision.id.to_string()) {
        headers.insert(DECISION, id);
    }
    if matches!(refusal.kind, RefusalKind::Refused | RefusalKind::RateLimited) {
        headers.insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    if let Some(denied) = denied {
        headers.insert(RETRY_AFTER, HeaderValue::from(denied.retry_after_seconds()));
    }
    insert_rate_limit(rate_limit, headers);
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
