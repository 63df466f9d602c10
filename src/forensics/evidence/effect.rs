//! How large an effect is, with an interval that resamples documents.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::weights::Weights;
use crate::forensics::detect::{CellCounts, KeyScore, TokenScheme, TokenSites};
use crate::mark::cell::Bits;

/// An effect with its 95 % percentile interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// The estimate.
    pub estimate: f64,
    /// The 2.5th percentile of the bootstrap.
    pub low: f64,
    /// The 97.5th percentile.
    pub high: f64,
}

const RESAMPLES: usize = 2_000;

impl Effect {
    /// The ratio of two sums over groups of documents, numerator and denominator of each group.
    #[must_use]
    pub fn of_ratio(groups: &[(f64, f64)], seed: [u8; 32]) -> Self {
        let groups: Vec<&(f64, f64)> = groups.iter().filter(|(_, weight)| *weight > 0.0).collect();
        let ratio = |sum: (f64, f64)| if sum.1 > 0.0 { sum.0 / sum.1 } else { 0.0 };
        let add = |(a, b): (f64, f64), (c, d): &(f64, f64)| (a + c, b + d);
        let estimate = ratio(groups.iter().copied().fold((0.0, 0.0), add));
        let mut source = ChaCha20Rng::from_seed(seed);
        let count = groups.len() as u64;
        let mut ratios: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                let drawn = (0..count).filter_map(|_| {
                    let place = (u64::from(source.next_u32()) * count) >> 32;
                    groups.get(usize::try_from(place).ok()?).copied()
                });
                ratio(drawn.fold((0.0, 0.0), add))
            })
            .collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let at = |place: usize| ratios.get(place).copied().unwrap_or(estimate);
        Self { estimate, low: at(RESAMPLES / 40), high: at(RESAMPLES - 1 - RESAMPLES / 40) }
    }

    /// By how much a cell's rate leans towards the key's variant, over the cells that pass, as a
    /// share of sites.
    #[must_use]
    pub fn of_signs(
        suspect: &CellCounts,
        controls: &[&CellCounts],
        bits: &Bits,
        keep: impl Fn(usize) -> bool,
        seed: [u8; 32],
    ) -> Self {
        let sign = |cell: usize| {
            let word = bits.words().get(cell / 32).copied().unwrap_or(0);
            match (keep(cell), word >> (cell % 32) & 1 == 1) {
                (false, _) => 0.0,
                (true, true) => 1.0,
                (true, false) => -1.0,
            }
        };
        Self::of_ratio(&Weights::by_group(suspect, controls, sign), seed)
    }

    /// By how much the mean score of a site exceeds what it is without a mark: the excess share of
    /// green tokens, of ones, or of the mean of `-ln(1 - u)`.
    #[must_use]
    pub fn of_tokens<S: TokenScheme>(
        scheme: &S,
        key: &S::Key,
        sites: &TokenSites,
        seed: [u8; 32],
    ) -> Self {
        let groups: Vec<(f64, f64)> = sites
            .by_group()
            .into_iter()
            .map(|group| {
                let number = group.len() as f64;
                let prepared = scheme.prepare(&mut group.into_iter());
                let KeyScore { total, trials } = scheme.score(key, &prepared);
                (total - scheme.null(&prepared, trials).mean(), number)
            })
            .collect();
        Self::of_ratio(&groups, seed)
    }
}
