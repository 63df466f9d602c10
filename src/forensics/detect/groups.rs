//! Documents: which have been counted, and into which of 64 groups each falls.
//!
//! Intervals are made by resampling documents. Keeping the counts of every document would grow
//! with the corpus, so documents are spread over a fixed number of groups by a hash of their
//! content, and groups are resampled: the result does not depend on the order of documents or on
//! how they were divided into shards.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Number of groups.
pub const GROUPS: u8 = 64;

/// The number of a group, below [`GROUPS`].
pub type Group = u8;

/// The most documents that are remembered: about 100 MB.
const REMEMBERED: usize = 2_000_000;

/// Digests of the documents of a corpus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Documents {
    digests: BTreeSet<u64>,
    repeated: u64,
    unchecked: u64,
}

impl Documents {
    /// The group of a document that is new; none for one that was counted before.
    pub(super) fn enter(&mut self, content: &[u8]) -> Option<Group> {
        self.enter_digest(digest(content))
    }

    /// The same for a document of which only the [`digest`] is at hand.
    pub(super) fn enter_digest(&mut self, digest: u64) -> Option<Group> {
        if self.digests.contains(&digest) {
            self.repeated = self.repeated.saturating_add(1);
            return None;
        }
        self.remember(digest);
        Group::try_from(digest % u64::from(GROUPS)).ok()
    }

    /// The same for a document of tokens.
    pub(super) fn enter_tokens(&mut self, tokens: &[u32]) -> Option<Group> {
        let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
        self.enter(&bytes)
    }

    fn remember(&mut self, digest: u64) {
        if self.digests.len() < REMEMBERED {
            self.digests.insert(digest);
        } else {
            self.unchecked = self.unchecked.saturating_add(1);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.repeated = self.repeated.saturating_add(other.repeated);
        self.unchecked = self.unchecked.saturating_add(other.unchecked);
        for digest in &other.digests {
            if self.digests.contains(digest) {
                self.repeated = self.repeated.saturating_add(1);
            } else {
                self.remember(*digest);
            }
        }
    }

    /// Whether counting can have come to this: no more are remembered than there is room for, and
    /// none is unchecked before.
    pub(super) fn is_possible(&self) -> bool {
        let room = REMEMBERED.saturating_sub(self.digests.len());
        self.digests.len() <= REMEMBERED && (self.unchecked == 0 || room == 0)
    }

    /// The most documents that can have been counted in each group. One that is repeated between
    /// shards counts in both.
    pub(super) fn by_group(&self) -> Vec<u64> {
        let more = self.repeated.saturating_add(self.unchecked).min(u64::from(u32::MAX));
        let mut most = vec![more; usize::from(GROUPS)];
        for digest in &self.digests {
            let group = usize::try_from(digest % u64::from(GROUPS)).unwrap_or(0);
            if let Some(most) = most.get_mut(group) {
                *most += 1;
            }
        }
        most
    }

    /// Documents that are remembered: all distinct ones, up to two million.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.digests.len()
    }

    /// Documents that had been counted before: skipped within a shard, found between shards when
    /// they are merged (there they count twice, which costs power and never validity).
    #[must_use]
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Documents past the bound, counted without knowing whether they repeat another.
    #[must_use]
    pub fn unchecked(&self) -> u64 {
        self.unchecked
    }
}

/// The first 64 bits of BLAKE3: the same in every version, since shards are compared.
pub(super) fn digest(content: &[u8]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(content).as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}
