//! Withholding what repeats reasoning that was opened in a request.
//!
//! A model reads the reasoning that its client carries sealed, and can be asked to say it again: two
//! thirds of it come out nearly word by word (arXiv 2608.20055). So whatever an answer says is compared
//! with what was opened for it: runs of the same words are withheld as reasoning is, in answers, in
//! what tools are called with, in summaries, and in new reasoning.
//!
//! Words are compared, in any letter case and between any other characters, by hashes of six in a row.
//! A run of two dozen is withheld whole, with words that were put in between; shorter ones pass until
//! an answer has said six dozen words so, after which six are enough. So a formula or a short
//! quotation passes. What stands in the request itself, as its client sent it, is no secret and
//! passes at any length, and neither are blocks of code that the reasoning drafted, since agents write
//! those into files. A translation, another order of the words, or their letters in some code are not
//! found.

mod editor;
mod index;
mod json;
mod words;

pub(super) use editor::Guarded;
pub use index::OpenedIndex;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::sentences::WordCount;
use crate::secret::opaque_debug;

/// Words in a row that are compared at once.
const SHINGLE: usize = 6;

/// A run of so many words is withheld.
pub(super) const RUN: u32 = 24;

/// Words of shorter runs that one answer may say.
const ALLOWED: u32 = 72;

/// Words between two parts of one run, at most.
const GAP: u64 = 4;

opaque_debug!(RepeatGuard);

/// What an answer may not repeat, and how much of it it has.
#[derive(Clone)]
pub struct RepeatGuard {
    index: Arc<OpenedIndex>,
    /// Words that may still be said in short runs, in all texts of the answer.
    allowed: Arc<AtomicU32>,
}

impl RepeatGuard {
    /// Guards one answer.
    #[must_use]
    pub fn new(index: Arc<OpenedIndex>) -> Self {
        Self { index, allowed: Arc::new(AtomicU32::new(ALLOWED)) }
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.index.bytes()
    }

    /// The same for another answer, which may say as much again.
    #[must_use]
    pub fn afresh(&self) -> Self {
        Self::new(Arc::clone(&self.index))
    }

    /// A value of JSON without what repeats, if anything does, and how many words that were.
    #[must_use]
    pub fn value(&self, value: &str) -> Option<(String, u64)> {
        let mut guarded = editor::Repeats::of_json(self.clone());
        let mut out = String::with_capacity(value.len());
        guarded.push(value, &mut out);
        guarded.finish(&mut out);
        (guarded.words() > 0).then(|| (out, guarded.words()))
    }

    /// From how many words on a run is withheld.
    fn limit(&self) -> u32 {
        if self.allowed.load(Ordering::Relaxed) > 0 { RUN } else { 1 }
    }

    /// A short run was said.
    fn spend(&self, words: u32) {
        let left = self.allowed.load(Ordering::Relaxed).saturating_sub(words);
        self.allowed.store(left, Ordering::Relaxed);
    }
}

/// Whether a text says another again: a run of so many words that it would be withheld, more in shorter
/// runs than an answer may say, or half of its own words. Blocks of code count like all else.
pub(super) fn copies(text: &str, of: &str) -> bool {
    let mut index = OpenedIndex::default();
    index.add_whole(of);
    let words = u32::try_from(WordCount::of(text)).unwrap_or(u32::MAX);
    let guard = RepeatGuard {
        index: Arc::new(index),
        allowed: Arc::new(AtomicU32::new((words / 2).clamp(1, ALLOWED))),
    };
    let mut repeats = editor::Repeats::new(guard.clone(), false);
    let mut left = String::with_capacity(text.len());
    repeats.push(text, &mut left);
    repeats.finish(&mut left);
    repeats.words() > 0 || guard.allowed.load(Ordering::Relaxed) == 0
}

#[cfg(test)]
mod tests;
