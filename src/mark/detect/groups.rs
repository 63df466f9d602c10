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
            self.repeated += 1;
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
            self.unchecked += 1;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.repeated += other.repeated;
        self.unchecked += other.unchecked;
        for digest in &other.digests {
            if self.digests.contains(digest) {
                self.repeated += 1;
            } else {
                self.remember(*digest);
            }
        }
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
