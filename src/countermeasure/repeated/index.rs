//! What was opened, by its runs of words.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use super::SHINGLE;
use super::words::Words;
use crate::secret::opaque_debug;

/// The most bytes of text that are indexed for one request: what would be more is not opened.
const MOST_TEXT: usize = 4 << 20;

opaque_debug!(OpenedIndex);

/// The words of what was opened, six in a row, as hashes. It takes at most some forty megabytes, for
/// four of text.
#[derive(Default)]
pub struct OpenedIndex {
    shingles: HashSet<u64, BuildHasherDefault<Hashed>>,
    /// Bytes of text.
    text: usize,
}

impl OpenedIndex {
    /// Whether a text of so many bytes finds room.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.text.saturating_add(bytes) <= MOST_TEXT
    }

    /// Takes a text that was opened. Blocks of code in it are drafts of what is written later, and left
    /// out.
    pub fn add(&mut self, text: &str) {
        self.text += text.len();
        let mut shingles = Shingles::default();
        for passage in without_code(text) {
            each_word(passage, |hash| self.shingles.extend(shingles.push(hash)));
        }
    }

    /// Takes a text with all that stands in it.
    pub(super) fn add_whole(&mut self, text: &str) {
        self.text += text.len();
        let mut shingles = Shingles::default();
        each_word(text, |hash| self.shingles.extend(shingles.push(hash)));
    }

    /// What stands in `body` is known to who sent it.
    pub fn forget_what_is_known(&mut self, body: &[u8]) {
        if self.shingles.is_empty() {
            return;
        }
        let mut shingles = Shingles::default();
        each_word(&String::from_utf8_lossy(body), |hash| {
            if let Some(known) = shingles.push(hash) {
                self.shingles.remove(&known);
            }
        });
    }

    /// Whether nothing is guarded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shingles.is_empty()
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        // A hash and a byte beside it, at seven eighths of their load.
        self.shingles.capacity() * 9 * 8 / 7
    }

    pub(super) fn contains(&self, shingle: u64) -> bool {
        self.shingles.contains(&shingle)
    }
}

fn each_word(text: &str, mut each: impl FnMut(u64)) {
    let mut words = Words::default();
    for (at, character) in text.char_indices() {
        words.push(character, at, &mut |word| each(word.hash));
    }
    words.finish(&mut |word| each(word.hash));
}

/// The passages between blocks of code that are fenced and closed.
fn without_code(text: &str) -> Vec<&str> {
    let mut passages = Vec::new();
    let (mut from, mut at, mut open) = (0, 0, None);
    for line in text.split_inclusive('\n') {
        let fence = line.trim_start().starts_with("```");
        match open {
            None if fence => open = Some(at),
            Some(start) if fence && line.trim() == "```" => {
                passages.push(text.get(from..start).unwrap_or_default());
                (from, open) = (at + line.len(), None);
            }
            _ => {}
        }
        at += line.len();
    }
    passages.push(text.get(from..).unwrap_or_default());
    passages
}

/// Words in a row.
#[derive(Default)]
pub(super) struct Shingles {
    last: [u64; SHINGLE],
    filled: usize,
}

impl Shingles {
    /// Takes the next word: the hash of it and those before it, once there are enough.
    pub(super) fn push(&mut self, hash: u64) -> Option<u64> {
        self.last.rotate_left(1);
        if let Some(last) = self.last.last_mut() {
            *last = hash;
        }
        self.filled = (self.filled + 1).min(SHINGLE);
        let mix = |so_far: u64, word: &u64| {
            (so_far ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        };
        (self.filled == SHINGLE).then(|| self.last.iter().fold(0, mix))
    }
}

/// Takes what is a hash already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
