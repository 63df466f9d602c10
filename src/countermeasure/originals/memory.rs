//! Where one answer is remembered.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Original, Originals, Owner, Place, Recording};

/// The place of one answer in the table, before it is given.
#[derive(Clone, Debug)]
pub struct Memory {
    originals: Arc<Originals>,
    owner: Owner,
    place: Place,
}

impl Memory {
    /// Where the answer of `owner`, given in `place`, is remembered.
    #[must_use]
    pub fn new(originals: Arc<Originals>, owner: Owner, place: Place) -> Self {
        Self { originals, owner, place }
    }

    /// Records one of its texts.
    #[must_use]
    pub fn recording(&self) -> Recording {
        self.originals.recording(self.owner, self.place)
    }

    /// Remembers one of its texts, which is complete.
    pub fn remember(&self, original: Original) {
        self.originals.remember(original, Instant::now());
    }
}
