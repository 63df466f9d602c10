//! Where a chat response or chunk keeps its text.

use std::ops::Range;

use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::scan::{Close, FieldKind, Kind, Lane, Scan, Slot};

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
const MESSAGE: [&[u8]; 6] =
    [b"annotations", b"audio", b"images", b"name", b"tool_call_id", b"context"];

pub(super) fn scan(bytes: &[u8], form: Form, scan: &mut Scan) -> Result<(), Error> {
    let mut choices = 0;
    Reader::new(bytes).document(|reader| {
        reader.members(|reader, key| match &*key.name() {
            b"choices" => reader.elements(|reader, position| {
                choices += 1;
                choice(reader, position, form, scan)
            }),
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
    Ok(())
}

fn choice(
    reader: &mut Reader<'_>,
    position: usize,
    form: Form,
    scan: &mut Scan,
) -> Result<(), Error> {
    let mut index = u32::try_from(position).unwrap_or(u32::MAX);
    let mut finish: Option<Range<usize>> = None;
    let mut answered = false;
    let first_channel = scan.channels.len();
    reader.members(|reader, key| match &*key.name() {
        b"index" => {
            if let Some((_, number)) = reader.whole_number()? {
                index = u32::try_from(number).unwrap_or(u32::MAX);
            }
            Ok(())
        }
        b"message" | b"delta" => message(reader, &mut answered, scan),
        b"finish_reason" => {
            finish = reader.text()?.map(|text| text.span);
            scan.says_more |= finish.is_some();
            Ok(())
        }
        name if CHOICE.contains(&name) => reader.pass(),
        name => scan.leak(reader, name),
    })?;
    // The index may stand behind the text it applies to.
    for channel in scan.channels.iter_mut().skip(first_channel) {
        channel.lane.group = index;
    }
    let cut_short = finish
        .clone()
        .is_some_and(|span| reader.bytes().get(span).is_some_and(|reason| reason == b"length"));
    if finish.is_some() || form == Form::Document {
        scan.closes.push(Close { group: index, reasoning_only: false, cut_short });
    } else if answered {
        scan.closes.push(Close { group: index, reasoning_only: true, cut_short: false });
    }
    Ok(())
}

/// A message or delta. Its lanes are put under the right choice once its index is known.
fn message(reader: &mut Reader<'_>, answered: &mut bool, scan: &mut Scan) -> Result<(), Error> {
    reader.members(|reader, key| match &*key.name() {
        b"content" => content(reader, answered, scan),
        b"reasoning_content" => reasoning(reader, Slot::Reasoning, scan),
        b"reasoning" => match reader.kind()? {
            JsonKind::String | JsonKind::Null => reasoning(reader, Slot::ReasoningAlias, scan),
            _ => scan.leak(reader, b"reasoning"),
        },
        b"reasoning_details" => reader.elements(|reader, position| detail(reader, position, scan)),
        b"refusal" => {
            if let Some(Text { span, .. }) = reader.text()? {
                *answered |= !span.is_empty();
                scan.text(lane(Slot::Refusal), Kind::Refusal, span);
            }
            Ok(())
        }
        b"tool_calls" => {
            let calls = reader.kind()? == JsonKind::Array;
            *answered |= calls;
            scan.says_more |= calls;
            reader.elements(|reader, position| tool_call(reader, position, scan))
        }
        b"function_call" => {
            let call = reader.kind()? == JsonKind::Object;
            *answered |= call;
            scan.says_more |= call;
            function(reader, 0, scan)
        }
        b"role" => {
            if let Some(Text { span, .. }) = reader.text()? {
                scan.field(FieldKind::Role, span.start - 1..span.end + 1);
            }
            Ok(())
        }
        name if MESSAGE.contains(&name) => {
            scan.says_more |= reader.kind()? != JsonKind::Null;
            reader.pass()
        }
        name => scan.leak(reader, name),
    })
}

/// A string, or an array of parts in which thinking and text alternate.
fn content(reader: &mut Reader<'_>, answered: &mut bool, scan: &mut Scan) -> Result<(), Error> {
    if reader.kind()? != JsonKind::Array {
        if let Some(Text { span, .. }) = reader.text()? {
            *answered |= !span.is_empty();
            scan.text(lane(Slot::Answer), Kind::Answer, span);
        }
        return Ok(());
    }
    reader.elements(|reader, _| {
        reader.members(|reader, key| match &*key.name() {
            b"thinking" => thinking(reader, scan),
            b"text" => {
                if let Some(Text { span, .. }) = reader.text()? {
                    *answered |= !span.is_empty();
                    scan.text(lane(Slot::Answer), Kind::Answer, span);
                }
                Ok(())
            }
            b"type" | b"closed" => reader.pass(),
            // References, images, signatures: nothing to edit, and not to be dropped.
            _ => {
                scan.says_more = true;
                reader.pass()
            }
        })
    })
}

/// The value of a thinking part: text parts, or a string.
fn thinking(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    if reader.kind()? != JsonKind::Array {
        return reasoning(reader, Slot::ReasoningPart, scan);
    }
    reader.elements(|reader, _| {
        reader.members(|reader, key| {
            if key.is("text") {
                reasoning(reader, Slot::ReasoningPart, scan)
            } else {
                reader.pass()
            }
        })
    })
}

/// One entry of `reasoning_details`. Encrypted data and signatures are opaque and stay.
fn detail(reader: &mut Reader<'_>, position: usize, scan: &mut Scan) -> Result<(), Error> {
    let first_channel = scan.channels.len();
    let mut index = u32::try_from(position).unwrap_or(u32::MAX);
    reader.members(|reader, key| match &*key.name() {
        b"text" | b"summary" => reasoning(reader, Slot::ReasoningDetail(0), scan),
        b"index" => {
            if let Some((_, number)) = reader.whole_number()? {
                index = u32::try_from(number).unwrap_or(u32::MAX);
            }
            Ok(())
        }
        b"data" | b"signature" => {
            scan.says_more |= reader.kind()? != JsonKind::Null;
            reader.pass()
        }
        b"type" | b"format" | b"id" => reader.pass(),
        name => scan.leak(reader, name),
    })?;
    for channel in scan.channels.iter_mut().skip(first_channel) {
        channel.lane.slot = Slot::ReasoningDetail(index);
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
        b"function" | b"custom" => function(reader, 0, scan),
        _ => reader.pass(),
    })?;
    for channel in scan.channels.iter_mut().skip(first_channel) {
        channel.lane.slot = Slot::Tool(index);
    }
    Ok(())
}

fn function(reader: &mut Reader<'_>, index: u32, scan: &mut Scan) -> Result<(), Error> {
    reader.members(|reader, key| match &*key.name() {
        b"arguments" | b"input" => {
            if let Some(Text { span, .. }) = reader.text()? {
                scan.text(lane(Slot::Tool(index)), Kind::ToolArguments, span);
            }
            Ok(())
        }
        _ => reader.pass(),
    })
}

fn reasoning(reader: &mut Reader<'_>, slot: Slot, scan: &mut Scan) -> Result<(), Error> {
    if let Some(Text { span, .. }) = reader.text()? {
        scan.text(lane(slot), Kind::Reasoning, span);
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
