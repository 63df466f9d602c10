//! Where an answer, or an event of its stream, keeps its text.

use crate::wire::json::{Error, Kind as JsonKind, Reader};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{Block, Close, FieldKind, Scan, is_call, is_cut_short};
use crate::wire::thought::members;

use super::block::{Event, THIS, before_stop, block, delta, start};
use super::{trace, usage};

/// Members beside the texts that carry none.
const BESIDE: [Listed; 3] = [
    (b"role", Shape::Identifier),
    (b"performanceConfig", Shape::Findings),
    (b"serviceTier", Shape::Findings),
];

pub(super) fn scan_document(document: &[u8], scan: &mut Scan) -> Result<(), Error> {
    (scan.says_more, scan.in_blocks) = (true, true);
    let mut last = 0;
    Reader::new(document).document(|reader| {
        object(reader)?;
        members(reader, scan, |reader, name, _, scan| match name {
            b"output" if scan.expects(JsonKind::Object, reader, name)? => {
                members(reader, scan, |reader, name, _, scan| match name {
                    b"message" => message(reader, name, &mut last, scan),
                    name => scan.leak(reader, name),
                })
                .map(|_| ())
            }
            b"output" => Ok(()),
            name => beside(reader, name, scan),
        })
        .map(|_| ())
    })?;
    scan.calls.extend(scan.called.then_some(last));
    let cut_short = scan.cut_short.unwrap_or_default();
    let close = |group| Close::of(group, false, group == last && cut_short);
    scan.closes.extend((0..=last).map(close));
    Ok(())
}

pub(super) fn scan_event(
    kind: Option<&[u8]>,
    payload: &[u8],
    scan: &mut Scan,
) -> Result<(), Error> {
    Reader::new(payload).document(|reader| {
        object(reader)?;
        event(kind, reader, scan)
    })
}

/// Finds what an event of this kind has, whose object stands next.
pub(in crate::wire) fn event(
    kind: Option<&[u8]>,
    reader: &mut Reader<'_>,
    scan: &mut Scan,
) -> Result<(), Error> {
    scan.in_blocks = true;
    let mut event = Event::default();
    members(reader, scan, |reader, name, _, scan| match name {
        b"contentBlockIndex" => {
            let index = scan.whole_number(reader, name)?.map(|(_, index)| index);
            event.index = u32::try_from(index.unwrap_or_default()).unwrap_or(THIS);
            Ok(())
        }
        b"delta" => delta(reader, name, &mut event, scan),
        b"start" => start(reader, name, &mut event, scan),
        name => beside(reader, name, scan),
    })?;
    let Event { index, signature, begins } = event;
    for channel in scan.channels.iter_mut().filter(|it| it.lane.group == THIS) {
        channel.lane.group = index;
    }
    for carrier in scan.carriers.iter_mut().filter(|it| it.group == THIS) {
        carrier.group = index;
    }
    scan.begins = begins.map(|begins| Block { group: index, ..begins });
    scan.called |= begins.is_some_and(|begins| begins.calls);
    match kind {
        Some(b"contentBlockDelta") => {
            scan.says_more |= scan.channels.is_empty() || signature;
            if signature {
                scan.closes.push(Close::of(index, true, false));
            }
        }
        Some(b"contentBlockStop") => {
            scan.says_more = true;
            scan.carriers.extend(before_stop(index));
            scan.closes.push(Close::of(index, false, false));
        }
        _ => scan.says_more = true,
    }
    scan.unrepeatable = scan.says_more;
    Ok(())
}

fn object(reader: &mut Reader<'_>) -> Result<(), Error> {
    match reader.kind()? {
        JsonKind::Object => Ok(()),
        _ => Err(reader.expected("an object")),
    }
}

/// What is said beside the texts, of all of the answer.
fn beside(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    match name {
        b"usage" => usage::scan(reader, scan),
        b"metrics" => usage::metrics(reader, scan),
        b"trace" => trace::scan(reader, scan),
        b"stopReason" => {
            let reason = scan.identifier(reader, name)?;
            let reason = reason.and_then(|span| reader.bytes().get(span));
            scan.cut_short = reason.map(is_cut_short).or(scan.cut_short);
            scan.called |= reason.is_some_and(is_call);
            Ok(())
        }
        // Filling that hides an event's length.
        b"p" => {
            let filling = scan.identifier(reader, name)?;
            filling.into_iter().for_each(|span| scan.field(FieldKind::Padding, span));
            Ok(())
        }
        name => scan.listed(reader, &BESIDE, name),
    }
}

/// A whole message; `last` becomes the index of its last block.
fn message(
    reader: &mut Reader<'_>,
    name: &[u8],
    last: &mut u32,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    members(reader, scan, |reader, name, _, scan| match name {
        b"content" if scan.expects(JsonKind::Array, reader, name)? => {
            reader.elements(|reader, position| {
                let index = u32::try_from(position).unwrap_or(THIS);
                let before = std::mem::replace(last, index);
                let calls = block(reader, index, scan)?;
                scan.calls.extend(calls.then_some(before));
                Ok(())
            })
        }
        b"content" => Ok(()),
        name => scan.listed(reader, &BESIDE, name),
    })
    .map(|_| ())
}
