//! What becomes of events and of the texts in them.

use crate::secret::opaque_debug;
use crate::wire::json::Edit;
use crate::wire::{Channel, Kind, Mode};

opaque_debug!(TextEdit, Given, Rewritten);

/// Bytes of text that a response has carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TextBytes {
    pub(super) all: u64,
    pub(super) reasoning: u64,
    /// Bytes of reasoning in the answers' own text, where they are counted.
    pub(super) inline: u64,
    /// What of it goes out.
    pub(super) delivered: u64,
    /// Each text once, in all and of reasoning: no count of tokens is far below.
    pub(super) once: (u64, u64),
}

/// What becomes of one piece of text: it stays, with other text around it, or gives way to it.
#[derive(Default)]
pub(super) struct TextEdit {
    pub(super) stays: bool,
    pub(super) before: String,
    pub(super) after: String,
    /// What is missing here comes later.
    pub(super) deferred: bool,
}

/// How far the texts of a document have been given to their editors.
#[derive(Default)]
pub(super) struct Given {
    /// Texts that were.
    pub(super) texts: usize,
    /// The next one, if it is long: the text, how far it was given, and what came of it.
    pub(super) long: Option<(String, usize, String)>,
}

/// What becomes of one event.
#[derive(PartialEq, Eq)]
pub(super) enum Rewritten {
    /// Goes out as it came.
    Kept,
    /// Has these edits made to its payload.
    Edited(Vec<Edit>),
    /// Nothing is left of it.
    Dropped,
}

impl TextBytes {
    pub(super) fn add(&mut self, channel: &Channel) {
        // It has been said before.
        if channel.mode == Mode::Repeat {
            return;
        }
        let bytes = channel.span.len() as u64;
        self.all += bytes;
        self.reasoning += if channel.kind == Kind::Reasoning { bytes } else { 0 };
    }
}

impl TextEdit {
    pub(super) fn is_empty(&self) -> bool {
        !self.stays && self.before.is_empty() && self.after.is_empty()
    }
}

/// The end of the character that stands at `at`, or of the text.
pub(super) fn boundary(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}
