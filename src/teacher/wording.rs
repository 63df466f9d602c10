//! Choices of words, drawn from a seed so that the same request is always answered the same way.

use std::fmt;

/// A stream of choices from a hash (BLAKE3 in extendable-output mode).
#[derive(Clone)]
pub struct Wording {
    stream: blake3::OutputReader,
}

impl fmt::Debug for Wording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wording").finish_non_exhaustive()
    }
}

impl Wording {
    /// Seeds from parts; each is hashed with its length, so that no two lists of parts collide.
    #[must_use]
    pub fn new(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self { stream: hasher.finalize_xof() }
    }

    /// A number below `bound` (0 for a bound of 0).
    pub fn below(&mut self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        self.stream.fill(&mut bytes);
        u64::from_le_bytes(bytes).checked_rem(bound).unwrap_or(0)
    }

    /// One of the entries; `None` only from an empty list.
    pub fn choose<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.below(from.len() as u64);
        usize::try_from(at).ok().and_then(|at| from.get(at))
    }

    /// One of the texts; empty only from an empty list.
    pub fn pick(&mut self, from: &[&'static str]) -> &'static str {
        self.choose(from).copied().unwrap_or("")
    }
}
