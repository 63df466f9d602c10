//! Decoy keys: what the score would be under keys that nobody has ever used.

use rayon::prelude::*;

use super::tail::LnP;

/// A reproducible list of keys that mark nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoys {
    seed: [u8; 32],
    count: u32,
}

impl Decoys {
    /// So many keys from a seed.
    #[must_use]
    pub fn new(seed: [u8; 32], count: u32) -> Self {
        Self { seed, count }
    }

    /// Number of keys.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// A seed for other draws of the same examination, such as a bootstrap.
    #[must_use]
    pub fn derived_seed(&self) -> [u8; 32] {
        blake3::derive_key("guilloche 2026-11-23 bootstrap seed v1", &self.seed)
    }

    /// Key `number`: BLAKE3 of the number, keyed with the seed.
    #[must_use]
    pub fn key(&self, number: u32) -> [u8; 32] {
        *blake3::keyed_hash(&self.seed, &number.to_le_bytes()).as_bytes()
    }

    /// Scores every key, on all cores; in the order of the keys.
    pub fn scores(&self, score: impl Fn(&[u8; 32]) -> f64 + Sync) -> Vec<f64> {
        (0..self.count).into_par_iter().map(|number| score(&self.key(number))).collect()
    }

    /// Compares a score with those of the decoys.
    pub fn compare(&self, total: f64, score: impl Fn(&[u8; 32]) -> f64 + Sync) -> DecoyScores {
        DecoyScores::new(total, self.scores(score))
    }
}

/// Where a score stands among those of decoy keys.
#[derive(Clone, Debug, PartialEq)]
pub struct DecoyScores {
    sorted: Vec<f64>,
    at_least: usize,
}

impl DecoyScores {
    pub(super) fn new(total: f64, mut scores: Vec<f64>) -> Self {
        scores.sort_unstable_by(f64::total_cmp);
        let below = scores.partition_point(|score| *score < total);
        Self { at_least: scores.len() - below, sorted: scores }
    }

    /// `(1 + #{decoys that score at least as high}) / (1 + #decoys)`: exact for any text, and never
    /// below the reciprocal of the number of decoys.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        (self.at_least as f64 + 1.0) / (self.sorted.len() as f64 + 1.0)
    }

    /// Its logarithm.
    #[must_use]
    pub fn ln_p(&self) -> LnP {
        self.p_value().ln()
    }

    /// The decoys' scores in ascending order, for a plot.
    #[must_use]
    pub fn sorted(&self) -> &[f64] {
        &self.sorted
    }

    /// The mean of the decoys' scores.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sorted.iter().sum::<f64>() / self.sorted.len().max(1) as f64
    }

    /// Their kurtosis: 3 for a normal law.
    pub(super) fn kurtosis(&self) -> f64 {
        let (mean, deviation) = (self.mean(), self.deviation());
        let fourth =
            self.sorted.iter().map(|score| ((score - mean) / deviation).powi(4)).sum::<f64>();
        fourth / self.sorted.len().max(1) as f64
    }

    /// Their standard deviation.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.sorted.iter().map(|score| (score - mean) * (score - mean)).sum();
        (squares / (self.sorted.len().max(2) - 1) as f64).sqrt()
    }
}
