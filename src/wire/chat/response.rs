//! Where a chat response or chunk keeps its text.

mod calls;
mod citations;
mod media;
mod message;
mod object;
mod quoted;
mod reasoning;
mod signed;
mod text;

use std::ops::Range;

use crate::wire::json::{Error, Kind as JsonKind, Reader};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{
    Close, FieldKind, Kind, Mode, Scan, Slot, Turn, Twice, is_call, is_cut_short,
};
use crate::wire::thought::{Thought, members, think};
use crate::wire::{error, usage};

pub(in crate::wire) use calls::{function, tool_call};
use citations::filter_offsets;
pub(in crate::wire) use media::media;
pub(super) use message::OTHER_REASONING;
pub(in crate::wire) use message::message;
use quoted::QUOTED;
use text::{lane, said};

/// A whole response, or one chunk of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wire) enum Form {
    Document,
    Chunk,
}

/// Members of the top level that carry no text of the model's.
const TOP_LEVEL: [Listed; 7] = [
    (b"id", Shape::EventId),
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

/// Where the choices of a response have their texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wire) enum Texts {
    /// In messages.
    Messages,
    /// In the choice itself, as legacy completions have them; in messages as well, since some servers
    /// answer so there, too.
    Choices,
    /// In either, over Amazon's InvokeModel, where some vendors name the end of a choice otherwise, and a message of a
    /// stream is a piece of one.
    Invoked,
}

pub(in crate::wire) fn scan(
    bytes: &[u8],
    (form, texts): (Form, Texts),
    scan: &mut Scan,
) -> Result<(), Error> {
    let mut choices = 0;
    let mut lists = 0_u32;
    let mut twice = Twice::default();
    let mut thought = Thought::default();
    Reader::new(bytes).document(|reader| {
        reader.object(|reader, key| {
            let name = key.name();
            thought.read(&name, reader)?;
            match scan.once_only(&mut twice, &name) {
                b"choices" if scan.expects(JsonKind::Array, reader, b"choices")? => {
                    let from = (scan.channels.len(), scan.closes.len(), scan.calls.len());
                    reader.elements(|reader, position| {
                        choices += 1;
                        choice(reader, position, (form, texts), scan)
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
                // Mistral's has a shorter name.
                name @ (b"obfuscation" | b"p") => {
                    let padding = scan.identifier(reader, name)?;
                    padding.into_iter().for_each(|span| scan.field(FieldKind::Padding, span));
                    Ok(())
                }
                name => scan.listed(reader, &TOP_LEVEL, name),
            }
        })
    })?;
    if thought.says() {
        think(&mut scan.channels);
        scan.closes.retain(|it| !it.reasoning_only);
    }
    scan.only_usage = choices == 0 && scan.usage.output.is_some();
    scan.says_more |= choices == 0;
    scan.unrepeatable |= choices == 0;
    Ok(())
}

fn choice(
    reader: &mut Reader<'_>,
    position: usize,
    (form, texts): (Form, Texts),
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
    let first_carrier = scan.carriers.len();
    let thought = members(reader, scan, |reader, name, thought, scan| {
        match name {
            b"index" => {
                if let Some((_, number)) = scan.whole_number(reader, b"index")? {
                    index = u32::try_from(number).unwrap_or(u32::MAX);
                }
                Ok(())
            }
            name @ (b"message" | b"delta") => {
                let first = scan.channels.len();
                thought.join(message(reader, name, &mut answered, scan)?);
                // In a stream it holds all so far.
                if name == b"message" && form == Form::Chunk && texts != Texts::Invoked {
                    let again = scan.channels.iter_mut().skip(first);
                    again.for_each(|channel| channel.mode = Mode::Snapshot);
                }
                Ok(())
            }
            name if name == b"finish_reason"
                || name == b"stop_reason" && texts == Texts::Invoked =>
            {
                let mut reason = None;
                let span = reader.spanned(|reader| {
                    reason = scan.identifier(reader, name)?;
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
            name @ b"text" if texts != Texts::Messages => {
                if scan.expects(JsonKind::String, reader, name)? {
                    said(reader, lane(Slot::Answer), Kind::Answer, &mut answered, scan)?;
                }
                Ok(())
            }
            // Mistral's agents have several.
            name @ b"messages" if reader.kind()? == JsonKind::Array => {
                reader.elements(|reader, _| {
                    thought.join(message(reader, name, &mut answered, scan)?);
                    Ok(())
                })
            }
            // vLLM's.
            name @ b"stop_reason" => scan.stop(reader, name),
            b"content_filter_offsets" => filter_offsets(reader, scan),
            name => scan.listed(reader, &CHOICE, name),
        }
    })?;
    let calls = scan.calls.len() > first_call;
    if thought.says() {
        think(scan.channels.get_mut(first_channel..).unwrap_or_default());
        answered &= calls;
    }
    scan.turns.extend(thought.lasts().map(|thought| Turn { group: index, thought }));
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
    for carrier in scan.carriers.iter_mut().skip(first_carrier) {
        carrier.group = index;
    }
    let reason = finish.clone().and_then(|span| reader.bytes().get(span));
    let cut_short = reason.is_some_and(is_cut_short);
    let called = scan.calls.len() > first_call || reason.is_some_and(is_call);
    scan.calls.truncate(first_call);
    scan.calls.extend(called.then_some(index));
    if answered {
        // Reasoning that an answer follows was not cut short, whatever became of the answer.
        scan.closes.push(Close::of(index, true, false));
    }
    if finish.is_some() || form == Form::Document {
        scan.closes.push(Close::of(index, false, cut_short));
    }
    Ok(())
}
