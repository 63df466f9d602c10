//! A message, or a delta of one.

use crate::wire::chat::THOUGHT_SIGNATURE;
use crate::wire::json::{Error, Kind as JsonKind, Reader};
use crate::wire::listed::{Listed, Shape, shape};
use crate::wire::scan::{FieldKind, Kind, Scan, Slot};
use crate::wire::thought::{Thought, members};

use super::calls::{function, tool_call};
use super::citations::annotations;
use super::media::media;
use super::object::{listed_object, object};
use super::quoted::QUOTED;
use super::reasoning::{detail, thinking};
use super::signed::{extra_content, provider_fields, sealed, thinking_blocks};
use super::text::{lane, reasoning, said};

/// Members of a message or delta that carry none that a countermeasure edits.
const MESSAGE: [Listed; 4] = [
    (b"name", Shape::Identifier),
    (b"tool_call_id", Shape::CallId),
    (b"prefix", Shape::Flag),
    (b"index", Shape::Findings),
];

/// Rarer names of reasoning that some gateways have.
pub(in crate::wire::chat) const OTHER_REASONING: [&[u8]; 8] = [
    b"analysis",
    b"chain_of_thought",
    b"reasoning_summary",
    b"reasoning_text",
    b"thinking",
    b"thinking_content",
    b"thought",
    b"thoughts",
];

/// Members of spoken answers, besides the transcript of what is heard.
const AUDIO: [Listed; 3] =
    [(b"id", Shape::Identifier), (b"data", Shape::Sealed), (b"expires_at", Shape::Time)];

/// What an answer was drawn from (Azure).
const CONTEXT: [Listed; 2] =
    [(b"citations", Shape::Quoted(QUOTED)), (b"all_retrieved_documents", Shape::Quoted(QUOTED))];

/// Members of an array's content part that carry none.
const PART: [Listed; 6] = [
    (b"type", Shape::Identifier),
    (b"closed", Shape::Flag),
    (b"thought", Shape::Flag),
    (b"reference_ids", Shape::Data),
    (b"id", Shape::Identifier),
    (b"index", Shape::Data),
];

/// A message or delta, and what it says of its texts. Its lanes are put under the right choice once its
/// index is known.
pub(in crate::wire) fn message(
    reader: &mut Reader<'_>,
    name: &[u8],
    answered: &mut bool,
    scan: &mut Scan,
) -> Result<Thought, Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(Thought::default());
    }
    members(reader, scan, |reader, name, thought, scan| {
        match name {
            b"content" => content(reader, answered, scan),
            b"reasoning_content" => reasoning(reader, Slot::Reasoning, b"reasoning_content", scan),
            b"reasoning" => reasoning(reader, Slot::ReasoningAlias, b"reasoning", scan),
            name if OTHER_REASONING.contains(&name) && reader.kind()? == JsonKind::String => {
                reasoning(reader, Slot::ReasoningAlias, name, scan)
            }
            name @ b"reasoning_details" => {
                if scan.expects(JsonKind::Array, reader, name)? {
                    reader.elements(|reader, position| detail(reader, position, scan))?;
                }
                Ok(())
            }
            b"thinking_blocks" => thinking_blocks(reader, name, Slot::ThinkingBlock, scan),
            b"provider_specific_fields" => provider_fields(reader, thought, scan),
            b"extra_content" => extra_content(reader, thought, scan),
            b"refusal" => {
                if scan.expects(JsonKind::String, reader, b"refusal")? {
                    said(reader, lane(Slot::Refusal), Kind::Refusal, answered, scan)?;
                }
                Ok(())
            }
            name @ b"tool_calls" => {
                if !scan.expects(JsonKind::Array, reader, name)? {
                    return Ok(());
                }
                // Servers that list no calls in every chunk do not end the reasoning by it.
                let mut calls = false;
                scan.once(reader, |scan, reader| {
                    reader.elements(|reader, position| {
                        calls = true;
                        tool_call(reader, position, scan)
                    })
                })?;
                *answered |= calls;
                scan.calls.extend(calls.then_some(0));
                Ok(())
            }
            name @ b"function_call" => {
                if scan.expects(JsonKind::Object, reader, name)? {
                    *answered = true;
                    scan.calls.push(0);
                    scan.once(reader, |scan, reader| function(reader, scan))?;
                }
                Ok(())
            }
            b"role" => {
                if let Some(span) = scan.identifier(reader, b"role")? {
                    scan.field(FieldKind::Role, span.start - 1..span.end + 1);
                }
                Ok(())
            }
            b"annotations" => scan.once(reader, annotations),
            name @ b"images" => scan.once(reader, |scan, reader| media(reader, name, scan)),
            name @ b"audio" => audio(reader, name, answered, scan),
            name @ b"context" => listed_object(reader, name, &CONTEXT, scan),
            name if shape(&MESSAGE, name).is_some() => {
                scan.once(reader, |scan, reader| scan.listed(reader, &MESSAGE, name))
            }
            name => scan.leak(reader, name),
        }
    })
}

