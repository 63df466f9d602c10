//! Where a chat request carries the model's reasoning: the details of what it said, as OpenRouter has
//! them, Anthropic's thinking blocks and Google's signatures, as gateways pass them on, and where a policy
//! puts blobs there the strings of its reasoning.

use std::ops::Range;

use super::response::OTHER_REASONING;
use super::{
    AMBIGUOUS, BLOCK_DATA, BLOCK_SIGNATURE, DETAIL_DATA, DETAIL_SIGNATURE, STRING,
    THOUGHT_SIGNATURE,
};
use crate::wire::carried::{Carried, Element, Nothing, messages, string, string_of};
use crate::wire::gemini::UNSIGNED;
use crate::wire::json::{Error, Kind, Reader};
use crate::wire::messages::carried::{Block, BlockCarriers};

/// What takes each that is found.
type Each<'e> = dyn FnMut(Carried) + 'e;

/// How the carriers of thinking blocks are named.
const BLOCKS: BlockCarriers =
    BlockCarriers { signature: BLOCK_SIGNATURE, data: BLOCK_DATA, ambiguous: AMBIGUOUS };

/// What stands there where a signature does not open: newer models refuse a call without one.
const OF_CALL: Nothing = Nothing::Value(UNSIGNED);

/// The same beside a message or a part.
const BESIDE: Nothing = Nothing::Value("null");

/// Finds what carries reasoning in the model's own messages.
pub(super) fn scan(body: &[u8], each: &mut Each<'_>) -> Result<(), Error> {
    messages(body, ("messages", "assistant"), |reader, _| message(reader, each))
}

fn message(reader: &mut Reader<'_>, each: &mut Each<'_>) -> Result<(), Error> {
    reader.members(|reader, key| match &*key.name() {
        name if is_reasoning(name) => one(reader, each),
        b"reasoning_details" if reader.kind()? == Kind::Array => {
            let list = reader.position();
            reader.elements(|reader, _| {
                let mut detail = Detail::default();
                let start = reader.spanned(|reader| detail.read(reader))?.start;
                detail.carried(Element { list, start }).into_iter().for_each(&mut *each);
                Ok(())
            })
        }
        b"thinking_blocks" => thinking_blocks(reader, each),
        b"provider_specific_fields" | b"extra_content" => signatures(reader, &BESIDE, each),
        b"content" => reader.elements(|reader, _| part(reader, each)),
        b"tool_calls" => reader.elements(|reader, _| call(reader, each)),
        b"function_call" => function(reader, each),
        _ => reader.pass(),
    })
}

fn is_reasoning(name: &[u8]) -> bool {
    matches!(name, b"reasoning_content" | b"reasoning") || OTHER_REASONING.contains(&name)
}

/// A string in whose place a blob may stand; any other value is passed over.
fn one(reader: &mut Reader<'_>, each: &mut Each<'_>) -> Result<(), Error> {
    string(reader)?.map(|value| string_of(STRING, value)).into_iter().for_each(each);
    Ok(())
}

/// A part of a message's content: its thoughts, as a string or as parts with a text each, and what is
/// signed of it.
fn part(reader: &mut Reader<'_>, each: &mut Each<'_>) -> Result<(), Error> {
    reader.members(|reader, key| match &*key.name() {
        b"thinking" if reader.kind()? == Kind::String => one(reader, each),
        b"thinking" => reader.elements(|reader, _| match reader.kind()? {
            Kind::String => one(reader, each),
            _ => reader.members(|reader, key| match key.is("text") {
                true => one(reader, each),
                false => reader.pass(),
            }),
        }),
        b"signature" => signature(reader, &BESIDE, each),
        b"extra_content" => signatures(reader, &BESIDE, each),
        _ => reader.pass(),
    })
}

/// The call of a tool.
fn call(reader: &mut Reader<'_>, each: &mut Each<'_>) -> Result<(), Error> {
    reader.members(|reader, key| match &*key.name() {
        b"provider_specific_fields" | b"extra_content" => signatures(reader, &OF_CALL, each),
        b"function" | b"custom" => function(reader, each),
        _ => reader.pass(),
    })
}

fn function(reader: &mut Reader<'_>, each: &mut Each<'_>) -> Result<(), Error> {
    reader.members(|reader, key| match key.is("provider_specific_fields") {
        true => signatures(reader, &OF_CALL, each),
        false => reader.pass(),
    })
}

fn thinking_blocks(reader: &mut Reader<'_>, each: &mut Each<'_>) -> Result<(), Error> {
    if reader.kind()? != Kind::Array {
        return reader.pass();
    }
    let list = reader.position();
    reader.elements(|reader, _| {
        let mut block = Block::default();
        let start = reader.spanned(|reader| block.read(reader))?.start;
        block.carried(&BLOCKS, Element { list, start }, None).into_iter().for_each(&mut *each);
        Ok(())
    })
}

/// What a gateway has added of its provider's.
fn signatures(
    reader: &mut Reader<'_>,
    unopened: &Nothing,
    each: &mut Each<'_>,
) -> Result<(), Error> {
    reader.members(|reader, key| match &*key.name() {
        b"thought_signature" => signature(reader, unopened, each),
        b"thought_signatures" => reader.elements(|reader, _| signature(reader, unopened, each)),
        b"google" => reader.members(|reader, key| match key.is("thought_signature") {
            true => signature(reader, unopened, each),
            false => reader.pass(),
        }),
        b"thinking_blocks" => thinking_blocks(reader, each),
        _ => reader.pass(),
    })
}

fn signature(
    reader: &mut Reader<'_>,
    unopened: &Nothing,
    each: &mut Each<'_>,
) -> Result<(), Error> {
    let carried = |value| Carried {
        carrier: THOUGHT_SIGNATURE,
        value,
        nothing: BESIDE,
        unopened: unopened.clone(),
        texts: Vec::new(),
        member: None,
        lists: Vec::new(),
        block: None,
        message: None,
    };
    string(reader)?.map(carried).into_iter().for_each(each);
    Ok(())
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
