//! What a member of an allow-list may be.
//!
//! A member is allowed for what it is known to say. Under the same name another server may say
//! anything, so each has a shape, and what does not fit is treated like a member that nobody knows.

use std::ops::Range;

use super::framing::base64;
use super::json::{Kind, Reader, unescape};

/// A member's name, and what may stand under it.
pub(super) type Listed = (&'static [u8], Shape);

/// What may stand under a name; `null` always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A name that programs give: one string without white space.
    Identifier,
    /// What names a call, and comes back with its result: a number, or a string without white space.
    /// Gateways put signatures into it.
    CallId,
    /// True or false.
    Flag,
    /// An identifier of an event, or of the answer in it: another in every event of some servers.
    EventId,
    /// A point in time, in seconds or finer; 0 where a server has none to tell.
    Time,
    /// One string of at most so many bytes that the client or the vendor has written.
    Text(usize),
    /// Identifiers, flags and small numbers, nested: a moderation's findings.
    Findings,
    /// One string without white space, however long: a signature, sealed or encoded data. Base64 may
    /// have ends of lines.
    Sealed,
    /// Identifiers of any length, nested: addresses of pages.
    Links,
    /// Identifiers and numbers of any length, nested: media, references.
    Data,
    /// Anything of at most so many bytes: what was found elsewhere and is quoted.
    Quoted(usize),
}

/// The longest identifier.
const IDENTIFIER: usize = 256;

/// The longest id of a call.
const CALL_ID: usize = 4096;

/// The longest findings.
const FINDINGS: usize = 8192;

/// From here on a finding's number could be a count of tokens.
const SMALL: f64 = 100.0;

/// 2001, in seconds: no count of tokens is as high.
const EARLIEST: f64 = 1e9;

impl Shape {
    /// Whether a value has this shape.
    pub(super) fn fits(self, value: &[u8]) -> bool {
        if value == b"null" {
            return true;
        }
        match self {
            Self::Identifier | Self::EventId => contents(value).is_some_and(is_identifier),
            Self::CallId => match contents(value) {
                Some(id) => {
                    id.len() <= CALL_ID && is_unbroken(id)
                        || id.len() <= IDENTIFIER && is_printed(id, |it| !it.is_whitespace())
                }
                None => value.len() <= 20 && value.iter().all(u8::is_ascii_digit),
            },
            Self::Flag => is_flag(value),
            Self::Time => {
                contents(value).is_some_and(is_identifier)
                    || number(value).is_some_and(|time| time >= EARLIEST)
                    // Nobody's time, where a typed client must have one.
                    || matches!(value, b"0" | b"1")
            }
            Self::Text(most) => contents(value).is_some_and(|text| text.len() <= most),
            Self::Quoted(most) => value.len() <= most,
            Self::Findings => {
                let small = |leaf: Leaf<'_>| match leaf {
                    Leaf::Text(text) => is_identifier(text) && number(text).is_none_or(is_small),
                    Leaf::Other(other) => is_flag(other) || number(other).is_some_and(is_small),
                };
                value.len() <= FINDINGS && leaves(value, small)
            }
            Self::Sealed => contents(value).is_some_and(is_encoded),
            Self::Links => leaves(value, |leaf| match leaf {
                Leaf::Text(text) => is_unbroken(text),
                Leaf::Other(other) => is_flag(other),
            }),
            Self::Data => leaves(value, |leaf| match leaf {
                Leaf::Text(text) => is_encoded(text),
                Leaf::Other(other) => is_flag(other) || number(other).is_some(),
            }),
        }
    }
}

impl Shape {
    /// Whether what has this shape was said by others.
    pub(super) fn is_quoted(self) -> bool {
        matches!(self, Self::Text(_) | Self::Quoted(_) | Self::Links | Self::Sealed)
    }

    /// Whether what has this shape may be another in every event, and tells nothing.
    pub(super) fn varies(self) -> bool {
        matches!(self, Self::Time | Self::EventId)
    }

    /// Whether encoded data of any length has this shape.
    pub(super) fn is_data(self) -> bool {
        matches!(self, Self::Data | Self::Sealed)
    }
}

/// Whether a value that is no [`Shape::CallId`] is one in words: longer in other letters than ASCII, or
/// with spaces, one at a time.
pub(super) fn is_worded_id(value: &[u8]) -> bool {
    contents(value).is_some_and(|id| {
        let mut before = '\0';
        let one_at_a_time = |it: char| {
            let doubled = it == ' ' && std::mem::replace(&mut before, it) == ' ';
            before = it;
            !doubled && (it == ' ' || !it.is_whitespace())
        };
        id.len() <= CALL_ID && is_printed(id, one_at_a_time)
    })
}

/// What stands under `name` in a list.
pub(super) fn shape(list: &[Listed], name: &[u8]) -> Option<Shape> {
    list.iter().find(|(known, _)| *known == name).map(|(_, shape)| *shape)
}

/// A value as a number, be it written as a string or as a fraction.
pub(super) fn number(value: &[u8]) -> Option<f64> {
    let digits = contents(value).unwrap_or(value);
    let number: f64 = std::str::from_utf8(digits).ok()?.trim().parse().ok()?;
    number.is_finite().then_some(number)
}

fn is_small(number: f64) -> bool {
    number.abs() < SMALL
}

