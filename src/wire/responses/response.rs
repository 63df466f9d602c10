//! Where a response or one of its events keeps its text.

use std::ops::Range;

use crate::wire::json::{Error, Kind as JsonKind, Reader, Text, unescape_lossy};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{Block, Citation, Close, FieldKind, Kind, Lane, Mode, Scan, Slot, Twice};
use crate::wire::{error, usage};

/// The most bytes of what the client has said, and of what is quoted.
const QUOTED: usize = 256 * 1024;

/// Members of an event that carry no text of the model's.
const EVENT: [Listed; 3] = [
    (b"item_id", Shape::Identifier),
    (b"annotation_index", Shape::Data),
    (b"name", Shape::Identifier),
];

/// Those of a response: most of them repeat the request.
const RESPONSE: [Listed; 23] = [
    (b"id", Shape::Identifier),
    (b"object", Shape::Identifier),
    (b"created_at", Shape::Time),
    (b"completed_at", Shape::Time),
    (b"status", Shape::Identifier),
    (b"background", Shape::Flag),
    (b"incomplete_details", Shape::Findings),
    (b"instructions", Shape::Quoted(QUOTED)),
    (b"max_output_tokens", Shape::Data),
    (b"parallel_tool_calls", Shape::Flag),
    (b"previous_response_id", Shape::Identifier),
    (b"reasoning", Shape::Findings),
    (b"service_tier", Shape::Identifier),
    (b"store", Shape::Flag),
    (b"temperature", Shape::Findings),
    (b"text", Shape::Quoted(QUOTED)),
    (b"tool_choice", Shape::Quoted(QUOTED)),
    (b"tools", Shape::Quoted(QUOTED)),
    (b"top_logprobs", Shape::Findings),
    (b"top_p", Shape::Findings),
    (b"truncation", Shape::Identifier),
    (b"user", Shape::Quoted(QUOTED)),
    (b"metadata", Shape::Quoted(QUOTED)),
];

/// Those of an item.
const ITEM: [Listed; 6] = [
    (b"status", Shape::Identifier),
    (b"id", Shape::Identifier),
    (b"type", Shape::Identifier),
    (b"role", Shape::Identifier),
    (b"phase", Shape::Identifier),
    (b"encrypted_content", Shape::Sealed),
];

/// Those of an annotation.
const ANNOTATION: [Listed; 6] = [
    (b"type", Shape::Identifier),
    (b"url", Shape::Text(QUOTED)),
    (b"title", Shape::Text(QUOTED)),
    (b"file_id", Shape::Identifier),
    (b"filename", Shape::Text(QUOTED)),
    (b"index", Shape::Data),
];

/// Stands for the item of an event whose index may come behind its texts.
const LATER: u32 = u32::MAX;

#[derive(Default)]
struct Event {
    /// The contents of `type`.
    kind: String,
    item: u32,
    part: u32,
    /// How its response ended, where it says so.
    ended: Option<Ended>,
    /// The part that it shows is of the answer.
    answers: bool,
    /// The item that it shows.
    shown: Option<Shown>,
    /// The texts that stand at its top level.
    own: Range<usize>,
}

/// How a response ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Whole,
    CutShort,
}

/// What an item is.
#[derive(Clone, Copy, Default)]
struct Shown {
    answers: bool,
    calls: bool,
}

pub(super) fn scan_event(payload: &[u8], scan: &mut Scan) -> Result<(), Error> {
    (scan.in_blocks, scan.repeats) = (true, true);
    let mut event = Event::default();
    let mut items = Vec::new();
    let mut twice = Twice::default();
    Reader::new(payload).document(|reader| {
        reader.object(|reader, key| match scan.once_only(&mut twice, &key.name()) {
            name @ b"type" => {
                let kind = scan.identifier(reader, name)?.unwrap_or_default();
                event.kind = unescape_lossy(reader.bytes().get(kind).unwrap_or_default());
                Ok(())
            }
            name @ b"sequence_number" => scan.number_of_event(reader, name),
            name @ b"output_index" => index(reader, name, scan).map(|it| event.item = it),
            name @ (b"content_index" | b"summary_index") => {
                index(reader, name, scan).map(|it| event.part = it)
            }
            name @ (b"delta" | b"text" | b"refusal" | b"arguments") => {
                let first = scan.channels.len();
                text(reader, name, Lane::new(LATER, Slot::Answer), Kind::Answer, scan)?;
                event.own = first..scan.channels.len();
                Ok(())
            }
            b"part" => {
                let kind = part(reader, Lane::new(LATER, Slot::Answer), scan)?;
                event.answers = kind == Kind::Answer;
                Ok(())
            }
            b"item" => {
                event.shown = Some(item(reader, LATER, scan)?);
                Ok(())
            }
            name @ b"response" if scan.expects(JsonKind::Object, reader, name)? => {
                reader.members(|reader, key| {
                    member(reader, &key.name(), &mut items, &mut event.ended, scan)
                })
            }
            b"response" => Ok(()),
            b"annotation" => annotation(reader, Lane::new(LATER, Slot::Answer), scan),
            name @ b"obfuscation" => {
                let padding = scan.identifier(reader, name)?;
                padding.into_iter().for_each(|span| scan.field(FieldKind::Padding, span));
                Ok(())
            }
            name @ b"logprobs" => logprobs(reader, name, scan),
            b"error" | b"message" | b"code" | b"param" => error::member(reader, scan),
            name => scan.listed(reader, &EVENT, name),
        })
    })?;
    event.settle(&items, scan);
    Ok(())
}

