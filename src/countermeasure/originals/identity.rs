//! Whose text, and where it stood, as hashes.

/// Whose answers: a keyed hash of tenant and account.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner(pub(super) u128);

/// What was answered: a keyed hash of the message before an answer.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Place(pub(super) u64);

/// The first 128 bits of a hash.
pub(super) fn short(hasher: &blake3::Hasher) -> u128 {
    let mut hash = [0; 16];
    hasher.finalize_xof().fill(&mut hash);
    u128::from_le_bytes(hash)
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Owner(..)")
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Place(..)")
    }
}
