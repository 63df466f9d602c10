//! Where a chat response or chunk keeps its text.

use std::ops::Range;

use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::listed::{Listed, Shape, shape};
use crate::wire::scan::{
    Citation, Close, FieldKind, Kind, Lane, Mode, Scan, Signed, Slot, Twice, is_call, is_cut_short,
};
use crate::wire::{error, usage};

/// A whole response, or one chunk of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Document,
    Chunk,
}

/// Members of the top level that carry no text of the model's.
const TOP_LEVEL: [Listed; 7] = [
    (b"id", Shape::Identifier),
    (b"object", Shape::Identifier),
    (b"created", Shape::Time),
    (b"service_tier", Shape::Identifier),
    (b"citations", Shape::Links),
    (b"search_results", Shape::Quoted(QUOTED)),
    (b"prompt_filter_results", Shape::Findings),
];

/// Finish reasons that say that the choice goes on.
const GOES_ON: [&[u8]; 3] = [b"", b"null", b"none"];

/// Members of a choice that carry none.
const CHOICE: [Listed; 2] =
    [(b"native_finish_reason", Shape::Identifier), (b"content_filter_results", Shape::Findings)];

/// Members of a message or delta that carry none that a countermeasure edits.
const MESSAGE: [Listed; 3] =
    [(b"images", Shape::Data), (b"name", Shape::Identifier), (b"tool_call_id", Shape::Identifier)];

/// Members of spoken answers, besides the transcript of what is heard.
const AUDIO: [Listed; 3] =
    [(b"id", Shape::Identifier), (b"data", Shape::Sealed), (b"expires_at", Shape::Time)];

/// What an answer was drawn from (Azure).
const CONTEXT: [Listed; 2] =
    [(b"citations", Shape::Quoted(QUOTED)), (b"all_retrieved_documents", Shape::Quoted(QUOTED))];

/// Members of an annotation, and of what it is about.
const ANNOTATION: [Listed; 11] = [
    (b"type", Shape::Identifier),
    (b"url", Shape::Text(QUOTED)),
    (b"title", Shape::Text(QUOTED)),
    (b"content", Shape::Text(QUOTED)),
    (b"quote", Shape::Text(QUOTED)),
    (b"index", Shape::Data),
    (b"file_id", Shape::Identifier),
    (b"filename", Shape::Text(QUOTED)),
    (b"container_id", Shape::Identifier),
    (b"file", Shape::Quoted(FILE)),
    (b"file_path", Shape::Data),
];

/// Members of an array's content part that carry none.
const PART: [Listed; 11] = [
    (b"type", Shape::Identifier),
    (b"closed", Shape::Flag),
    (b"thought", Shape::Flag),
    (b"signature", Shape::Sealed),
    (b"reference_ids", Shape::Data),
    (b"image_url", Shape::Data),
    (b"input_audio", Shape::Data),
    (b"audio_url", Shape::Data),
    (b"file", Shape::Data),
    (b"id", Shape::Identifier),
    (b"index", Shape::Data),
];

/// Members of an entry of `reasoning_details` that carry none: what is sealed stays.
const DETAIL: [Listed; 5] = [
    (b"type", Shape::Identifier),
    (b"format", Shape::Identifier),
    (b"id", Shape::Identifier),
    (b"data", Shape::Sealed),
    (b"signature", Shape::Sealed),
];

/// Members of a tool call besides the call itself. Google's compatible endpoint puts its thought
/// signatures into the last.
const TOOL_CALL: [Listed; 3] =
    [(b"id", Shape::Identifier), (b"type", Shape::Identifier), (b"extra_content", Shape::Data)];

/// The most bytes of what a server quotes of pages and documents.
const QUOTED: usize = 256 * 1024;

/// The most bytes of a file that was read for the model and is given back to be sent again.
const FILE: usize = 16 * 1024 * 1024;

