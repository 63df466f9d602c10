//! Answers that the proxy gives itself because the upstream could not, in the shape that the
//! client's library expects.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use http_body_util::Full;

use super::upstream::UpstreamError;
use crate::wire::{Refusal, RefusalKind, error_protocol};

/// The refusal that a failure to get an answer amounts to.
pub(super) fn refusal(error: &UpstreamError) -> Refusal {
    match error {
        UpstreamError::RequestTooLarge => request_too_large(),
        UpstreamError::ConnectTimeout
        | UpstreamError::FirstByteTimeout
        | UpstreamError::IdleTimeout
        | UpstreamError::TotalTimeout => Refusal {
            kind: RefusalKind::UpstreamTimeout,
            message: "The model server took too long to answer.".to_owned(),
        },
        UpstreamError::Connect(_)
        | UpstreamError::Exchange(_)
        | UpstreamError::Switched
        | UpstreamError::Body(_)
        | UpstreamError::Address(_) => Refusal {
            kind: RefusalKind::UpstreamFailed,
            message: "The model server could not be reached.".to_owned(),
        },
    }
}

/// The request's body is larger than it may be.
pub(super) fn request_too_large() -> Refusal {
    let message = "The request body is too large.".to_owned();
    Refusal { kind: RefusalKind::TooLarge, message }
}

/// `CONNECT`, which asks for a tunnel.
pub(super) fn tunnel() -> Refusal {
    let message = "The method is not allowed.".to_owned();
    Refusal { kind: RefusalKind::Method, message }
}

/// The answer to a request for `path`.
pub(super) fn response(refusal: &Refusal, path: &str) -> Response<Full<Bytes>> {
    let body = error_protocol(path).error_body(refusal);
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = refusal.kind.status();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
