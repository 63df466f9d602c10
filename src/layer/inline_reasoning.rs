//! How much of an answer's own text is reasoning, where that is limited.
//!
//! A server without a reasoning parser counts no reasoning tokens, and has no member that says what was thought.

use crate::countermeasure::inline::{Orphans, unopened};
use crate::countermeasure::{Editor, ResponseEdits};
use crate::secret::opaque_debug;
use crate::wire::json::{unescape, unescape_lossy};
use crate::wire::{Channel, Kind, Lane, Mode};

opaque_debug!(InlineReasoning);

/// The most texts that are told apart. Of those beyond all is taken for reasoning: nobody has so many without a wish to
/// hide some.
const TEXTS: usize = 256;

/// The texts of one response.
#[derive(Default)]
pub(super) struct InlineReasoning {
    texts: Vec<Text>,
    /// Bytes of texts that are not told apart.
    beyond: usize,
    /// What is let out of a piece; kept for its memory.
    out: String,
}

struct Text {
    lane: Lane,
    mode: Mode,
    /// Leaves nothing of reasoning.
    editor: Box<dyn Editor>,
    /// Bytes that have come, and that were let out.
    come: usize,
    out: usize,
    /// Bytes that were reasoning when that was last known.
    reasoning: usize,
    /// Of a text in pieces: what a closing ends that nothing opened.
    orphans: Orphans,
}

impl InlineReasoning {
    /// Takes a piece of a text, or all of it if it is `whole`.
    pub(super) fn add(
        &mut self,
        channel: &Channel,
        payload: &[u8],
        whole: bool,
        edits: &ResponseEdits,
    ) {
        let Channel { lane, mode, kind, .. } = *channel;
        if !matches!(kind, Kind::Answer | Kind::Refusal) || mode == Mode::Repeat {
            return;
        }
        let raw = payload.get(channel.span.clone()).unwrap_or_default();
        let text = unescape(raw).unwrap_or_else(|_| unescape_lossy(raw).into());
        let Self { texts, beyond, out } = self;
        let place = texts.iter().position(|it| it.lane == lane && it.mode == mode);
        if place.is_none() && texts.len() == TEXTS {
            let counts = mode == Mode::Delta || whole;
            *beyond += if counts { text.len() } else { 0 };
            return;
        }
        let place = place.unwrap_or_else(|| {
            let unopened = if whole { unopened(&text) } else { 0 };
            let editor = edits.recognizer(channel, unopened);
            let orphans = Orphans::default();
            texts.push(Text { lane, mode, editor, come: 0, out: 0, reasoning: 0, orphans });
            texts.len() - 1
        });
        let Some(known) = texts.get_mut(place) else { return };
        // One that says all so far is read from where it goes on.
        let from = if mode == Mode::Snapshot { known.come } else { 0 };
        known.take(text.get(from..).unwrap_or_default(), whole, out);
    }

    /// Bytes of reasoning so far, each text once.
    pub(super) fn bytes(&self) -> u64 {
        self.sum(|text| text.reasoning.max(text.orphans.reasoning()))
    }

    /// The same where nothing more comes.
    pub(super) fn bytes_at_end(&self) -> u64 {
        self.sum(|text| text.reasoning.max(text.orphans.reasoning_at_end()))
    }

    fn sum(&self, reasoning: impl Fn(&Text) -> usize) -> u64 {
        let delta = |text: &Text| {
            self.texts.iter().any(|it| it.lane == text.lane && it.mode == Mode::Delta)
        };
        let once = self.texts.iter().filter(|it| it.mode == Mode::Delta || !delta(it));
        once.map(|text| reasoning(text) as u64).sum::<u64>() + self.beyond as u64
    }
}

impl Text {
    fn take(&mut self, text: &str, whole: bool, out: &mut String) {
        out.clear();
        self.editor.push(text, out);
        if whole {
            self.editor.finish(false, out);
        } else {
            self.orphans.push(text);
        }
        self.come += text.len();
        self.out += out.len();
        // What is held may be either.
        if whole || self.editor.leaves_open() || !self.editor.holds() {
            self.reasoning = self.come.saturating_sub(self.out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Slot;

    fn counted(pieces: &[&str], mode: Mode, whole: bool) -> u64 {
        let edits = ResponseEdits::default();
        let mut inline = InlineReasoning::default();
        for piece in pieces {
            let lane = Lane { group: 0, part: 0, slot: Slot::Answer };
            let (kind, span) = (Kind::Answer, 0..piece.len());
            let channel = Channel { lane, kind, mode, span, signed: false };
            inline.add(&channel, piece.as_bytes(), whole, &edits);
        }
        assert!(inline.bytes() <= inline.bytes_at_end());
        inline.bytes_at_end()
    }

    // Break it: count a text that says all so far in each of its pieces, or what may yet be an answer.
    #[test]
    fn reasoning_in_a_text_is_counted_once_however_it_comes() {
        let text = "<think>zebra one</think>It is 12.";
        let thought = "zebra one".len() as u64;
        assert_eq!(counted(&[text], Mode::Delta, true), thought);
        for at in 0..=text.len() {
            let (one, other) = text.split_at(at);
            assert_eq!(counted(&[one, other], Mode::Delta, false), thought, "{at}");
            assert_eq!(counted(&[one, text, text], Mode::Snapshot, false), thought, "{at}");
        }
        let unopened = "zebra one.\n</think>\n\nIt is 12.";
        assert_eq!(counted(&[unopened], Mode::Delta, true), 11);
        for at in 0..=unopened.len() {
            let (one, other) = unopened.split_at(at);
            assert_eq!(counted(&[one, other], Mode::Delta, false), 11, "{at}");
            assert_eq!(counted(&[one, unopened], Mode::Snapshot, false), 11, "{at}");
        }
        assert_eq!(counted(&["<|channel|>analysis<|message|>zebra"], Mode::Delta, false), 5);
        assert_eq!(counted(&["It is 12, not <think>."], Mode::Delta, true), 0);
    }

    // Break it: pass over texts beyond those that are told apart.
    #[test]
    fn texts_of_which_there_are_too_many_count_as_reasoning() {
        let mut inline = InlineReasoning::default();
        let edits = ResponseEdits::default();
        for group in 0..300 {
            let lane = Lane { group, part: 0, slot: Slot::Answer };
            let (kind, mode) = (Kind::Answer, Mode::Delta);
            let channel = Channel { lane, kind, mode, span: 0..2, signed: false };
            inline.add(&channel, b"hi", false, &edits);
        }
        assert_eq!(inline.bytes(), 2 * 44);
    }
}
