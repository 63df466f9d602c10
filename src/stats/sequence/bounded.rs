//! A sequence for the mean of values in a known range, with any number of units: rates, shares,
//! capped values. It needs the sum alone, so neither order nor files matter.
//!
//! For values in \[0, 1\] with mean `m`, `(q/m)^x ((1−q)/(1−m))^(1−x)` is at most one on average,
//! whatever `q` (Hoeffding 1963, by convexity; equal to one for 0 and 1). Products over units, mixed
//! over `q` by Jeffreys' prior, are the Bayes factor of a beta-binomial, at any time above 1/α with
//! at most α (Robbins 1970; Howard and others 2021 for the inequality).

use crate::stats::dirichlet::{Category, ln_bayes_factor};
use crate::stats::error::{StatsError, in_range};
use crate::stats::law::root;
use crate::stats::level::{Interval, Level};
use crate::stats::moments::Moments;

/// A sequence for means of values in a range; of (0, 1) for events that happen or do not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundedSequence {
    low: f64,
    high: f64,
    level: Level,
}

impl BoundedSequence {
    /// For values from `low` to `high`.
    ///
    /// # Errors
    ///
    /// A range that is empty or not finite.
    pub fn new(low: f64, high: f64, level: Level) -> Result<Self, StatsError> {
        check_range(low, high)?;
        Ok(Self { low, high, level })
    }

    /// The mean of one arm.
    ///
    /// # Errors
    ///
    /// A mean outside the range.
    pub fn mean(&self, arm: &Moments) -> Result<Interval, StatsError> {
        self.mean_at(arm, self.level)
    }

    /// The difference of two arms' means, treated less control, by the union bound: each arm's
    /// sequence misses with α/2.
    ///
    /// # Errors
    ///
    /// A mean outside the range.
    pub fn difference(&self, control: &Moments, treated: &Moments) -> Result<Interval, StatsError> {
        let level = self.level.shared_among(2);
        let (control, treated) = (self.mean_at(control, level)?, self.mean_at(treated, level)?);
        Ok(Interval::difference(&control, &treated))
    }

    /// Of a mean `m`, valid at any time.
    ///
    /// # Errors
    ///
    /// A mean, assumed or found, outside the range.
    pub fn p_of_mean(&self, arm: &Moments, mean: f64) -> Result<f64, StatsError> {
        let (sum, rest) = self.sums(arm)?;
        let range = "inside the range of the values";
        in_range("an assumed mean", mean, range, |mean| self.low < mean && mean < self.high)?;
        let share = (mean - self.low) / (self.high - self.low);
        Ok((-evidence(sum, rest, share)).exp().min(1.0))
    }

    fn mean_at(&self, arm: &Moments, level: Level) -> Result<Interval, StatsError> {
        let (sum, rest) = self.sums(arm)?;
        if sum + rest <= 0.0 {
            return Ok(Interval { low: self.low, high: self.high });
        }
        let found = sum / (sum + rest);
        let enough = -level.alpha().ln();
        // Evidence falls toward the mean that was found and rises behind it.
        let low = if sum > 0.0 {
            root(0.0, found, |share| enough - evidence(sum, rest, share))
        } else {
            0.0
        };
        let above = if rest > 0.0 {
            root(0.0, 1.0 - found, |share| enough - evidence(rest, sum, share))
        } else {
            0.0
        };
        let width = self.high - self.low;
        Ok(Interval { low: self.low + low * width, high: self.high - above * width })
    }

    /// The sums of `x` and `1 − x`, on the scale from 0 to 1.
    fn sums(&self, arm: &Moments) -> Result<(f64, f64), StatsError> {
        let units = arm.count() as f64;
        if arm.count() == 0 {
            return Ok((0.0, 0.0));
        }
        // Rounding may put a mean of values at the very end of the range beyond it.
        let slack = 1e-12 * (self.high - self.low).max(self.low.abs()).max(self.high.abs());
        let range = "in the range of the values";
        let mean = in_range("a mean", arm.mean(), range, |mean| {
            self.low - slack <= mean && mean <= self.high + slack
        })?;
        let share = ((mean - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        Ok((share * units, (1.0 - share) * units))
    }
}

/// The logarithm of the Bayes factor against a mean `share` on the scale from 0 to 1.
fn evidence(sum: f64, rest: f64, share: f64) -> f64 {
    const JEFFREYS: f64 = 0.5;
    ln_bayes_factor(&[
        Category { prior: JEFFREYS, count: sum, share },
        Category { prior: JEFFREYS, count: rest, share: 1.0 - share },
    ])
}

pub(super) fn check_range(low: f64, high: f64) -> Result<(), StatsError> {
    in_range("the low end of a range", low, "below its high end", |low| low < high)?;
    in_range("the high end of a range", high, "above its low end", |high| low < high)?;
    Ok(())
}
