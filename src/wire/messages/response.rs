//! Where a message or one of its events keeps its text.

use std::ops::Range;

use crate::wire::json::{Error, Key, Kind as JsonKind, Reader, Text, unescape_lossy};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{
    Block, Carrier, CarrierPlace, Close, Field, FieldKind, Kind, Lane, Mode, Scan, Share, Signed,
    Slot, Twice, is_call, is_cut_short,
};
use crate::wire::thought::members;
use crate::wire::{error, usage};

use super::{NOTHING, REDACTED, THINKING};

/// Members of a message that carry no text of the model's.
const MESSAGE: [Listed; 6] = [
    (b"id", Shape::Identifier),
    (b"type", Shape::Identifier),
    (b"role", Shape::Identifier),
    (b"container", Shape::Data),
    (b"context_management", Shape::Data),
    (b"diagnostics", Shape::Data),
];

/// Members of a delta that carry none: those of `message_delta`.
const DELTA: [Listed; 1] = [(b"container", Shape::Data)];

/// Why the model stopped, in the vendor's words, which are not passed on.
const STOP_DETAILS: [Listed; 2] = [(b"type", Shape::Identifier), (b"category", Shape::Identifier)];

/// Members of a content block that carry none.
const BLOCK: [Listed; 5] = [
    (b"signature", Shape::Sealed),
    (b"is_error", Shape::Flag),
    (b"caller", Shape::Data),
    (b"server_name", Shape::Identifier),
    (b"file_id", Shape::Identifier),
];

/// Members of a citation.
const CITATION: [Listed; 16] = [
    (b"type", Shape::Identifier),
    (b"cited_text", Shape::Text(QUOTED)),
    (b"title", Shape::Text(QUOTED)),
    (b"document_title", Shape::Text(QUOTED)),
    (b"source", Shape::Text(QUOTED)),
    (b"url", Shape::Text(QUOTED)),
    (b"file_id", Shape::Identifier),
    (b"encrypted_index", Shape::Sealed),
    (b"document_index", Shape::Data),
    (b"search_result_index", Shape::Data),
    (b"start_char_index", Shape::Data),
    (b"end_char_index", Shape::Data),
    (b"start_page_number", Shape::Data),
    (b"end_page_number", Shape::Data),
    (b"start_block_index", Shape::Data),
    (b"end_block_index", Shape::Data),
];

/// The most bytes of what is quoted of a source.
const QUOTED: usize = 256 * 1024;

/// What stands in blocks that are not the model's text: tool input, citations, results of the
/// vendor's own tools.
const CARRIED: [&[u8]; 5] = [b"input", b"content", b"source", b"title", b"cache_control"];

/// The blocks that have them, besides those of tools.
const CARRIERS: [&str; 5] =
    ["document", "search_result", "image", "container_upload", "compaction"];

pub(super) fn scan_document(document: &[u8], scan: &mut Scan) -> Result<(), Error> {
    (scan.says_more, scan.in_blocks) = (true, true);
    let mut blocks = 0;
    let mut twice = Twice::default();
    Reader::new(document).document(|reader| {
        reader.object(|reader, key| match scan.once_only(&mut twice, &key.name()) {
            b"content" => content(reader, &mut blocks, scan),
            b"type" => {
                let kind = scan.identifier(reader, b"type")?;
                scan.error |= kind.and_then(|span| reader.bytes().get(span)) == Some(b"error");
                Ok(())
            }
            b"error" => error::member(reader, scan),
            name @ b"request_id" => scan.identifier(reader, name).map(|_| ()),
            _ => message_member(reader, key, scan),
        })
    })?;
    scan.calls.extend(scan.called.then_some(blocks));
    ends(blocks, scan);
    Ok(())
}

