//! What servers seal of the reasoning, for clients to send back.
//!
//! Under the name by which vendors send ciphertext some servers send the reasoning as it is (Ollama), or
//! in base64. So only what is encoded and is no text then passes for sealed.

use crate::wire::json::{Error, Kind as JsonKind, Reader};
use crate::wire::listed::Shape;
use crate::wire::scan::{FieldKind, Scan};

/// How much of it is looked at: no text begins later.
const LOOKED_AT: usize = 4096;

/// Reads the next value as what is sealed.
pub(super) fn sealed(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    let is_text = reader.kind()? == JsonKind::String;
    let start = reader.position();
    let span = reader.skip()?;
    let value = reader.bytes().get(span).unwrap_or_default();
    let contents = value.get(1..value.len().saturating_sub(1)).unwrap_or_default();
    let mut again = Reader::at(reader.bytes(), start);
    if is_text && (!Shape::Sealed.fits(value) || is_readable(contents)) {
        return scan.unlisted(&mut again, FieldKind::Unsealed, name);
    }
    scan.shaped(&mut again, Shape::Sealed, FieldKind::Leak, name)
}

/// The least bytes of ciphertext. What is shorter is a word.
const SHORTEST: usize = 8;

/// Whether the contents of a string can be read, as they stand or decoded.
fn is_readable(contents: &[u8]) -> bool {
    if contents.is_empty() {
        return false;
    }
    let plain: Vec<u8> = contents.iter().copied().filter(|byte| *byte != b'\\').collect();
    let looked_at = plain.get(..LOOKED_AT).unwrap_or(&plain);
    match from_base64(looked_at) {
        Some(decoded) if decoded.len() >= SHORTEST => {
            begins_as_text(&decoded) || from_hex(looked_at).is_some_and(|it| begins_as_text(&it))
        }
        _ => true,
    }
}

/// Whether bytes are text, as far as they go.
fn begins_as_text(bytes: &[u8]) -> bool {
    // The last character may be cut.
    std::str::from_utf8(bytes).err().is_none_or(|error| error.error_len().is_none())
}

/// The bytes that base64 stands for, in either alphabet, be it cut; `None` if it is none.
fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let filled = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let digits = text.get(..text.len() - filled.min(2))?;
    let mut bytes = Vec::with_capacity(digits.len());
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in digits {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.extend(u8::try_from(bits >> held & 0xff));
        }
    }
    Some(bytes)
}

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pairs = text.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(value: &str) -> bool {
        let mut scan = Scan::default();
        sealed(&mut Reader::new(value.as_bytes()), b"encrypted_content", &mut scan).unwrap();
        !scan.fields.is_empty()
    }

    // Break it: take whatever has no white space for sealed.
    #[test]
    fn only_what_nobody_can_read_is_sealed() {
        for value in [
            r#""the zebra is striped""#,
            r#""thezebra""#,
            r#""dGhlemVicmE=""#,
            r#""the\u0020zebra""#,
            r#""dGhlIHplYnJhIGlzIHN0cmlwZWQ=""#,
            r#""dGhlIHplYnJhIGlzIHN0cmlwZWQ""#,
            r#""746865207a65627261206973207374726970656421""#,
            r#""the.zebra""#,
            r#""{\"id\":\"rs_1\"}""#,
            r#"{"content":"x"}"#,
            r#""5paR6ams5pyJ5p2h57q5""#,
        ] {
            assert!(closed(value), "{value}");
        }
        for value in [
            "null",
            r#""""#,
            r#""gAAAAABo_final_ciphertext""#,
            r#""u8B9yqfX0kQ3q9Wl6Zr8w7mHn+TtVbD4GxS5pF2cEJ\/KaLMoUiRYeN1A0hCzdQvX==""#,
        ] {
            assert!(!closed(value), "{value}");
        }
    }
}
