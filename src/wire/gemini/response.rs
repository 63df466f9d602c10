//! Where a response, or a part of a stream, keeps its text.

use crate::wire::chat::response::media;
use crate::wire::error;
use crate::wire::json::{Error, Kind as JsonKind, Reader, Text, unescape_lossy};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{Close, FieldKind, Kind, Lane, Scan, Slot, Turn, is_cut_short};
use crate::wire::thought::{Thought, members, think};

use super::grounding::{Parts, citations, grounding, settle};
use super::signature::{Part, Signatures};
use super::usage;

/// A whole response, or one chunk of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Document,
    Chunk,
}

/// The most bytes of what tools have given, and of what they were asked for.
const QUOTED: usize = 4 << 20;

/// Members of the top level that carry no text of the model's.
const TOP_LEVEL: [Listed; 3] = [
    (b"responseId", Shape::EventId),
    (b"createTime", Shape::Time),
    (b"promptFeedback", Shape::Findings),
];

/// Members of a candidate that carry none.
const CANDIDATE: [Listed; 2] =
    [(b"safetyRatings", Shape::Findings), (b"urlContextMetadata", Shape::Data)];

/// Members of a part that carry none.
const PART: [Listed; 5] = [
    (b"thought", Shape::Flag),
    (b"thoughtSignature", Shape::Sealed),
    (b"thought_signature", Shape::Sealed),
    (b"videoMetadata", Shape::Data),
    (b"mediaResolution", Shape::Findings),
];

/// Reasons that say that a candidate goes on.
const GOES_ON: [&[u8]; 2] = [b"", b"FINISH_REASON_UNSPECIFIED"];

pub(super) fn scan(bytes: &[u8], form: Form, scan: &mut Scan) -> Result<(), Error> {
    let mut said = false;
    Reader::new(bytes).document(|reader| {
        if reader.kind()? != JsonKind::Object {
            return Err(Error { at: reader.position(), expected: "an object" });
        }
        let thought = members(reader, scan, |reader, name, _, scan| match name {
            name @ b"candidates" => {
                if !scan.expects(JsonKind::Array, reader, name)? {
                    return Ok(());
                }
                reader.elements(|reader, position| {
                    said = true;
                    candidate(reader, position, form, scan)
                })
            }
            b"usageMetadata" => usage::scan(reader, scan),
            b"modelVersion" => scan.model(reader),
            b"error" => {
                scan.error |= reader.kind()? != JsonKind::Null;
                error::member(reader, scan)
            }
            name => scan.listed(reader, &TOP_LEVEL, name),
        })?;
        if thought.says() {
            think(&mut scan.channels);
            scan.closes.retain(|it| !it.reasoning_only);
        }
        Ok(())
    })?;
    scan.only_usage = !said && scan.usage.output.is_some();
    scan.says_more |= !said;
    scan.unrepeatable |= !said;
    Ok(())
}

/// A candidate, as far as it was read.
#[derive(Default)]
struct Candidate {
    index: u32,
    answered: bool,
    ends: bool,
    cut_short: bool,
    /// Where the answer's parts begin in it, and how long it is.
    parts: Parts,
    length: u64,
    /// What carries its thoughts.
    signatures: Signatures,
}

fn candidate(
    reader: &mut Reader<'_>,
    position: usize,
    form: Form,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"candidates")? {
        return Ok(());
    }
    let index = u32::try_from(position).unwrap_or(u32::MAX);
    let ends = form == Form::Document;
    let signatures = Signatures::behind(scan);
    let mut found = Candidate { index, ends, signatures, ..Candidate::default() };
    let (first, first_call) = (scan.channels.len(), scan.calls.len());
    let mut passages = Vec::new();
    let thought = members(reader, scan, |reader, name, thought, scan| match name {
        name @ b"index" => {
            if let Some((_, number)) = scan.whole_number(reader, name)? {
                found.index = u32::try_from(number).unwrap_or(u32::MAX);
            }
            Ok(())
        }
        b"content" => content(reader, &mut found, thought, scan),
        name @ b"finishReason" => {
            let reason = scan.identifier(reader, name)?.and_then(|span| reader.bytes().get(span));
            if let Some(reason) = reason.filter(|it| !GOES_ON.contains(it)) {
                (found.ends, scan.says_more, scan.unrepeatable) = (true, true, true);
                found.cut_short = is_cut_short(reason);
            }
            Ok(())
        }
        name @ b"tokenCount" => {
            if let Some((span, count)) = crate::wire::usage::count(reader, name, scan)? {
                scan.field(FieldKind::PartTokens(count), span);
            }
            Ok(())
        }
        b"groundingMetadata" => scan_apart(scan, |scan| grounding(reader, &mut passages, scan)),
        b"citationMetadata" => scan_apart(scan, |scan| citations(reader, &mut passages, scan)),
        name => scan.listed(reader, &CANDIDATE, name),
    })?;
    let calls = scan.calls.len() > first_call;
    let Candidate { index, mut answered, ends, cut_short, parts, signatures, .. } = found;
    if thought.says() {
        think(scan.channels.get_mut(first..).unwrap_or_default());
        answered &= calls;
    }
    scan.turns.extend(thought.lasts().map(|thought| Turn { group: index, thought }));
    for channel in scan.channels.iter_mut().skip(first) {
        channel.lane.group = index;
    }
    signatures.settle(index, (form, ends), scan);
    settle(passages, index, (form == Form::Document).then_some(&parts), scan);
    scan.calls.truncate(first_call);
    scan.calls.extend(calls.then_some(index));
    if answered {
        // Reasoning that an answer follows was not cut short, whatever became of the answer.
        scan.closes.push(Close::of(index, true, false));
    }
    if ends {
        scan.closes.push(Close::of(index, false, cut_short));
    }
    Ok(())
}

