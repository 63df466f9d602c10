//! Answers that the layer gives itself, before a protocol gives them their shape.

use http::StatusCode;

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
    /// A method that no endpoint takes.
    Method,
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
    /// What the client is told, decision id included.
    pub message: String,
}

impl RefusalKind {
    /// The HTTP status, by which the vendors' clients choose their exception.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Refused => StatusCode::FORBIDDEN,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Unreadable | Self::UpstreamFailed => StatusCode::BAD_GATEWAY,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}
