//! Answers that the layer gives itself.

use bytes::Bytes;
use http::Response;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, UPGRADE};

use super::{Protocol, Refusal, RefusalKind};

/// Names the decision to the client, for support to look up.
const DECISION: HeaderName = HeaderName::from_static("guilloche-decision");
/// Tells the vendors' client libraries whether to try again: each refusal would cost three requests.
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

impl Refusal {
    /// The answer in the protocol's shape. It carries `decision`, the id by which it can be looked
    /// up, in the body, in a field of ours, and in the field that the vendor's libraries show as the
    /// id of the request.
    #[must_use]
    pub fn answer(&self, protocol: &dyn Protocol, decision: &str) -> Response<Bytes> {
        let Self { kind, message } = self;
        let told = Self { kind: *kind, message: format!("{message} (decision {decision})") };
        let body = Bytes::from(protocol.error_body(&told));
        let length = body.len();
        let mut response = Response::new(body);
        *response.status_mut() = kind.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        if let Ok(id) = HeaderValue::from_str(decision) {
            headers.insert(DECISION, id.clone());
            headers.insert(protocol.features().request_id.clone(), id);
        }
        if let Some((name, value)) = protocol.error_field(self) {
            headers.insert(name, value);
        }
        match kind {
            RefusalKind::Refused => refuse_for_good(&mut response),
            // The status has to name a protocol (RFC 9110, section 15.5.22): the one that is spoken.
            RefusalKind::Upgrade => {
                let headers = response.headers_mut();
                headers.insert(UPGRADE, HeaderValue::from_static("HTTP/1.1"));
                headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            }
            _ => {}
        }
        response.extensions_mut().insert(OwnAnswer);
        response
    }
}

/// Marks, among the extensions of a response, an answer that was made here and not by the upstream.
#[derive(Clone, Copy, Debug)]
pub struct OwnAnswer;

/// Tells the client's library that trying again is of no use.
pub fn refuse_for_good<B>(response: &mut Response<B>) {
    response.headers_mut().insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
}

/// Tells it that trying again is of use, when the time has passed that `retry-after` names.
pub fn refuse_for_now<B>(response: &mut Response<B>) {
    response.headers_mut().insert(X_SHOULD_RETRY, HeaderValue::from_static("true"));
}
