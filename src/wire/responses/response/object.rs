//! The response itself, as a document or within an event.

use std::collections::BTreeMap;

use super::item::{Shown, input_item, item};
use super::{id, lists, position};
use crate::wire::json::{Error, Kind as JsonKind, Reader};
use crate::wire::scan::{Close, Mode, Scan, Twice};
use crate::wire::{error, usage};

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Whole,
    CutShort,
}

/// What a response is, as far as it was read.
pub(super) struct Seen {
    /// How its texts come.
    pub(super) mode: Mode,
    pub(super) items: Vec<Shown>,
    /// How it ended, where it says so.
    pub(super) ended: Option<Ended>,
    twice: Twice,
}

impl Seen {
    pub(super) fn new(mode: Mode) -> Self {
        Self { mode, items: Vec::new(), ended: None, twice: Twice::default() }
    }
}

pub(in crate::wire::responses) fn scan_document(
    document: &[u8],
    scan: &mut Scan,
) -> Result<(), Error> {
    (scan.says_more, scan.in_blocks) = (true, true);
    let mut seen = Seen::new(Mode::Delta);
    Reader::new(document).document(|reader| {
        reader.object(|reader, key| member(reader, &key.name(), &mut seen, scan))
    })?;
    scan.cut_short = seen.ended.map(|ended| ended == Ended::CutShort);
    end(&seen, scan);
    Ok(())
}

/// A member of a response.
pub(super) fn member(
    reader: &mut Reader<'_>,
    name: &[u8],
    seen: &mut Seen,
    scan: &mut Scan,
) -> Result<(), Error> {
    match scan.once_only(&mut seen.twice, name) {
        b"output" if scan.expects(JsonKind::Array, reader, name)? => {
            reader.elements(|reader, at| {
                let group = position(at);
                let shown = item(reader, group, seen.mode, scan)?;
                scan.calls.extend(group.checked_sub(1).filter(|_| shown.calls));
                seen.items.push(shown);
                Ok(())
            })
        }
        b"output" => Ok(()),
        // What an answer was given to, page by page.
        b"data" if reader.kind()? == JsonKind::Array => reader.elements(|reader, at| {
            seen.items.push(Shown::default());
            input_item(reader, position(at), scan)
        }),
        b"model" => scan.model(reader),
        b"usage" if reader.kind()? == JsonKind::Object => usage::scan(reader, scan),
        b"error" => {
            scan.error |= reader.kind()? != JsonKind::Null;
            error::member(reader, scan)
        }
        b"status" => {
            let status = scan.identifier(reader, name)?.and_then(|it| reader.bytes().get(it));
            seen.ended = match status {
                Some(b"completed") => Some(Ended::Whole),
                Some(b"incomplete" | b"failed" | b"cancelled") => Some(Ended::CutShort),
                _ => None,
            };
            Ok(())
        }
        b"id" => id(reader, name, scan),
        name => scan.listed(reader, &lists::RESPONSE, name),
    }
}

/// Every item ends, part by part, of which only the last one can have been cut short.
pub(super) fn end(seen: &Seen, scan: &mut Scan) {
    let items = position(seen.items.len());
    let mut parts: BTreeMap<u32, Vec<u32>> = (0..items).map(|group| (group, Vec::new())).collect();
    for lane in scan.channels.iter().map(|it| it.lane) {
        let parts = parts.entry(lane.group).or_default();
        if parts.last() != Some(&lane.part) {
            parts.push(lane.part);
        }
    }
    for (group, parts) in parts {
        let cut_short = group + 1 == items && seen.ended == Some(Ended::CutShort);
        let close = |part, cut_short| Close { group, part, reasoning_only: false, cut_short };
        let ended = parts.split_last().map(|(_, before)| before).unwrap_or_default();
        scan.closes.extend(ended.iter().map(|part| close(Some(*part), false)));
        scan.closes.push(close(None, cut_short));
    }
}
