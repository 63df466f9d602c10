//! String contents: from what stands between the quotes to text.

use std::borrow::Cow;

use memchr::memchr;

/// A string's contents are not text: a lone surrogate (byte-level tokenizers split characters
/// across events), an unknown escape, or bytes that are not UTF-8. Such a string can be passed on
/// or withheld whole, not edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the string cannot be decoded")]
pub struct Undecodable;

/// What can be read of a string's contents that cannot be decoded, U+FFFD in place of the rest.
#[must_use]
pub fn unescape_lossy(raw: &[u8]) -> String {
    let mut decoded = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        decoded.push_str(&String::from_utf8_lossy(plain));
        // One escape, or the two of a surrogate pair; else a backslash and what follows it.
        let length = [6, 12, 2].into_iter().find(|&length| {
            let text = escape.get(..length).map(unescape);
            text.is_some_and(|text| text.is_ok_and(|text| text.chars().count() == 1))
        });
        match length.and_then(|length| escape.split_at_checked(length)) {
            Some((escape, behind)) => {
                decoded.push_str(&unescape(escape).unwrap_or_default());
                rest = behind;
            }
            None => {
                decoded.push(char::REPLACEMENT_CHARACTER);
                let unit = escape.get(1) == Some(&b'u') && escape.len() >= 6;
                rest = escape.get(if unit { 6 } else { 2 }..).unwrap_or_default();
            }
        }
    }
    decoded + &String::from_utf8_lossy(rest)
}

/// Resolves the escapes of a string's contents (RFC 8259 §7); borrows when there are none.
///
/// # Errors
/// [`Undecodable`], as said there.
pub fn unescape(raw: &[u8]) -> Result<Cow<'_, str>, Undecodable> {
    if memchr(b'\\', raw).is_none() {
        return std::str::from_utf8(raw).map(Cow::Borrowed).map_err(|_| Undecodable);
    }
    let text = std::str::from_utf8(raw).map_err(|_| Undecodable)?;
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('\\') {
        decoded.push_str(plain);
        let mut characters = after.chars();
        let escape = characters.next().ok_or(Undecodable)?;
        rest = characters.as_str();
        match escape {
            '"' | '\\' | '/' => decoded.push(escape),
            'b' => decoded.push('\u{8}'),
            'f' => decoded.push('\u{c}'),
            'n' => decoded.push('\n'),
            'r' => decoded.push('\r'),
            't' => decoded.push('\t'),
            'u' => {
                let (unit, after) = code_unit(rest)?;
                rest = after;
                let character = match unit {
                    0xD800..=0xDBFF => {
                        let (low, after) = code_unit(rest.strip_prefix("\\u").ok_or(Undecodable)?)?;
                        rest = after;
                        char::decode_utf16([unit, low]).next().and_then(Result::ok)
                    }
                    _ => char::from_u32(u32::from(unit)),
                };
                decoded.push(character.ok_or(Undecodable)?);
            }
            _ => return Err(Undecodable),
        }
    }
    decoded.push_str(rest);
    Ok(Cow::Owned(decoded))
}

fn code_unit(text: &str) -> Result<(u16, &str), Undecodable> {
    let (digits, rest) = text.split_at_checked(4).ok_or(Undecodable)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Undecodable);
    }
    let unit = u16::from_str_radix(digits, 16).map_err(|_| Undecodable)?;
    Ok((unit, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_of_undecodable_contents_is_read() {
        let cases: [(&[u8], &str); 5] = [
            (br"a\ud83d b\n", "a\u{fffd} b\n"),
            (br"\ud83d\u003cthink\u003e", "\u{fffd}<think>"),
            (br"\x\\\ude00\ud83d\ude00", "\u{fffd}\\\u{fffd}😀"),
            (b"\xff\\u00e9\\", "\u{fffd}é\u{fffd}"),
            (br"\u12", "\u{fffd}12"),
        ];
        for (raw, text) in cases {
            assert_eq!(unescape_lossy(raw), text);
        }
    }

    proptest::proptest! {
        /// Oracle: the strict decoder, wherever it succeeds.
        #[test]
        fn decodable_contents_are_read_alike_strictly_and_lossily(contents in r"([a-z]|\\[nrtbf/\\]|\\u[0-9a-fd][0-9a-f8c]{3}|é)*") {
            if let Ok(text) = unescape(contents.as_bytes()) {
                proptest::prop_assert_eq!(unescape_lossy(contents.as_bytes()), text);
            }
        }

        /// Oracle: serde_json, whose writer and reader are independent of ours.
        #[test]
        fn text_that_serde_json_wrote_is_read_back(text in ".*") {
            let written = serde_json::to_string(&text).unwrap();
            let contents = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
            proptest::prop_assert_eq!(unescape(contents.as_bytes()).unwrap(), text);
        }

        #[test]
        fn decoding_agrees_with_serde_json(contents in r"([a-z]|\\[nrtbf/\\x]|\\u[0-9a-fd][0-9a-f8c]{3}|é)*") {
            let oracle: Result<String, _> = serde_json::from_str(&format!("\"{contents}\""));
            let ours = unescape(contents.as_bytes());
            proptest::prop_assert_eq!(ours.ok().map(Cow::into_owned), oracle.ok());
        }
    }
}
