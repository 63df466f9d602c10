//! Whose state it is, without saying who.

use std::fmt;

/// A keyed 128-bit hash of a scope and an identifier, made by the caller.
///
/// The table never holds an account's name, and without the key nobody can choose identifiers
/// that fall together.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject(u128);

impl Subject {
    /// A subject from a hash that the caller made. It must be keyed and uniform.
    #[must_use]
    pub const fn from_hash(hash: u128) -> Self {
        Self(hash)
    }

    /// The keyed BLAKE3 hash of a scope (`account`, `cluster`) and an identifier in it.
    #[must_use]
    pub fn derive(key: &[u8; 32], scope: &str, identifier: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(key);
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hasher.update(&(scope.len() as u64).to_le_bytes());
        hasher.update(scope.as_bytes());
        hasher.update(identifier);
        let mut hash = [0; 16];
        hasher.finalize_xof().fill(&mut hash);
        Self(u128::from_le_bytes(hash))
    }

    pub(super) const fn to_le_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// A number below `bound` that is the same for the subject each time; zero for a zero bound.
    pub(super) fn below(self, bound: u64) -> u64 {
        let high = self.0 >> 64;
        u64::try_from((high * u128::from(bound)) >> 64).unwrap_or(0)
    }

    /// The half by which subjects are spread over shards: other bits than [`below`](Self::below)'s.
    pub(super) fn low(self) -> u64 {
        self.0 as u64
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Subject(..)")
    }
}
