//! Where an answer keeps its text: at the top level, or in a list of such answers.

use crate::wire::chat::response::Form;
use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{Close, FieldKind, Kind, Lane, Scan, Slot, Turn, is_cut_short};
use crate::wire::thought::{members, think};
use crate::wire::{error, usage};

/// Members that carry none of the model's text.
const OWN: [Listed; 5] = [
    (b"id_slot", Shape::Data),
    (b"has_new_line", Shape::Flag),
    (b"stop_type", Shape::Identifier),
    (b"truncated", Shape::Flag),
    (b"object", Shape::Identifier),
];

/// Lists that repeat the text token by token. Typed clients expect a list.
const LISTS: [&[u8]; 2] = [b"tokens", b"completion_probabilities"];

/// Whether a response has its text at the top level, and no choices, or is a list.
pub(in crate::wire) fn is_own(bytes: &[u8]) -> bool {
    let mut own = false;
    let mut reader = Reader::new(bytes);
    if reader.kind() == Ok(JsonKind::Array) {
        return true;
    }
    // What is wrong is told when it is read.
    let _ = reader.object(|reader, key| match &*key.name() {
        b"choices" => {
            own = false;
            Err(Error { at: key.start, expected: "nothing further" })
        }
        b"content" => {
            own = true;
            reader.pass()
        }
        _ => reader.pass(),
    });
    own
}

pub(in crate::wire) fn scan(bytes: &[u8], form: Form, scan: &mut Scan) -> Result<(), Error> {
    Reader::new(bytes).document(|reader| match reader.kind()? {
        JsonKind::Array => reader.elements(|reader, place| answer(reader, place, form, scan)),
        JsonKind::Object => answer(reader, 0, form, scan),
        _ => Err(Error { at: reader.position(), expected: "an object" }),
    })
}

fn answer(reader: &mut Reader<'_>, place: usize, form: Form, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"content")? {
        return Ok(());
    }
    let mut group = u32::try_from(place).unwrap_or(u32::MAX);
    let (mut ended, mut cut_short) = (form == Form::Document, false);
    let first = scan.channels.len();
    let mut said = false;
    let thought = members(reader, scan, |reader, name, _, scan| match name {
        name @ b"content" => {
            said = true;
            if scan.expects(JsonKind::String, reader, name)? {
                if let Some(Text { span, .. }) = reader.text()? {
                    scan.text(Lane::new(0, Slot::Answer), Kind::Answer, span);
                }
            }
            Ok(())
        }
        name @ b"index" => {
            if let Some((_, index)) = scan.whole_number(reader, name)? {
                group = u32::try_from(index).unwrap_or(u32::MAX);
            }
            Ok(())
        }
        b"stop" => {
            let span = reader.skip()?;
            let value = reader.bytes().get(span.clone()).unwrap_or_default();
            if value == b"true" {
                (ended, scan.says_more) = (true, true);
            } else if !Shape::Flag.fits(value) {
                scan.field(FieldKind::Leak, span);
            }
            Ok(())
        }
        name @ b"stop_type" => {
            let reason = scan.identifier(reader, name)?;
            let reason = reason.and_then(|span| reader.bytes().get(span));
            cut_short =
                reason.is_some_and(|it| !matches!(it, b"none" | b"word") && is_cut_short(it));
            Ok(())
        }
        name @ b"stopping_word" => scan.stop(reader, name),
        b"model" => scan.model(reader),
        name @ b"tokens_predicted" => usage::output(reader, name, scan),
        name @ b"tokens_evaluated" => usage::input(reader, name, scan),
        name @ (b"timings" | b"tokens_cached") => usage::telling(reader, name, scan),
        b"error" => {
            scan.error |= reader.kind()? != JsonKind::Null;
            error::member(reader, scan)
        }
        name if LISTS.contains(&name) => scan.list(reader, name),
        name => scan.listed(reader, &OWN, name),
    })?;
    let texts = scan.channels.get_mut(first..).unwrap_or_default();
    texts.iter_mut().for_each(|channel| channel.lane.group = group);
    if thought.says() {
        think(texts);
    }
    scan.turns.extend(thought.lasts().map(|thought| Turn { group, thought }));
    if ended {
        scan.unrepeatable = true;
        scan.closes.push(Close::of(group, false, cut_short));
    }
    // Such as an error, or how far the prompt has been read.
    scan.says_more |= !said;
    scan.unrepeatable |= !said;
    Ok(())
}
