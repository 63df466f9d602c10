//! Why a response body broke off.

use crate::audit::Outcome;

use super::budget::NoRoom;
use super::document::DocumentError;
use super::stream::StreamError;

/// Any error, as tower and hyper pass them on.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A response body could not be carried to its end.
///
/// The server aborts the connection or resets the stream on it, so that a client sees an error and
/// never takes what it has for the whole answer.
#[derive(Debug)]
pub struct BodyError(Kind);

#[derive(Debug)]
enum Kind {
    Upstream(BoxError),
    Stream(StreamError),
    Document(DocumentError),
    NoRoom(NoRoom),
}

impl BodyError {
    /// The upstream's body failed.
    pub(super) fn upstream(source: impl Into<BoxError>) -> Self {
        Self(Kind::Upstream(source.into()))
    }

    /// How an exchange ends with it.
    pub(super) fn outcome(&self) -> Outcome {
        if self.is_overload() { Outcome::Overloaded } else { Outcome::UpstreamError }
    }

    /// Whether the upstream's own body failed, rather than its reading.
    #[must_use]
    pub fn is_upstream(&self) -> bool {
        matches!(self.0, Kind::Upstream(_))
    }

    /// Whether it cannot be read: no JSON where there should be some, or no framing of a stream.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        match &self.0 {
            Kind::Stream(error) => {
                matches!(error, StreamError::Framing(_) | StreamError::Unreadable)
            }
            Kind::Document(error) => matches!(error, DocumentError::Unreadable),
            Kind::Upstream(_) | Kind::NoRoom(_) => false,
        }
    }

    /// Whether there was no room to hold more of it, though there will be.
    #[must_use]
    pub fn is_overload(&self) -> bool {
        matches!(self.0, Kind::NoRoom(NoRoom::Now))
    }
}

impl From<StreamError> for BodyError {
    fn from(error: StreamError) -> Self {
        Self(Kind::Stream(error))
    }
}

impl From<NoRoom> for BodyError {
    fn from(error: NoRoom) -> Self {
        Self(Kind::NoRoom(error))
    }
}

impl From<DocumentError> for BodyError {
    fn from(error: DocumentError) -> Self {
        Self(Kind::Document(error))
    }
}

impl std::fmt::Display for BodyError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::Upstream(_) => formatter.write_str("the upstream's body failed"),
            Kind::Stream(error) => error.fmt(formatter),
            Kind::Document(error) => error.fmt(formatter),
            Kind::NoRoom(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Upstream(source) => Some(&**source),
            Kind::Stream(error) => Some(error),
            Kind::Document(error) => Some(error),
            Kind::NoRoom(error) => Some(error),
        }
    }
}
