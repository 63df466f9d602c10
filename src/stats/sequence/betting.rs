//! A sequence for the mean of values in a known range that learns their variance: narrow where most
//! units are alike. Unlike [`BoundedSequence`](super::BoundedSequence) it depends on the order, which
//! must be one that outcomes cannot change, such as that of entry.
//!
//! Hedged capital (Waudby-Smith and Ramdas 2024, theorem 3): against every mean `m` there is a
//! gambler with stake ½ who bets that units lie above it, and one who bets that they lie below; a
//! mean at which one has ever 1/α is out. Their bets follow the variance of earlier units.

use super::bounded::check_range;
use crate::stats::error::{StatsError, in_range};
use crate::stats::law::root;
use crate::stats::level::{Alternative, Interval, Level};

/// Bets never risk more than this share of the capital.
const MOST_AT_RISK: f64 = 0.5;

/// One arm's values, in order, and the bets on them. For the difference of two arms make each with
/// `level.shared_among(2)`, and take [`Interval::difference`].
#[derive(Clone, Debug, PartialEq)]
pub struct BettingSequence {
    low: f64,
    high: f64,
    level: Level,
    /// Values on the scale from 0 to 1, each with the bet that was made before it was seen.
    rounds: Vec<Round>,
    sum: f64,
    squares: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Round {
    value: f64,
    bet: f64,
}

impl BettingSequence {
    /// For values from `low` to `high`.
    ///
    /// # Errors
    ///
    /// A range that is empty or not finite.
    pub fn new(low: f64, high: f64, level: Level) -> Result<Self, StatsError> {
        check_range(low, high)?;
        Ok(Self { low, high, level, rounds: Vec::new(), sum: 0.5, squares: 0.25 })
    }

    /// Adds the next unit.
    ///
    /// # Errors
    ///
    /// A value outside the range.
    pub fn push(&mut self, value: f64) -> Result<(), StatsError> {
        let (low, high) = (self.low, self.high);
        let range = "in the range of the values";
        in_range("a unit's value", value, range, |value| low <= value && value <= high)?;
        let value = (value - low) / (high - low);
        let round = self.rounds.len() as f64 + 1.0;
        // Variance of what came before, from ¼ at the beginning.
        let variance = self.squares / round;
        let stake = 2.0 * (2.0 / self.level.alpha()).ln();
        let bet = (stake / (variance * round * round.ln_1p())).sqrt();
        self.rounds.push(Round { value, bet });
        self.sum += value;
        let mean = self.sum / (round + 1.0);
        self.squares += (value - mean) * (value - mean);
        Ok(())
    }

    /// Number of units.
    pub fn count(&self) -> usize {
        self.rounds.len()
    }

    /// The mean, at all times together with 1 − α.
    pub fn interval(&self) -> Interval {
        let enough = (2.0 / self.level.alpha()).ln();
        // Capital falls as the assumed mean rises; where it is too small throughout, the root is 0.
        let edge = |capital: &dyn Fn(f64) -> f64| {
            if capital(0.0) < enough { 0.0 } else { root(0.0, 1.0, |mean| enough - capital(mean)) }
        };
        let low = edge(&|mean| self.ln_capital_above(mean));
        let above = edge(&|mean| self.ln_capital_below(1.0 - mean, mean));
        let width = self.high - self.low;
        Interval { low: self.low + low * width, high: self.high - above * width }
    }

    /// Of a mean, valid at any time: `Greater` speaks for a larger one.
    ///
    /// # Errors
    ///
    /// A mean outside the range.
    pub fn p_of_mean(&self, mean: f64, alternative: Alternative) -> Result<f64, StatsError> {
        let range = "inside the range of the values";
        in_range("an assumed mean", mean, range, |mean| self.low < mean && mean < self.high)?;
        let mean = (mean - self.low) / (self.high - self.low);
        let above = || self.ln_capital_above(mean);
        let below = || self.ln_capital_below(mean, 1.0 - mean);
        let evidence = match alternative {
            Alternative::Greater => above(),
            Alternative::Less => below(),
            Alternative::TwoSided => above().max(below()) - std::f64::consts::LN_2,
        };
        Ok((-evidence).exp().min(1.0))
    }

    /// Of the gambler who bets that values lie above the mean.
    fn ln_capital_above(&self, mean: f64) -> f64 {
        let most = MOST_AT_RISK / mean;
        self.rounds.iter().map(|round| (round.bet.min(most) * (round.value - mean)).ln_1p()).sum()
    }

    /// Of the one who bets that they lie below; `rest` is `1 − mean`, told apart from it.
    fn ln_capital_below(&self, mean: f64, rest: f64) -> f64 {
        let most = MOST_AT_RISK / rest;
        self.rounds.iter().map(|round| (round.bet.min(most) * (mean - round.value)).ln_1p()).sum()
    }
}
