//! Long data in JSON: the bytes of an image, a recording or a file, as a string of base64.
//!
//! They are no text of the model's, and longer than any text. A cap on how much of an answer is held
//! to be read would break every answer that shows a picture, so they do not count for it.
use crate::secret::opaque_debug;

/// Members whose string may be data.
const NAMES: [&[u8]; 9] = [
    b"data",
    b"url",
    b"b64_json",
    b"image_url",
    b"audio_url",
    b"file_data",
    b"image",
    b"audio",
    b"result",
];

/// The longest name of such a member.
const LONGEST_NAME: usize = 16;

/// What may stand before the data: `data:application/pdf;base64,`.
const LONGEST_PREFIX: usize = 128;

/// Shorter strings count as text: identifiers look like data.
pub(super) const LEAST: usize = 4 << 10;

/// Tells how much of a JSON text, read in pieces, is long data.
#[derive(Default)]
pub(super) struct LongData {
    /// Bytes looked at.
    seen: usize,
    /// Bytes of long data among them.
    data: usize,
    state: State,
    /// The string before, if it is short: the name of the member whose value follows.
    last: Vec<u8>,
    /// Whether a colon stood behind it.
    named: bool,
}

opaque_debug!(LongData);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Between,
    /// In a string that is text; whether the next byte is escaped.
    Text { escaped: bool },
    /// In a string that has been data so far: how many bytes, whether it is behind the prefix, and
    /// whether the next byte is escaped.
    Data { bytes: usize, prefix: Prefix, escaped: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prefix {
    /// It may begin here.
    Possible,
    /// `data:` has begun it.
    Begun,
    Over,
}

impl LongData {
    /// Reads what `bytes` has more than was looked at before; how much of all is long data.
    pub(super) fn read(&mut self, bytes: &[u8]) -> usize {
        for &byte in bytes.get(self.seen..).unwrap_or_default() {
            self.step(byte);
        }
        self.seen = self.seen.max(bytes.len());
        self.all()
    }

    /// Whether anything was looked at.
    pub(super) fn has_begun(&self) -> bool {
        self.seen > 0
    }

    /// How much of what was looked at is long data.
    pub(super) fn all(&self) -> usize {
        self.data + self.open()
    }

    /// How much of the string that the bytes read so far break off in is long data.
    pub(super) fn last(&self) -> usize {
        self.open()
    }

    /// What of the open string has flowed past, so many bytes, has not been seen.
    pub(super) fn forget(&mut self, bytes: usize) {
        self.seen = self.seen.saturating_sub(bytes);
        if let State::Data { bytes: seen, escaped, .. } = &mut self.state {
            *seen = seen.saturating_sub(bytes);
            *escaped = false;
        }
    }

    /// What of a string that has not ended is long data.
    fn open(&self) -> usize {
        match self.state {
            State::Data { bytes, prefix: Prefix::Over | Prefix::Possible, .. }
                if bytes >= LEAST =>
            {
                bytes
            }
            _ => 0,
        }
    }

    fn step(&mut self, byte: u8) {
        self.state = match self.state {
            State::Between => match byte {
                b'"' => {
                    let known = self.named && NAMES.contains(&self.last.as_slice());
                    (self.named, self.last) = (false, Vec::new());
                    if known {
                        State::Data { bytes: 0, prefix: Prefix::Possible, escaped: false }
                    } else {
                        State::Text { escaped: false }
                    }
                }
                b':' => {
                    self.named = true;
                    State::Between
                }
                b' ' | b'\t' | b'\r' | b'\n' => State::Between,
                _ => {
                    self.named = false;
                    State::Between
                }
            },
            State::Text { escaped: true } => State::Text { escaped: false },
            State::Text { escaped: false } => match byte {
                b'"' => State::Between,
                b'\\' => State::Text { escaped: true },
                _ => {
                    if self.last.len() <= LONGEST_NAME {
                        self.last.push(byte);
                    }
                    State::Text { escaped: false }
                }
            },
            // Some writers escape the slash.
            State::Data { bytes, prefix, escaped: true } if byte == b'/' => {
                State::Data { bytes: bytes + 1, prefix, escaped: false }
            }
            State::Data { escaped: true, .. } => State::Text { escaped: false },
            State::Data { bytes, prefix, .. } => self.in_data(byte, bytes, prefix),
        };
    }

    fn in_data(&mut self, byte: u8, bytes: usize, prefix: Prefix) -> State {
        let bytes = bytes + 1;
        let in_prefix = prefix != Prefix::Over && bytes <= LONGEST_PREFIX;
        let unescaped = |prefix| State::Data { bytes, prefix, escaped: false };
        match (byte, prefix) {
            (b'"', _) => {
                self.data += self.open();
                State::Between
            }
            (b':', Prefix::Possible) if in_prefix => unescaped(Prefix::Begun),
            (b',', Prefix::Begun) if in_prefix => unescaped(Prefix::Over),
            (b'.' | b';', Prefix::Begun) if in_prefix => unescaped(prefix),
            (b'\\', _) if in_prefix || prefix != Prefix::Begun => {
                State::Data { bytes, prefix, escaped: true }
            }
            (byte, _) if is_base64(byte) && (in_prefix || prefix != Prefix::Begun) => {
                unescaped(prefix)
            }
            _ => State::Text { escaped: false },
        }
    }
}

/// Whether a byte stands in base64, of either alphabet.
pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(json: &str) -> usize {
        let whole = LongData::default().read(json.as_bytes());
        let mut pieces = LongData::default();
        let mut last = 0;
        for end in 0..=json.len() {
            last = pieces.read(json.as_bytes().get(..end).unwrap());
        }
        assert_eq!(last, whole);
        whole
    }

    #[test]
    fn long_base64_in_a_member_that_is_known_for_it_is_data_and_nothing_else_is() {
        let long = "QUJD/+A=".repeat(1000);
        assert_eq!(data(&format!(r#"{{"data":"{long}"}}"#)), 8000);
        assert_eq!(data(&format!(r#"{{"x":[{{"data" : "{long}","b":"{long}"}}]}}"#)), 8000);
        let url = format!("data:image/svg+xml;charset=utf-8;base64,{long}");
        assert_eq!(data(&format!(r#"{{"image_url":{{"url":"{url}"}}}}"#)), url.len());
        let escaped = long.replace('/', "\\/");
        assert_eq!(data(&format!(r#"{{"data":"{escaped}"}}"#)), escaped.len());
        for other in [
            format!(r#"{{"content":"{long}"}}"#),
            format!(r#"{{"data":["{long}"]}}"#),
            format!(r#"{{"data":"{long} {long}"}}"#),
            format!(r#"{{"data":"{}"}}"#, long.get(..LEAST - 1).unwrap()),
            format!(r#"{{"data":"x: {long}"}}"#),
            format!(r#"{{"a":"\"data","b":"{long}"}}"#),
            format!(r#"{{"url":"data:{long}"}}"#),
            format!(r#"{{"data":"{long}\\u0041{long}"}}"#),
            format!(r#"{{"data":"{long}\\"{long}"}}"#),
        ] {
            assert_eq!(data(&other), 0, "{}", other.get(..20).unwrap());
        }
    }
}
