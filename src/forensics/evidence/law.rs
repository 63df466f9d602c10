//! Laws of a score when the text knows nothing of the key.

use super::chernoff::{ln_chernoff, ln_cosh};
use super::tail::{LnP, ln_binomial_tail, ln_gamma_tail};

/// The law of a total under a random key, the text being given.
#[derive(Clone, Debug, PartialEq)]
pub enum NullLaw {
    /// Independent trials with one probability: exact.
    Binomial {
        /// Their number.
        trials: u64,
        /// Of a success.
        probability: f64,
    },
    /// A sum of independent standard exponentials: exact.
    Gamma {
        /// Their number.
        shape: u64,
    },
    /// `(1 - alpha) A + alpha B`, each a sum of that many standard exponentials: Chernoff's bound.
    TwoGammas {
        /// Their number in each sum.
        shape: u64,
        /// The weight of the second.
        alpha: f64,
    },
    /// The sum of so many independent draws, with replacement, from a list: Chernoff's bound.
    Draws {
        /// The values of the list with the number of places that have each.
        values: Vec<(u32, u32)>,
        /// The number of draws.
        draws: usize,
    },
    /// A weighted sum of independent fair signs: Chernoff's bound, which is at least as sharp as
    /// `exp(-T² / 2 Σ w²)`.
    Signs {
        /// The weights; their signs and zeros do not matter.
        weights: Vec<i32>,
    },
    /// A sum of independent values, one of each cell: Chernoff's bound.
    Uniforms {
        /// The values of each cell with the probability of each.
        cells: Vec<Vec<(f64, f64)>>,
    },
}

impl NullLaw {
    /// One draw per layer from what a layer scores under each of its keys.
    #[must_use]
    pub fn layers(scores: &[u32], layers: usize) -> Self {
        let mut sorted = scores.to_vec();
        sorted.sort_unstable();
        let values = sorted.chunk_by(|left, right| left == right).filter_map(|chunk| {
            Some((*chunk.first()?, u32::try_from(chunk.len()).unwrap_or(u32::MAX)))
        });
        Self::Draws { values: values.collect(), draws: layers }
    }