pub(super) fn scan(bytes: &[u8], form: Form, scan: &mut Scan) -> Result<(), Error> {
    let mut choices = 0;
    let mut lists = 0_u32;
    let mut twice = Twice::default();
    Reader::new(bytes).document(|reader| {
        reader.object(|reader, key| match scan.once_only(&mut twice, &key.name()) {
            b"choices" if scan.expects(JsonKind::Array, reader, b"choices")? => {
                let from = (scan.channels.len(), scan.closes.len(), scan.calls.len());
                reader.elements(|reader, position| {
                    choices += 1;
                    choice(reader, position, form, scan)
                })?;
                // A list that comes again says texts of its own: some clients read the first one,
                // others the last.
                let apart = lists << 24;
                let channels = scan.channels.iter_mut().skip(from.0);
                channels.for_each(|it| it.lane.group = it.lane.group.wrapping_add(apart));
                let closes = scan.closes.iter_mut().skip(from.1);
                closes.for_each(|it| it.group = it.group.wrapping_add(apart));
                let calls = scan.calls.iter_mut().skip(from.2);
                calls.for_each(|it| *it = it.wrapping_add(apart));
                lists = lists.wrapping_add(1);
                Ok(())
            }
            b"choices" => Ok(()),
            b"model" => scan.model(reader),
            b"usage" => usage::scan(reader, scan),
            b"x_groq" if scan.expects(JsonKind::Object, reader, b"x_groq")? => {
                reader.members(|reader, key| match &*key.name() {
                    b"usage" => usage::scan(reader, scan),
                    name => scan.listed(reader, &[(b"id", Shape::Identifier)], name),
                })
            }
            b"x_groq" => Ok(()),
            name @ (b"timings" | b"metadata") => usage::telling(reader, name, scan),
            name @ (b"system_fingerprint" | b"provider") => {
                let trace = scan.identifier(reader, name)?;
                trace.into_iter().for_each(|span| {
                    scan.field(FieldKind::ModelTrace, span.start - 1..span.end + 1);
                });
                Ok(())
            }
            b"error" => {
                // SDKs raise on any truthy value.
                let span = reader.spanned(|reader| error::member(reader, scan))?;
                let falsy: [&[u8]; 5] = [b"null", b"false", b"0", b"\"\"", b"{}"];
                scan.error |= !falsy.contains(&bytes.get(span).unwrap_or_default());
                Ok(())
            }
            b"obfuscation" => {
                let padding = scan.identifier(reader, b"obfuscation")?;
                padding.into_iter().for_each(|span| scan.field(FieldKind::Padding, span));
                Ok(())
            }
            name => scan.listed(reader, &TOP_LEVEL, name),
        })
    })?;
    scan.only_usage = choices == 0 && scan.usage.output.is_some();
    scan.says_more |= choices == 0;
    scan.unrepeatable |= choices == 0;
    Ok(())
}

fn choice(
    reader: &mut Reader<'_>,
    position: usize,
    form: Form,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"choices")? {
        return Ok(());
    }
    let mut index = u32::try_from(position).unwrap_or(u32::MAX);
    let mut finish: Option<Range<usize>> = None;
    let mut answered = false;
    let (first_channel, first_call) = (scan.channels.len(), scan.calls.len());
    let (first_citation, first_signed) = (scan.citations.len(), scan.signed.len());
    let mut twice = Twice::default();
    reader.members(|reader, key| match scan.once_only(&mut twice, &key.name()) {
        b"index" => {
            if let Some((_, number)) = scan.whole_number(reader, b"index")? {
                index = u32::try_from(number).unwrap_or(u32::MAX);
            }
            Ok(())
        }
        name @ (b"message" | b"delta") => {
            let first = scan.channels.len();
            message(reader, name, &mut answered, scan)?;
            // In a stream it holds all so far.
            if name == b"message" && form == Form::Chunk {
                let again = scan.channels.iter_mut().skip(first);
                again.for_each(|channel| channel.mode = Mode::Snapshot);
            }
            Ok(())
        }
        b"finish_reason" => {
            let mut reason = None;
            let span = reader.spanned(|reader| {
                reason = scan.identifier(reader, b"finish_reason")?;
                Ok(())
            })?;
            let says = |reason: &Range<usize>| {
                let reason = reader.bytes().get(reason.clone()).unwrap_or_default();
                !GOES_ON.iter().any(|it| it.eq_ignore_ascii_case(reason))
            };
            if let Some(reason) = reason.filter(says) {
                scan.says_more = true;
                scan.field(FieldKind::Once, span);
                finish = Some(reason);
            }
            Ok(())
        }
        // vLLM's.
        name @ b"stop_reason" => scan.stop(reader, name),
        b"content_filter_offsets" => filter_offsets(reader, scan),
        name => scan.listed(reader, &CHOICE, name),
    })?;
    // The index may stand behind the text it applies to.
    for channel in scan.channels.iter_mut().skip(first_channel) {
        channel.lane.group = index;
    }
    for citation in scan.citations.iter_mut().skip(first_citation) {
        citation.lane.group = index;
    }
    for signed in scan.signed.iter_mut().skip(first_signed) {
        signed.group = Some(index);
    }
    let reason = finish.clone().and_then(|span| reader.bytes().get(span));
    let cut_short = reason.is_some_and(is_cut_short);
    let called = scan.calls.len() > first_call || reason.is_some_and(is_call);
    scan.calls.truncate(first_call);
    scan.calls.extend(called.then_some(index));
    if answered {
        // Reasoning that an answer follows was not cut short, whatever became of the answer.
        scan.closes.push(Close { group: index, reasoning_only: true, cut_short: false });
    }
    if finish.is_some() || form == Form::Document {
        scan.closes.push(Close { group: index, reasoning_only: false, cut_short });
    }
    Ok(())
}

