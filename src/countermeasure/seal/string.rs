//! A string of reasoning, in whose place a blob goes out.

use super::Sealer;
use crate::countermeasure::Editor;
use crate::countermeasure::sentences::WordCount;
use crate::secret::opaque_debug;
use crate::wire::json::escape;

opaque_debug!(SealedString);

/// The most bytes of a string that are kept to be sealed. One that is longer is gone.
const LONGEST: usize = 1 << 20;

/// Keeps a string, and leaves its blob when it ends.
pub(super) struct SealedString {
    sealer: Sealer,
    carrier: &'static str,
    /// The contents of a string of JSON.
    raw: Vec<u8>,
    lost: bool,
    removed: WordCount,
    sealed: u64,
}

impl SealedString {
    pub(super) fn new(sealer: Sealer, carrier: &'static str) -> Self {
        let (raw, removed) = (Vec::new(), WordCount::default());
        Self { sealer, carrier, raw, lost: false, removed, sealed: 0 }
    }
}

impl Editor for SealedString {
    fn push(&mut self, text: &str, _: &mut String) {
        self.removed.push(text);
        if self.lost {
            return;
        }
        escape(text, &mut self.raw);
        if self.raw.len() > LONGEST {
            (self.raw, self.lost) = (Vec::new(), true);
        }
    }

    fn push_opaque(&mut self, text: &str, out: &mut String) -> bool {
        self.push(text, out);
        // What cannot be read cannot be put back as it was.
        (self.raw, self.lost) = (Vec::new(), true);
        false
    }

    fn finish(&mut self, _: bool, out: &mut String) {
        let raw = std::mem::take(&mut self.raw);
        if !raw.is_empty() {
            let blob = self.sealer.seal(self.carrier, &[(0, &raw)], None);
            self.sealed += u64::from(blob.is_some() && self.sealer.keeps());
            out.push_str(&blob.unwrap_or_default());
        }
    }

    fn blocks_sealed(&self) -> u64 {
        self.sealed
    }

    fn holds(&self) -> bool {
        !self.raw.is_empty()
    }

    fn words_removed(&self) -> u64 {
        self.removed.words()
    }
}
