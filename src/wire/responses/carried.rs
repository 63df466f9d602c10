//! Where a request for a response carries the model's reasoning: the reasoning items of its input.

use std::ops::Range;

use super::response::SUMMARY;
use super::{AMBIGUOUS, NOTHING, REASONING};
use crate::wire::carried::{Carried, Element, Nothing, TextList, string};
use crate::wire::json::{Error, Kind, Reader};

/// Finds the reasoning items.
pub(super) fn scan(body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), Error> {
    Reader::new(body).document(|reader| {
        reader.object(|reader, key| {
            if !key.is("input") {
                return reader.pass();
            }
            reader.kind()?;
            let list = reader.position();
            reader.elements(|reader, _| {
                let mut item = Item::default();
                let start = reader.spanned(|reader| item.read(reader))?.start;
                item.carried(Element { list, start }).into_iter().for_each(&mut *each);
                Ok(())
            })
        })
    })
}

#[derive(Default)]
struct Item {
    kind: Option<String>,
    sealed: Option<Range<usize>>,
    content: Option<Range<usize>>,
    summary: Option<Range<usize>>,
    texts: Vec<(u32, Range<usize>)>,
    twice: bool,
}

impl Item {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        reader.members(|reader, key| match &*key.name() {
            b"type" => {
                self.twice |= self.kind.is_some();
                self.kind = reader.name()?.map(|(_, kind)| kind);
                Ok(())
            }
            b"encrypted_content" => {
                self.twice |= self.sealed.is_some();
                self.sealed = string(reader)?;
                Ok(())
            }
            b"content" => {
                self.twice |= self.content.is_some();
                let texts = &mut self.texts;
                self.content = Some(reader.spanned(|reader| parts(reader, 0, texts))?);
                self.twice |= self.texts.len() > MOST;
                Ok(())
            }
            b"summary" => {
                self.twice |= self.summary.is_some();
                let texts = &mut self.texts;
                self.summary = Some(reader.spanned(|reader| parts(reader, SUMMARY, texts))?);
                self.twice |= self.texts.len() > MOST;
                Ok(())
            }
            _ => reader.pass(),
        })
    }

    fn carried(self, block: Element) -> Option<Carried> {
        let Self { kind, sealed, content, summary, texts, twice } = self;
        let value = sealed.filter(|_| kind.as_deref() == Some("reasoning"))?;
        let list = |numbers, name, place: Option<Range<usize>>, around| {
            let place = place.unwrap_or(value.end..value.end);
            TextList { numbers, name, place, around }
        };
        let thought = ("{\"type\":\"reasoning_text\",\"text\":\"", "\"}");
        let sum = ("{\"type\":\"summary_text\",\"text\":\"", "\"}");
        let lists = vec![
            list(0..SUMMARY, "content", content, thought),
            list(SUMMARY..u32::MAX, "summary", summary, sum),
        ];
        let carrier = if twice { AMBIGUOUS } else { REASONING };
        let (member, block, message) = (None, Some(block), None);
        let (nothing, unopened) = (Nothing::Value(NOTHING), Nothing::Value(NOTHING));
        Some(Carried { carrier, value, nothing, unopened, texts, member, lists, block, message })
    }
}

/// The most texts of one item; nothing was sealed for one that has more.
const MOST: usize = 4096;

/// The texts of a list's parts, by their numbers.
fn parts(
    reader: &mut Reader<'_>,
    first: u32,
    texts: &mut Vec<(u32, Range<usize>)>,
) -> Result<(), Error> {
    reader.elements(|reader, at| {
        let number = u32::try_from(at).unwrap_or(SUMMARY).min(SUMMARY - 1) + first;
        reader.members(|reader, key| {
            if !key.is("text") || reader.kind()? != Kind::String {
                return reader.pass();
            }
            let span = reader.skip()?;
            // Of one that is said twice the last is the one that servers take.
            if texts.last().is_some_and(|(known, _)| *known == number) {
                texts.pop();
            }
            if texts.len() <= MOST {
                texts.push((number, span));
            }
            Ok(())
        })
    })
}