/// A message or delta. Its lanes are put under the right choice once its index is known.
fn message(
    reader: &mut Reader<'_>,
    name: &[u8],
    answered: &mut bool,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    let mut twice = Twice::default();
    reader.members(|reader, key| match scan.once_only(&mut twice, &key.name()) {
        b"content" => content(reader, answered, scan),
        b"reasoning_content" => reasoning(reader, Slot::Reasoning, b"reasoning_content", scan),
        b"reasoning" => reasoning(reader, Slot::ReasoningAlias, b"reasoning", scan),
        name @ b"reasoning_details" => {
            if scan.expects(JsonKind::Array, reader, name)? {
                reader.elements(|reader, position| detail(reader, position, scan))?;
            }
            Ok(())
        }
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
        name @ b"audio" => audio(reader, name, answered, scan),
        name @ b"context" => object_of(reader, name, &CONTEXT, scan),
        name if shape(&MESSAGE, name).is_some() => {
            scan.once(reader, |scan, reader| scan.listed(reader, &MESSAGE, name))
        }
        name => scan.leak(reader, name),
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
    let (mut answers, mut refuses, mut thought) = (false, false, false);
    let mut filled = false;
    let mut twice = Twice::default();
    reader.members(|reader, key| match scan.once_only(&mut twice, &key.name()) {
        name @ b"thinking" => thinking(reader, name, scan),
        b"text" if scan.expects(JsonKind::String, reader, b"text")? => {
            said(reader, lane(Slot::Answer), Kind::Answer, &mut filled, scan)
        }
        b"text" => Ok(()),
        b"type" => {
            let kind = scan.identifier(reader, b"type")?.and_then(|span| reader.bytes().get(span));
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
        // Gateways tell thoughts from text by a flag.
        name @ b"thought" => {
            let flag = reader.spanned(|reader| scan.listed(reader, &PART, name))?;
            thought = !matches!(reader.bytes().get(flag), Some(b"false" | b"null"));
            Ok(())
        }
        name => {
            // References, images, signatures: nothing to edit, and not to be dropped.
            let more = shape(&PART, name).is_some() && name != b"closed";
            scan.says_more |= more;
            scan.unrepeatable |= more;
            scan.listed(reader, &PART, name)
        }
    })?;
    *answered |= !thought && filled && (answers || refuses);
    for channel in scan.channels.iter_mut().skip(first_channel) {
        let typed = match channel.kind {
            Kind::Answer => answers,
            Kind::Refusal => refuses,
            Kind::Reasoning | Kind::ToolArguments => true,
        };
        if thought || !typed {
            (channel.lane.slot, channel.kind) = (Slot::ReasoningPart, Kind::Reasoning);
        }
    }
    Ok(())
}

/// The value of a thinking part: text parts, or a string.
fn thinking(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    if reader.kind()? != JsonKind::Array {
        return reasoning(reader, Slot::ReasoningPart, name, scan);
    }
    reader.elements(|reader, _| {
        if reader.kind()? != JsonKind::Object {
            return reasoning(reader, Slot::ReasoningPart, name, scan);
        }
        reader.members(|reader, key| match &*key.name() {
            name @ b"text" => reasoning(reader, Slot::ReasoningPart, name, scan),
            name => scan.listed(reader, &[(b"type", Shape::Identifier)], name),
        })
    })
}

/// One entry of `reasoning_details`. Encrypted data and signatures are opaque and stay.
fn detail(reader: &mut Reader<'_>, position: usize, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"reasoning_details")? {
        return Ok(());
    }
    let first_channel = scan.channels.len();
    let mut index = u32::try_from(position).unwrap_or(u32::MAX);
    reader.members(|reader, key| match &*key.name() {
        name @ (b"text" | b"summary") => reasoning(reader, Slot::ReasoningDetail(0), name, scan),
        b"index" => {
            if let Some((_, number)) = scan.whole_number(reader, b"index")? {
                index = u32::try_from(number).unwrap_or(u32::MAX);
            }
            Ok(())
        }
        name @ (b"data" | b"signature") => {
            // Reasoning belongs before the answer, wherever a server puts it.
            scan.once(reader, |scan, reader| {
                let signs = reader.kind()? == JsonKind::String;
                let span = reader.spanned(|reader| scan.listed(reader, &DETAIL, name))?;
                let signs = signs && span.len() > 2;
                scan.signed.extend(signs.then_some(Signed { group: None, from: 0 }));
                Ok(())
            })
        }
        name => scan.listed(reader, &DETAIL, name),
    })?;
    for channel in scan.channels.iter_mut().skip(first_channel) {
        channel.lane.slot = Slot::ReasoningDetail(index);
    }
    Ok(())
}

/// Annotations point into the answer as it stands in the whole message, by characters, either
/// themselves or in a member such as `url_citation`.
fn annotations(scan: &mut Scan, reader: &mut Reader<'_>) -> Result<(), Error> {
    if !scan.expects(JsonKind::Array, reader, b"annotations")? {
        return Ok(());
    }
    reader.elements(|reader, _| citation(scan, reader, true))
}

/// How far a filter that runs beside the model has come (Azure), by characters of the answer.
fn filter_offsets(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"content_filter_offsets")? {
        return Ok(());
    }
    let (mut start, mut end) = (None, None);
    reader.members(|reader, key| {
        let name = key.name();
        let offset = match &*name {
            b"start_offset" | b"end_offset" | b"check_offset" => {
                scan.whole_number(reader, &name)?
            }
            name => return scan.leak(reader, name),
        };
        match &*name {
            b"start_offset" => start = offset,
            b"end_offset" => end = offset,
            _ => scan.citations.extend(offset.map(|offset| Citation {
                lane: lane(Slot::Answer),
                start: offset.clone(),
                end: offset,
            })),
        }
        Ok(())
    })?;
    scan.citations.extend(start.zip(end).map(|(start, end)| Citation {
        lane: lane(Slot::Answer),
        start,
        end,
    }));
    Ok(())
}

fn citation(scan: &mut Scan, reader: &mut Reader<'_>, outer: bool) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"annotations")? {
        return Ok(());
    }
    let (mut start, mut end) = (None, None);
    reader.members(|reader, key| match &*key.name() {
        b"start_index" => {
            start = scan.whole_number(reader, b"index")?;
            Ok(())
        }
        b"end_index" => {
            end = scan.whole_number(reader, b"index")?;
            Ok(())
        }
        name if outer && name.ends_with(b"_citation") => citation(scan, reader, false),
        name => scan.listed(reader, &ANNOTATION, name),
    })?;
    if let Some((start, end)) = start.zip(end) {
        scan.citations.push(Citation { lane: lane(Slot::Answer), start, end });
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
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    let mut twice = Twice::default();
    reader.members(|reader, key| match scan.once_only(&mut twice, &key.name()) {
        name @ b"transcript" => {
            if scan.expects(JsonKind::String, reader, name)? {
                said(reader, lane(Slot::Transcript), Kind::Refusal, answered, scan)?;
            }
            Ok(())
        }
        name => scan.once(reader, |scan, reader| scan.listed(reader, &AUDIO, name)),
    })
}

/// An object of listed members, which its event says once.
fn object_of(
    reader: &mut Reader<'_>,
    name: &[u8],
    list: &[Listed],
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    scan.once(reader, |scan, reader| {
        reader.members(|reader, key| scan.listed(reader, list, &key.name()))
    })
}

fn tool_call(reader: &mut Reader<'_>, position: usize, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"tool_calls")? {
        return Ok(());
    }
    let first_channel = scan.channels.len();
    let mut index = u32::try_from(position).unwrap_or(u32::MAX);
    reader.members(|reader, key| match &*key.name() {
        b"index" => {
            if let Some((_, number)) = scan.whole_number(reader, b"index")? {
                index = u32::try_from(number).unwrap_or(u32::MAX);
            }
            Ok(())
        }
        b"function" | b"custom" => function(reader, scan),
        name => scan.listed(reader, &TOOL_CALL, name),
    })?;
    for channel in scan.channels.iter_mut().skip(first_channel) {
        channel.lane.slot = Slot::Tool(index);
    }
    Ok(())
}

