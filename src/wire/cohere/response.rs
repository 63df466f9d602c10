//! Where a message, or one of its events, keeps its text.

use crate::wire::chat::response::{function, tool_call};
use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{
    Block, Close, FieldKind, Kind, Lane, Scan, Slot, Twice, is_call, is_cut_short,
};
use crate::wire::thought::members;
use crate::wire::{error, usage};

use super::citation::citations;

/// The group of the plan, before which nothing stands.
const PLAN: u32 = 0;

/// Groups of calls are above this one, and those of contents between.
const CALLS: u32 = 1 << 24;

/// Members of the top level that carry no text of the model's.
const TOP_LEVEL: [Listed; 1] = [(b"id", Shape::EventId)];

/// Members of a message that carry none.
const MESSAGE: [Listed; 1] = [(b"role", Shape::Identifier)];

/// Members of a block of contents that carry none.
const BLOCK: [Listed; 1] = [(b"type", Shape::Identifier)];

/// The group of the block of this index.
pub(super) fn group_of(index: u64) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1).min(CALLS - 1)
}

pub(super) fn scan_document(document: &[u8], scan: &mut Scan) -> Result<(), Error> {
    (scan.says_more, scan.in_blocks) = (true, true);
    let mut twice = Twice::default();
    let mut found = Found::default();
    Reader::new(document).document(|reader| {
        reader.object(|reader, key| match scan.once_only(&mut twice, &key.name()) {
            b"message" if reader.kind()? == JsonKind::String => error::text(reader, scan),
            name @ b"message" => message(reader, name, &mut found, scan),
            name => ending(reader, name, scan),
        })
    })?;
    scan.calls.extend(scan.called.then_some(found.last));
    let cut_short = scan.cut_short.unwrap_or_default();
    let close = |group| Close::of(group, false, group == found.last && cut_short);
    scan.closes.extend((PLAN..=found.last).map(close));
    scan.closes.extend(scan.called.then(|| Close::of(CALLS, false, false)));
    Ok(())
}

pub(super) fn scan_event(payload: &[u8], scan: &mut Scan) -> Result<(), Error> {
    scan.in_blocks = true;
    let mut kind = String::new();
    let mut found = Found { index: Some(0), ..Found::default() };
    let mut twice = Twice::default();
    Reader::new(payload).document(|reader| {
        reader.object(|reader, key| match scan.once_only(&mut twice, &key.name()) {
            name @ b"type" => {
                let span = scan.identifier(reader, name)?.unwrap_or_default();
                let name = reader.bytes().get(span).unwrap_or_default();
                kind = String::from_utf8_lossy(name).into_owned();
                Ok(())
            }
            name @ b"index" => {
                found.index = scan.whole_number(reader, name)?.map(|(_, index)| index);
                Ok(())
            }
            name @ b"delta" => {
                if !scan.expects(JsonKind::Object, reader, name)? {
                    return Ok(());
                }
                let mut twice = Twice::default();
                reader.members(|reader, key| match scan.once_only(&mut twice, &key.name()) {
                    name @ b"message" => message(reader, name, &mut found, scan),
                    name => ending(reader, name, scan),
                })
            }
            b"message" if reader.kind()? == JsonKind::String => {
                scan.error = true;
                error::text(reader, scan)
            }
            name => scan.listed(reader, &TOP_LEVEL, name),
        })
    })?;
    settle(&kind, &found, scan);
    Ok(())
}

/// Puts what an event has under the block that it is about.
fn settle(kind: &str, found: &Found, scan: &mut Scan) {
    let index = found.index.unwrap_or_default();
    let call = CALLS.saturating_add(u32::try_from(index).unwrap_or(u32::MAX));
    let group = if kind.starts_with("tool-call") { call } else { group_of(index) };
    let answers = matches!(kind, "content-start" | "content-delta");
    for channel in &mut scan.channels {
        match channel.kind {
            Kind::ToolArguments => channel.lane.group = call,
            _ if channel.lane.slot == Slot::ReasoningAlias => {}
            // Text is the answer's only where the event says so.
            Kind::Answer if !answers => {
                (channel.kind, channel.lane.slot) = (Kind::Reasoning, Slot::Reasoning);
                channel.lane.group = group;
            }
            _ => channel.lane.group = group,
        }
    }
    match kind {
        "content-delta" | "tool-plan-delta" | "tool-call-delta" => {
            scan.says_more |= scan.channels.is_empty();
        }
        "content-start" => {
            let answers = found.kind.as_deref() == Some("text");
            scan.begins = Some(Block { group, answers, calls: false, within: false });
            scan.says_more = true;
        }
        "content-end" => scan.closes.push(Close::of(group, false, false)),
        "tool-call-start" => {
            scan.begins = Some(Block { group, answers: false, calls: true, within: false });
            // What is planned has been said.
            scan.closes.push(Close::of(PLAN, false, false));
            scan.called = true;
        }
        "tool-call-end" => scan.closes.push(Close::of(call, false, false)),
        "message-end" => scan.ends = true,
        _ => {}
    }
    scan.says_more |= !matches!(kind, "content-delta" | "tool-plan-delta" | "tool-call-delta");
    scan.unrepeatable = scan.says_more;
}

