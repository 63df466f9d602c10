//! Where a chat response or chunk keeps its text.

use std::ops::Range;

use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::scan::{Citation, Close, FieldKind, Kind, Lane, Scan, Signed, Slot};

/// A whole response, or one chunk of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Document,
    Chunk,
}

/// Members of the top level that carry no text of the model's.
const TOP_LEVEL: [&[u8]; 12] = [
    b"id",
    b"object",
    b"created",
    b"service_tier",
    b"system_fingerprint",
    b"provider",
    b"citations",
    b"search_results",
    b"timings",
    b"x_groq",
    b"prompt_filter_results",
    b"metadata",
];

/// Members of a choice that carry none.
const CHOICE: [&[u8]; 4] =
    [b"stop_reason", b"native_finish_reason", b"content_filter_results", b"content_filter_offsets"];

/// Members of a message or delta that carry none that a countermeasure edits.
const MESSAGE: [&[u8]; 5] = [b"audio", b"images", b"name", b"tool_call_id", b"context"];

/// Members of an array's content part that carry none.
const PART: [&[u8]; 12] = [
    b"type",
    b"closed",
    b"signature",
    b"annotations",
    b"reference_ids",
    b"image_url",
    b"input_audio",
    b"audio_url",
    b"file",
    b"refusal",
    b"id",
    b"index",
];

