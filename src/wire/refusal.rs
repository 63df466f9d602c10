//! Why the layer answers itself, before a protocol gives that its shape.

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
    /// The request carries reasoning that does not open.
    Unopened,
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
            Self::Malformed | Self::Unopened => StatusCode::BAD_REQUEST,
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