/// A string, or an array of parts in which thinking and text alternate.
fn content(reader: &mut Reader<'_>, answered: &mut bool, scan: &mut Scan) -> Result<(), Error> {
    match reader.kind()? {
        JsonKind::String => said(reader, lane(Slot::Answer), Kind::Answer, answered, scan),
        JsonKind::Array => reader.elements(|reader, _| match reader.kind()? {
            JsonKind::String => said(reader, lane(Slot::Answer), Kind::Answer, answered, scan),
            JsonKind::Object => part(reader, answered, scan),
            _ => scan.leak(reader, b"content"),
        }),
        _ => scan.leak(reader, b"content"),
    }
}

/// One part of an array. Text is the answer's only where the part's type says so.
fn part(reader: &mut Reader<'_>, answered: &mut bool, scan: &mut Scan) -> Result<(), Error> {
    let first_channel = scan.channels.len();
    let (mut answers, mut refuses, mut filled) = (false, false, false);
    let thought = members(reader, scan, |reader, name, thought, scan| {
        match name {
            name @ b"thinking" => thinking(reader, name, scan),
            b"text" if scan.expects(JsonKind::String, reader, b"text")? => {
                said(reader, lane(Slot::Answer), Kind::Answer, &mut filled, scan)
            }
            b"text" => Ok(()),
            b"type" => {
                let kind =
                    scan.identifier(reader, b"type")?.and_then(|span| reader.bytes().get(span));
                answers = matches!(kind, Some(b"text" | b"output_text"));
                refuses = kind == Some(b"refusal");
                Ok(())
            }
            b"annotations" => {
                (scan.says_more, scan.unrepeatable) = (true, true);
                annotations(scan, reader)
            }
            b"refusal" if scan.expects(JsonKind::String, reader, b"refusal")? => {
                said(reader, lane(Slot::Refusal), Kind::Refusal, &mut filled, scan)
            }
            b"refusal" => Ok(()),
            name @ b"thought" => scan.listed(reader, &PART, name),
            b"extra_content" => extra_content(reader, thought, scan),
            name @ (b"image_url" | b"input_audio" | b"audio_url" | b"file") => {
                (scan.says_more, scan.unrepeatable) = (true, true);
                media(reader, name, scan)
            }
            name @ b"signature" => {
                scan.unrepeatable |= sealed(reader, name, THOUGHT_SIGNATURE, scan)?;
                Ok(())
            }
            name => {
                // References: nothing to edit, and not to be dropped.
                let more = shape(&PART, name).is_some() && name != b"closed";
                scan.says_more |= more;
                scan.unrepeatable |= more;
                scan.listed(reader, &PART, name)
            }
        }
    })?;
    *answered |= !thought.says() && filled && (answers || refuses);
    for channel in scan.channels.iter_mut().skip(first_channel) {
        let stays = match channel.kind {
            Kind::Answer => answers && !thought.says(),
            Kind::Refusal => refuses && !thought.says(),
            Kind::Reasoning | Kind::ToolArguments => true,
        };
        if !stays {
            (channel.lane.slot, channel.kind) = (Slot::ReasoningPart, Kind::Reasoning);
        }
    }
    Ok(())
}

/// A spoken answer: its event says once what is no transcript.
fn audio(
    reader: &mut Reader<'_>,
    name: &[u8],
    answered: &mut bool,
    scan: &mut Scan,
) -> Result<(), Error> {
    object(reader, name, scan, |reader, name, scan| match name {
        name @ b"transcript" => {
            if scan.expects(JsonKind::String, reader, name)? {
                said(reader, lane(Slot::Transcript), Kind::Refusal, answered, scan)?;
            }
            Ok(())
        }
        name => scan.once(reader, |scan, reader| scan.listed(reader, &AUDIO, name)),
    })
}
