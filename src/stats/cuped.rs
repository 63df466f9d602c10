//! CUPED (Deng, Xu, Kohavi and Walker 2013): takes out of every unit's value what its value before
//! the experiment explains. Where units differ much and each is like itself, intervals shrink by
//! the share `1 − r²` of their variance.
//!
//! The slope is estimated from all units together, without a look at the arms, so that adjusted
//! values may be given to the randomization test, whose p-values stay exact.

use super::error::{StatsError, finite};
use super::moments::{Moments, PairedMoments};

/// An adjustment by a covariate that the arm cannot have changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cuped {
    slope: f64,
    before: f64,
}

impl Cuped {
    /// From the pairs (value, value before) of all units of all arms, one per unit of assignment.
    ///
    /// # Errors
    ///
    /// Fewer than three units; values before that are all the same.
    pub fn blind(all: &PairedMoments) -> Result<Self, StatsError> {
        if all.count() < 3 {
            let method = "an adjustment by the time before";
            return Err(StatsError::TooFewUnits { method, needed: 3, found: all.count() });
        }
        let before = all.second();
        let squares = before.sum_of_squares();
        let deviation = (squares / all.count() as f64).sqrt();
        if deviation <= 1e-12 * before.mean().abs() || squares < f64::MIN_POSITIVE {
            return Err(StatsError::NoVariation { name: "the value before the experiment" });
        }
        let slope = finite("the slope", all.sum_of_products() / squares)?;
        Ok(Self { slope, before: before.mean() })
    }

    /// Change of the value with that of the value before.
    pub fn slope(&self) -> f64 {
        self.slope
    }

    /// One unit's value, adjusted; in the unit of the value, with the same mean over all units.
    pub fn adjust(&self, value: f64, before: f64) -> f64 {
        value - self.slope * (before - self.before)
    }

    /// The moments of one arm's adjusted values.
    ///
    /// # Errors
    ///
    /// An adjusted mean that is too large to be a number.
    pub fn adjusted(&self, arm: &PairedMoments) -> Result<Moments, StatsError> {
        let slope = self.slope;
        let squares = arm.first().sum_of_squares() - 2.0 * slope * arm.sum_of_products()
            + slope * slope * arm.second().sum_of_squares();
        if arm.count() == 0 {
            return Ok(Moments::default());
        }
        let mean = self.adjust(arm.first().mean(), arm.second().mean());
        // Rounding may leave less than nothing. Not `max`, which would take no number for zero.
        Moments::from_parts(arm.count(), mean, if squares < 0.0 { 0.0 } else { squares })
    }
}
