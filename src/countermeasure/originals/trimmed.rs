//! The hash of a text, white space at its ends aside.

use super::identity::short;

/// The longest run of white space in a remembered text, in bytes: it may be its end, which does not
/// count, and is held until that is known.
const MAX_BLANK: usize = 4096;

/// Hashes a text as it comes in pieces.
pub(super) struct TrimmedHasher {
    hasher: blake3::Hasher,
    /// Bytes that have been hashed.
    length: usize,
    /// White space that is not hashed until more text comes.
    blank: String,
    /// The text has too much of it in a row.
    lost: bool,
}

impl TrimmedHasher {
    /// Goes on from a hasher to which something was given that comes before all text.
    pub(super) fn new(hasher: blake3::Hasher) -> Self {
        Self { hasher, length: 0, blank: String::new(), lost: false }
    }

    /// Takes the next piece.
    pub(super) fn push(&mut self, text: &str) {
        let text = if self.length > 0 { text } else { text.trim_start() };
        if text.is_empty() || self.lost {
            return;
        }
        let said = text.trim_end();
        if !said.is_empty() {
            self.hasher.update(self.blank.as_bytes());
            self.hasher.update(said.as_bytes());
            self.length += self.blank.len() + said.len();
            self.blank.clear();
        }
        self.blank.push_str(text.get(said.len()..).unwrap_or_default());
        self.lost = self.blank.len() > MAX_BLANK;
    }

    /// The hash of all so far, and its length in bytes; `None` if it says nothing, or cannot be told from
    /// others.
    pub(super) fn hash(&self) -> Option<(u128, usize)> {
        (self.length > 0 && !self.lost).then(|| (short(&self.hasher), self.length))
    }
}
