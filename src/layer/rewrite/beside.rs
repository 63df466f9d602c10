//! What stands beside the texts of an event: fields, citations, counts, and whether anything is left of it.

use crate::countermeasure::Rounded;
use crate::layer::lanes::{LANES, TooManyLanes};
use crate::wire::framing::Framing;
use crate::wire::json::Edit;
use crate::wire::{Carrier, CarrierPlace, Channel, Citation, FieldKind, Kind, Mode, Scan, Usage};

use super::ResponseRewriter;

impl ResponseRewriter {
    /// Has annotations point to where the text they mean has come to stand.
    pub(super) fn citation_edits(
        &mut self,
        scan: &Scan,
        before: &mut Vec<u8>,
    ) -> Result<Vec<Edit>, TooManyLanes> {
        let Self { edits: made, lanes, outcomes, seen, sequence, .. } = self;
        let mut edits = Vec::new();
        for Citation { lane, start, end, base } in &scan.citations {
            // A text that has not begun will be cited as it comes.
            let only_whole = !lanes.knows(*lane, Mode::Delta) && lanes.knows(*lane, Mode::Snapshot);
            let mode = if only_whole { Mode::Snapshot } else { Mode::Delta };
            let kind = Kind::Answer;
            let channel = Channel { lane: *lane, kind, mode, span: 0..0, signed: false };
            let open = lanes.open(&channel, &[], scan, made)?;
            let mut text = String::new();
            let of_all = |place: u64| base.saturating_add(place);
            let range = of_all(start.1)..of_all(end.1);
            // Where the part begins has moved, too.
            let begins =
                if *base > 0 { open.editor.locate(*base..*base, &mut text) } else { Some(0..0) };
            let located = open.editor.locate(range, &mut text);
            seen.delivered += open.put(&text, scan, outcomes, sequence, before);
            let Some((located, begins)) = located.zip(begins) else { continue };
            let in_part = |place: u64| place.saturating_sub(begins.start);
            let moved = [(start, in_part(located.start)), (end, in_part(located.end))];
            let moved = moved.into_iter().filter(|((_, from), to)| from != to);
            edits.extend(moved.map(|((span, _), to)| Edit::literal(span.clone(), to.to_string())));
        }
        Ok(edits)
    }

    /// Takes what repeats opened reasoning out of values that are nobody's to change else: what a tool is
    /// called with may come unwritten.
    pub(super) fn quoted_edits(&mut self, payload: &[u8], scan: &Scan) -> Vec<Edit> {
        let Some(guard) = self.edits.guard() else { return Vec::new() };
        let mut edits = Vec::new();
        for span in &scan.quoted {
            let value = payload.get(span.clone()).map(std::str::from_utf8);
            let Some(Ok(value)) = value else { continue };
            if let Some((left, words)) = guard.value(value) {
                self.tally.words_repeated += words;
                edits.push(Edit::literal(span.clone(), left));
            }
        }
        edits
    }

    /// What carries reasoning that is sealed, with the blobs put in.
    pub(super) fn sealed_edits(
        &mut self,
        payload: &[u8],
        scan: &Scan,
        framing: Option<Framing>,
        before: &mut Vec<u8>,
    ) -> Result<Vec<Edit>, TooManyLanes> {
        let Self { sealing: Some(sealing), tally, .. } = self else { return Ok(Vec::new()) };
        let edits = sealing.carry(&scan.carriers, payload, framing, before, tally)?;
        if !scan.repeats {
            scan.closes.iter().for_each(|close| sealing.end(close));
        }
        Ok(edits)
    }

    /// Lets events of the layer's own go out that carry what has come before an event which begins to go
    /// out itself, unless that has to be held for what it carries.
    pub(in crate::layer) fn carry_ahead(
        &mut self,
        scan: &Scan,
        framing: Framing,
        before: &mut Vec<u8>,
    ) -> Result<(), TooManyLanes> {
        let Self { sealing: Some(sealing), tally, .. } = self else { return Ok(()) };
        let ahead = |it: &Carrier| matches!(it.place, CarrierPlace::Event { .. });
        if scan.carriers.iter().all(ahead) {
            sealing.carry(&scan.carriers, &[], Some(framing), before, tally)?;
        }
        Ok(())
    }

