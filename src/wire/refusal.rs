//! Answers that the layer gives itself, before a protocol gives them their shape.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, UPGRADE};
use http::{Response, StatusCode};

use super::Protocol;

/// Names the decision to the client, for support to look up.
const DECISION: HeaderName = HeaderName::from_static("guilloche-decision");
/// Tells the vendors' client libraries not to try again: each refusal would cost three requests.
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Why a request is not answered, or a stream broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The policy refuses the caller.
    Refused,
    /// A limit is reached.
    RateLimited,
    /// The request cannot be read.
    Malformed,
    /// The request body is compressed.
    Encoding,
    /// The request body exceeds the cap.
    TooLarge,
    /// The request body took too long to come.
    TooSlow,
    /// There is no room to hold more.
    Overloaded,
    /// A method that no endpoint takes.
    Method,
    /// A change of protocol that this caller may not ask for.
    Upgrade,
    /// No endpoint that this caller may use.
    NotFound,
    /// The upstream sent something that cannot be read and must not be passed on.
    Unreadable,
    /// The upstream failed in the middle of its answer, or cannot be reached.
    UpstreamFailed,
    /// The upstream took too long.
    UpstreamTimeout,
}

/// An answer of the layer's own: kind and message, from which each protocol makes its error body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub kind: RefusalKind,
    /// What the client is told; the decision's id is put behind it.
    pub message: String,
}

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
            headers.insert(protocol.request_id(), id);
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

impl RefusalKind {
    /// The kind that comes nearest to an upstream's status.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 | 403 => Self::Refused,
            404 => Self::NotFound,
            405 => Self::Method,
            408 | 504 => Self::UpstreamTimeout,
            413 => Self::TooLarge,
            415 => Self::Encoding,
            429 => Self::RateLimited,
            400..=499 => Self::Malformed,
            _ => Self::UpstreamFailed,
        }
    }

    /// The HTTP status, by which the vendors' clients choose their exception.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Refused => StatusCode::FORBIDDEN,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Upgrade => StatusCode::UPGRADE_REQUIRED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Unreadable | Self::UpstreamFailed => StatusCode::BAD_GATEWAY,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}
