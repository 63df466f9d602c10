//! The texts of one response, each with its editor.

use crate::countermeasure::{Editor, ResponseEdits};
use crate::wire::{Channel, Kind, Lane};

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
}

/// One lane: its editor, and the event that can carry text which is left when the lane ends.
#[derive(Debug)]
pub(super) struct OpenLane {
    pub(super) lane: Lane,
    pub(super) kind: Kind,
    /// `None` if the lane's text goes out as it comes.
    pub(super) editor: Option<Box<dyn Editor>>,
    pub(super) carrier: Option<Carrier>,
}

/// An event of the lane's own with its texts taken out: what stands before and behind the place
/// of the lane's text.
#[derive(Debug)]
pub(super) struct Carrier {
    pub(super) before: Vec<u8>,
    pub(super) behind: Vec<u8>,
}

impl Carrier {
    pub(super) fn len(&self) -> usize {
        self.before.len() + self.behind.len()
    }
}

/// The response has more lanes than any answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooManyLanes;

impl Lanes {
    /// The lane of a channel, opened if this is its first piece.
    pub(super) fn open(
        &mut self,
        channel: &Channel,
        edits: &ResponseEdits,
    ) -> Result<&mut OpenLane, TooManyLanes> {
        let known = self.lanes.iter().position(|open| open.lane == channel.lane);
        let position = match known {
            Some(position) => position,
            None if self.lanes.len() == LANES => return Err(TooManyLanes),
            None => {
                let editor = edits.editor(channel);
                let Channel { lane, kind, .. } = *channel;
                self.lanes.push(OpenLane { lane, kind, editor, carrier: None });
                self.lanes.len() - 1
            }
        };
        self.lanes.get_mut(position).ok_or(TooManyLanes)
    }

    /// Counts a new carrier.
    pub(super) fn carry(&mut self, bytes: usize) -> Result<(), TooManyLanes> {
        self.carried += bytes;
        if self.carried > CARRIED { Err(TooManyLanes) } else { Ok(()) }
    }

    /// All lanes, in the order in which they began.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut OpenLane> {
        self.lanes.iter_mut()
    }

    /// The editors' counts: words removed, and reasoning sections that never began.
    pub(super) fn counts(&self) -> (u64, u64) {
        let editors = || self.lanes.iter().filter_map(|open| open.editor.as_deref());
        let removed = editors().map(Editor::words_removed).sum();
        (removed, editors().map(Editor::unopened_reasoning).sum())
    }
}
