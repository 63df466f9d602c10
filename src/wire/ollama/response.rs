//! Where a line, or a whole answer, keeps its text.

use crate::wire::chat::response::message;
use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{Close, FieldKind, Kind, Lane, Scan, Slot, Turn, is_cut_short};
use crate::wire::thought::{members, think};
use crate::wire::{error, usage};

/// A whole answer, or one line of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Document,
    Line,
}

/// Members that carry no text of the model's. How long it took to load the model and to read the prompt
/// tells nothing of the answer.
const MEMBERS: [Listed; 4] = [
    (b"created_at", Shape::Time),
    (b"image", Shape::Sealed),
    (b"load_duration", Shape::Data),
    (b"prompt_eval_duration", Shape::Data),
];

pub(super) fn scan(bytes: &[u8], form: Form, scan: &mut Scan) -> Result<(), Error> {
    let (mut answered, mut done, mut cut_short) = (false, form == Form::Document, false);
    let mut said = false;
    Reader::new(bytes).document(|reader| {
        reader.kind()?;
        if reader.kind()? != JsonKind::Object {
            return Err(Error { at: reader.position(), expected: "an object" });
        }
        let thought = members(reader, scan, |reader, name, thought, scan| match name {
            name @ b"message" => {
                said = true;
                thought.join(message(reader, name, &mut answered, scan)?);
                Ok(())
            }
            name @ (b"response" | b"thinking") => {
                said = true;
                text(reader, name, &mut answered, scan)
            }
            name @ b"tool_calls" => {
                if !scan.expects(JsonKind::Array, reader, name)? {
                    return Ok(());
                }
                let mut calls = false;
                scan.once(reader, |scan, reader| {
                    reader.elements(|reader, at| {
                        calls = true;
                        crate::wire::chat::response::tool_call(reader, at, scan)
                    })
                })?;
                answered |= calls;
                scan.calls.extend(calls.then_some(0));
                Ok(())
            }
            b"model" => scan.model(reader),
            name @ (b"remote_model" | b"remote_host") => {
                let trace = scan.identifier(reader, name)?;
                trace.into_iter().for_each(|span| {
                    scan.field(FieldKind::ModelTrace, span.start - 1..span.end + 1);
                });
                Ok(())
            }
            b"done" => {
                let span = reader.skip()?;
                match reader.bytes().get(span.clone()).unwrap_or_default() {
                    b"true" => done = true,
                    value if Shape::Flag.fits(value) => {}
                    _ => scan.field(FieldKind::Leak, span),
                }
                Ok(())
            }
            name @ b"done_reason" => {
                let reason = scan.identifier(reader, name)?;
                let reason = reason.and_then(|span| reader.bytes().get(span));
                cut_short =
                    reason.is_some_and(|it| it != b"load" && it != b"unload" && is_cut_short(it));
                Ok(())
            }
            name @ b"prompt_eval_count" => usage::input(reader, name, scan),
            name @ b"eval_count" => usage::output(reader, name, scan),
            name @ (b"total_duration" | b"eval_duration") => usage::telling(reader, name, scan),
            b"error" => {
                scan.error |= reader.kind()? != JsonKind::Null;
                error::text(reader, scan)
            }
            name => scan.listed(reader, &MEMBERS, name),
        })?;
        if thought.says() {
            think(&mut scan.channels);
            answered = !scan.calls.is_empty();
        }
        scan.turns.extend(thought.lasts().map(|thought| Turn { group: 0, thought }));
        Ok(())
    })?;
    // Every line has one, and clients refuse those that do not.
    scan.fields.retain(|field| field.kind != FieldKind::Role);
    if answered {
        // Reasoning that an answer follows was not cut short, whatever became of the answer.
        scan.closes.push(Close::of(0, true, false));
    }
    if done {
        (scan.says_more, scan.unrepeatable) = (true, true);
        scan.closes.push(Close::of(0, false, cut_short));
    }
    scan.says_more |= !said;
    scan.unrepeatable |= !said;
    Ok(())
}

/// A text of `generate`, which has no message.
fn text(
    reader: &mut Reader<'_>,
    name: &[u8],
    answered: &mut bool,
    scan: &mut Scan,
) -> Result<(), Error> {
    let (slot, kind) = match name {
        b"response" => (Slot::Answer, Kind::Answer),
        // No message of a conversation holds it, so that no client sends it back.
        _ => (Slot::ReasoningPart, Kind::Reasoning),
    };
    if scan.expects(JsonKind::String, reader, name)? {
        if let Some(Text { span, .. }) = reader.text()? {
            *answered |= kind == Kind::Answer && !span.is_empty();
            scan.text(Lane::new(0, slot), kind, span);
        }
    }
    Ok(())
}