/// The contents of a value that is a string.
fn contents(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

fn is_flag(value: &[u8]) -> bool {
    matches!(value, b"true" | b"false" | b"null")
}

/// Whether a string's contents are an identifier.
pub(super) fn is_identifier(raw: &[u8]) -> bool {
    raw.len() <= IDENTIFIER && is_unbroken(raw)
}

/// Whether a string's contents hold no white space, written or escaped, and nothing but ASCII: in
/// the scripts that need no spaces a thought would have none.
fn is_unbroken(raw: &[u8]) -> bool {
    is_plain(raw)
        || raw.contains(&b'\\')
            && unescape(raw).is_ok_and(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// Whether all bytes are graphic ASCII and none escapes another; in lanes, since every event has such values.
fn is_plain(raw: &[u8]) -> bool {
    const LANES: usize = 16;
    let plain = |byte: u8| byte.is_ascii_graphic() & (byte != b'\\');
    raw.chunks(LANES).all(|lanes| lanes.iter().fold(true, |all, byte| all & plain(*byte)))
}

/// Whether a string's contents are text without control characters, of characters that fit.
fn is_printed(raw: &[u8], fits: impl FnMut(char) -> bool) -> bool {
    let text = unescape(raw);
    text.is_ok_and(|text| !text.chars().any(char::is_control) && text.chars().all(fits))
}

/// Whether a string's contents may be encoded data.
fn is_encoded(raw: &[u8]) -> bool {
    is_unbroken(raw) || base64::is_in_lines(raw)
}

enum Leaf<'a> {
    /// The contents of a string, a member's name or its value.
    Text(&'a [u8]),
    Other(&'a [u8]),
}

/// Whether all strings, numbers and words of a value, however deep they stand, fit.
fn leaves(value: &[u8], fits: impl Fn(Leaf<'_>) -> bool) -> bool {
    let mut leaves = Leaves { value, at: 0 };
    let all = leaves.all(|(text, span)| {
        let leaf = value.get(span).unwrap_or_default();
        fits(if text { Leaf::Text(contents(leaf).unwrap_or_default()) } else { Leaf::Other(leaf) })
    });
    all && leaves.at >= value.len()
}

/// The contents of those strings of a value that are longer than any identifier.
pub(super) fn long_strings(value: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let value = if value.len() > IDENTIFIER { value } else { &[] };
    let strings = Leaves { value, at: 0 }.filter(|(text, _)| *text);
    strings.map(|(_, span)| span.start + 1..span.end - 1).filter(|span| span.len() > IDENTIFIER)
}

/// The strings, numbers and words of a value, in order: whether each is a string, and where it stands.
/// They end before the end of a value that cannot be read.
struct Leaves<'v> {
    value: &'v [u8],
    at: usize,
}

impl Iterator for Leaves<'_> {
    type Item = (bool, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let between = |byte: &u8| b"{}[],: \n\r\t".contains(byte);
        while self.value.get(self.at).is_some_and(between) {
            self.at += 1;
        }
        self.value.get(self.at)?;
        let mut reader = Reader::at(self.value, self.at);
        let text = reader.kind() == Ok(Kind::String);
        let span = reader.skip().ok()?;
        self.at = span.end;
        Some((text, span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thought_fits_no_shape_but_those_of_what_others_wrote() {
        let thought = br#""the zebra is striped""#;
        let spaceless = r#""斑马有条纹""#.as_bytes();
        let escaped = br#""the\u0020zebra""#;
        let nested = br#"{"a":[{"b":"the zebra"}]}"#;
        let named = br#"{"the zebra":1}"#;
        let lines = br#""the\nzebra\nis""#;
        for shape in [
            Shape::Identifier,
            Shape::Flag,
            Shape::Time,
            Shape::Findings,
            Shape::Sealed,
            Shape::Data,
        ] {
            for value in [&thought[..], spaceless, escaped, nested, named, lines] {
                assert!(!shape.fits(value), "{shape:?}");
            }
        }
    }

    #[test]
    fn what_servers_send_under_such_names_fits() {
        for (shape, value) in [
            (Shape::Identifier, r#""chatcmpl-9_a.b:c""#),
            (Shape::Identifier, "null"),
            (Shape::Time, "1764374400"),
            (Shape::Time, "1764374400.25"),
            (Shape::Time, r#""2026-11-29T11:00:00Z""#),
            (Shape::Findings, r#"{"hate": {"filtered":false,"severity":"safe"}, "score":0.5}"#),
            (Shape::Data, r#"[{"image_url":{"url":"data:image\/png;base64,AA=="}}]"#),
            (Shape::Quoted(20), r#"[{"title":"A b"}]"#),
        ] {
            assert!(shape.fits(value.as_bytes()), "{shape:?} {value}");
        }
    }

    #[test]
    fn a_count_is_no_time_and_no_finding() {
        assert!(!Shape::Time.fits(b"7919") && !Shape::Findings.fits(br#"{"n":7919}"#));
        assert!(!Shape::Identifier.fits(b"7919") && !Shape::Flag.fits(b"7919"));
    }

    #[test]
    fn a_number_is_read_however_it_is_written() {
        let numbers = ["7919", "\"7919\"", "7919.0", "7.919e3", "\" 7919\""];
        assert!(numbers.iter().all(|written| number(written.as_bytes()) == Some(7919.0)));
        assert!(["NaN", "\"\"", "true", "[1]"].iter().all(|it| number(it.as_bytes()).is_none()));
    }
}
