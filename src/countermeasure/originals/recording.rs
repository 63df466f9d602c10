//! One answer's text, on its way to the client.

use super::identity::{Owner, Place};
use super::trimmed::TrimmedHasher;
use crate::mark::lexical::Undo;

/// The most bytes that undoing one text may take: some five thousand words exchanged.
const MAX_STEPS: usize = 64 * 1024;

/// Hashes a text as it goes out, white space at its ends aside.
pub struct Recording {
    owner: Owner,
    place: Place,
    text: TrimmedHasher,
}

/// What is remembered of one text.
#[derive(Clone, PartialEq, Eq)]
pub struct Original {
    pub(super) owner: Owner,
    pub(super) text: u128,
    pub(super) place: Place,
    /// What undoes it; empty if nothing was exchanged.
    pub(super) steps: Box<[u8]>,
}

impl Recording {
    pub(super) fn new(hasher: blake3::Hasher, owner: Owner, place: Place) -> Self {
        Self { owner, place, text: TrimmedHasher::new(hasher) }
    }

    /// A piece of the text goes out.
    pub fn push(&mut self, text: &str) {
        self.text.push(text);
    }

    /// The text is complete, and `undo` undoes its marks; `None` without text, or if it has too many
    /// of them to be remembered.
    #[must_use]
    pub fn finish(self, undo: &Undo) -> Option<Original> {
        let Self { owner, place, text } = self;
        let ((text, _), steps) = (text.hash()?, undo.as_bytes());
        (steps.len() <= MAX_STEPS).then(|| Original { owner, text, place, steps: steps.into() })
    }
}

/// Prints no text.
impl std::fmt::Debug for Recording {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Recording").finish_non_exhaustive()
    }
}

/// Prints no text.
impl std::fmt::Debug for Original {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Original").field("bytes", &self.steps.len()).finish_non_exhaustive()
    }
}
