//! Events of a lane's own, for text that leaves when no event of the upstream's has a place for it.

use crate::countermeasure::{Counts, ResponseEdits};
use crate::wire::framing::{BlankEvent, Event};
use crate::wire::json::Edit;
use crate::wire::{Channel, FieldKind, Scan};

use super::lanes::OpenLane;

/// What carries a lane's last text: this event with its other texts, its role and its counts taken
/// out, and what must be said once; `None` if that is not possible.
pub(super) fn carrier(
    event: &Event<'_>,
    payload: &[u8],
    scan: &Scan,
    channel: &Channel,
    edits: &ResponseEdits,
    counts: &mut Counts,
) -> Option<BlankEvent> {
    if scan.unrepeatable {
        return None;
    }
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
    event.blank(payload, channel.span.clone(), taken_out)
}

impl OpenLane {
    /// Appends an event of the lane's own that holds `text`; how many bytes of text went.
    pub(super) fn carry(&self, text: &str, out: &mut Vec<u8>) -> u64 {
        let Some(carrier) = self.carrier.as_ref().filter(|_| !text.is_empty()) else { return 0 };
        carrier.fill(text, out);
        text.len() as u64
    }
}
