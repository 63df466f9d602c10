//! Events whose text is left blank, to be filled again and again.

use std::ops::Range;

use super::{chunk, event_stream};
use crate::secret::opaque_debug;
use crate::wire::json::{Edit, escape, splice};

/// An event of the upstream's with the place of a text left blank, and that of its number if it has one.
pub struct BlankEvent {
    /// What stands before the first blank, and what behind each.
    first: Vec<u8>,
    blanks: Vec<(Blank, Vec<u8>)>,
    /// The headers of a message, whose length and checksums depend on the text.
    headers: Option<Vec<u8>>,
    /// The message has the event in base64.
    wrapped: bool,
}

opaque_debug!(BlankEvent);

/// What is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blank {
    /// The text: a string's contents.
    Text,
    /// The number of the event: its digits.
    Number,
}

impl BlankEvent {
    /// A payload with blanks at `places`, in their order, and `edits` elsewhere.
    pub(super) fn of(
        payload: &[u8],
        mut places: Vec<(Blank, Range<usize>)>,
        mut edits: Vec<Edit>,
    ) -> Option<Self> {
        places.sort_by_key(|(_, place)| place.start);
        let end = payload.len()..payload.len();
        let ends = places.iter().map(|(_, place)| place.clone()).chain([end]);
        let mut pieces = Vec::with_capacity(places.len() + 1);
        let mut from = 0;
        for place in ends {
            let (mut here, later): (Vec<Edit>, Vec<Edit>) =
                edits.into_iter().partition(|edit| edit.span.end <= place.start);
            for edit in &mut here {
                edit.span = edit.span.start.checked_sub(from)?..edit.span.end.checked_sub(from)?;
            }
            pieces.push(splice(payload.get(from..place.start)?, &mut here));
            (edits, from) = (later, place.end);
        }
        let mut pieces = pieces.into_iter();
        let first = pieces.next()?;
        let blanks = places.into_iter().map(|(blank, _)| blank).zip(pieces).collect();
        Some(Self { first, blanks, headers: None, wrapped: false })
    }

    /// The same in a text, between these.
    pub(super) fn between(mut self, head: &[u8], tail: &[u8]) -> Self {
        self.first = [head, &self.first].concat();
        let last = self.blanks.last_mut().map_or(&mut self.first, |(_, last)| last);
        last.extend_from_slice(tail);
        self
    }

    /// The same in a message with these headers.
    pub(super) fn in_message(self, headers: Vec<u8>) -> Self {
        Self { headers: Some(headers), ..self }
    }

    /// The same in a message with these headers, in base64.
    pub(super) fn in_chunk(self, headers: Vec<u8>) -> Self {
        Self { headers: Some(headers), wrapped: true, ..self }
    }

    /// Bytes that it takes.
    pub(crate) fn size(&self) -> usize {
        let behind: usize = self.blanks.iter().map(|(_, behind)| behind.len()).sum();
        self.first.len() + behind + self.headers.as_ref().map_or(0, Vec::len)
    }

    /// Whether it has a number.
    #[must_use]
    pub fn is_numbered(&self) -> bool {
        self.blanks.iter().any(|(blank, _)| *blank == Blank::Number)
    }

    /// Appends the event with `text` in its place, and `number` if it has one.
    pub fn fill(&self, text: &str, number: u64, out: &mut Vec<u8>) {
        let payload = |out: &mut Vec<u8>| {
            out.extend_from_slice(&self.first);
            for (blank, behind) in &self.blanks {
                match blank {
                    Blank::Text => escape(text, out),
                    Blank::Number => out.extend_from_slice(number.to_string().as_bytes()),
                }
                out.extend_from_slice(behind);
            }
        };
        match &self.headers {
            Some(headers) if self.wrapped => {
                let mut event = Vec::new();
                payload(&mut event);
                event_stream::write(headers, out, |out| chunk::wrap(&event, out));
            }
            Some(headers) => event_stream::write(headers, out, payload),
            None => payload(out),
        }
    }
}
