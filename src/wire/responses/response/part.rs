//! A part of an item.

use super::annotation::{annotation, logprobs};
use super::{SUMMARY, lists, text, type_of};
use crate::wire::json::{Error, Kind as JsonKind, Reader};
use crate::wire::scan::{Kind, Lane, Mode, Scan, Slot};
use crate::wire::thought::members;

/// Where a part stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) group: u32,
    pub(super) part: u32,
    /// It is of the summary of an item, whatever it calls itself.
    pub(super) sums_up: bool,
    pub(super) mode: Mode,
}

/// Reads a part: what its texts are for.
pub(super) fn part(reader: &mut Reader<'_>, place: Place, scan: &mut Scan) -> Result<Kind, Error> {
    if !scan.expects(JsonKind::Object, reader, b"part")? {
        return Ok(Kind::Reasoning);
    }
    let Place { group, part, sums_up, mode } = place;
    let (slot, kind) = match type_of(reader).as_str() {
        _ if sums_up => (Slot::ReasoningAlias, Kind::Reasoning),
        "output_text" | "text" => (Slot::Answer, Kind::Answer),
        "refusal" => (Slot::Refusal, Kind::Refusal),
        "output_audio" => (Slot::Transcript, Kind::Refusal),
        _ => (Slot::Reasoning, Kind::Reasoning),
    };
    let part = if sums_up { part.saturating_add(SUMMARY) } else { part };
    let lane = Lane { group, part, slot };
    let first = scan.channels.len();
    let thought = members(reader, scan, |reader, name, _, scan| match name {
        name @ (b"text" | b"refusal" | b"transcript") => {
            text(reader, name, (lane, kind, mode), scan)
        }
        name @ b"annotations" => {
            if !scan.expects(JsonKind::Array, reader, name)? {
                return Ok(());
            }
            reader.elements(|reader, _| annotation(reader, lane, scan))
        }
        name @ b"logprobs" => logprobs(reader, name, scan),
        name => scan.listed(reader, &lists::PART, name),
    })?;
    if thought.says() && kind != Kind::Reasoning {
        thinks(scan, first);
        return Ok(Kind::Reasoning);
    }
    Ok(kind)
}

/// Takes what has been said since the text at `first` for reasoning, as a scanner takes what comes later
/// of the same item.
pub(super) fn thinks(scan: &mut Scan, first: usize) {
    for channel in scan.channels.iter_mut().skip(first) {
        if matches!(channel.kind, Kind::Answer | Kind::Refusal) {
            (channel.lane.slot, channel.kind) = (Slot::Reasoning, Kind::Reasoning);
            channel.signed = true;
        }
    }
}
