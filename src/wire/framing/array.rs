//! One array of JSON that is streamed, an element at a time, as Gemini does without `alt=sse`.
//!
//! An event is an element with the comma and the white space before it; the brackets of the array
//! are events without a payload. A body that is no array, such as an error, is one element.

use std::ops::Range;

/// How far the unfinished element was read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Search {
    clear: usize,
    array: Array,
    element: Element,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Array {
    /// Nothing but white space has come.
    #[default]
    Before,
    Open,
    Closed,
    /// The body is none.
    Absent,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Element {
    /// None has begun.
    #[default]
    Between,
    /// Between the tokens of one, at this depth.
    At(usize),
    /// In a string at this depth, the next byte being escaped or not.
    String(usize, bool),
    /// In a number or a word that no bracket encloses.
    Word,
}

impl Search {
    /// Where the first event ends.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(&byte) = bytes.get(self.clear) {
            if self.element == Element::Word && (is_space(byte) || b",]".contains(&byte)) {
                return self.found(self.clear);
            }
            let ends = self.step(byte);
            self.clear += 1;
            if ends {
                return self.found(self.clear);
            }
        }
        None
    }

    fn found(&mut self, end: usize) -> Option<usize> {
        (self.clear, self.element) = (0, Element::Between);
        Some(end)
    }

    /// Whether an event ends with this byte.
    fn step(&mut self, byte: u8) -> bool {
        match self.element {
            Element::Between => return self.begin(byte),
            Element::Word => {}
            Element::String(depth, true) => self.element = Element::String(depth, false),
            Element::String(depth, false) => match byte {
                b'\\' => self.element = Element::String(depth, true),
                b'"' => {
                    self.element = Element::At(depth);
                    return depth == 0;
                }
                _ => {}
            },
            Element::At(depth) => match byte {
                b'"' => self.element = Element::String(depth, false),
                b'{' | b'[' => self.element = Element::At(depth.saturating_add(1)),
                b'}' | b']' => {
                    self.element = Element::At(depth.saturating_sub(1));
                    return depth <= 1;
                }
                _ => {}
            },
        }
        false
    }

    fn begin(&mut self, byte: u8) -> bool {
        match (self.array, byte) {
            (_, byte) if is_space(byte) => return false,
            (Array::Before, b'[') => {
                self.array = Array::Open;
                return true;
            }
            (Array::Open, b']') => {
                self.array = Array::Closed;
                return true;
            }
            (Array::Open, b',') => return false,
            (Array::Before, _) => self.array = Array::Absent,
            _ => {}
        }
        self.element = match byte {
            b'"' => Element::String(0, false),
            b'{' | b'[' => Element::At(1),
            _ => Element::Word,
        };
        false
    }

    /// Only so many bytes are left.
    pub(super) fn cut(&mut self, length: usize) {
        self.clear = self.clear.min(length);
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Where the element of an event stands; `None` if the event is a bracket of the array.
pub(super) fn value(event: &[u8]) -> Option<Range<usize>> {
    let mut rest = event.trim_ascii_start();
    rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
    let start = event.len() - rest.len();
    let end = event.trim_ascii_end().len();
    (start < end && !is_opening(event) && !is_end(event)).then_some(start..end)
}

pub(super) fn is_opening(event: &[u8]) -> bool {
    event.trim_ascii() == b"["
}

/// Whether an event is the end of the array. Servers have put a comma before it.
pub(super) fn is_end(event: &[u8]) -> bool {
    let event = event.trim_ascii();
    event.strip_prefix(b",").unwrap_or(event).trim_ascii() == b"]"
}

/// What stands before an element that is put in.
pub(super) const BEFORE: &[u8] = b",\n";