pub(super) fn scan_event(payload: &[u8], scan: &mut Scan) -> Result<(), Error> {
    scan.in_blocks = true;
    let mut event = Event::default();
    let (mut twice, mut twice_within) = (Twice::default(), Twice::default());
    Reader::new(payload).document(|reader| {
        reader.object(|reader, key| match scan.once_only(&mut twice, &key.name()) {
            b"type" => {
                event.kind = scan.identifier(reader, b"type")?;
                Ok(())
            }
            b"index" => {
                let index = scan
                    .whole_number(reader, b"index")?
                    .map(|(_, index)| index)
                    .unwrap_or_default();
                event.index = u32::try_from(index).unwrap_or(u32::MAX);
                Ok(())
            }
            b"message" if scan.expects(JsonKind::Object, reader, b"message")? => {
                reader.members(|reader, key| match scan.once_only(&mut twice_within, &key.name()) {
                    b"content" => {
                        let first = scan.channels.len();
                        content(reader, &mut 0, scan)?;
                        event.whole = first..scan.channels.len();
                        Ok(())
                    }
                    _ => message_member(reader, key, scan),
                })
            }
            b"message" => Ok(()),
            b"content_block" => {
                let first = scan.channels.len();
                event.begins = block(reader, u32::MAX, scan)?;
                event.block = first..scan.channels.len();
                Ok(())
            }
            b"delta" => delta(reader, &mut event, scan),
            b"usage" => usage::scan(reader, scan),
            b"error" => error::member(reader, scan),
            name @ b"request_id" => scan.identifier(reader, name).map(|_| ()),
            name @ b"context_management" => scan.listed(reader, &MESSAGE, name),
            name => scan.leak(reader, name),
        })
    })?;
    let Event { kind, index, signature, mut begins, whole, block } = event;
    let kind = kind.and_then(|span| payload.get(span));
    if kind == Some(b"content_block_stop") {
        // It says once more what has been said of the block.
        begins = None;
        let again = scan.channels.get_mut(block).unwrap_or_default();
        again.iter_mut().for_each(|channel| channel.mode = Mode::Snapshot);
    }
    scan.begins = begins.map(|begins| Block { group: index, ..begins });
    scan.called |= begins.is_some_and(|begins| begins.calls);
    for channel in &mut scan.channels {
        if channel.lane.group == u32::MAX {
            channel.lane.group = index;
        }
    }
    for carrier in &mut scan.carriers {
        if carrier.group == u32::MAX {
            carrier.group = index;
        }
    }
    if kind != Some(b"message_start") {
        repeat(whole, scan);
    }
    match kind {
        Some(b"content_block_delta") => {
            scan.says_more |= scan.channels.is_empty() || signature;
            if signature {
                scan.closes.push(Close::of(index, true, false));
            }
        }
        Some(b"content_block_stop") => {
            scan.says_more = true;
            scan.carriers.push(signature_before_stop(index));
            scan.closes.push(Close::of(index, false, false));
        }
        Some(b"error") => (scan.error, scan.says_more) = (true, true),
        Some(b"ping") => (scan.idle, scan.says_more) = (true, true),
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
    /// A block begins, whose index may stand behind it.
    begins: Option<Block>,
    /// The texts that stand in a whole message.
    whole: Range<usize>,
    /// Those that stand in a whole block.
    block: Range<usize>,
}

/// What would carry a signature that has not come before its block ends.
fn signature_before_stop(index: u32) -> Carrier {
    let before = format!(
        "{{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{{\"type\":\"signature_delta\",\
         \"signature\":"
    );
    let place = CarrierPlace::Event {
        kind: Some("content_block_delta"),
        before: before.into(),
        after: "}}",
    };
    Carrier { name: THINKING, group: index, share: Share::All, nothing: NOTHING, place }
}

/// The texts of a message that has begun before say all that it has said, and end with it.
fn repeat(texts: Range<usize>, scan: &mut Scan) {
    let mut last = None;
    for channel in scan.channels.get_mut(texts).unwrap_or_default() {
        channel.mode = Mode::Snapshot;
        last = Some(channel.lane.group);
    }
    last.into_iter().for_each(|last| ends(last, scan));
}

/// Every block ends, of which only the last one can have been cut short.
fn ends(last: u32, scan: &mut Scan) {
    let cut_short = scan.cut_short.unwrap_or_default();
    let close = |group| Close::of(group, false, group == last && cut_short);
    scan.closes.extend((0..=last).map(close));
}

fn message_member(reader: &mut Reader<'_>, key: Key<'_>, scan: &mut Scan) -> Result<(), Error> {
    match &*key.name() {
        b"model" => scan.model(reader),
        b"usage" => usage::scan(reader, scan),
        b"stop_reason" => stop_reason(reader, scan),
        name @ b"stop_sequence" => scan.stop(reader, name),
        b"stop_details" => stop_details(reader, scan),
        name => scan.listed(reader, &MESSAGE, name),
    }
}

fn stop_details(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"stop_details")? {
        return Ok(());
    }
    reader.members(|reader, key| scan.listed(reader, &STOP_DETAILS, &key.name()))
}

