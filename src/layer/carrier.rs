//! Events of a lane's own, for text that leaves when no event of the upstream's has a place for it.

use crate::countermeasure::{ResponseEdits, Tally};
use crate::wire::framing::{Blank, BlankEvent, Event};
use crate::wire::json::Edit;
use crate::wire::{Channel, FieldKind, Scan};

/// What carries a lane's last text: this event with its other texts, its role and its counts taken
/// out, and what must be said once; `None` if that is not possible. Its number is another each time.
pub(super) fn carrier(
    event: &Event<'_>,
    payload: &[u8],
    scan: &Scan,
    channel: &Channel,
    edits: &ResponseEdits,
    tally: &mut Tally,
) -> Option<BlankEvent> {
    if scan.unrepeatable {
        return None;
    }
    // The carrier's own fields are closed like any event's, but counted with the event only.
    let mut uncounted = *tally;
    let mut blanks = vec![(Blank::Text, channel.span.clone())];
    let mut taken_out: Vec<Edit> = Vec::new();
    for field in &scan.fields {
        let around = field.span.start <= channel.span.start && channel.span.end <= field.span.end;
        taken_out.extend(match field.kind {
            // What stands around the text itself says on its own what has to be said once.
            FieldKind::Once if around => None,
            FieldKind::Sequence(_) => {
                blanks.push((Blank::Number, field.span.clone()));
                None
            }
            FieldKind::OnceCalled => Some(Edit::literal(field.span.clone(), "\"\"")),
            FieldKind::Role | FieldKind::Usage | FieldKind::Once => {
                Some(Edit::literal(field.span.clone(), "null"))
            }
            FieldKind::Padding => Some(Edit::text(field.span.clone(), "")),
            _ => edits.field(field, None, &mut uncounted),
        });
    }
    let others = scan.channels.iter().filter(|other| other.span != channel.span);
    taken_out.extend(others.map(|other| Edit::text(other.span.clone(), "")));
    if let Some(renamed) = edits.renamed() {
        renamed.hide(payload, scan, &mut taken_out);
    }
    event.blank(payload, blanks, taken_out)
}
