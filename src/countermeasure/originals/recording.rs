//! One answer's text, on its way to the client.

use super::identity::{Owner, Place, short};
use crate::mark::lexical::Undo;

/// The longest run of white space in a remembered text, in bytes: it may be its end, which does not
/// count, and is held until that is known.
const MAX_BLANK: usize = 4096;

/// The most bytes that undoing one text may take: some five thousand words exchanged.
const MAX_STEPS: usize = 64 * 1024;

/// Hashes a text as it goes out, white space at its ends aside.
pub struct Recording {
    owner: Owner,
    place: Place,
    hasher: blake3::Hasher,
    begun: bool,
    /// White space that is not hashed until more text comes.
    blank: String,
    /// The text cannot be remembered.
    lost: bool,
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
        Self { owner, place, hasher, begun: false, blank: String::new(), lost: false }
    }

    /// A piece of the text goes out.
    pub fn push(&mut self, text: &str) {
        let text = if self.begun { text } else { text.trim_start() };
        if text.is_empty() || self.lost {
            return;
        }
        self.begun = true;
        let said = text.trim_end();
        if !said.is_empty() {
            self.hasher.update(self.blank.as_bytes());
            self.blank.clear();
            self.hasher.update(said.as_bytes());
        }
        self.blank.push_str(text.get(said.len()..).unwrap_or_default());
        self.lost = self.blank.len() > MAX_BLANK;
    }

    /// The text is complete, and `undo` undoes its marks; `None` without text, or if it has too many
    /// of them to be remembered.
    #[must_use]
    pub fn finish(self, undo: &Undo) -> Option<Original> {
        let Self { owner, place, hasher, begun, lost, .. } = self;
        let steps = undo.as_bytes();
        if !begun || lost || steps.len() > MAX_STEPS {
            return None;
        }
        Some(Original { owner, text: short(&hasher), place, steps: steps.into() })
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
