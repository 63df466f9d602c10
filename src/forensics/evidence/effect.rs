//! How large an effect is, with its interval.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::share::Choices;
use super::weights::Weights;
use crate::forensics::detect::{CellCounts, KeyScore, TokenScheme, TokenSites};
use crate::mark::cell::Bits;

/// An effect with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// The estimate.
    pub estimate: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

const RESAMPLES: usize = 2_000;

impl Effect {
    /// The ratio of two sums over groups of documents, numerator and denominator of each group, which are
    /// resampled for the interval.
    fn of_ratio(groups: &[(f64, f64)], seed: [u8; 32]) -> Self {
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

    /// The share of its choices in which a text follows the bits of a key beyond its habits, over the cells
    /// that pass: 1 where it follows them everywhere. None where there is no choice.
    #[must_use]
    pub fn of_signs(
        suspect: &CellCounts,
        controls: &[&CellCounts],
        bits: &Bits,
        keep: impl Fn(usize) -> bool,
    ) -> Option<Self> {
        let usual = Weights::usual_of_others(suspect, controls);
        let groups: Vec<&[[u32; 2]]> = suspect.groups().collect();
        let mut choices = Vec::new();
        for (cell, (usual, weight)) in (0_u32..).zip(usual) {
            let place = cell as usize;
            if !keep(place) {
                continue;
            }
            let word = bits.words().get(place / 32).copied().unwrap_or(0);
            let follows = word >> (cell % 32) & 1 == 1;
            choices.extend((0..).zip(&groups).filter_map(|(group, cells)| {
                let stand = cells.get(place).filter(|stand| **stand != [0, 0])?.map(f64::from);
                Some(Choices { cell, group, stand, usual, drawn: 0.5, follows, weight })
            }));
        }
        Self::of_choices(&choices)
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
