//! The one segment of a path that names a model of Amazon Bedrock's: `/model/NAME/converse`.
//!
//! A name may be an ARN, in which colons and slashes stand. Clients escape both, once, and colons may stand as
//! they are. No other escape is known, so that all servers read one name, and none reads the end of it for the
//! end of the path.

use std::borrow::Cow;
use std::ops::Range;

/// What stands before it.
const BEFORE: &str = "/model/";

/// The longest name that the service knows.
const LONGEST: usize = 2048;

/// The most parts that an ARN has between its slashes: `…:custom-model/MODEL/ID`.
const PARTS: usize = 3;

/// Where it stands in a path whose last `end` bytes are what is asked of the model.
fn before(path: &str, end: usize) -> Option<Range<usize>> {
    let front = path.get(..path.len().checked_sub(end)?)?;
    let at = front.rfind('/')? + 1;
    front.get(..at)?.ends_with(BEFORE).then_some(at..front.len())
}

/// Whether a model is named before the last `end` bytes of a path.
pub(super) fn stands_before(path: &str, end: usize) -> bool {
    let name = before(path, end).and_then(|span| path.get(span));
    name.is_some_and(names_a_model)
}

/// A path with a model's name in a segment that has no escapes; as it stands if it has no such name.
pub(super) fn without_escapes(path: &str) -> Cow<'_, str> {
    let end = path.rfind('/').map_or(0, |at| path.len() - at);
    let span = before(path, end).filter(|span| path.get(span.clone()).is_some_and(names_a_model));
    let Some(Range { start, end }) = span else { return path.into() };
    let parts = (path.get(..start).unwrap_or_default(), path.get(end..).unwrap_or_default());
    format!("{}model{}", parts.0, parts.1).into()
}

/// Whether a segment names a model, as far as escapes go.
fn names_a_model(segment: &str) -> bool {
    let Some(name) = unescaped(segment) else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(plain) && part.bytes().any(|byte| byte != b'.')
    };
    let parts = name.split('/').count();
    let in_parts = parts == 1 || parts <= PARTS && name.starts_with("arn:");
    in_parts && name.len() <= LONGEST && name.split('/').all(is_part) && !name.contains("..")
}

/// The same without the escapes of colons and slashes; `None` if there are others.
fn unescaped(segment: &str) -> Option<String> {
    let mut parts = segment.split('%');
    let mut name = parts.next()?.to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        name.push(match code {
            "3A" | "3a" => ':',
            "2F" | "2f" => '/',
            _ => return None,
        });
        name.push_str(rest);
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::super::target::in_component;
    use super::*;

    const ARN: &str =
        "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude";

    // Break it: allow any escape, or unescape again.
    #[test]
    fn a_segment_names_a_model_by_colons_and_slashes_escaped_once() {
        for name in [
            "m",
            "anthropic.claude-sonnet-4-20250514-v1:0",
            "us.anthropic.claude-sonnet-4-20250514-v1%3a0",
            ARN,
            "arn:aws-us-gov:bedrock:us-gov-west-1:1:custom-model%2fa.b%2F1",
        ] {
            let path = format!("/up/model/{name}/converse");
            assert!(stands_before(&path, "/converse".len()), "{name}");
            assert_eq!(without_escapes(&path), "/up/model/model/converse");
        }
        for name in [
            "",
            ".",
            "..",
            "%2e%2e",
            "a%2Fb",
            "arn:x%2F",
            "arn:x%2F..%2Fconverse",
            "arn:x%2F.%2Fy",
            "arn:x%2F%2Fy",
            "arn:a%2Fb%2Fc%2Fd",
            "arn:x..y",
            "a%253A0",
            "a%00",
            "a%0a",
            "a%3",
            "a%",
            "a%3Fb",
            "a%23b",
            "a;b",
            "a%3Bb",
            "a\\b",
            "a%5Cb",
            "a b",
            "a+b",
            "a@b",
            "\u{e9}",
            "%61",
        ] {
            let path = format!("/model/{name}/converse");
            assert!(!stands_before(&path, "/converse".len()), "{name}");
            assert_eq!(without_escapes(&path), path);
        }
        for path in ["/converse", "/model/converse", "/models/m/converse", "/model/a/b/converse"] {
            assert!(!stands_before(path, "/converse".len()), "{path}");
        }
        // As the vendor's libraries escape it.
        assert_eq!(in_component(&unescaped(ARN).unwrap()), ARN);
    }
}
