//! What can be wrong with the framing of a stream.

/// A stream cannot be cut into events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// An event grew past the splitter's limit without an end, or says that it will.
    #[error("an event exceeds {limit} bytes")]
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// What frames an event contradicts itself.
    #[error("{0}")]
    Broken(&'static str),
}
