//! Where a message or one of its events keeps its text.

use std::ops::Range;

use crate::wire::json::{Error, Key, Kind as JsonKind, Reader, Text};
use crate::wire::scan::{Close, Field, FieldKind, Kind, Lane, Scan, Signed, Slot};

/// Members of a message that carry no text of the model's.
const MESSAGE: [&[u8]; 9] = [
    b"id",
    b"type",
    b"role",
    b"stop_reason",
    b"stop_sequence",
    b"stop_details",
    b"container",
    b"context_management",
    b"diagnostics",
];

/// Members of a delta that carry none: those of `message_delta`, and what is no text of an answer.
const DELTA: [&[u8]; 6] =
    [b"citation", b"stop_reason", b"stop_sequence", b"stop_details", b"container", b"content"];

/// Members of a content block that carry none: tool input, sealed data, citations, results of the
/// vendor's own tools.
const BLOCK: [&[u8]; 14] = [
    b"id",
    b"name",
    b"input",
    b"signature",
    b"citations",
    b"content",
    b"tool_use_id",
    b"is_error",
    b"caller",
    b"server_name",
    b"file_id",
    b"cache_control",
    b"source",
    b"title",
];

pub(super) fn scan_document(document: &[u8], scan: &mut Scan) -> Result<(), Error> {
    scan.says_more = true;
    let mut blocks = 0;
    Reader::new(document).document(|reader| {
        reader.object(|reader, key| match &*key.name() {
            b"content" => content(reader, &mut blocks, scan),
            b"type" => {
                scan.error |= reader.name()?.is_some_and(|(_, kind)| kind == "error");
                Ok(())
            }
            b"error" if scan.error => reader.pass(),
            b"request_id" => reader.pass(),
            _ => message_member(reader, key, scan),
        })
    })?;
    // As in a stream, where a block ends before the reason is told for which the message ends.
    let close = |group| Close { group, reasoning_only: false, cut_short: false };
    scan.closes.extend((0..=blocks).map(close));
    Ok(())
}

pub(super) fn scan_event(payload: &[u8], scan: &mut Scan) -> Result<(), Error> {
    let mut event = Event::default();
    Reader::new(payload).document(|reader| {
        reader.object(|reader, key| match &*key.name() {
            b"type" => {
                event.kind = reader.text()?.map(|Text { span, .. }| span);
                Ok(())
            }
            b"index" => {
                let index = reader.whole_number()?.map(|(_, index)| index).unwrap_or_default();
                event.index = u32::try_from(index).unwrap_or(u32::MAX);
                Ok(())
            }
            b"message" if scan.expects(JsonKind::Object, reader, b"message")? => {
                reader.members(|reader, key| match &*key.name() {
                    b"content" => content(reader, &mut 0, scan),
                    _ => message_member(reader, key, scan),
                })
            }
            b"message" => Ok(()),
            b"content_block" => block(reader, u32::MAX, scan),
            b"delta" => delta(reader, &mut event, scan),
            b"usage" => usage(reader, scan),
            b"error" | b"request_id" | b"context_management" => reader.pass(),
            name => scan.leak(reader, name),
        })
    })?;
    let Event { kind, index, signature } = event;
    for channel in &mut scan.channels {
        if channel.lane.group == u32::MAX {
            channel.lane.group = index;
        }
    }
    match kind.and_then(|span| payload.get(span)) {
        Some(b"content_block_delta") => {
            scan.says_more |= scan.channels.is_empty() || signature;
            if signature {
                scan.closes.push(Close { group: index, reasoning_only: true, cut_short: false });
            }
        }
        Some(b"content_block_stop") => {
            scan.says_more = true;
            scan.closes.push(Close { group: index, reasoning_only: false, cut_short: false });
        }
        Some(b"error") => (scan.error, scan.says_more) = (true, true),
        _ => scan.says_more = true,
    }
    scan.unrepeatable = scan.says_more;
    Ok(())
}

#[derive(Default)]
struct Event {
    /// The contents of `type`.
    kind: Option<Range<usize>>,
    index: u32,
    /// The delta is the signature that ends a thinking block.
    signature: bool,
}