    /// Whether the tail is the law's own, and not a bound of it.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        matches!(self, Self::Binomial { .. } | Self::Gamma { .. })
    }

    /// `ln P(X >= total)`, or an upper bound of it.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates; counts are whole"
    )]
    pub fn ln_tail(&self, total: f64) -> LnP {
        match self {
            Self::Binomial { trials, probability } => {
                ln_binomial_tail(total.ceil() as u64, *trials, *probability)
            }
            Self::Gamma { shape } => ln_gamma_tail(*shape, total),
            Self::TwoGammas { .. } | Self::Draws { .. } => {
                ln_chernoff(total - self.mean(), |tilt| self.cumulant(tilt), self.greatest_tilt())
            }
            Self::Uniforms { .. } => {
                let (mean, scale) = (self.mean(), self.variance().sqrt());
                if scale <= 0.0 {
                    return if total > mean { f64::NEG_INFINITY } else { 0.0 };
                }
                let excess = (total - mean) / scale;
                ln_chernoff(excess, |tilt| self.cumulant(tilt / scale), f64::INFINITY)
            }
            Self::Signs { .. } => {
                // Scaled to unit standard deviation, so that the search starts near its end.
                let scale = self.variance().sqrt();
                if scale <= 0.0 {
                    return if total > 0.0 { f64::NEG_INFINITY } else { 0.0 };
                }
                ln_chernoff(total / scale, |tilt| self.cumulant(tilt / scale), f64::INFINITY)
            }
        }
    }

    /// [`NullLaw::ln_tail`] of a standardized score.
    #[must_use]
    pub fn ln_tail_at(&self, standardized: f64) -> LnP {
        let Scale { mean, deviation } = Scale::of(self);
        let total = mean + standardized * deviation;
        match self {
            // A whole number that arithmetic has moved a little; `ln_tail` would round it up.
            Self::Binomial { .. } => self.ln_tail(total.round()),
            _ => self.ln_tail(total),
        }
    }

    /// The logarithm of the moment-generating function of the score less its mean, for a tilt
    /// that is not negative.
    pub(super) fn cumulant(&self, tilt: f64) -> f64 {
        /// Of a standard exponential with this weight.
        fn exponential(weighted: f64) -> f64 {
            -(-weighted).ln_1p() - weighted
        }
        match self {
            Self::Binomial { trials, probability } => {
                let hit = (probability * tilt.exp_m1()).ln_1p();
                *trials as f64 * (hit - probability * tilt)
            }
            Self::Gamma { shape } => *shape as f64 * exponential(tilt),
            Self::TwoGammas { shape, alpha } => {
                *shape as f64 * (exponential(alpha * tilt) + exponential((1.0 - alpha) * tilt))
            }
            Self::Draws { values, draws } => {
                let (mut most, mean) = (0.0_f64, moment(values, |value| value));
                most = values.iter().fold(most, |most, (value, _)| most.max(f64::from(*value)));
                let sum = moment(values, |value| (tilt * (value - most)).exp());
                *draws as f64 * (tilt * (most - mean) + sum.ln())
            }
            Self::Signs { weights } => {
                weights.iter().map(|weight| ln_cosh(tilt * f64::from(*weight))).sum()
            }
            Self::Uniforms { cells } => {
                let cumulant = |cell: &Vec<(f64, f64)>| {
                    let mean = expectation(cell, |value| value);
                    expectation(cell, |value| (tilt * (value - mean)).exp()).ln()
                };
                cells.iter().map(cumulant).sum()
            }
        }
    }

    /// The tilt from which on the moment-generating function does not exist.
    pub(super) fn greatest_tilt(&self) -> f64 {
        match self {
            Self::Binomial { .. }
            | Self::Draws { .. }
            | Self::Signs { .. }
            | Self::Uniforms { .. } => f64::INFINITY,
            Self::Gamma { .. } => 1.0,
            Self::TwoGammas { alpha, .. } => alpha.max(1.0 - alpha).recip(),
        }
    }

    /// The expected total.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self {
            Self::Binomial { trials, probability } => *trials as f64 * probability,
            Self::Gamma { shape } | Self::TwoGammas { shape, .. } => *shape as f64,
            Self::Draws { values, draws } => moment(values, |value| value) * *draws as f64,
            Self::Signs { .. } => 0.0,
            Self::Uniforms { cells } => {
                cells.iter().map(|cell| expectation(cell, |value| value)).sum()
            }
        }
    }

    /// Its variance.
    #[must_use]
    pub fn variance(&self) -> f64 {
        match self {
            Self::Binomial { trials, probability } => {
                *trials as f64 * probability * (1.0 - probability)
            }
            Self::Gamma { shape } => *shape as f64,
            Self::TwoGammas { shape, alpha } => {
                *shape as f64 * (alpha * alpha + (1.0 - alpha) * (1.0 - alpha))
            }
            Self::Draws { values, draws } => {
                let mean = moment(values, |value| value);
                moment(values, |value| (value - mean) * (value - mean)) * *draws as f64
            }
            Self::Signs { weights } => {
                weights.iter().map(|weight| f64::from(*weight) * f64::from(*weight)).sum()
            }
            Self::Uniforms { cells } => {
                let variance = |cell: &Vec<(f64, f64)>| {
                    let mean = expectation(cell, |value| value);
                    expectation(cell, |value| (value - mean) * (value - mean))
                };
                cells.iter().map(variance).sum()
            }
        }
    }

    /// The total in standard deviations from its mean; to compare and to plot, not a p-value.
    #[must_use]
    pub fn standardized(&self, total: f64) -> f64 {
        Scale::of(self).standardized(total)
    }
}

/// Mean and deviation of a law, worked out once.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    mean: f64,
    deviation: f64,
}

impl Scale {
    pub(super) fn of(law: &NullLaw) -> Self {
        Self { mean: law.mean(), deviation: law.variance().sqrt() }
    }

    pub(super) fn standardized(self, total: f64) -> f64 {
        if self.deviation > 0.0 { (total - self.mean) / self.deviation } else { 0.0 }
    }
}

/// Of a value of one cell.
fn expectation(cell: &[(f64, f64)], of: impl Fn(f64) -> f64) -> f64 {
    cell.iter().map(|(probability, value)| probability * of(*value)).sum()
}

fn moment(values: &[(u32, u32)], of: impl Fn(f64) -> f64) -> f64 {
    let places: f64 = values.iter().map(|(_, places)| f64::from(*places)).sum();
    let sum: f64 =
        values.iter().map(|(value, places)| f64::from(*places) * of(f64::from(*value))).sum();
    if places > 0.0 { sum / places } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standardized_score_has_the_tail_of_its_total() {
        let laws = [
            NullLaw::Binomial { trials: 1_003, probability: 0.3 },
            NullLaw::Gamma { shape: 77 },
            NullLaw::Signs { weights: vec![3, 1, 7, 2, 2, 9] },
            NullLaw::Uniforms { cells: vec![vec![(0.3, 7.0), (0.7, -3.0)]; 9] },
        ];
        for law in laws {
            for total in [0.0, 12.0, 100.0, 301.0, 345.0] {
                let (found, expected) =
                    (law.ln_tail_at(law.standardized(total)), law.ln_tail(total));
                let close = (found - expected).abs() <= 1e-9 * expected.abs().max(1.0);
                assert!(close || found == expected, "{law:?} at {total}: {found} {expected}");
            }
        }
    }
}