/// A passage that a text is drawn from: it points into the source, not into the answer.
fn citation(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"citations")? {
        return Ok(());
    }
    reader.members(|reader, key| scan.listed(reader, &CITATION, &key.name()))
}

/// The blocks of a message; `last` becomes the index of the last one.
fn content(reader: &mut Reader<'_>, last: &mut u32, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Array, reader, b"content")? {
        return Ok(());
    }
    reader.elements(|reader, position| {
        let before = std::mem::replace(last, u32::try_from(position).unwrap_or(u32::MAX));
        let begun = block(reader, *last, scan)?;
        scan.calls.extend(begun.filter(|it| it.calls).map(|_| before));
        Ok(())
    })
}

/// A content block, whole or as it starts, if there is a type. Text is the answer's only where that
/// says so.
fn block(reader: &mut Reader<'_>, group: u32, scan: &mut Scan) -> Result<Option<Block>, Error> {
    if !scan.expects(JsonKind::Object, reader, b"content")? {
        return Ok(None);
    }
    let first_channel = scan.channels.len();
    let mut kind = String::new();
    let mut data = None;
    let mut carried = Vec::new();
    let (mut signature, mut thinking) = (None, None);
    let thought = members(reader, scan, |reader, name, _, scan| match name {
        b"type" => {
            let span = scan.identifier(reader, b"type")?.unwrap_or_default();
            kind = unescape_lossy(reader.bytes().get(span).unwrap_or_default());
            Ok(())
        }
        name @ (b"thinking" | b"text") => {
            text(reader, group, name, scan)?;
            thinking = thinking.or((name == b"thinking").then(|| reader.position()));
            Ok(())
        }
        name @ b"signature" => {
            signature = Some(reader.spanned(|reader| scan.listed(reader, &BLOCK, name))?);
            Ok(())
        }
        b"data" => {
            data = Some(reader.skip()?);
            Ok(())
        }
        name @ b"citations" => {
            if !scan.expects(JsonKind::Array, reader, name)? {
                return Ok(());
            }
            reader.elements(|reader, _| citation(reader, scan))
        }
        name if CARRIED.contains(&name) => {
            let span = reader.skip()?;
            carried.push((span, String::from_utf8_lossy(name).into_owned()));
            Ok(())
        }
        name @ b"name" => scan.tool(reader, name),
        name @ (b"id" | b"tool_use_id") => scan.call_id(reader, name),
        name => scan.listed(reader, &BLOCK, name),
    })?;
    // In any other block they would be a second way to say its text.
    let carries = kind.contains("tool") || CARRIERS.contains(&kind.as_str());
    if carries {
        for (span, _) in carried {
            scan.encoded(reader.bytes(), span.clone());
            scan.quoted.push(span);
        }
    } else {
        let leak = |(span, name)| Field { kind: FieldKind::Leak, span, name };
        scan.fields.extend(carried.into_iter().map(leak));
    }
    if matches!(kind.as_str(), "thinking" | "redacted_thinking") {
        scan.signed.push(Signed { group: None, from: reader.position() });
    }
    let place = match kind.as_str() {
        "thinking" => thinking_place(signature, thinking, group),
        "redacted_thinking" => data.clone().map(CarrierPlace::Value),
        _ => None,
    };
    let name = if kind == "thinking" { THINKING } else { REDACTED };
    let carrier = |place| Carrier { name, group, share: Share::All, nothing: NOTHING, place };
    scan.carriers.extend(place.map(carrier));
    // What the vendor has sealed stays; of another block nobody knows what its data say.
    let sealed = |span: &Range<usize>| {
        let data = reader.bytes().get(span.clone()).unwrap_or_default();
        kind == "redacted_thinking" && Shape::Sealed.fits(data)
    };
    match data {
        Some(span) if sealed(&span) => scan.encoded(reader.bytes(), span),
        Some(span) => {
            scan.fields.push(Field { kind: FieldKind::Leak, span, name: "data".to_owned() });
        }
        None => {}
    }
    for channel in scan.channels.iter_mut().skip(first_channel) {
        channel.signed = kind == "thinking";
        if kind != "text" || thought.says() {
            (channel.lane.slot, channel.kind) = (Slot::Reasoning, Kind::Reasoning);
        }
    }
    let calls = kind.ends_with("tool_use");
    Ok((!kind.is_empty()).then_some(Block {
        group,
        answers: kind == "text" && !thought.says(),
        calls,
        within: false,
    }))
}

