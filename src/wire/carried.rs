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
    pub nothing: Nothing,
    /// What stands there if it does not open, where the block stays.
    pub unopened: Nothing,
    /// The strings of the block in which its reasoning stands, by their numbers: whole values.
    pub texts: Vec<(u32, Range<usize>)>,
    /// What the member is called that holds the text whose number is 0, which clients may leave out
    /// where it is empty.
    pub member: Option<&'static str>,
    /// The lists that its texts stand in, which clients may shorten or leave out.
    pub lists: Vec<TextList>,
    /// The block, as an element of its list, if it says nothing but what is carried; else it stays.
    pub block: Option<Element>,
    /// The message that it stands in, where that may not be left without any block.
    pub message: Option<Element>,
}

/// What stands in the place of a value that carries something where there is nothing to carry.
#[derive(Clone, PartialEq, Eq)]
pub enum Nothing {
    /// This value.
    Value(&'static str),
    /// Not even its member.
    Absent {
        /// Where the member begins.
        start: usize,
        /// What goes with it, its comma included.
        with: Range<usize>,
    },
}

impl Nothing {
    /// What puts it in the place of a value.
    #[must_use]
    pub fn edit(&self, value: &Range<usize>) -> Edit {
        match self {
            Self::Value(nothing) => Edit::literal(value.clone(), *nothing),
            Self::Absent { with, .. } => Edit { span: with.clone(), with: Vec::new() },
        }
    }
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

/// The members of an object around the one that carries something.
#[derive(Default)]
pub(super) struct Around {
    /// Where the member before it ends, if there is one.
    before: Option<usize>,
    /// From where the member begins.
    start: usize,
    /// It has been seen, and no member behind it.
    open: bool,
    /// What goes with it.
    with: Range<usize>,
}

impl Around {
    /// A member begins at `start`.
    pub(super) fn begins(&mut self, start: usize) {
        if std::mem::take(&mut self.open) && self.before.is_none() {
            // There is none before it, whose comma would go.
            self.with.end = start;
        }
    }

    /// It has ended at `end`, and `carries` if it is the one.
    pub(super) fn ended(&mut self, start: usize, end: usize, carries: bool) {
        if carries {
            (self.start, self.open) = (start, true);
            self.with = self.before.unwrap_or(start)..end;
        } else if self.with.is_empty() {
            self.before = Some(end);
        }
    }

    /// What is left where the member goes.
    pub(super) fn nothing(self) -> Nothing {
        let Self { start, with, .. } = self;
        Nothing::Absent { start, with }
    }
}

/// A string of reasoning, in whose place a blob may stand: the whole value.
pub(super) fn string_of(carrier: &'static str, value: Range<usize>) -> Carried {
    let empty = || Nothing::Value("\"\"");
    Carried {
        carrier,
        texts: vec![(0, value.clone())],
        value,
        nothing: empty(),
        unopened: empty(),
        member: None,
        lists: Vec::new(),
        block: None,
        message: None,
    }
}

/// Passes over a message; where it begins, if it says once who speaks, and that is `model`. Of two some
/// servers take the first and some the last.
pub(super) fn by_model(reader: &mut Reader<'_>, model: &str) -> Result<Option<usize>, Error> {
    let mut roles = (0, 0);
    let span = reader.spanned(|reader| {
        reader.members(|reader, key| {
            if !key.is("role") {
                return reader.pass();
            }
            roles.0 += 1;
            let role = reader.name()?.map(|(_, role)| role);
            roles.1 += usize::from(role.as_deref() == Some(model));
            Ok(())
        })
    })?;
    Ok((roles == (1, 1)).then_some(span.start))
}

/// Finds the model's own among the messages of a request, in the list that is called `list`.
pub(super) fn messages(
    body: &[u8],
    (list, model): (&str, &str),
    mut each: impl FnMut(&mut Reader<'_>, Element) -> Result<(), Error>,
) -> Result<(), Error> {
    Reader::new(body).document(|reader| {
        reader.object(|reader, key| {
            if !key.is(list) {
                return reader.pass();
            }
            reader.kind()?;
            let list = reader.position();
            reader.elements(|reader, _| match by_model(reader, model)? {
                Some(start) => each(&mut Reader::at(body, start), Element { list, start }),
                None => Ok(()),
            })
        })
    })
}

/// Finds what is carried by the blocks of the model's own messages: those of the list `blocks` of each.
pub(super) fn blocks<B: Default, C: IntoIterator<Item = Carried>>(
    body: &[u8],
    (list, model, blocks): (&str, &str, &str),
    read: impl Fn(&mut B, &mut Reader<'_>) -> Result<(), Error>,
    carried: impl Fn(B, Element, Element) -> C,
    each: &mut dyn FnMut(Carried),
) -> Result<(), Error> {
    messages(body, (list, model), |reader, message| {
        reader.members(|reader, key| {
            if !key.is(blocks) || reader.kind()? != Kind::Array {
                return reader.pass();
            }
            let list = reader.position();
            reader.elements(|reader, _| {
                let mut block = B::default();
                let start = reader.spanned(|reader| read(&mut block, reader))?.start;
                carried(block, Element { list, start }, message).into_iter().for_each(&mut *each);
                Ok(())
            })
        })
    })
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

opaque_debug!(Carried, TextList, Nothing);

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
