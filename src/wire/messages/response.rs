//! Where a message or one of its events keeps its text.

use std::ops::Range;

use crate::wire::json::{Error, Key, Reader, Text};
use crate::wire::scan::{Channel, Close, FieldKind, Kind, Lane, Scan, Slot};

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
const DELTA: [&[u8]; 7] = [
    b"type",
    b"citation",
    b"stop_reason",
    b"stop_sequence",
    b"stop_details",
    b"container",
    b"content",
];

pub(super) fn scan_document(document: &[u8], scan: &mut Scan) -> Result<(), Error> {
    scan.says_more = true;
    let mut blocks = 0;
    let mut cut_short = false;
    Reader::new(document).document(|reader| {
        reader.members(|reader, key| match &*key.name() {
            b"content" => reader.elements(|reader, position| {
                blocks = u32::try_from(position).unwrap_or(u32::MAX);
                block(reader, blocks, scan)
            }),
            b"stop_reason" => {
                let reason = reader.name()?;
                cut_short = reason.is_some_and(|(_, reason)| reason == "max_tokens");
                Ok(())
            }
            b"type" => {
                scan.error |= reader.name()?.is_some_and(|(_, kind)| kind == "error");
                Ok(())
            }
            b"error" if scan.error => reader.pass(),
            b"request_id" => reader.pass(),
            _ => message_member(reader, key, scan),
        })
    })?;
    scan.closes.extend((0..=blocks).map(|group| Close { group, reasoning_only: false, cut_short }));
    Ok(())
}

pub(super) fn scan_event(payload: &[u8], scan: &mut Scan) -> Result<(), Error> {
    let mut event = Event::default();
    Reader::new(payload).document(|reader| {
        reader.members(|reader, key| match &*key.name() {
            b"type" => {
                event.kind = reader.text()?.map(|Text { span, .. }| span);
                Ok(())
            }
            b"index" => {
                let index = reader.whole_number()?.map(|(_, index)| index).unwrap_or_default();
                event.index = u32::try_from(index).unwrap_or(u32::MAX);
                Ok(())
            }
            b"message" => reader.members(|reader, key| match &*key.name() {
                b"content" => reader.elements(|reader, position| {
                    block(reader, u32::try_from(position).unwrap_or(u32::MAX), scan)
                }),
                _ => message_member(reader, key, scan),
            }),
            b"content_block" => block(reader, u32::MAX, scan),
            b"delta" => delta(reader, &mut event, scan),
            b"usage" => usage(reader, scan),
            b"error" | b"context_management" => reader.pass(),
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
            scan.says_more |= scan.channels.is_empty();
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

/// A content block, whole or as it starts.
fn block(reader: &mut Reader<'_>, group: u32, scan: &mut Scan) -> Result<(), Error> {
    let first_channel = scan.channels.len();
    let mut thinking = false;
    reader.members(|reader, key| {
        match &*key.name() {
            b"type" => thinking = reader.name()?.is_some_and(|(_, kind)| kind == "thinking"),
            b"thinking" => text(reader, group, Slot::Reasoning, Kind::Reasoning, scan)?,
            b"text" => text(reader, group, Slot::Answer, Kind::Answer, scan)?,
            // Tool input, sealed data, citations, results of the vendor's own tools.
            _ => reader.pass()?,
        }
        Ok(())
    })?;
    for channel in scan.channels.iter_mut().skip(first_channel) {
        channel.signed = thinking;
    }
    Ok(())
}

fn delta(reader: &mut Reader<'_>, event: &mut Event, scan: &mut Scan) -> Result<(), Error> {
    reader.members(|reader, key| match &*key.name() {
        b"thinking" => text(reader, u32::MAX, Slot::Reasoning, Kind::Reasoning, scan),
        b"text" => text(reader, u32::MAX, Slot::Answer, Kind::Answer, scan),
        b"partial_json" => text(reader, u32::MAX, Slot::Tool(0), Kind::ToolArguments, scan),
        b"signature" => {
            event.signature = true;
            reader.pass()
        }
        name if DELTA.contains(&name) => reader.pass(),
        name => scan.leak(reader, name),
    })?;
    for channel in &mut scan.channels {
        channel.signed = channel.kind == Kind::Reasoning;
    }
    Ok(())
}

fn text(
    reader: &mut Reader<'_>,
    group: u32,
    slot: Slot,
    kind: Kind,
    scan: &mut Scan,
) -> Result<(), Error> {
    if let Some(Text { span, .. }) = reader.text()? {
        let lane = Lane { group, slot };
        scan.channels.push(Channel { lane, kind, span, signed: false });
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
