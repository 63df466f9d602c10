//! Where a chat request carries the model's reasoning: the details of what it said, as OpenRouter has
//! them, and where a policy puts blobs there the strings of its reasoning.

use std::ops::Range;

use super::{AMBIGUOUS, DETAIL_DATA, DETAIL_SIGNATURE, STRING};
use crate::wire::carried::{Carried, Element, Nothing, messages, string, string_of};
use crate::wire::json::{Error, Kind, Reader};

/// Finds what carries reasoning in the model's own messages.
pub(super) fn scan(body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), Error> {
    messages(body, ("messages", "assistant"), |reader, _| message(reader, each))
}

fn message(reader: &mut Reader<'_>, each: &mut dyn FnMut(Carried)) -> Result<(), Error> {
    reader.members(|reader, key| match &*key.name() {
        b"reasoning_content" | b"reasoning" if reader.kind()? == Kind::String => {
            each(string_of(STRING, reader.skip()?));
            Ok(())
        }
        b"reasoning_details" if reader.kind()? == Kind::Array => {
            let list = reader.position();
            reader.elements(|reader, _| {
                let mut detail = Detail::default();
                let start = reader.spanned(|reader| detail.read(reader))?.start;
                detail.carried(Element { list, start }).into_iter().for_each(&mut *each);
                Ok(())
            })
        }
        _ => reader.pass(),
    })
}

#[derive(Default)]
struct Detail {
    sums_up: bool,
    text: Option<Range<usize>>,
    signature: Option<Range<usize>>,
    data: Option<Range<usize>>,
    twice: bool,
}

impl Detail {
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        reader.members(|reader, key| {
            let place = match &*key.name() {
                b"type" => {
                    let kind = reader.name()?.map(|(_, kind)| kind);
                    self.sums_up = kind.as_deref() == Some("reasoning.summary");
                    return Ok(());
                }
                b"text" | b"summary" => &mut self.text,
                b"signature" => &mut self.signature,
                b"data" => &mut self.data,
                _ => return reader.pass(),
            };
            self.twice |= place.is_some();
            *place = string(reader)?;
            Ok(())
        })
    }

    fn carried(self, block: Element) -> Option<Carried> {
        let Self { sums_up, text, signature, data, twice } = self;
        let texts: Vec<_> = text.into_iter().map(|span| (0, span)).collect();
        let (carrier, value) = match (signature, data) {
            (Some(_), Some(value)) => (AMBIGUOUS, value),
            (Some(value), None) => (DETAIL_SIGNATURE, value),
            (None, Some(value)) => (DETAIL_DATA, value),
            (None, None) => return None,
        };
        Some(Carried {
            carrier: if twice { AMBIGUOUS } else { carrier },
            value,
            nothing: Nothing::Value("null"),
            unopened: Nothing::Value("null"),
            texts,
            member: Some(if sums_up { "summary" } else { "text" }),
            lists: Vec::new(),
            block: Some(block),
            message: None,
        })
    }
}
