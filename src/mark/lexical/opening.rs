//! How a paragraph begins: what tells it from others.

use crate::secret::opaque_debug;

/// Words that an opening has.
pub const OPENING_WORDS: usize = 8;

/// The first words of a paragraph, as they leave.
#[derive(Default)]
pub(super) struct Opening {
    /// Normalized, with single spaces between them.
    words: String,
    count: usize,
    /// Something stands among them that cannot be read.
    lost: bool,
}

opaque_debug!(Opening);

impl Opening {
    /// Whether it has words to come.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.count < OPENING_WORDS
    }

    /// A normalized word of it leaves.
    pub(super) fn word(&mut self, word: &str) {
        if self.count > 0 {
            self.words.push(' ');
        }
        self.words.push_str(word);
        self.count += 1;
    }

    /// Something leaves that cannot be read.
    pub(super) fn opaque(&mut self) {
        self.lost |= self.is_open();
    }

    /// A paragraph ends.
    pub(super) fn end(&mut self) {
        self.words.clear();
        (self.count, self.lost) = (0, false);
    }

    /// Whether the paragraph tells what to change, as far as it has come, or is one word.
    pub(super) fn is_of_edit(&self) -> bool {
        const EDITS: [&str; 5] = ["change", "edit", "rename", "set", "update"];
        let first = self.words.split(' ').next().unwrap_or_default();
        self.count == 1 || EDITS.contains(&first)
    }

    /// The words, once all have left.
    pub(super) fn get(&self) -> Option<&str> {
        (self.count == OPENING_WORDS && !self.lost).then_some(&*self.words)
    }
}
