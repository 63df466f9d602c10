//! Answers that the proxy gives itself because the upstream could not, in the shape that the
//! client's library expects.

use bytes::Bytes;
use http::Response;
use http_body_util::Full;

use crate::audit::DecisionName;
use crate::layer::too_slow;
use crate::upstream::UpstreamError;
use crate::wire::{Refusal, RefusalKind, error_protocol};

/// The refusal that a failure to get an answer amounts to.
pub(super) fn refusal(error: &UpstreamError) -> Refusal {
    match error {
        UpstreamError::RequestTooLarge => request_too_large(),
        UpstreamError::RequestTooSlow => too_slow(),
        UpstreamError::NoRoom => Refusal {
            kind: RefusalKind::Overloaded,
            message: "There is no room for the request; try again.".to_owned(),
        },
        UpstreamError::Unsigned => Refusal {
            kind: RefusalKind::Malformed,
            message: "A field of the request cannot be signed.".to_owned(),
        },
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
        | UpstreamError::Stopping
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

/// A request target with a fragment.
pub(super) fn fragment() -> Refusal {
    let message = "the request target has a fragment (`#`)".to_owned();
    Refusal { kind: RefusalKind::Malformed, message }
}

/// The answer to a request for `path` about which this was decided. Where nothing was, it is known by
/// an id that only the access log has beside the client.
pub(super) fn response(
    refusal: &Refusal,
    path: &str,
    decision: &DecisionName,
) -> Response<Full<Bytes>> {
    refusal.answer(error_protocol(path), &decision.0).map(Full::from)
}
