//! Where a chat request carries the model's reasoning: the details of what it said, as OpenRouter has
//! them, and where a policy puts blobs there the strings of its reasoning.

use std::ops::Range;

use super::{AMBIGUOUS, DETAIL_DATA, DETAIL_SIGNATURE, STRING};
use crate::wire::carried::{Carried, Element, string};
use crate::wire::json::{Error, Kind, Reader};

/// Finds what carries reasoning in the model's own messages.
pub(super) fn scan(body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), Error> {
    Reader::new(body).document(|reader| {
        reader.object(|reader, key| {
            if !key.is("messages") {
                return reader.pass();
            }
            reader.elements(|reader, _| {
                let mut roles = (0, 0);
                let span = reader.spanned(|reader| {
                    reader.members(|reader, key| {
                        if !key.is("role") {
                            return reader.pass();
                        }
                        roles.0 += 1;
                        let role = reader.name()?.map(|(_, role)| role);
                        roles.1 += usize::from(role.as_deref() == Some("assistant"));
                        Ok(())
                    })
                })?;
                if roles != (1, 1) {
                    return Ok(());
                }
                message(&mut Reader::at(body, span.start), each)
            })
        })
    })
}

fn message(reader: &mut Reader<'_>, each: &mut dyn FnMut(Carried)) -> Result<(), Error> {
    reader.members(|reader, key| match &*key.name() {
        b"reasoning_content" | b"reasoning" if reader.kind()? == Kind::String => {
            let value = reader.skip()?;
            each(Carried {
                carrier: STRING,
                texts: vec![(0, value.clone())],
                value,
                nothing: "\"\"",
                member: None,
                lists: Vec::new(),
                block: None,
                message: None,
            });
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
            nothing: "null",
            texts,
            member: Some(if sums_up { "summary" } else { "text" }),
            lists: Vec::new(),
            block: Some(block),
            message: None,
        })
    }
}
