//! SGLang's form of the same: a text, or several, and what is told of it in `meta_info`.
//!
//! The texts of a stream say all so far, as a rule.

use crate::wire::chat::response::Form;
use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{Close, FieldKind, Kind, Lane, Mode, Scan, Slot, is_cut_short};
use crate::wire::thought::{members, think};
use crate::wire::{error, usage};

/// What is told of an answer that is none of the model's text.
const META: [Listed; 1] = [(b"id", Shape::EventId)];

/// Whether the object that stands next has its text under SGLang's name.
pub(super) fn is_own(reader: &Reader<'_>) -> bool {
    let mut own = false;
    // What is wrong is told when it is read.
    let _ = Reader::at(reader.bytes(), reader.position()).members(|reader, key| {
        own |= matches!(&*key.name(), b"text" | b"meta_info");
        reader.pass()
    });
    own
}

pub(super) fn scan(
    reader: &mut Reader<'_>,
    place: u32,
    form: Form,
    scan: &mut Scan,
) -> Result<(), Error> {
    let (mut group, mut ends, mut cut_short) = (place, form == Form::Document, false);
    let (first, mut texts) = (scan.channels.len(), 1);
    let thought = members(reader, scan, |reader, name, _, scan| match name {
        // vLLM's demonstration server has a list.
        b"text" if reader.kind()? == JsonKind::Array => reader.elements(|reader, at| {
            texts = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
            text(reader, texts - 1, scan)
        }),
        b"text" => text(reader, 0, scan),
        name @ b"index" => {
            if let Some((_, index)) = scan.whole_number(reader, name)? {
                group = u32::try_from(index).unwrap_or(u32::MAX);
            }
            Ok(())
        }
        name @ b"output_ids" => scan.list(reader, name),
        name @ b"meta_info" => {
            let reason = meta_info(reader, name, scan)?;
            ends |= reason.is_some();
            cut_short |= reason.unwrap_or_default();
            Ok(())
        }
        b"error" => {
            scan.error |= reader.kind()? != JsonKind::Null;
            error::text(reader, scan)
        }
        name => scan.leak(reader, name),
    })?;
    let said = scan.channels.get_mut(first..).unwrap_or_default();
    for channel in said.iter_mut() {
        channel.lane.group = channel.lane.group.saturating_add(group);
        if form == Form::Chunk {
            channel.mode = Mode::Snapshot;
        }
    }
    if thought.says() {
        think(said);
    }
    if ends {
        (scan.says_more, scan.unrepeatable) = (true, true);
        let groups = (0..texts).map(|at| group.saturating_add(at));
        scan.closes.extend(groups.map(|group| Close::of(group, false, cut_short)));
    }
    Ok(())
}

fn text(reader: &mut Reader<'_>, group: u32, scan: &mut Scan) -> Result<(), Error> {
    if scan.expects(JsonKind::String, reader, b"text")? {
        if let Some(Text { span, .. }) = reader.text()? {
            scan.text(Lane::new(group, Slot::Answer), Kind::Answer, span);
        }
    }
    Ok(())
}

/// What is told of an answer; if it has ended, whether it was cut short.
fn meta_info(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<Option<bool>, Error> {
    let mut ended = None;
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(ended);
    }
    reader.members(|reader, key| match &*key.name() {
        name @ b"finish_reason" => {
            ended = finish_reason(reader, name, scan)?;
            Ok(())
        }
        name @ b"prompt_tokens" => usage::input(reader, name, scan),
        name @ b"completion_tokens" => usage::output(reader, name, scan),
        name @ b"cached_tokens" => {
            if let Some((span, count)) = usage::count(reader, name, scan)? {
                scan.field(FieldKind::InputTokens(count), span);
            }
            Ok(())
        }
        name @ b"e2e_latency" => usage::telling(reader, name, scan),
        name => scan.listed(reader, &META, name),
    })?;
    Ok(ended)
}

/// `{type, matched}`, or a name.
fn finish_reason(
    reader: &mut Reader<'_>,
    name: &[u8],
    scan: &mut Scan,
) -> Result<Option<bool>, Error> {
    let mut cut_short = None;
    match reader.kind()? {
        JsonKind::Null => reader.pass()?,
        JsonKind::Object => reader.members(|reader, key| match &*key.name() {
            name @ b"type" => {
                let reason = scan.identifier(reader, name)?;
                let reason = reason.and_then(|span| reader.bytes().get(span));
                cut_short = Some(reason.is_none_or(is_cut_short));
                Ok(())
            }
            name @ b"matched" if reader.kind()? == JsonKind::String => scan.stop(reader, name),
            name => scan.leak(reader, name),
        })?,
        _ => {
            let reason = scan.identifier(reader, name)?;
            let reason = reason.and_then(|span| reader.bytes().get(span));
            cut_short = Some(reason.is_none_or(is_cut_short));
        }
    }
    Ok(cut_short)
}
