//! Letting long data pass while the rest of its event or document is held.
//!
//! An event is held until it is whole, because what stands at its end can say what its beginning is.
//! Pictures and files need not be: where a string of base64 has become long, what stands before it can
//! go out if nothing behind it changes that, and the string follows as it comes. What is left is an event
//! like any other, with most of one string missing.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::base64::{Base64, behind_escape};
use super::data::{LEAST, LongData};
use crate::secret::opaque_debug;

/// The least long data that is worth it.
const WORTHWHILE: usize = 64 << 10;

/// What is known of the long data in one event or document, which arrives in pieces.
#[derive(Default)]
pub(crate) struct DataFlow {
    data: LongData,
    flow: Flow,
    /// A string flows.
    flows: bool,
    /// The string that begins there is not to.
    held_whole: Option<usize>,
}

opaque_debug!(DataFlow);

impl DataFlow {
    /// How much of what is held is long data, and does not count for a limit.
    pub(crate) fn read(&mut self, held: &[u8]) -> usize {
        self.data.read(held)
    }

    /// Takes what arrives: what of it is to be held, if anything.
    pub(crate) fn push(&mut self, bytes: Bytes) -> Option<Bytes> {
        if !self.flows {
            return Some(bytes);
        }
        let rest = self.flow.push(bytes)?;
        self.flows = false;
        Some(rest)
    }

    /// How many bytes of what is held and was [read](Self::read) stand before long data that may flow. It
    /// is the end of them, and so much that to look at the rest once more costs little beside.
    pub(crate) fn before(&self, held: &[u8]) -> Option<usize> {
        let last = self.data.last();
        let besides = held.len().checked_sub(last)?;
        let kept = self.held_whole == Some(self.data.start());
        if kept || self.flows || last < besides.max(WORTHWHILE) {
            return None;
        }
        // So much stays that it is still seen to be data.
        Some(behind_escape(held, held.len() - last + LEAST))
    }

    /// From now on the data that stands behind so many bytes of what is held is held no more.
    pub(crate) fn begin(&mut self, held: &mut BytesMut, before: usize) {
        let data = held.split_off(before.min(held.len())).freeze();
        self.data.forget(data.len());
        // All of it was read as data.
        self.flows = self.flow.push(data).is_none();
    }

    /// The string that has come last is not to flow. Another may: where the bytes are cut does not tell.
    pub(crate) fn hold_whole(&mut self) {
        self.held_whole = Some(self.data.start());
    }

    /// Data that goes on as it came.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        self.flow.pieces.pop_front()
    }

    /// What is to be held if nothing more comes.
    pub(crate) fn left(&self) -> &[u8] {
        &self.flow.end
    }

    /// Bytes of data that have not gone on.
    pub(crate) fn held(&self) -> usize {
        self.flow.pieces.iter().map(Bytes::len).sum()
    }

    /// Begins anew, with the next event.
    pub(crate) fn reset(&mut self) {
        if self.data.has_begun() {
            (self.data, self.flow) = (LongData::default(), Flow::default());
        }
        (self.flows, self.held_whole) = (false, None);
    }
}

/// The rest of a string of long data, which goes on as it comes.
struct Flow {
    pieces: VecDeque<Bytes>,
    text: Base64,
    /// The end of what came, which waits for what follows it.
    end: Vec<u8>,
}

impl Default for Flow {
    fn default() -> Self {
        Self { pieces: VecDeque::new(), text: Base64::resumed(), end: Vec::new() }
    }
}

impl Flow {
    /// Takes bytes that come next. What of them is no data any more: all that comes from there on is
    /// read again.
    fn push(&mut self, mut bytes: Bytes) -> Option<Bytes> {
        let (mut whole, mut ended) = (0, false);
        for (at, byte) in bytes.iter().enumerate() {
            if !self.text.step(*byte) {
                ended = true;
                break;
            }
            if self.text.may_be_cut() {
                whole = at + 1;
            }
        }
        let rest = bytes.split_off(whole);
        let mut end = std::mem::take(&mut self.end);
        if whole > 0 {
            let before = std::mem::take(&mut end);
            let whole = if before.is_empty() { bytes } else { [&*before, &*bytes].concat().into() };
            self.pieces.push_back(whole);
        }
        if !ended {
            // An escape that is open, or the end of a line: a few bytes.
            end.extend_from_slice(&rest);
            self.end = end;
            return None;
        }
        self.text = Base64::resumed();
        Some(if end.is_empty() { rest } else { [&*end, &*rest].concat().into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_flows_to_its_end_wherever_it_is_cut() {
        // The end of a short line waits for what follows.
        for (data, rest) in [
            (r"QUJD\/+A==", r#"","b":"\/"}"#),
            (r"QU\u0041J\u002B\r\nQQ", "\""),
            (r"QU\nQQ", r#"\n""#),
            (r"QU\nQQ", r"\r\nQQ"),
            ("QU", r#"\u0020JD""#),
            ("QU", r#"\"JD"#),
            ("QU", " JD"),
            (r"QU\nQQ", r#"  \t\r\n ""#),
            (r"QU\/", ""),
        ] {
            let text = [data, rest].concat();
            for first in 0..=text.len() {
                for second in first..=text.len() {
                    let mut flow = DataFlow { flows: true, ..DataFlow::default() };
                    let mut rest = Vec::new();
                    let mut flowed = Vec::new();
                    for (from, to) in [(0, first), (first, second), (second, text.len())] {
                        let piece = Bytes::copy_from_slice(text.get(from..to).unwrap().as_bytes());
                        rest.extend(flow.push(piece).unwrap_or_default());
                        while let Some(piece) = flow.next() {
                            let cut = piece.iter().rev().take(5).position(|byte| *byte == b'\\');
                            let cut = cut.and_then(|at| piece.get(piece.len() - at - 1..));
                            assert!(
                                cut.is_none_or(|cut| behind_escape(cut, cut.len()) == cut.len())
                            );
                            flowed.extend(piece);
                        }
                    }
                    rest.extend(flow.left());
                    assert_eq!(flowed, data.as_bytes(), "{text} cut at {first} and {second}");
                    assert_eq!([flowed, rest].concat(), text.as_bytes());
                }
            }
        }
    }
}