fn function(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"tool_calls")? {
        return Ok(());
    }
    reader.members(|reader, key| match &*key.name() {
        // Some servers send them unwritten, as an object.
        b"arguments" | b"input" => {
            if let Some(Text { span, .. }) = reader.text()? {
                scan.text(lane(Slot::Tool(0)), Kind::ToolArguments, span);
            }
            Ok(())
        }
        name => scan.listed(reader, &[(b"name", Shape::Identifier)], name),
    })
}

/// Text that ends the reasoning, unless it is empty.
fn said(
    reader: &mut Reader<'_>,
    lane: Lane,
    kind: Kind,
    answered: &mut bool,
    scan: &mut Scan,
) -> Result<(), Error> {
    if let Some(Text { span, .. }) = reader.text()? {
        *answered |= !span.is_empty();
        scan.text(lane, kind, span);
    }
    Ok(())
}

fn reasoning(
    reader: &mut Reader<'_>,
    slot: Slot,
    name: &[u8],
    scan: &mut Scan,
) -> Result<(), Error> {
    if scan.expects(JsonKind::String, reader, name)? {
        if let Some(Text { span, .. }) = reader.text()? {
            scan.text(lane(slot), Kind::Reasoning, span);
        }
    }
    Ok(())
}

fn lane(slot: Slot) -> Lane {
    Lane { group: 0, slot }
}
