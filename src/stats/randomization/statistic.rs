//! How extreme one assignment of given values is.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::assignments::Assignments;
use super::choices::{below, next_choice};
use crate::stats::error::StatsError;
use crate::stats::level::Alternative;

/// Subtracts the median, so that what all units share does not take the digits of their differences,
/// and returns the largest size that is left.
pub(super) fn center(values: &mut [f64]) -> Result<f64, StatsError> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let mut scale = 0.0_f64;
    for value in values {
        *value -= median;
        scale = scale.max(value.abs());
    }
    if scale == 0.0 { Err(StatsError::NoVariation { name: "the value" }) } else { Ok(scale) }
}

pub(super) struct Test {
    /// Units in the arm that comes first, the smaller one.
    pub(super) first: usize,
    pub(super) alternative: Alternative,
    /// The largest size of a value.
    pub(super) scale: f64,
}

impl Test {
    /// Welch's t of first less second, its sign turned so that large speaks for the alternative.
    pub(super) fn statistic(&self, values: &[f64]) -> f64 {
        let (first, second) = values.split_at_checked(self.first).unwrap_or((values, &[]));
        let ((first, first_square), (second, second_square)) = (part(first), part(second));
        let difference = match self.alternative {
            Alternative::TwoSided => (first - second).abs(),
            Alternative::Greater => first - second,
            Alternative::Less => second - first,
        };
        let error = (first_square + second_square).sqrt();
        // Below this both are rounding: each arm has one value throughout.
        let rounding = 1e-13 * self.scale;
        if error > rounding {
            difference / error
        } else if difference.abs() <= rounding {
            0.0
        } else {
            difference.signum() * f64::INFINITY
        }
    }

    /// At least as extreme, where ties count although sums in another order round otherwise.
    fn extreme(found: f64, observed: f64) -> bool {
        found >= observed || found >= observed - 1e-9 * observed.abs().max(1e-3)
    }

    pub(super) fn count_all(&self, values: &[f64], observed: f64) -> u64 {
        let mut extreme = 0;
        let mut chosen = vec![false; values.len()];
        chosen.iter_mut().take(self.first).for_each(|member| *member = true);
        let mut arranged = Vec::with_capacity(values.len());
        loop {
            arranged.clear();
            for arm in [true, false] {
                let members = values.iter().zip(&chosen).filter(|(_, member)| **member == arm);
                arranged.extend(members.map(|(value, _)| *value));
            }
            extreme += u64::from(Self::extreme(self.statistic(&arranged), observed));
            if !next_choice(&mut chosen) {
                return extreme;
            }
        }
    }

    pub(super) fn count_drawn(
        &self,
        values: &mut [f64],
        observed: f64,
        assignments: &Assignments,
    ) -> u64 {
        let mut source = ChaCha20Rng::from_seed(assignments.seed);
        let mut extreme = 0;
        for _ in 0..assignments.draws {
            // Fisher and Yates, as far as the first arm goes.
            for place in 0..self.first {
                let rest = (values.len() - place) as u64;
                values.swap(place, place + below(rest, &mut source) as usize);
            }
            extreme += u64::from(Self::extreme(self.statistic(values), observed));
        }
        extreme
    }
}

/// Mean of one arm, and the square of its standard error.
fn part(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (mean, squares / (count - 1.0) / count)
}
