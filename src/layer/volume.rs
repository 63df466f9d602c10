//! How much text has passed, each text once: what a count of tokens cannot be far below.
//!
//! A piece that says again all so far is no new text. Pieces of deltas are sometimes shorter than the one
//! before, and those that say all so far never are. So a text whose pieces only grow is taken to be as long
//! as its last one.

use crate::secret::opaque_debug;
use crate::wire::{Channel, Kind, Lane, Mode};

/// The most texts that are told apart. Those beyond do not count.
const TEXTS: usize = 64;

/// The texts of one response.
#[derive(Default)]
pub(super) struct Volume(Vec<Text>);

opaque_debug!(Volume);

struct Text {
    lane: Lane,
    reasoning: bool,
    mode: Mode,
    all: u64,
    last: u64,
    grows: bool,
}

impl Volume {
    pub(super) fn add(&mut self, channel: &Channel) {
        let bytes = channel.span.len() as u64;
        if bytes == 0 || channel.mode == Mode::Repeat {
            return;
        }
        let Channel { lane, mode, kind, .. } = *channel;
        let full = self.0.len() == TEXTS;
        match self.0.iter_mut().find(|it| it.lane == lane && it.mode == mode) {
            Some(text) => {
                text.all += bytes;
                text.grows &= bytes >= text.last;
                text.last = bytes;
            }
            None if !full => self.0.push(Text {
                lane,
                reasoning: kind == Kind::Reasoning,
                mode,
                all: bytes,
                last: bytes,
                grows: true,
            }),
            None => {}
        }
    }

    /// Bytes of text that can have been counted as output, in all and of reasoning.
    pub(super) fn bytes(&self) -> (u64, u64) {
        let delta =
            |text: &Text| self.0.iter().any(|it| it.lane == text.lane && it.mode == Mode::Delta);
        let once = self.0.iter().filter(|it| it.mode == Mode::Delta || !delta(it));
        once.fold((0, 0), |(all, reasoning), text| {
            let bytes = if text.grows { text.last } else { text.all };
            (all + bytes, reasoning + if text.reasoning { bytes } else { 0 })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Slot;

    fn volume(pieces: &[usize], mode: Mode) -> u64 {
        let mut volume = Volume::default();
        for length in pieces {
            let lane = Lane { group: 0, part: 0, slot: Slot::Answer };
            let (kind, span, signed) = (Kind::Answer, 0..*length, false);
            volume.add(&Channel { lane, kind, mode, span, signed });
        }
        volume.bytes().0
    }

    #[test]
    fn a_text_is_as_long_as_its_pieces_or_as_the_last_one_of_those_that_say_all_so_far() {
        assert_eq!(volume(&[4, 3, 5], Mode::Delta), 12);
        assert_eq!(volume(&[4, 7, 12], Mode::Delta), 12);
        assert_eq!(volume(&[4, 4, 4], Mode::Delta), 4);
        assert_eq!(volume(&[4, 7, 12], Mode::Snapshot), 12);
        assert_eq!(volume(&[], Mode::Delta), 0);
    }
}
