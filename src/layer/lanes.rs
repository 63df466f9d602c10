//! The texts of one response, each with its editor.

use crate::countermeasure::{Counts, LaneEditor, ResponseEdits};
use crate::wire::{Channel, Kind, Lane, Scan, Signed};

use super::carrier::Carrier;

/// The most lanes one response may have. An upstream that claims more is not answering.
pub(super) const LANES: usize = 1024;

/// The most bytes that the carriers of one response may take.
const CARRIED: usize = 1 << 20;

/// The lanes seen so far.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: Vec<OpenLane>,
    /// Bytes that carriers take.
    carried: usize,
    /// The choices that hold a signed block; `None` for all of the response.
    signed: Vec<Option<u32>>,
}

/// One lane: its editors, and the event that can carry text which is left when the lane ends.
#[derive(Debug)]
pub(super) struct OpenLane {
    pub(super) lane: Lane,
    pub(super) kind: Kind,
    pub(super) editor: LaneEditor,
    pub(super) carrier: Option<Carrier>,
}

/// The response has more lanes than any answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooManyLanes;

impl Lanes {
    /// The lane of a channel, opened if this is its first piece.
    pub(super) fn open(
        &mut self,
        channel: &Channel,
        scan: &Scan,
        edits: &ResponseEdits,
    ) -> Result<&mut OpenLane, TooManyLanes> {
        let known = self.lanes.iter().position(|open| open.lane == channel.lane);
        let position = match known {
            Some(position) => position,
            None if self.lanes.len() == LANES => return Err(TooManyLanes),
            None => {
                // A choice whose server tells reasoning apart has none in its answer.
                let group = channel.lane.group;
                let reasons = |lane: Lane, kind| lane.group == group && kind == Kind::Reasoning;
                let told_apart = self.lanes.iter().any(|open| reasons(open.lane, open.kind))
                    || scan.channels.iter().any(|other| reasons(other.lane, other.kind));
                let concerned = |of: Option<u32>| of.is_none_or(|of| of == group);
                let before = channel.span.start;
                let signed = self.signed.iter().any(|of| concerned(*of))
                    || scan.signed.iter().any(|it| concerned(it.group) && it.from <= before);
                let editor = edits.editor(channel, told_apart, signed);
                let Channel { lane, kind, .. } = *channel;
                self.lanes.push(OpenLane { lane, kind, editor, carrier: None });
                self.lanes.len() - 1
            }
        };
        self.lanes.get_mut(position).ok_or(TooManyLanes)
    }

    /// Remembers the signed blocks of an event whose lanes have been opened.
    pub(super) fn signed(&mut self, scan: &Scan) {
        for Signed { group, .. } in &scan.signed {
            if self.signed.len() < LANES && !self.signed.contains(group) {
                self.signed.push(*group);
            }
        }
    }

    /// Counts a new carrier.
    pub(super) fn carry(&mut self, bytes: usize) -> Result<(), TooManyLanes> {
        self.carried += bytes;
        if self.carried > CARRIED { Err(TooManyLanes) } else { Ok(()) }
    }

    /// Bytes that carriers take.
    pub(super) fn carried(&self) -> usize {
        self.carried
    }

    /// All lanes, in the order in which they began.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut OpenLane> {
        self.lanes.iter_mut()
    }

    /// Whether text is held back that could leave, only to be marked.
    pub(super) fn linger(&self) -> bool {
        self.lanes.iter().any(|open| open.carrier.is_some() && open.editor.lingers())
    }

    /// Sums of the editors' counts over the lanes.
    pub(super) fn counts(&self, counts: &mut Counts) {
        let editors = || self.lanes.iter().map(|open| &open.editor);
        counts.words_removed = editors().map(LaneEditor::words_removed).sum();
        counts.unopened_reasoning = editors().map(LaneEditor::unopened_reasoning).sum();
        counts.sites = editors().map(|editor| editor.marked().0).sum();
        counts.flips = editors().map(|editor| editor.marked().1).sum();
    }
}
