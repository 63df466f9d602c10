//! Canary cells: what tells answers that were copied from text that only follows the same cells.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::BucketKey;
use crate::mark::cell::{Cell, KeyName, KeyStream, MarkKey, Purpose, Role, Roles};

/// Groups of passages.
pub const PASSAGE_GROUPS: u8 = 64;

/// The groups in which canary cells have choices of their own.
pub const ACTIVE_GROUPS: usize = 13;

const PASSAGE_CONTEXT: &str = "guilloche 2026-12-01 passage key v1";

/// Where the uniforms begin in the key stream, behind the draws of the groups.
const UNIFORMS: u32 = 1 << 24;

/// By what passages are put into groups, in one epoch. Whoever has the epoch's [`BucketKey`] has it, and with it no
/// bit of the mark, nor which groups are active. Zeroized on drop; `Debug` shows nothing of it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PassageKey([u8; 32]);

impl PassageKey {
    /// That of an epoch.
    #[must_use]
    pub fn of(buckets: &BucketKey) -> Self {
        Self(blake3::derive_key(PASSAGE_CONTEXT, buckets.as_bytes()))
    }

    /// The group, 0–63, of a passage with this [opening](crate::mark::lexical::Site::opening).
    #[must_use]
    pub fn group(&self, opening: &str) -> u8 {
        let [first, ..] = *blake3::keyed_hash(&self.0, opening.as_bytes()).as_bytes();
        first % PASSAGE_GROUPS
    }
}

impl fmt::Debug for PassageKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PassageKey").finish_non_exhaustive()
    }
}

/// The canaries of one tenant in one epoch. `Debug` shows nothing of them.
#[derive(Clone)]
pub struct Canaries {
    key: MarkKey,
    /// A bit for each group.
    active: u64,
}

impl Canaries {
    /// Under the deployment's master.
    #[must_use]
    pub fn derive(master: &[u8; 32], tenant: &str, epoch: u32) -> Self {
        let purpose = Purpose::Canary;
        Self::of_key(MarkKey::derive(
            master,
            &KeyName { purpose, tenant, epoch, role: Role::Global, id: "" },
        ))
    }

    /// Of the key with [`Purpose::Canary`].
    #[must_use]
    pub fn of_key(key: MarkKey) -> Self {
        let mut stream = key.stream();
        let mut drawn: Vec<(u32, u8)> =
            (0..PASSAGE_GROUPS).map(|group| (stream.next_word(), group)).collect();
        drawn.sort_unstable();
        let active = drawn.iter().take(ACTIVE_GROUPS).fold(0, |all, (_, group)| all | 1 << group);
        Self { key, active }
    }

    /// Whether a group is one of the active ones.
    #[must_use]
    pub fn is_active(&self, group: u8) -> bool {
        group < PASSAGE_GROUPS && self.active >> group & 1 == 1
    }

    /// The key stream that [`canary_uniform`] reads.
    #[must_use]
    pub fn stream(&self) -> KeyStream {
        self.key.stream()
    }
}

impl fmt::Debug for Canaries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Canaries").finish_non_exhaustive()
    }
}

/// What a canary cell's choice in an active passage is made by, from the stream of [`Canaries`].
#[must_use]
pub fn canary_uniform(stream: &mut KeyStream, cell: Cell) -> u32 {
    stream.word(UNIFORMS + cell.index())
}

/// The same of all cells of a class at once.
#[cfg(feature = "forensics")]
pub(crate) fn canary_uniforms(stream: &mut KeyStream, class: u32, uniforms: &mut [u32]) {
    stream.fill_from(UNIFORMS + class * super::BUCKETS, uniforms);
}

/// Whether a cell is a canary: it has the global role, and no arm of an experiment ever has it.
#[must_use]
pub fn is_canary(roles: &Roles, cell: Cell) -> bool {
    let number = cell.index() as usize;
    roles.as_slice().get(number) == Some(&Role::Global) && !roles.carries_arms(number)
}
