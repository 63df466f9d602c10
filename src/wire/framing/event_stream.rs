//! `application/vnd.amazon.eventstream`: binary messages with headers and two checksums.
//!
//! A message is its length, that of its headers, a CRC-32 of these two, the headers, the payload,
//! and a CRC-32 of all that. Both checksums are verified, and written anew with an edit.

use std::ops::Range;

use super::EventError;
use super::crc32::crc32;

const PRELUDE: usize = 12;
const CHECKSUM: usize = 4;

/// What the names of headers mean that say what a message is.
const KINDS: [&[u8]; 3] = [b":event-type", b":exception-type", b":error-code"];
const MESSAGE_TYPE: &[u8] = b":message-type";

/// Headers that are known to say nothing else.
const KNOWN: [&[u8]; 2] = [MESSAGE_TYPE, b":content-type"];

/// The length of the unfinished message, once its prelude has been verified.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Search {
    length: Option<usize>,
}

impl Search {
    /// Where the first message ends, if it is whole.
    pub(super) fn end(&mut self, bytes: &[u8], limit: usize) -> Result<Option<usize>, EventError> {
        let length = match self.length {
            Some(length) => length,
            None if bytes.len() < PRELUDE => return Ok(None),
            None => *self.length.insert(length(bytes, limit)?),
        };
        let Some(message) = bytes.get(..length) else { return Ok(None) };
        let checked = length - CHECKSUM;
        if number(message, checked) != message.get(..checked).map(crc32) {
            return Err(EventError::Broken("the checksum of a message is wrong"));
        }
        self.length = None;
        Ok(Some(length))
    }
}

/// The length that a prelude states.
fn length(bytes: &[u8], limit: usize) -> Result<usize, EventError> {
    let prelude = bytes.get(..PRELUDE - CHECKSUM).map(crc32);
    if number(bytes, 8) != prelude {
        return Err(EventError::Broken("the checksum of a message's prelude is wrong"));
    }
    let stated = |at| number(bytes, at).and_then(|length| usize::try_from(length).ok());
    let (Some(length), Some(headers)) = (stated(0), stated(4)) else {
        return Err(EventError::TooLong { limit });
    };
    // Told at once: nothing of it needs to come.
    if length > limit {
        return Err(EventError::TooLong { limit });
    }
    let fits = headers.checked_add(PRELUDE + CHECKSUM).is_some_and(|least| least <= length);
    if fits { Ok(length) } else { Err(EventError::Broken("the lengths of a message are wrong")) }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(digits.try_into().ok()?))
}

/// A message, looked into.
#[derive(Clone, Debug)]
pub(super) struct Message {
    headers: Range<usize>,
    pub(super) payload: Range<usize>,
    /// Where its kind is said.
    pub(super) kind: Option<Range<usize>>,
    /// It says that something went wrong.
    pub(super) is_error: bool,
    /// Its headers cannot be read.
    pub(super) is_foreign: bool,
    /// It has headers that may say anything, or whose kind may.
    has_more: bool,
}

impl Message {
    /// Looks into a whole message; `None` if it is none, or has broken off.
    pub(super) fn of(raw: &[u8]) -> Option<Self> {
        if usize::try_from(number(raw, 0)?).ok()? != raw.len() {
            return None;
        }
        let end = raw.len().checked_sub(CHECKSUM)?;
        let headers = usize::try_from(number(raw, 4)?).ok()?.checked_add(PRELUDE)?;
        if headers > end {
            return None;
        }
        let mut message = Self {
            headers: PRELUDE..headers,
            payload: headers..end,
            kind: None,
            is_error: false,
            is_foreign: false,
            has_more: false,
        };
        let mut at = PRELUDE;
        while at < headers {
            let Some(Header { name, text, end }) = Header::at(raw, at, headers) else {
                message.is_foreign = true;
                break;
            };
            at = end;
            let name = raw.get(name).unwrap_or_default();
            if KINDS.contains(&name) {
                message.kind = text;
            } else if name == MESSAGE_TYPE {
                let kind = text.and_then(|text| raw.get(text));
                message.is_error = kind.is_some_and(|kind| kind != b"event");
            } else {
                message.has_more |= !KNOWN.contains(&name);
            }
        }
        Some(message)
    }

    /// The message with no headers but those that are known.
    pub(super) fn bare(&self, raw: &[u8], is_known: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        let kind = self.kind.clone().and_then(|kind| raw.get(kind));
        let keeps_kind = kind.is_none_or(is_known);
        if keeps_kind && !self.has_more {
            return None;
        }
        let mut kept = Vec::new();
        let mut at = self.headers.start;
        while let Some(header) = Header::at(raw, at, self.headers.end) {
            let name = raw.get(header.name).unwrap_or_default();
            if KNOWN.contains(&name) || keeps_kind && KINDS.contains(&name) {
                kept.extend_from_slice(raw.get(at..header.end).unwrap_or_default());
            }
            at = header.end;
        }
        let payload = raw.get(self.payload.clone()).unwrap_or_default();
        let mut out = Vec::with_capacity(raw.len());
        write(&kept, &mut out, |out| out.extend_from_slice(payload));
        Some(out)
    }

    pub(super) fn headers<'a>(&self, raw: &'a [u8]) -> &'a [u8] {
        raw.get(self.headers.clone()).unwrap_or_default()
    }
}

/// One header: its name, its value if that is a text, and where it ends.
struct Header {
    name: Range<usize>,
    text: Option<Range<usize>>,
    end: usize,
}

impl Header {
    fn at(raw: &[u8], at: usize, end: usize) -> Option<Self> {
        let raw = raw.get(..end)?;
        let name = at + 1..at + 1 + usize::from(*raw.get(at)?);
        let value = name.end + 1;
        let sized = || {
            let length = raw.get(value..value + 2)?;
            Some(2 + usize::from(u16::from_be_bytes(length.try_into().ok()?)))
        };
        let (length, is_text) = match raw.get(name.end)? {
            0 | 1 => (0, false),
            2 => (1, false),
            3 => (2, false),
            4 => (4, false),
            5 | 8 => (8, false),
            9 => (16, false),
            6 => (sized()?, false),
            7 => (sized()?, true),
            _ => return None,
        };
        let end = value.checked_add(length).filter(|end| *end <= raw.len())?;
        Some(Self { name, text: is_text.then_some(value + 2..end), end })
    }
}

/// Appends a message with these headers and the payload that is appended by `payload`.
pub(super) fn write(headers: &[u8], out: &mut Vec<u8>, payload: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; PRELUDE]);
    out.extend_from_slice(headers);
    payload(out);
    let length = out.len() - start + CHECKSUM;
    // A payload is far shorter than four gibibytes: an event has a limit.
    let stated = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let lengths = [stated(length), stated(headers.len())].concat();
    let prelude = [lengths.as_slice(), &crc32(&lengths).to_be_bytes()].concat();
    if let Some(place) = out.get_mut(start..start + PRELUDE) {
        place.copy_from_slice(&prelude);
    }
    let checksum = crc32(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&checksum.to_be_bytes());
}

/// The headers of a message of a kind.
pub(super) fn headers(kind: &str, is_error: bool) -> Vec<u8> {
    let mut headers = Vec::new();
    let (name, message) =
        if is_error { (":exception-type", "exception") } else { (":event-type", "event") };
    for (name, value) in
        [(name, kind), (":content-type", "application/json"), (":message-type", message)]
    {
        headers.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        headers.extend_from_slice(name.as_bytes());
        headers.push(7);
        headers.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    headers
}