pub(super) fn scan(bytes: &[u8], form: Form, scan: &mut Scan) -> Result<(), Error> {
    let mut choices = 0;
    Reader::new(bytes).document(|reader| {
        reader.object(|reader, key| match &*key.name() {
            b"choices" if scan.expects(JsonKind::Array, reader, b"choices")? => {
                reader.elements(|reader, position| {
                    choices += 1;
                    choice(reader, position, form, scan)
                })
            }
            b"choices" => Ok(()),
            b"model" => {
                let model = reader.text()?;
                model.into_iter().for_each(|text| scan.field(FieldKind::Model, text.span));
                Ok(())
            }
            b"usage" => usage(reader, scan),
            b"error" => {
                // SDKs raise on any truthy value.
                let span = reader.skip()?;
                let falsy: [&[u8]; 5] = [b"null", b"false", b"0", b"\"\"", b"{}"];
                scan.error |= !falsy.contains(&bytes.get(span).unwrap_or_default());
                Ok(())
            }
            b"obfuscation" => {
                let padding = reader.text()?;
                padding.into_iter().for_each(|text| scan.field(FieldKind::Padding, text.span));
                Ok(())
            }
            name if TOP_LEVEL.contains(&name) => reader.pass(),
            name => scan.leak(reader, name),
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
    let first_channel = scan.channels.len();
    let (first_citation, first_signed) = (scan.citations.len(), scan.signed.len());
    reader.members(|reader, key| match &*key.name() {
        b"index" => {
            if let Some((_, number)) = reader.whole_number()? {
                index = u32::try_from(number).unwrap_or(u32::MAX);
            }
            Ok(())
        }
        name @ (b"message" | b"delta") => message(reader, name, &mut answered, scan),
        b"finish_reason" => {
            if reader.kind()? != JsonKind::String {
                return reader.pass();
            }
            // Empty, it says that the choice goes on.
            scan.once(reader, |_, reader| {
                let reason = reader.text()?.map(|text| text.span);
                finish = reason.filter(|reason| !reason.is_empty());
                Ok(())
            })
        }
        name if CHOICE.contains(&name) => reader.pass(),
        name => scan.leak(reader, name),
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
    let cut_short = finish
        .clone()
        .is_some_and(|span| reader.bytes().get(span).is_some_and(|reason| reason == b"length"));
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
    reader.members(|reader, key| match &*key.name() {
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
            Ok(())
        }
        name @ b"function_call" => {
            if scan.expects(JsonKind::Object, reader, name)? {
                *answered = true;
                scan.once(reader, |scan, reader| function(reader, scan))?;
            }
            Ok(())
        }
        b"role" => {
            if let Some(Text { span, .. }) = reader.text()? {
                scan.field(FieldKind::Role, span.start - 1..span.end + 1);
            }
            Ok(())
        }
        b"annotations" => scan.once(reader, annotations),
        name if MESSAGE.contains(&name) => scan.once(reader, |_, reader| reader.pass()),
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
    let mut answers = false;
    let mut filled = false;
    reader.members(|reader, key| match &*key.name() {
        name @ b"thinking" => thinking(reader, name, scan),
        b"text" if scan.expects(JsonKind::String, reader, b"text")? => {
            said(reader, lane(Slot::Answer), Kind::Answer, &mut filled, scan)
        }
        b"text" => Ok(()),
        b"type" => {
            let kind = reader.name()?.map(|(_, kind)| kind);
            answers = matches!(kind.as_deref(), Some("text" | "output_text"));
            Ok(())
        }
        name if PART.contains(&name) => {
            // References, images, signatures: nothing to edit, and not to be dropped.
            let more = !matches!(name, b"type" | b"closed");
            scan.says_more |= more;
            scan.unrepeatable |= more;
            reader.pass()
        }
        name => scan.leak(reader, name),
    })?;
    *answered |= answers && filled;
    for channel in scan.channels.iter_mut().skip(first_channel).filter(|_| !answers) {
        (channel.lane.slot, channel.kind) = (Slot::ReasoningPart, Kind::Reasoning);
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
            b"type" => reader.pass(),
            name => scan.leak(reader, name),
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
            if let Some((_, number)) = reader.whole_number()? {
                index = u32::try_from(number).unwrap_or(u32::MAX);
            }
            Ok(())
        }
        b"data" | b"signature" => {
            // Reasoning belongs before the answer, wherever a server puts it.
            scan.once(reader, |scan, reader| {
                let signs = reader.text()?.is_some_and(|text| !text.span.is_empty());
                scan.signed.extend(signs.then_some(Signed { group: None, from: 0 }));
                Ok(())
            })
        }
        b"type" | b"format" | b"id" => reader.pass(),
        name => scan.leak(reader, name),
    })?;
    for channel in scan.channels.iter_mut().skip(first_channel) {
        channel.lane.slot = Slot::ReasoningDetail(index);
    }
    Ok(())
}

/// Annotations point into the answer as it stands in the whole message, by characters, either
/// themselves or in a member such as `url_citation`.
fn annotations(scan: &mut Scan, reader: &mut Reader<'_>) -> Result<(), Error> {
    reader.elements(|reader, _| citation(scan, reader, true))
}

fn citation(scan: &mut Scan, reader: &mut Reader<'_>, outer: bool) -> Result<(), Error> {
    let (mut start, mut end) = (None, None);
    reader.members(|reader, key| match &*key.name() {
        b"start_index" => {
            start = reader.whole_number()?;
            Ok(())
        }
        b"end_index" => {
            end = reader.whole_number()?;
            Ok(())
        }
        name if outer && name.ends_with(b"_citation") => citation(scan, reader, false),
        _ => reader.pass(),
    })?;
    if let Some((start, end)) = start.zip(end) {
        scan.citations.push(Citation { lane: lane(Slot::Answer), start, end });
    }
    Ok(())
}

fn tool_call(reader: &mut Reader<'_>, position: usize, scan: &mut Scan) -> Result<(), Error> {
    let first_channel = scan.channels.len();
    let mut index = u32::try_from(position).unwrap_or(u32::MAX);
    reader.members(|reader, key| match &*key.name() {
        b"index" => {
            if let Some((_, number)) = reader.whole_number()? {
                index = u32::try_from(number).unwrap_or(u32::MAX);
            }
            Ok(())
        }
        b"function" | b"custom" => function(reader, scan),
        // Google's compatible endpoint puts its thought signatures into the last.
        b"id" | b"type" | b"extra_content" => reader.pass(),
        name => scan.leak(reader, name),
    })?;
    for channel in scan.channels.iter_mut().skip(first_channel) {
        channel.lane.slot = Slot::Tool(index);
    }
    Ok(())
}

fn function(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    reader.members(|reader, key| match &*key.name() {
        b"arguments" | b"input" => {
            if let Some(Text { span, .. }) = reader.text()? {
                scan.text(lane(Slot::Tool(0)), Kind::ToolArguments, span);
            }
            Ok(())
        }
        b"name" => reader.pass(),
        name => scan.leak(reader, name),
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

fn usage(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    if reader.kind()? != JsonKind::Object {
        return reader.pass();
    }
    let span = reader.spanned(|reader| {
        reader.members(|reader, key| {
            match &*key.name() {
                b"prompt_tokens" => scan.usage.input = reader.whole_number()?.map(|(_, n)| n),
                b"completion_tokens" => scan.usage.output = reader.whole_number()?.map(|(_, n)| n),
                b"completion_tokens_details" => reasoning_tokens(reader, scan)?,
                _ => reader.pass()?,
            }
            Ok(())
        })
    })?;
    scan.field(FieldKind::Usage, span);
    Ok(())
}

fn reasoning_tokens(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    reader.members(|reader, key| {
        if !key.is("reasoning_tokens") {
            return reader.pass();
        }
        if let Some((span, count)) = reader.whole_number()? {
            scan.usage.reasoning = Some(count);
            scan.field(FieldKind::ReasoningTokens(count), span);
        }
        Ok(())
    })
}

fn lane(slot: Slot) -> Lane {
    Lane { group: 0, slot }
}