impl Event {
    /// Puts what was found in its place, now that it is known which event this is.
    fn settle(self, items: &[Shown], scan: &mut Scan) {
        let Self { kind, item, part, ended, answers, shown, own } = self;
        let (subject, verb) = kind.rsplit_once('.').unwrap_or((&kind, ""));
        let (slot, of) = match subject {
            "response.output_text" => (Slot::Answer, Kind::Answer),
            "response.refusal" => (Slot::Refusal, Kind::Refusal),
            "response.function_call_arguments" => (Slot::Tool(0), Kind::ToolArguments),
            "response.reasoning_summary_text" => (Slot::ReasoningAlias, Kind::Reasoning),
            _ => (Slot::Reasoning, Kind::Reasoning),
        };
        for channel in scan.channels.get_mut(own).unwrap_or_default() {
            (channel.lane.slot, channel.kind) = (slot, of);
        }
        let ends = matches!(verb, "completed" | "incomplete" | "failed");
        let again = verb == "done" || ends;
        for channel in &mut scan.channels {
            if channel.lane.group == LATER {
                channel.lane.group = item;
                channel.lane.part = if shown.is_some() { channel.lane.part } else { part };
            }
            channel.mode = if again { Mode::Repeat } else { Mode::Delta };
        }
        for citation in scan.citations.iter_mut().filter(|it| it.lane.group == LATER) {
            citation.lane.group = item;
            citation.lane.part = if shown.is_some() { citation.lane.part } else { part };
        }
        match (subject, verb) {
            ("response.output_item", "added") => {
                let Shown { answers, calls } = shown.unwrap_or_default();
                scan.begins = Some(Block { group: item, answers, calls });
                scan.called |= calls;
            }
            ("response.content_part", "added") if answers => {
                scan.begins = Some(Block { group: item, answers, calls: false });
            }
            _ => {}
        }
        let close =
            |group, part, cut_short| Close { group, part, reasoning_only: false, cut_short };
        match (verb, shown) {
            // How it ended is told by what follows, as it is of a block.
            ("done", Some(_)) => scan.closes.push(close(item, None, false)),
            ("done", None) => scan.closes.push(close(item, Some(part), false)),
            _ if ends => {
                let ended = if verb == "completed" { ended } else { Some(Ended::CutShort) };
                scan.cut_short = Some(ended == Some(Ended::CutShort));
                end(items.len(), ended, scan);
            }
            _ => {}
        }
        scan.error |= matches!(kind.as_str(), "error" | "response.failed");
        scan.says_more = verb != "delta" || scan.channels.is_empty();
        scan.unrepeatable = scan.says_more;
    }
}

pub(super) fn scan_document(document: &[u8], scan: &mut Scan) -> Result<(), Error> {
    (scan.says_more, scan.in_blocks) = (true, true);
    let (mut items, mut ended) = (Vec::new(), None);
    Reader::new(document).document(|reader| {
        reader.object(|reader, key| member(reader, &key.name(), &mut items, &mut ended, scan))
    })?;
    scan.cut_short = ended.map(|ended| ended == Ended::CutShort);
    end(items.len(), ended, scan);
    Ok(())
}

/// Every item ends, part by part, of which only the last one can have been cut short.
fn end(items: usize, ended: Option<Ended>, scan: &mut Scan) {
    let mut parts = vec![0; items];
    for Lane { group, part, .. } in scan.channels.iter().map(|it| it.lane) {
        let last = usize::try_from(group).ok().and_then(|group| parts.get_mut(group));
        last.into_iter().for_each(|last| *last = part.max(*last));
    }
    for (group, last) in parts.into_iter().enumerate() {
        let cut_short = group + 1 == items && ended == Some(Ended::CutShort);
        let group = u32::try_from(group).unwrap_or(LATER - 1);
        let close = |part, cut_short| Close { group, part, reasoning_only: false, cut_short };
        scan.closes.extend((0..last).map(|part| close(Some(part), false)));
        scan.closes.push(close(None, cut_short));
    }
}

/// A member of a response.
fn member(
    reader: &mut Reader<'_>,
    name: &[u8],
    items: &mut Vec<Shown>,
    ended: &mut Option<Ended>,
    scan: &mut Scan,
) -> Result<(), Error> {
    match name {
        b"output" if scan.expects(JsonKind::Array, reader, name)? => {
            reader.elements(|reader, position| {
                let group = u32::try_from(position).unwrap_or(LATER - 1);
                let shown = item(reader, group, scan)?;
                scan.calls.extend(group.checked_sub(1).filter(|_| shown.calls));
                items.push(shown);
                Ok(())
            })
        }
        b"output" => Ok(()),
        b"model" => scan.model(reader),
        b"usage" if reader.kind()? == JsonKind::Object => usage::scan(reader, scan),
        b"usage" => reader.pass(),
        b"error" => {
            let null = reader.kind()? == JsonKind::Null;
            scan.error |= !null;
            error::member(reader, scan)
        }
        b"status" => {
            *ended = status(reader, scan)?;
            Ok(())
        }
        name => scan.listed(reader, &RESPONSE, name),
    }
}

