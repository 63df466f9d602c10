//! A conversation that a client sends, and its place in the table.

use tokio::time::Instant;

use super::trimmed::TrimmedHasher;
use super::{Originals, Owner, Place, short};
use crate::mark::lexical::undo_across;

/// The most texts of one conversation that are looked up; the rest go as they came.
const MAX_LOOKUPS: usize = 16 * 1024;

/// How often it is looked in one message for a text that comes in several pieces and does not end with the
/// last of them; from there on each piece is looked up alone.
const MAX_PASSES: usize = 4;

/// Follows a conversation message by message.
pub struct Conversation<'o> {
    originals: &'o Originals,
    owner: Owner,
    /// The texts of this message so far.
    message: blake3::Hasher,
    /// The message before.
    before: Place,
    lookups: usize,
    /// Texts that were marked and are known.
    restored: u64,
}

impl<'o> Conversation<'o> {
    pub(super) fn new(originals: &'o Originals, owner: Owner) -> Self {
        let message = blake3::Hasher::new_keyed(originals.keys.place.expose());
        Self { originals, owner, message, before: Place(0), lookups: 0, restored: 0 }
    }

    /// A text of this message that somebody else said, or an identifier in it.
    pub fn other(&mut self, text: &str) {
        self.message.update(&(text.len() as u64).to_le_bytes());
        self.message.update(text.as_bytes());
    }

    /// A text of this message that the model is to have said: as it did, if it was marked since.
    pub fn answer(&mut self, text: &str, now: Instant) -> Option<String> {
        self.other(text);
        self.answers(&[text], now).pop().flatten()
    }

    /// The same of all texts that the model is to have said in a message, in order, for which
    /// [`other`](Self::other) has been called as they came: a client may keep one text in the pieces in
    /// which it was streamed.
    pub fn answers(&mut self, texts: &[&str], now: Instant) -> Vec<Option<String>> {
        let mut restored = Vec::with_capacity(texts.len());
        let mut passes = MAX_PASSES;
        while let Some(rest) = texts.get(restored.len()..).filter(|it| !it.is_empty()) {
            let found = match passes.checked_sub(1).filter(|_| rest.len() > 1) {
                Some(left) => {
                    passes = left;
                    self.longest(rest, now)
                }
                None => self.known(rest.get(..1).unwrap_or_default(), now),
            };
            restored.extend(found.unwrap_or_else(|| vec![None]));
        }
        restored
    }

    /// The most of these texts, the first one among them, that are pieces of one that is known.
    fn longest(&mut self, texts: &[&str], now: Instant) -> Option<Vec<Option<String>>> {
        if let Some(found) = self.known(texts, now) {
            return Some(found);
        }
        let mut hasher = TrimmedHasher::new(self.originals.hasher(self.owner));
        let mut hashes = Vec::with_capacity(texts.len());
        let (_, but_last) = texts.split_last()?;
        for text in but_last {
            if !self.may_look_up() {
                break;
            }
            hasher.push(text);
            hashes.push(hasher.hash());
        }
        let mut longest_first = hashes.iter().enumerate().rev();
        longest_first.find_map(|(at, hash)| self.undone(texts.get(..=at)?, (*hash)?, now))
    }

    /// What these texts were if they are the pieces of one that is known.
    fn known(&mut self, texts: &[&str], now: Instant) -> Option<Vec<Option<String>>> {
        if !self.may_look_up() {
            return None;
        }
        let mut hasher = TrimmedHasher::new(self.originals.hasher(self.owner));
        texts.iter().for_each(|text| hasher.push(text));
        self.undone(texts, hasher.hash()?, now)
    }

    /// The same of those with this hash and length: each piece that was another.
    fn undone(
        &mut self,
        texts: &[&str],
        hash: (u128, usize),
        now: Instant,
    ) -> Option<Vec<Option<String>>> {
        let steps = self.originals.steps(self.owner, self.before, hash, now)?;
        if steps.is_empty() {
            return Some(vec![None; texts.len()]);
        }
        let pieces = undo_across(&steps, texts)?;
        self.originals.count_restored(self.owner);
        self.restored += 1;
        let changed = |(piece, text): (String, &&str)| (piece != **text).then_some(piece);
        Some(pieces.into_iter().zip(texts).map(changed).collect())
    }

    fn may_look_up(&mut self) -> bool {
        self.lookups += 1;
        self.lookups <= MAX_LOOKUPS
    }

    /// The message ends.
    pub fn end(&mut self) {
        // Half of the hash does: a place only chooses between originals of one text.
        self.before = Place(short(&self.message) as u64);
        self.message.reset();
    }

    /// Texts of it that were marked, so far.
    #[must_use]
    pub fn restored(&self) -> u64 {
        self.restored
    }

    /// The place of what answers the last message.
    #[must_use]
    pub fn place(&self) -> Place {
        self.before
    }
}

/// Prints no text.
impl std::fmt::Debug for Conversation<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Conversation").finish_non_exhaustive()
    }
}