    /// Adds them to the other edits, of which those of the same values give way.
    pub(super) fn put_sealed(&self, sealed: Vec<Edit>, scan: &Scan, edits: &mut Vec<Edit>) {
        if self.sealing.is_some() && !scan.carriers.is_empty() {
            let mut carried: Vec<_> = scan.carriers.iter().filter_map(Carrier::value).collect();
            carried.sort_by_key(|span| span.start);
            edits.retain(|edit| {
                let next = carried.partition_point(|it| it.end <= edit.span.start);
                carried.get(next).is_none_or(|it| it.start >= edit.span.end)
            });
            edits.extend(sealed);
        }
    }

    /// Remembers the choices whose role this event brings.
    pub(super) fn begin(&mut self, scan: &Scan) {
        if roles(scan) == 0 {
            return;
        }
        for Channel { lane, .. } in &scan.channels {
            if self.begun.len() < LANES && !self.begun.contains(&lane.group) {
                self.begun.push(lane.group);
            }
        }
    }

    /// Whether the event says nothing but pieces of what goes out sealed: one for each would tell how many
    /// there were.
    pub(super) fn is_taken(&self, scan: &Scan) -> bool {
        let piece = |it: &Carrier| matches!(it.place, CarrierPlace::Piece(_));
        let Scan { carriers, channels, closes, begins, .. } = scan;
        let pieces = !carriers.is_empty() && carriers.iter().all(piece);
        self.sealing.is_some()
            && pieces
            && channels.is_empty()
            && closes.is_empty()
            && begins.is_none()
    }

    /// Whether the event had text, has none left, and says nothing else. A role that comes with
    /// every piece says nothing after the first: an empty event for each would tell how many
    /// pieces were withheld.
    pub(super) fn nothing_left(&self, scan: &Scan) -> bool {
        let first = scan.channels.iter().any(|channel| !self.begun.contains(&channel.lane.group));
        let role = roles(scan) > usize::from(!first);
        let mut emptied = false;
        let empty = scan.channels.iter().zip(&self.outcomes).all(|(channel, outcome)| {
            emptied |= outcome.is_empty() && !channel.span.is_empty();
            outcome.is_empty()
                || channel.span.is_empty() && outcome.before.is_empty() && outcome.after.is_empty()
        });
        emptied && empty && !scan.says_more && !role
    }

    /// What becomes of the event's token counts.
    pub(super) fn rounded(&mut self, scan: &Scan) -> Option<Rounded> {
        if scan.usage == Usage::default() {
            return None;
        }
        let withheld = self.seen.reasoning + self.tally().words_removed;
        let withheld = (self.seen.all > 0).then_some(withheld);
        self.rounding.as_mut().map(|rounding| rounding.round(scan.usage, withheld))
    }

    pub(super) fn field_edits(&mut self, scan: &Scan) -> Vec<Edit> {
        let rounded = self.rounded(scan);
        let Self { edits, tally, outcomes, sequence, .. } = self;
        let edited = outcomes.iter().any(|outcome| {
            !outcome.stays || !outcome.before.is_empty() || !outcome.after.is_empty()
        });
        let padding = |kind| edited && kind == FieldKind::Padding;
        scan.fields
            .iter()
            .filter_map(|field| match field.kind {
                // It hides the length that the text no longer has.
                kind if padding(kind) => Some(Edit::text(field.span.clone(), "")),
                FieldKind::Sequence(number) => {
                    let number = sequence.moved(number)?;
                    Some(Edit::literal(field.span.clone(), number.to_string()))
                }
                _ => edits.field(field, rounded.as_ref(), tally),
            })
            .collect()
    }
}

fn roles(scan: &Scan) -> usize {
    scan.fields.iter().filter(|field| field.kind == FieldKind::Role).count()
}
