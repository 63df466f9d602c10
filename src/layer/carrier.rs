//! Events of a lane's own, for text that leaves when no event of the upstream's has a place for it.

use crate::countermeasure::{Counts, ResponseEdits};
use crate::secret::opaque_debug;
use crate::wire::framing::sse::Block;
use crate::wire::json::{Edit, escape, splice};
use crate::wire::{Channel, FieldKind, Scan};

use super::lanes::OpenLane;

opaque_debug!(Carrier);

/// An event of the lane's own with its texts taken out: what stands before and behind the place
/// of the lane's text.
pub(super) struct Carrier {
    pub(super) before: Vec<u8>,
    pub(super) behind: Vec<u8>,
}

impl Carrier {
    pub(super) fn len(&self) -> usize {
        self.before.len() + self.behind.len()
    }
}

/// What carries a lane's last text: this event with its other texts, its role and its counts taken
/// out, and what must be said once; `None` if that is not possible.
pub(super) fn carrier(
    block: &Block<'_>,
    payload: &[u8],
    scan: &Scan,
    channel: &Channel,
    edits: &ResponseEdits,
    counts: &mut Counts,
) -> Option<Carrier> {
    if scan.unrepeatable {
        return None;
    }
    let Some(place) = block.payload_span() else {
        // On several lines: broken between tokens, where a space says the same.
        let line: Vec<u8> =
            payload.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }).collect();
        let raw = block.with_payload(&line);
        let block = Block::parse(&raw);
        block.payload_span()?;
        return carrier(&block, &line, scan, channel, edits, counts);
    };
    // The carrier's own fields are closed like any event's, but counted with the event only.
    let mut uncounted = *counts;
    let mut taken_out: Vec<Edit> = scan
        .fields
        .iter()
        .filter_map(|field| match field.kind {
            FieldKind::Role | FieldKind::Usage | FieldKind::Once => {
                Some(Edit::literal(field.span.clone(), "null"))
            }
            FieldKind::Padding => Some(Edit::text(field.span.clone(), "")),
            _ => edits.field(field, None, &mut uncounted),
        })
        .collect();
    let others = scan.channels.iter().filter(|other| other.span != channel.span);
    taken_out.extend(others.map(|other| Edit::text(other.span.clone(), "")));
    if let Some(renamed) = edits.renamed() {
        renamed.hide(payload, scan, &mut taken_out);
    }
    let (mut before, mut behind): (Vec<Edit>, Vec<Edit>) =
        taken_out.into_iter().partition(|edit| edit.span.end <= channel.span.start);
    for edit in &mut behind {
        edit.span = edit.span.start - channel.span.end..edit.span.end - channel.span.end;
    }
    let raw = block.raw();
    Some(Carrier {
        before: [raw.get(..place.start)?, &splice(payload.get(..channel.span.start)?, &mut before)]
            .concat(),
        behind: [&splice(payload.get(channel.span.end..)?, &mut behind), raw.get(place.end..)?]
            .concat(),
    })
}

impl OpenLane {
    /// Appends an event of the lane's own that holds `text`; how many bytes of text went.
    pub(super) fn carry(&self, text: &str, out: &mut Vec<u8>) -> u64 {
        let Some(Carrier { before, behind }) = self.carrier.as_ref().filter(|_| !text.is_empty())
        else {
            return 0;
        };
        out.extend_from_slice(before);
        escape(text, out);
        out.extend_from_slice(behind);
        text.len() as u64
    }
}