fn message_member(reader: &mut Reader<'_>, key: Key<'_>, scan: &mut Scan) -> Result<(), Error> {
    match &*key.name() {
        b"model" => {
            let model = reader.text()?;
            model.into_iter().for_each(|text| scan.field(FieldKind::Model, text.span));
            Ok(())
        }
        b"usage" => usage(reader, scan),
        name if MESSAGE.contains(&name) => reader.pass(),
        name => scan.leak(reader, name),
    }
}

/// The blocks of a message; `last` becomes the index of the last one.
fn content(reader: &mut Reader<'_>, last: &mut u32, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Array, reader, b"content")? {
        return Ok(());
    }
    reader.elements(|reader, position| {
        *last = u32::try_from(position).unwrap_or(u32::MAX);
        block(reader, *last, scan)
    })
}

/// A content block, whole or as it starts. Text is the answer's only where the type says so.
fn block(reader: &mut Reader<'_>, group: u32, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"content")? {
        return Ok(());
    }
    let first_channel = scan.channels.len();
    let mut kind = String::new();
    let mut data = None;
    reader.members(|reader, key| match &*key.name() {
        b"type" => {
            kind = reader.name()?.map(|(_, kind)| kind).unwrap_or_default();
            Ok(())
        }
        name @ (b"thinking" | b"text") => text(reader, group, name, scan),
        b"data" => {
            data = Some(reader.skip()?);
            Ok(())
        }
        name if BLOCK.contains(&name) => reader.pass(),
        name => scan.leak(reader, name),
    })?;
    if matches!(kind.as_str(), "thinking" | "redacted_thinking") {
        scan.signed.push(Signed { group: None, from: reader.position() });
    }
    // What the vendor has sealed stays; of another block nobody knows what its data say.
    if let Some(span) = data.filter(|_| kind != "redacted_thinking") {
        scan.fields.push(Field { kind: FieldKind::Leak, span, name: "data".to_owned() });
    }
    for channel in scan.channels.iter_mut().skip(first_channel) {
        channel.signed = kind == "thinking";
        if kind != "text" {
            (channel.lane.slot, channel.kind) = (Slot::Reasoning, Kind::Reasoning);
        }
    }
    Ok(())
}

fn delta(reader: &mut Reader<'_>, event: &mut Event, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"delta")? {
        return Ok(());
    }
    let mut answers = false;
    reader.members(|reader, key| match &*key.name() {
        b"type" => {
            answers = reader.name()?.is_some_and(|(_, kind)| kind == "text_delta");
            Ok(())
        }
        name @ (b"thinking" | b"text" | b"partial_json") => text(reader, u32::MAX, name, scan),
        b"signature" => {
            event.signature = true;
            reader.pass()
        }
        name if DELTA.contains(&name) => reader.pass(),
        name => scan.leak(reader, name),
    })?;
    for channel in &mut scan.channels {
        if channel.kind == Kind::Answer && !answers {
            (channel.lane.slot, channel.kind) = (Slot::Reasoning, Kind::Reasoning);
        }
        channel.signed = channel.kind == Kind::Reasoning;
    }
    Ok(())
}

/// A text by the name of its member.
fn text(reader: &mut Reader<'_>, group: u32, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    let (slot, kind) = match name {
        b"text" => (Slot::Answer, Kind::Answer),
        b"partial_json" => (Slot::Tool(0), Kind::ToolArguments),
        _ => (Slot::Reasoning, Kind::Reasoning),
    };
    if scan.expects(JsonKind::String, reader, name)? {
        if let Some(Text { span, .. }) = reader.text()? {
            scan.text(Lane { group, slot }, kind, span);
        }
    }
    Ok(())
}

fn usage(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    let span = reader.spanned(|reader| {
        reader.members(|reader, key| {
            match &*key.name() {
                b"input_tokens" => scan.usage.input = reader.whole_number()?.map(|(_, n)| n),
                b"output_tokens" => scan.usage.output = reader.whole_number()?.map(|(_, n)| n),
                b"output_tokens_details" => reader.members(|reader, key| {
                    if !key.is("thinking_tokens") {
                        return reader.pass();
                    }
                    if let Some((span, count)) = reader.whole_number()? {
                        scan.usage.reasoning = Some(count);
                        scan.field(FieldKind::ReasoningTokens(count), span);
                    }
                    Ok(())
                })?,
                _ => reader.pass()?,
            }
            Ok(())
        })
    })?;
    scan.field(FieldKind::Usage, span);
    Ok(())
}