/// An item of the output.
fn item(reader: &mut Reader<'_>, group: u32, scan: &mut Scan) -> Result<Shown, Error> {
    let mut shown = Shown::default();
    if !scan.expects(JsonKind::Object, reader, b"item")? {
        return Ok(shown);
    }
    let mut twice = Twice::default();
    reader.members(|reader, key| match scan.once_only(&mut twice, &key.name()) {
        name @ b"type" => {
            let kind = scan.identifier(reader, name)?.and_then(|it| reader.bytes().get(it));
            shown.answers = kind == Some(b"message");
            shown.calls = kind.is_some_and(|kind| kind.ends_with(b"_call"));
            Ok(())
        }
        name @ (b"content" | b"summary") => {
            let slot = if name == b"content" { Slot::Answer } else { Slot::ReasoningAlias };
            if !scan.expects(JsonKind::Array, reader, name)? {
                return Ok(());
            }
            reader.elements(|reader, position| {
                let position = u32::try_from(position).unwrap_or(LATER);
                part(reader, Lane { group, part: position, slot }, scan).map(|_| ())
            })
        }
        name @ b"arguments" => {
            text(reader, name, Lane::new(group, Slot::Tool(0)), Kind::ToolArguments, scan)
        }
        name @ b"call_id" => scan.call_id(reader, name),
        name @ b"name" => scan.tool(reader, name),
        name => scan.listed(reader, &ITEM, name),
    })?;
    Ok(shown)
}

/// A part of an item, whose lane has all but the kind of its text, which is told.
fn part(reader: &mut Reader<'_>, lane: Lane, scan: &mut Scan) -> Result<Kind, Error> {
    if !scan.expects(JsonKind::Object, reader, b"part")? {
        return Ok(Kind::Reasoning);
    }
    let first = scan.channels.len();
    let mut kind = String::new();
    let mut twice = Twice::default();
    reader.members(|reader, key| match scan.once_only(&mut twice, &key.name()) {
        name @ b"type" => {
            let span = scan.identifier(reader, name)?.unwrap_or_default();
            kind = unescape_lossy(reader.bytes().get(span).unwrap_or_default());
            Ok(())
        }
        name @ (b"text" | b"refusal") => text(reader, name, lane, Kind::Answer, scan),
        name @ b"annotations" => {
            if !scan.expects(JsonKind::Array, reader, name)? {
                return Ok(());
            }
            reader.elements(|reader, _| annotation(reader, lane, scan))
        }
        name @ b"logprobs" => logprobs(reader, name, scan),
        name => scan.leak(reader, name),
    })?;
    let (slot, of) = match kind.as_str() {
        "output_text" => (Slot::Answer, Kind::Answer),
        "refusal" => (Slot::Refusal, Kind::Refusal),
        "summary_text" => (Slot::ReasoningAlias, Kind::Reasoning),
        _ => (Slot::Reasoning, Kind::Reasoning),
    };
    for channel in scan.channels.iter_mut().skip(first) {
        (channel.lane.slot, channel.kind) = (slot, of);
    }
    Ok(of)
}

/// A passage that the answer has from somewhere, by characters of its part.
fn annotation(reader: &mut Reader<'_>, lane: Lane, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"annotations")? {
        return Ok(());
    }
    let (mut start, mut end) = (None, None);
    reader.members(|reader, key| match &*key.name() {
        name @ b"start_index" => {
            start = scan.whole_number(reader, name)?;
            Ok(())
        }
        name @ b"end_index" => {
            end = scan.whole_number(reader, name)?;
            Ok(())
        }
        name => scan.listed(reader, &ANNOTATION, name),
    })?;
    let points = start.zip(end).map(|(start, end)| Citation { lane, start, end });
    scan.citations.extend(points);
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

fn status(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<Option<Ended>, Error> {
    let status = scan.identifier(reader, b"status")?.and_then(|it| reader.bytes().get(it));
    Ok(match status {
        Some(b"completed") => Some(Ended::Whole),
        Some(b"incomplete" | b"failed" | b"cancelled") => Some(Ended::CutShort),
        _ => None,
    })
}

fn index(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<u32, Error> {
    let index = scan.whole_number(reader, name)?.map_or(0, |(_, index)| index);
    Ok(u32::try_from(index).unwrap_or(LATER - 1))
}

/// Typed clients expect a list, be it empty.
fn logprobs(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    reader.kind()?;
    let span = reader.spanned(Reader::pass)?;
    if reader.bytes().get(span.clone()) != Some(b"[]") {
        return scan.leak(&mut Reader::at(reader.bytes(), span.start), name);
    }
    Ok(())
}
