//! Replacing pieces of a document and nothing else.

use std::ops::Range;

use super::Members;
use crate::leading::leading;
use crate::secret::opaque_debug;

/// One replacement: the bytes of `span` give way to `with`.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty for an insertion.
    pub span: Range<usize>,
    /// What stands there instead, verbatim.
    pub with: Vec<u8>,
}

opaque_debug!(Edit);

impl Edit {
    /// Replaces the contents of a string, `span` being the bytes between its quotes.
    #[must_use]
    pub fn text(span: Range<usize>, text: &str) -> Self {
        let mut with = Vec::with_capacity(text.len() + 8);
        escape(text, &mut with);
        Self { span, with }
    }

    /// Replaces a whole value by a string.
    #[must_use]
    pub fn string(span: Range<usize>, text: &str) -> Self {
        let mut edit = Self::text(span, text);
        edit.with.insert(0, b'"');
        edit.with.push(b'"');
        edit
    }

    /// Replaces a whole value by a literal such as `null` or a number.
    #[must_use]
    pub fn literal(span: Range<usize>, literal: impl Into<String>) -> Self {
        Self { span, with: literal.into().into_bytes() }
    }
}

/// Writes `text` as string contents, so that no client's line splitter trips over it: besides what
/// RFC 8259 demands, DEL to U+009F, U+2028 and U+2029 are escaped (some clients split streams with
/// functions that take U+0085 or U+2028 for a line end).
pub fn escape(text: &str, out: &mut Vec<u8>) {
    let (mut at, mut plain_from) = (0, 0);
    let bytes = text.as_bytes();
    loop {
        at += leading::<32>(bytes.get(at..).unwrap_or_default(), is_plain);
        let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
        let (begin, code) = (at, u32::from(character));
        at += character.len_utf8();
        if code >= 0xA0 && code != 0x2028 && code != 0x2029 {
            continue;
        }
        out.extend_from_slice(bytes.get(plain_from..begin).unwrap_or_default());
        plain_from = at;
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u");
                for shift in [12, 8, 4, 0] {
                    let digit = char::from_digit(code >> shift & 0xF, 16).unwrap_or('0');
                    out.push(digit as u8);
                }
            }
        }
    }
    out.extend_from_slice(bytes.get(plain_from..).unwrap_or_default());
}

/// Whether a byte is ASCII that a string has as it is.
fn is_plain(byte: u8) -> bool {
    (0x20..0x7F).contains(&byte) & (byte != b'"') & (byte != b'\\')
}

/// Applies `edits` to `document`. They are put in order first, insertions before a replacement of
/// the same place; one that overlaps an earlier one is left out, so that the widest edit wins.
#[must_use]
pub fn splice(document: &[u8], edits: &mut [Edit]) -> Vec<u8> {
    let added: usize = edits.iter().map(|edit| edit.with.len()).sum();
    let mut out = Vec::with_capacity(document.len() + added);
    splice_into(document, edits, &mut out);
    out
}

/// Appends `document` with `edits` applied, as [`splice`] does.
pub(crate) fn splice_into(document: &[u8], edits: &mut [Edit], out: &mut Vec<u8>) {
    edits.sort_by_key(|edit| {
        (edit.span.start, !edit.span.is_empty(), std::cmp::Reverse(edit.span.end))
    });
    let mut copied = 0;
    for Edit { span, with } in edits.iter() {
        if span.start < copied {
            continue;
        }
        out.extend_from_slice(document.get(copied..span.start).unwrap_or_default());
        out.extend_from_slice(with);
        copied = span.end;
    }
    out.extend_from_slice(document.get(copied..).unwrap_or_default());
}

/// The edits that take members out of an object, commas and all; `remove` says which, by index.
pub fn removals(members: &Members, remove: impl Fn(usize) -> bool) -> Vec<Edit> {
    let spans = &members.spans;
    let last_kept = (0..spans.len()).rev().find(|&index| !remove(index));
    let mut edits = Vec::new();
    for (index, span) in spans.iter().enumerate().filter(|&(index, _)| remove(index)) {
        let removed = match (last_kept, spans.get(index + 1)) {
            // A kept member follows: this one goes with the comma after it.
            (Some(kept), Some(next)) if index < kept => span.start..next.start,
            // None follows: the whole tail goes, with the comma before it.
            (Some(kept), _) => spans.get(kept).map_or(span.start, |kept| kept.end)..span.end,
            (None, _) => spans.first().map_or(span.start, |first| first.start)..span.end,
        };
        edits.push(Edit { span: removed, with: Vec::new() });
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::super::Reader;
    use super::*;

    #[test]
    fn an_insertion_survives_where_what_stands_behind_it_is_removed() {
        let removal = Edit { span: 1..8, with: Vec::new() };
        let insertion = Edit { span: 1..1, with: b"\"b\":2,".to_vec() };
        let mut edits = [removal, insertion];
        assert_eq!(splice(br#"{"a":1, "c":3}"#, &mut edits), br#"{"b":2,"c":3}"#);
    }

    #[test]
    fn each_character_is_escaped_the_same_wherever_it_stands() {
        let escaped = |text: &str| {
            let mut out = Vec::new();
            escape(text, &mut out);
            String::from_utf8(out).unwrap()
        };
        for character in ('\0'..='\u{a0}').chain(['\u{2028}', '\u{2029}', '考', '😀']) {
            let alone = escaped(&character.to_string());
            let stays = !character.is_control() && !"\"\\\u{2028}\u{2029}".contains(character);
            assert_eq!(alone == character.to_string(), stays, "{character:?}");
            for place in 0..70 {
                let (before, behind) = ("a".repeat(place), "b".repeat(70 - place));
                let text = format!("{before}{character}{behind}");
                assert_eq!(escaped(&text), format!("{before}{alone}{behind}"));
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn escaped_text_reads_back_and_holds_no_line_break_of_any_kind(text in ".*") {
            let mut out = vec![b'"'];
            escape(&text, &mut out);
            out.push(b'"');
            let read: String = serde_json::from_slice(&out).unwrap();
            proptest::prop_assert_eq!(read, text);
            let written = String::from_utf8(out).unwrap();
            let breaks_lines = |character: char| character.is_control() || "\u{2028}\u{2029}".contains(character);
            proptest::prop_assert!(!written.contains(breaks_lines));
        }

        /// Oracle: serde_json's map, with the same members removed.
        #[test]
        fn removing_members_leaves_the_others_and_valid_json(mask in proptest::collection::vec(proptest::bool::ANY, 0..7)) {
            let body = mask.iter().enumerate().map(|(index, _)| format!(" \"k{index}\" : [{index}, \"x,}}\"] ")).collect::<Vec<_>>().join(",");
            let document = format!("{{{body}}}");
            let mut members = Members::default();
            Reader::new(document.as_bytes()).document(|reader| reader.members(|reader, key| {
                let end = reader.skip()?.end;
                members.spans.push(key.start..end);
                Ok(())
            })).unwrap();
            let mut edits = removals(&members, |index| mask[index]);
            let left = splice(document.as_bytes(), &mut edits);
            let left: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&left).unwrap();
            let expected: Vec<String> = mask.iter().enumerate().filter(|(_, removed)| !**removed).map(|(index, _)| format!("k{index}")).collect();
            proptest::prop_assert_eq!(left.keys().cloned().collect::<Vec<_>>(), expected);
        }
    }
}
