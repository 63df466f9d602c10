//! How much of a source a server may quote.

/// The most bytes of what a server quotes of pages and documents.
pub(super) const QUOTED: usize = 256 * 1024;

/// The most bytes of a file that was read for the model and is given back to be sent again.
pub(super) const FILE: usize = 16 * 1024 * 1024;
