//! What every token scheme gives a test: a score of sites under a key, and its law without a mark.

use super::{Site, Window};
use crate::forensics::evidence::{LnP, NullLaw};

/// What sites score under one key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyScore {
    /// The sum of the scores; greater with the mark than without.
    pub total: f64,
    /// How many independent trials it is the sum of. A key may take several sites for one.
    pub trials: u64,
}

/// A watermark that is put into tokens as they are sampled.
pub trait TokenScheme: Sync {
    /// The scheme's own form of a key.
    type Key: Sync;
    /// What of the sites does not depend on the key, worked out once for all keys.
    type Prepared: Sync;

    /// The contexts it reads.
    fn window(&self) -> Window;

    /// Prepares sites, each of which stands for itself: no two are equal.
    fn prepare(&self, sites: &mut dyn Iterator<Item = Site<'_>>) -> Self::Prepared;

    /// The score of the sites under a key.
    fn score(&self, key: &Self::Key, prepared: &Self::Prepared) -> KeyScore;

    /// The law of the total of so many trials if the text is independent of the key and the key
    /// is random.
    fn null(&self, prepared: &Self::Prepared, trials: u64) -> NullLaw;

    /// How many bits of a key the scheme can tell apart, at most 256. A text that was marked with any
    /// of the keys that act alike scores as high, so no p-value may be below `2^-key_bits`.
    fn key_bits(&self) -> u32;

    /// The least p-value that there can be, as a logarithm.
    fn least_ln_p(&self) -> LnP {
        -f64::from(self.key_bits()) * std::f64::consts::LN_2
    }

    /// The key that 256 random or derived bits stand for, in the scheme's form.
    fn key(&self, bytes: &[u8; 32]) -> Self::Key;
}
