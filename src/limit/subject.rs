//! Whose state it is, without saying who.

use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use smallvec::SmallVec;

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
        // The length keeps ("ab", "c") and ("a", "bc") apart. In one piece, as most are short, and a hasher of
        // pieces is large.
        let mut whole: SmallVec<[u8; 256]> = SmallVec::new();
        whole.extend_from_slice(&(scope.len() as u64).to_le_bytes());
        whole.extend_from_slice(scope.as_bytes());
        whole.extend_from_slice(identifier);
        let hash = blake3::keyed_hash(key, &whole);
        Self(hash.as_bytes().first_chunk().copied().map_or(0, u128::from_le_bytes))
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

/// Finds subjects in a table. They are hashes already, by a key that nobody else knows, so that none needs to be
/// hashed by another.
pub(crate) type BySubject = BuildHasherDefault<Folded>;

/// A subject folded into the half of its bits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Folded(u64);

impl Hasher for Folded {
    fn write_u128(&mut self, subject: u128) {
        // Both halves have their say: a shard's subjects share bits of the lower one.
        let (high, low) = ((subject >> 64) as u64, subject as u64);
        let mixed = u128::from(high ^ low.rotate_left(32)) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (mixed >> 64) as u64 ^ mixed as u64;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128(u128::from(self.0.rotate_left(8) ^ u64::from(*byte)));
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Subject(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    /// The oracle is the hasher that takes pieces. Break it: leave the length out.
    #[test]
    fn a_subject_is_the_keyed_hash_of_its_scope_and_name() {
        for length in [0, 5, 128, 2000] {
            let name = vec![7; length];
            let mut pieces = blake3::Hasher::new_keyed(&[3; 32]);
            pieces.update(&7_u64.to_le_bytes()).update(b"account").update(&name);
            let mut first = [0; 16];
            pieces.finalize_xof().fill(&mut first);
            assert_eq!(Subject::derive(&[3; 32], "account", &name).to_le_bytes(), first);
        }
    }

    /// Break it: fold the halves together and do no more.
    #[test]
    fn subjects_are_spread_whatever_bits_they_share() {
        let shared: [fn(u128) -> u128; 3] = [|it| it, |it| it << 64, |it| it << 100 | it << 36 | 5];
        for subject in shared {
            let of = |number| BySubject::default().hash_one(Subject::from_hash(subject(number)));
            let low: std::collections::BTreeSet<u64> = (0..1024).map(|it| of(it) % 1024).collect();
            assert!(low.len() > 512, "{}", low.len());
        }
    }
}