/// Reads what stands beside the texts and makes the event one that is neither left out nor repeated.
fn scan_apart(
    scan: &mut Scan,
    read: impl FnOnce(&mut Scan) -> Result<(), Error>,
) -> Result<(), Error> {
    (scan.says_more, scan.unrepeatable) = (true, true);
    read(scan)
}

fn content(
    reader: &mut Reader<'_>,
    found: &mut Candidate,
    outer: &mut Thought,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"content")? {
        return Ok(());
    }
    let thought = members(reader, scan, |reader, name, _, scan| match name {
        name @ b"parts" => {
            if !scan.expects(JsonKind::Array, reader, name)? {
                return Ok(());
            }
            reader.elements(|reader, place| part(reader, place, found, scan))
        }
        name => scan.listed(reader, &[(b"role", Shape::Identifier)], name),
    })?;
    outer.join(thought);
    Ok(())
}

/// One part. What does not say that it is thought is the answer's.
fn part(
    reader: &mut Reader<'_>,
    place: usize,
    found: &mut Candidate,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"parts")? {
        return Ok(());
    }
    let first = scan.channels.len();
    let (mut said, mut length) = (false, 0);
    let mut carrying = Part::default();
    let thought = members(reader, scan, |reader, name, _, scan| match name {
        name @ b"text" => {
            if scan.expects(JsonKind::String, reader, name)? {
                if let Some(Text { span, .. }) = reader.text()? {
                    said |= !span.is_empty();
                    let raw = reader.bytes().get(span.clone()).unwrap_or_default();
                    length += unescape_lossy(raw).len() as u64;
                    scan.text(Lane::new(0, Slot::Answer), Kind::Answer, span);
                    carrying.text = Some(reader.position());
                }
            }
            Ok(())
        }
        b"functionCall" | b"function_call" => {
            (said, carrying.calls) = (true, true);
            scan.calls.push(0);
            scan.once(reader, |scan, reader| call(reader, scan))?;
            scan.unrepeatable = true;
            Ok(())
        }
        name @ (b"executableCode" | b"codeExecutionResult" | b"functionResponse") => {
            carrying.shows = true;
            scan_apart(scan, |scan| tool(reader, name, scan))
        }
        name @ (b"inlineData" | b"inline_data" | b"fileData" | b"file_data") => {
            carrying.shows = true;
            scan_apart(scan, |scan| media(reader, name, scan))
        }
        name @ (b"thoughtSignature" | b"thought_signature") => {
            // Clients send it back with the part.
            scan_apart(scan, |scan| {
                let span = reader.spanned(|reader| scan.listed(reader, &PART, name))?;
                scan.ambiguous |= carrying.signature.replace(span).is_some();
                Ok(())
            })
        }
        name => scan.listed(reader, &PART, name),
    })?;
    carrying.shows |= said;
    found.signatures.part(carrying, thought.says(), reader.position(), scan);
    if thought.says() {
        think(scan.channels.get_mut(first..).unwrap_or_default());
        return Ok(());
    }
    found.answered |= said;
    found.parts.push((place as u64, found.length));
    found.length += length;
    Ok(())
}

/// The call of a tool, with what it is called with as an object.
fn call(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"functionCall")? {
        return Ok(());
    }
    reader.members(|reader, key| match &*key.name() {
        name @ b"name" => scan.tool(reader, name),
        name @ b"id" => scan.call_id(reader, name),
        name @ (b"args" | b"partialArgs") => {
            scan.shaped(reader, Shape::Quoted(QUOTED), FieldKind::Leak, name)
        }
        name => scan.listed(reader, &[(b"willContinue", Shape::Flag)], name),
    })
}

/// What the server's own tools ran and gave.
fn tool(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    const TOOL: [Listed; 8] = [
        (b"id", Shape::CallId),
        (b"name", Shape::Identifier),
        (b"language", Shape::Identifier),
        (b"code", Shape::Text(QUOTED)),
        (b"outcome", Shape::Identifier),
        (b"output", Shape::Text(QUOTED)),
        (b"response", Shape::Quoted(QUOTED)),
        (b"willContinue", Shape::Flag),
    ];
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    reader.members(|reader, key| scan.listed(reader, &TOOL, &key.name()))
}