/// Where a thinking block carries its signature. One that begins a stream of its own has none yet.
fn thinking_place(
    signature: Option<Range<usize>>,
    thinking: Option<usize>,
    group: u32,
) -> Option<CarrierPlace> {
    let begins = group == u32::MAX;
    match (signature, thinking) {
        (Some(span), _) if begins => Some(CarrierPlace::Early(span)),
        (None, _) if begins => Some(CarrierPlace::Begun),
        (Some(span), _) => Some(CarrierPlace::Value(span)),
        (None, Some(at)) => Some(CarrierPlace::Member { at, name: "signature" }),
        (None, None) => None,
    }
}

fn delta(reader: &mut Reader<'_>, event: &mut Event, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"delta")? {
        return Ok(());
    }
    let (mut answers, mut compacts, mut content) = (false, false, None);
    let thought = members(reader, scan, |reader, name, _, scan| {
        match name {
            b"type" => {
                let kind =
                    scan.identifier(reader, b"type")?.and_then(|span| reader.bytes().get(span));
                answers = kind == Some(b"text_delta");
                compacts = kind == Some(b"compaction_delta");
                Ok(())
            }
            name @ (b"thinking" | b"text" | b"partial_json") => text(reader, u32::MAX, name, scan),
            name @ b"signature" => {
                event.signature = true;
                let span = reader.spanned(|reader| scan.listed(reader, &BLOCK, name))?;
                let place = CarrierPlace::Value(span);
                let (name, group, nothing) = (THINKING, u32::MAX, NOTHING);
                scan.carriers.push(Carrier { name, group, share: Share::All, nothing, place });
                Ok(())
            }
            b"stop_reason" => stop_reason(reader, scan),
            name @ b"stop_sequence" => scan.stop(reader, name),
            b"stop_details" => stop_details(reader, scan),
            b"citation" => citation(reader, scan),
            // The client sends a summary of the conversation again.
            b"content" if reader.kind()? == JsonKind::String => {
                content = Some(reader.skip()?);
                Ok(())
            }
            name => scan.listed(reader, &DELTA, name),
        }
    })?;
    if let Some(span) = content.filter(|_| !compacts) {
        scan.fields.push(Field { kind: FieldKind::Leak, span, name: "content".to_owned() });
    }
    for channel in &mut scan.channels {
        if channel.kind == Kind::Answer && (!answers || thought.says()) {
            (channel.lane.slot, channel.kind) = (Slot::Reasoning, Kind::Reasoning);
        }
        channel.signed = channel.kind == Kind::Reasoning;
    }
    Ok(())
}

/// Why the message ends.
fn stop_reason(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    let reason = scan.identifier(reader, b"stop_reason")?;
    let reason = reason.and_then(|span| reader.bytes().get(span));
    scan.cut_short = reason.map(is_cut_short).or(scan.cut_short);
    scan.called |= reason.is_some_and(is_call);
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
            scan.text(Lane::new(group, slot), kind, span);
        }
    }
    Ok(())
}
