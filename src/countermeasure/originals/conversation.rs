//! A conversation that a client sends, and its place in the table.

use tokio::time::Instant;

use super::{Originals, Owner, Place, short};

/// The most texts of one conversation that are looked up; the rest go as they came.
const MAX_LOOKUPS: usize = 16 * 1024;

/// Follows a conversation message by message.
pub struct Conversation<'o> {
    originals: &'o Originals,
    owner: Owner,
    /// The texts of this message so far.
    message: blake3::Hasher,
    /// The message before.
    before: Place,
    lookups: usize,
}

impl<'o> Conversation<'o> {
    pub(super) fn new(originals: &'o Originals, owner: Owner) -> Self {
        let message = blake3::Hasher::new_keyed(originals.keys.place.expose());
        Self { originals, owner, message, before: Place(0), lookups: 0 }
    }

    /// A text of this message that somebody else said, or an identifier in it.
    pub fn other(&mut self, text: &str) {
        self.message.update(&(text.len() as u64).to_le_bytes());
        self.message.update(text.as_bytes());
    }

    /// A text of this message that the model is to have said: as it did, if it was marked since.
    pub fn answer(&mut self, text: &str, now: Instant) -> Option<String> {
        self.other(text);
        self.lookups += 1;
        if self.lookups > MAX_LOOKUPS {
            return None;
        }
        self.originals.restore(self.owner, self.before, text, now)
    }

    /// The message ends.
    pub fn end(&mut self) {
        // Half of the hash does: a place only chooses between originals of one text.
        self.before = Place(short(&self.message) as u64);
        self.message.reset();
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