/// What is found of a message, or of a part of one.
#[derive(Default)]
struct Found {
    /// The index of what an event is about; `None` in a document, where places are counted.
    index: Option<u64>,
    /// The type of the block that begins.
    kind: Option<String>,
    /// The group of the last block.
    last: u32,
}

fn message(
    reader: &mut Reader<'_>,
    name: &[u8],
    found: &mut Found,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    let streamed = found.index.is_some();
    members(reader, scan, |reader, name, _, scan| match name {
        name @ b"tool_plan" => {
            text(reader, name, Lane::new(PLAN, Slot::ReasoningAlias), Kind::Reasoning, scan)
        }
        name @ b"content" => match reader.kind()? {
            JsonKind::Array if !streamed => reader.elements(|reader, place| {
                found.last = found.last.max(group_of(place as u64));
                block(reader, group_of(place as u64), found, scan)
            }),
            JsonKind::Object if streamed => block(reader, 0, found, scan),
            // What begins has nothing yet.
            _ => scan.list(reader, name),
        },
        name @ b"tool_calls" => match reader.kind()? {
            JsonKind::Array => {
                let mut calls = false;
                let first = scan.channels.len();
                scan.once(reader, |scan, reader| {
                    reader.elements(|reader, place| {
                        calls = true;
                        tool_call(reader, place, scan)
                    })
                })?;
                let calling = scan.channels.iter_mut().skip(first);
                calling.for_each(|channel| channel.lane.group = CALLS);
                scan.called |= calls;
                Ok(())
            }
            JsonKind::Object if streamed => call(reader, scan),
            _ => scan.leak(reader, name),
        },
        name @ b"citations" => scan.once(reader, |scan, reader| citations(reader, name, scan)),
        name => scan.listed(reader, &MESSAGE, name),
    })
    .map(|_| ())
}

/// A call of which a part comes.
fn call(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    reader.members(|reader, key| match &*key.name() {
        name @ b"id" => scan.call_id(reader, name),
        b"function" => function(reader, scan),
        name => scan.listed(reader, &BLOCK, name),
    })
}

/// A block of contents, whole or a part of it. Text is the answer's only where the type says so, if
/// there is one.
fn block(
    reader: &mut Reader<'_>,
    group: u32,
    found: &mut Found,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"content")? {
        return Ok(());
    }
    let first = scan.channels.len();
    let mut kind = None;
    let thought = members(reader, scan, |reader, name, _, scan| match name {
        name @ b"text" => text(reader, name, Lane::new(group, Slot::Answer), Kind::Answer, scan),
        name @ b"thinking" => {
            text(reader, name, Lane::new(group, Slot::Reasoning), Kind::Reasoning, scan)
        }
        name @ b"type" => {
            let span = scan.identifier(reader, name)?;
            let name = span.and_then(|span| reader.bytes().get(span)).unwrap_or_default();
            kind = Some(String::from_utf8_lossy(name).into_owned());
            Ok(())
        }
        name => scan.listed(reader, &BLOCK, name),
    })?;
    let untold = kind.is_none() && found.index.is_some();
    let answers = untold || kind.as_deref() == Some("text");
    for channel in scan.channels.iter_mut().skip(first) {
        if channel.kind == Kind::Answer && (!answers || thought.says()) {
            (channel.kind, channel.lane.slot) = (Kind::Reasoning, Slot::Reasoning);
        }
    }
    found.kind = kind.filter(|_| !thought.says());
    Ok(())
}

/// What is said of a message besides what it says, which in a stream is said when it ends.
fn ending(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    match name {
        name @ b"finish_reason" => {
            let reason = scan.identifier(reader, name)?;
            let reason = reason.and_then(|span| reader.bytes().get(span));
            scan.cut_short = reason.map(is_cut_short).or(scan.cut_short);
            scan.called |= reason.is_some_and(is_call);
            Ok(())
        }
        name @ b"usage" => usages(reader, name, scan),
        b"error" => {
            scan.error |= reader.kind()? != JsonKind::Null;
            error::text(reader, scan)
        }
        name => scan.listed(reader, &TOP_LEVEL, name),
    }
}

/// What it took, as it is billed and as it is counted.
fn usages(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    let mut counted = None;
    let span = reader.spanned(|reader| {
        reader.members(|reader, key| match &*key.name() {
            b"tokens" => {
                usage::scan(reader, scan)?;
                counted = Some(scan.usage);
                Ok(())
            }
            b"billed_units" => usage::scan(reader, scan),
            name @ b"cached_tokens" => {
                if let Some((span, count)) = usage::count(reader, name, scan)? {
                    scan.field(FieldKind::InputTokens(count), span);
                }
                Ok(())
            }
            name => usage::telling(reader, name, scan),
        })
    })?;
    scan.field(FieldKind::Usage, span);
    scan.usage = counted.unwrap_or(scan.usage);
    Ok(())
}

fn text(
    reader: &mut Reader<'_>,
    name: &[u8],
    lane: Lane,
    kind: Kind,
    scan: &mut Scan,
) -> Result<(), Error> {
    if scan.expects(JsonKind::String, reader, name)? {
        if let Some(Text { span, .. }) = reader.text()? {
            scan.text(lane, kind, span);
        }
    }
    Ok(())
}
