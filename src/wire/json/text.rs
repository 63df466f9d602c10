//! String contents: from what stands between the quotes to text.

use std::borrow::Cow;

use memchr::memchr;

/// A string's contents are not text: a lone surrogate (byte-level tokenizers split characters
/// across events), an unknown escape, or bytes that are not UTF-8. Such a string can be passed on
/// or withheld whole, not edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the string cannot be decoded")]
pub struct Undecodable;

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

    proptest::proptest! {
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
