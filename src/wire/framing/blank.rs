//! Events whose text is left blank, to be filled again and again.

use super::event_stream;
use crate::secret::opaque_debug;
use crate::wire::json::escape;

/// An event of the upstream's with the place of a text left blank.
pub struct BlankEvent {
    before: Vec<u8>,
    behind: Vec<u8>,
    /// The headers of a message, whose length and checksums depend on the text.
    headers: Option<Vec<u8>>,
}

opaque_debug!(BlankEvent);

impl BlankEvent {
    /// One that is text all through.
    pub(super) fn text(before: Vec<u8>, behind: Vec<u8>) -> Self {
        Self { before, behind, headers: None }
    }

    pub(super) fn message(headers: Vec<u8>, before: Vec<u8>, behind: Vec<u8>) -> Self {
        Self { before, behind, headers: Some(headers) }
    }

    /// Bytes that it takes.
    pub(crate) fn size(&self) -> usize {
        self.before.len() + self.behind.len() + self.headers.as_ref().map_or(0, Vec::len)
    }

    /// Appends the event with `text` in its place.
    pub fn fill(&self, text: &str, out: &mut Vec<u8>) {
        let payload = |out: &mut Vec<u8>| {
            out.extend_from_slice(&self.before);
            escape(text, out);
            out.extend_from_slice(&self.behind);
        };
        match &self.headers {
            Some(headers) => event_stream::write(headers, out, payload),
            None => payload(out),
        }
    }
}
