//! Cohere's Command R, in the form that was Cohere's before its `/v2/chat`: a message, what was said before it, and an
//! answer whose last event in a stream says all of it again (Amazon Bedrock user guide, "Cohere Command R and Command
//! R+ models").

use crate::wire::cohere::citation::citations;
use crate::wire::history::role;
use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::listed::{Listed, Shape};
use crate::wire::request::{Lists, Request, SettingPlace};
use crate::wire::scan::{Close, FieldKind, Kind, Lane, Mode, Scan, Slot, is_cut_short};
use crate::wire::thought::{members, think};
use crate::wire::{Said, Target, usage};

/// Members that open no way round.
const ALLOWED: [&str; 14] = [
    "documents",
    "force_single_step",
    "frequency_penalty",
    "k",
    "p",
    "preamble",
    "presence_penalty",
    "prompt_truncation",
    "search_queries_only",
    "seed",
    "stop_sequences",
    "temperature",
    "tool_results",
    "tools",
];

/// What a request has beside its message and those.
const OTHERS: [&str; 4] = ["chat_history", "max_tokens", "raw_prompting", "return_prompt"];

/// What a request has beside its message.
pub(super) fn beside() -> impl Iterator<Item = &'static str> {
    ALLOWED.into_iter().chain(OTHERS)
}

const LISTS: Lists = Lists {
    governed: &["message", "chat_history", "max_tokens"],
    // Left out on purpose: return_prompt; raw_prompting, by which a caller writes the model's template.
    allowed: &[&ALLOWED],
    ..Lists::NONE
};

/// The group of the text, as citations have it.
const TEXT: u32 = 1;

/// Members beside the text that carry none of it.
const BESIDE: [Listed; 6] = [
    (b"event_type", Shape::Identifier),
    (b"generation_id", Shape::EventId),
    (b"response_id", Shape::EventId),
    (b"is_search_required", Shape::Flag),
    (b"document_ids", Shape::Data),
    (b"api_version", Shape::Findings),
];

pub(super) fn scan_request(target: Target, body: &[u8]) -> Result<Request, Error> {
    let request = Request {
        target,
        output_cap_place: SettingPlace::Member(&["max_tokens"]),
        usage_in_stream: true,
        ..Request::default()
    };
    request.read(body, &LISTS, |_, reader, _| reader.pass())
}

/// Finds what was said: in the history, and in the message that is asked now.
pub(super) fn scan_history(body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), Error> {
    Reader::new(body).document(|reader| {
        reader.object(|reader, key| match &*key.name() {
            b"chat_history" => reader.elements(|reader, _| {
                let (start, by_model) = role(reader, "CHATBOT")?;
                said(&mut Reader::at(body, start), by_model, each)
            }),
            b"message" => {
                reader.text()?.map(Said::Other).into_iter().for_each(&mut *each);
                each(Said::End);
                Ok(())
            }
            _ => reader.pass(),
        })
    })
}

fn said(reader: &mut Reader<'_>, by_model: bool, each: &mut dyn FnMut(Said)) -> Result<(), Error> {
    reader.members(|reader, key| {
        if !key.is("message") {
            return reader.pass();
        }
        let said = |text| if by_model { Said::Answer(text) } else { Said::Other(text) };
        reader.text()?.map(said).into_iter().for_each(&mut *each);
        Ok(())
    })?;
    each(Said::End);
    Ok(())
}

/// Finds what an answer has, which is `whole` or an event of a stream.
pub(super) fn scan(bytes: &[u8], whole: bool, scan: &mut Scan) -> Result<(), Error> {
    scan.in_blocks = true;
    scan.repeats |= !whole;
    let mut found = Found { ended: whole, ..Found::default() };
    Reader::new(bytes).document(|reader| {
        if reader.kind()? != JsonKind::Object {
            return Err(reader.expected("an object"));
        }
        let thought = members(reader, scan, |reader, name, _, scan| match name {
            // All of it again.
            b"response" if !whole && scan.expects(JsonKind::Object, reader, name)? => {
                found.ended = true;
                let first = scan.channels.len();
                let thought = members(reader, scan, |reader, name, _, scan| {
                    member(reader, name, &mut found, scan)
                })?;
                let again = scan.channels.get_mut(first..).unwrap_or_default();
                again.iter_mut().for_each(|channel| channel.mode = Mode::Repeat);
                if thought.says() {
                    think(again);
                }
                Ok(())
            }
            b"response" if !whole => Ok(()),
            name => member(reader, name, &mut found, scan),
        })?;
        if thought.says() {
            think(&mut scan.channels);
        }
        Ok(())
    })?;
    if found.ended {
        scan.closes.push(Close::of(TEXT, false, found.cut_short));
    }
    scan.says_more |= found.ended || scan.channels.is_empty();
    scan.unrepeatable |= scan.says_more;
    Ok(())
}

#[derive(Default)]
struct Found {
    ended: bool,
    cut_short: bool,
}

fn member(
    reader: &mut Reader<'_>,
    name: &[u8],
    found: &mut Found,
    scan: &mut Scan,
) -> Result<(), Error> {
    match name {
        b"text" => {
            if scan.expects(JsonKind::String, reader, name)? {
                if let Some(Text { span, .. }) = reader.text()? {
                    scan.text(Lane::new(TEXT, Slot::Answer), Kind::Answer, span);
                }
            }
            Ok(())
        }
        b"finish_reason" => {
            let reason = scan.identifier(reader, name)?;
            if let Some(reason) = reason.and_then(|span| reader.bytes().get(span)) {
                (found.ended, found.cut_short) = (true, is_cut_short(reason));
            }
            Ok(())
        }
        b"is_finished" => {
            let span = reader.skip()?;
            match reader.bytes().get(span.clone()).unwrap_or_default() {
                b"true" => found.ended = true,
                value if Shape::Flag.fits(value) => {}
                _ => scan.field(FieldKind::Leak, span),
            }
            Ok(())
        }
        b"citations" => scan.once(reader, |scan, reader| citations(reader, name, scan)),
        b"tool_calls" => {
            if !scan.expects(JsonKind::Array, reader, name)? {
                return Ok(());
            }
            scan.once(reader, |scan, reader| reader.elements(|reader, _| call(reader, name, scan)))
        }
        b"meta" if scan.expects(JsonKind::Object, reader, name)? => {
            reader.members(|reader, key| match &*key.name() {
                b"billed_units" | b"tokens" => usage::scan(reader, scan),
                name => scan.listed(reader, &BESIDE, name),
            })
        }
        b"meta" => Ok(()),
        name => scan.listed(reader, &BESIDE, name),
    }
}

/// A call, whose parameters are an object.
fn call(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    scan.called = true;
    reader.members(|reader, key| match &*key.name() {
        name @ b"name" => scan.tool(reader, name),
        name @ b"parameters" => {
            if scan.expects(JsonKind::Object, reader, name)? {
                let span = reader.skip()?;
                scan.encoded(reader.bytes(), span.clone());
                scan.quoted.push(span);
            }
            Ok(())
        }
        name => scan.listed(reader, &BESIDE, name),
    })
}
