//! What a request carries back of the model's reasoning, for the server to open.

use std::ops::Range;

use super::json::{Edit, Error, Kind, Reader};
use crate::secret::opaque_debug;

/// A block of a conversation that carries what its server has signed or sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Carried {
    /// The kind of place, by the name that it has in answers, too.
    pub carrier: &'static str,
    /// The whole value that carries it.
    pub value: Range<usize>,
    /// What stands there where the server has put nothing.
    pub nothing: &'static str,
    /// The strings of the block in which its reasoning stands, by their numbers: whole values.
    pub texts: Vec<(u32, Range<usize>)>,
    /// What the member is called that holds the text whose number is 0, which clients may leave out
    /// where it is empty.
    pub member: Option<&'static str>,
    /// The lists that its texts stand in, which clients may shorten or leave out.
    pub lists: Vec<TextList>,
    /// The block, as an element of its list; `None` if it is the value alone.
    pub block: Option<Element>,
    /// The message that it stands in, where that may not be left without any block.
    pub message: Option<Element>,
}

/// A list of texts, each in an object of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct TextList {
    /// The numbers of its texts, the first one's first.
    pub numbers: Range<u32>,
    /// What it is called.
    pub name: &'static str,
    /// Where it stands, or, empty, where it would behind another member.
    pub place: Range<usize>,
    /// What stands before the contents of each text, and behind.
    pub around: (&'static str, &'static str),
}

/// Passes over a value; where it stands, if it is a string.
pub(super) fn string(reader: &mut Reader<'_>) -> Result<Option<Range<usize>>, Error> {
    let is_string = reader.kind()? == Kind::String;
    let span = reader.skip()?;
    Ok(is_string.then_some(span))
}

impl TextList {
    /// What has the list hold these texts, each at the place of its number, and no others; `None` if it
    /// would be longer than any.
    #[must_use]
    pub fn filled(&self, texts: &[(u32, Vec<u8>)]) -> Option<Edit> {
        let Self { numbers, name, place, around: (before, behind) } = self;
        let mut with = Vec::new();
        if place.is_empty() {
            with.extend_from_slice(format!(",\"{name}\":").as_bytes());
        }
        with.push(b'[');
        let mut next = numbers.start;
        for (number, raw) in texts.iter().filter(|(number, _)| numbers.contains(number)) {
            if number - numbers.start > LONGEST {
                return None;
            }
            // A text of which nothing was said has its place all the same.
            for at in next..=*number {
                with.extend_from_slice(if at == numbers.start { b"" } else { b"," });
                with.extend_from_slice(before.as_bytes());
                with.extend_from_slice(if at == *number { raw } else { b"" });
                with.extend_from_slice(behind.as_bytes());
            }
            next = number.saturating_add(1);
        }
        with.push(b']');
        Some(Edit { span: place.clone(), with })
    }
}

/// The most texts of a list.
const LONGEST: u32 = 4096;

/// An element of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// Where the array begins.
    pub list: usize,
    /// Where the element does.
    pub start: usize,
}

opaque_debug!(Carried, TextList);

/// The edits that take elements out of an array, commas and all: those that begin at `dropped`, in
/// order. How many are left, too. Nothing is kept of the others, however many there are.
///
/// # Errors
/// The array is malformed.
pub fn without_elements(
    body: &[u8],
    list: usize,
    dropped: &[usize],
) -> Result<(Vec<Edit>, usize), Error> {
    let mut edits = Vec::new();
    let mut left = 0;
    // Where the last one ends that stays, where those begin that go, and where the last one of them ends.
    let (mut kept, mut from, mut end): (Option<usize>, Option<usize>, usize) = (None, None, list);
    let mut cut = |span: Range<usize>| edits.push(Edit { span, with: Vec::new() });
    Reader::at(body, list).elements(|reader, _| {
        let span = reader.skip()?;
        end = span.end;
        if dropped.binary_search(&span.start).is_ok() {
            from.get_or_insert(span.start);
        } else {
            from.take().into_iter().for_each(|from| cut(from..span.start));
            kept = Some(span.end);
            left += 1;
        }
        Ok(())
    })?;
    if let Some(from) = from {
        cut(kept.unwrap_or(from)..end);
    }
    Ok((edits, left))
}

#[cfg(test)]
mod tests {
    use super::super::json::splice;
    use super::*;

    proptest::proptest! {
        /// Oracle: serde_json's array, with the same elements removed.
        #[test]
        fn what_is_left_of_an_array_is_the_others(
            mask in proptest::collection::vec(proptest::bool::ANY, 0..8),
            padding in " {0,2}",
        ) {
            let elements: Vec<String> =
                (0..mask.len()).map(|at| format!("{padding}{{\"k\":[{at},\"],\"]}}{padding}")).collect();
            let body = format!("[0,[{}]]", elements.join(","));
            let mut dropped = Vec::new();
            Reader::at(body.as_bytes(), 3).elements(|reader, at| {
                let start = reader.skip()?.start;
                dropped.extend(mask[at].then_some(start));
                Ok(())
            }).unwrap();
            let (mut edits, left) = without_elements(body.as_bytes(), 3, &dropped).unwrap();
            let read: serde_json::Value =
                serde_json::from_slice(&splice(body.as_bytes(), &mut edits)).unwrap();
            let kept: Vec<_> = (0..mask.len()).filter(|at| !mask[*at]).collect();
            let expected: Vec<_> =
                kept.iter().map(|at| serde_json::json!({"k": [at, "],"]})).collect();
            proptest::prop_assert_eq!(left, expected.len());
            proptest::prop_assert_eq!(&read[1], &serde_json::Value::Array(expected));
        }
    }
}
