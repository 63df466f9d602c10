//! Long data in JSON: the bytes of an image, a recording or a file, as a string of base64.
//!
//! They are no text of the model's, and longer than any text. A cap on how much of an answer is held
//! to be read would break every answer that shows a picture, so they do not count for it.
use super::base64::{Base64, LONGEST_PREFIX};
use crate::secret::opaque_debug;

/// Members whose string may be data: of media, of what is sealed, and of what tools give back. Where the
/// model's own text stands (`content`, `text`) all is text: it has to be held to be edited.
const NAMES: [&[u8]; 12] = [
    b"blob",
    b"encrypted_content",
    b"signature",
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

/// The member whose array may hold such strings.
const LISTS: &[u8] = b"images";

/// The longest name of such a member.
const LONGEST_NAME: usize = 20;

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
    /// Whether what has come since are strings of an array that is [known](LISTS) for data.
    listed: bool,
}

opaque_debug!(LongData);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Between,
    /// In a string that is text; whether the next byte is escaped.
    Text { escaped: bool },
    /// In a string that has been data so far: how many bytes, whether it is behind the prefix, and
    /// what the data tells of what may follow.
    Data { bytes: usize, prefix: Prefix, text: Base64 },
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
    /// Reads what `bytes` has more than was looked at before; how much of all is long data. That of which
    /// the rest has to tell is taken for it: what counts must not depend on where the bytes are cut.
    pub(super) fn read(&mut self, bytes: &[u8]) -> usize {
        for &byte in bytes.get(self.seen..).unwrap_or_default() {
            self.step(byte);
        }
        self.seen = self.seen.max(bytes.len());
        match self.state {
            State::Data { bytes, .. } => self.data + bytes,
            _ => self.data,
        }
    }

    /// Whether anything was looked at.
    pub(super) fn has_begun(&self) -> bool {
        self.seen > 0
    }

    /// Where the string begins that the bytes read so far break off in.
    pub(super) fn start(&self) -> usize {
        match self.state {
            State::Data { bytes, .. } => self.seen.saturating_sub(bytes),
            _ => self.seen,
        }
    }

    /// How much of the string that the bytes read so far break off in is long data.
    pub(super) fn last(&self) -> usize {
        self.open()
    }

    /// What of the open string has flowed past, so many bytes, has not been seen.
    pub(super) fn forget(&mut self, bytes: usize) {
        self.seen = self.seen.saturating_sub(bytes);
        if let State::Data { bytes: seen, text, .. } = &mut self.state {
            *seen = seen.saturating_sub(bytes);
            *text = Base64::resumed();
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
                    let named = self.named && NAMES.contains(&self.last.as_slice());
                    let known = named || self.listed;
                    (self.named, self.last) = (false, Vec::new());
                    if known {
                        State::Data { bytes: 0, prefix: Prefix::Possible, text: Base64::at_start() }
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
                    let opens = byte == b'[' && self.named && self.last == LISTS;
                    self.listed = opens || self.listed && byte == b',';
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
            State::Data { bytes, prefix, text } => self.in_data(byte, bytes + 1, prefix, text),
        };
    }

    fn in_data(&mut self, byte: u8, bytes: usize, prefix: Prefix, mut text: Base64) -> State {
        let in_prefix = prefix != Prefix::Over && bytes <= LONGEST_PREFIX;
        let data = |prefix, text| State::Data { bytes, prefix, text };
        let whole = text.is_whole();
        match (byte, prefix) {
            _ if !whole => {}
            (b'"', _) => {
                self.data += self.open();
                return State::Between;
            }
            (b':', Prefix::Possible) if in_prefix => return data(Prefix::Begun, text),
            (b',', Prefix::Begun) if in_prefix => return data(Prefix::Over, Base64::at_start()),
            (b'.' | b';', Prefix::Begun) if in_prefix => return data(prefix, text),
            _ => {}
        }
        if text.step(byte) && (in_prefix || prefix != Prefix::Begun) {
            data(prefix, text)
        } else {
            State::Text { escaped: whole && byte == b'\\' }
        }
    }
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
            // What counts never becomes less.
            assert!(end - last <= json.len() - whole, "{end}");
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
        let lines = |end| {
            long.as_bytes()
                .chunks(76)
                .map(|line| format!("{}{end}", std::str::from_utf8(line).unwrap()))
                .collect::<String>()
        };
        for written in [
            long.replace('/', "\\/"),
            long.replace('+', "\\u002B").replace('=', "\\u003d"),
            lines("\\r\\n"),
            lines("\\n"),
            format!("{long} \\t\\n "),
        ] {
            for name in ["data", "blob", "encrypted_content", "signature"] {
                let json = format!(r#"{{"{name}":"{written}"}}"#);
                assert_eq!(data(&json), written.len(), "{name}");
            }
        }
        assert_eq!(data(&format!(r#"{{"images":["{long}", "{url}"]}}"#)), 8000 + url.len());
        for other in [
            format!(r#"{{"images":[],"b":"{long}"}}"#),
            format!(r#"{{"images":[{{"b":"{long}"}}]}}"#),
            format!(r#"{{"images":["a"],"b":["{long}"]}}"#),
            format!(r#"{{"content":"{long}"}}"#),
            format!(r#"{{"text":"{long}"}}"#),
            format!(r#"{{"thinking":"{long}"}}"#),
            format!(r#"{{"data":["{long}"]}}"#),
            format!(r#"{{"data":"{long} {long}"}}"#),
            format!(r#"{{"data":"{}"}}"#, long.get(..LEAST - 1).unwrap()),
            format!(r#"{{"data":"x: {long}"}}"#),
            format!(r#"{{"a":"\"data","b":"{long}"}}"#),
            format!(r#"{{"url":"data:{long}"}}"#),
            format!(r#"{{"data":"{long}\\u0020{long}"}}"#),
            format!(r#"{{"data":"{long}\\nzebra\\n{long}"}}"#),
            format!(r#"{{"data":"{long}\\"{long}"}}"#),
        ] {
            assert_eq!(data(&other), 0, "{}", other.get(..20).unwrap());
        }
    }
}
