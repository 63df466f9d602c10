//! Which of the possible assignments are looked at.

/// How many assignments are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignments {
    /// Up to this number of possible assignments, each is tried, and the p-value is exact.
    pub enumerate_at_most: u32,
    /// Beyond it, so many are drawn.
    pub draws: u32,
    /// Of the draws: a ChaCha20 key, with a nonce of zero, whose key stream is read as 64-bit
    /// little-endian words, so that anyone can draw them again.
    pub seed: [u8; 32],
}

impl Assignments {
    /// Exact up to 200,000 assignments, else 9,999 draws.
    pub fn seeded(seed: [u8; 32]) -> Self {
        Self { enumerate_at_most: 200_000, draws: 9_999, seed }
    }
}
