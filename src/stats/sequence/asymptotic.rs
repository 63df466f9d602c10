//! Sequences for many units, with the variance estimated: valid as the number of units grows
//! (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024).

use super::mixture::NormalMixture;
use crate::stats::contrast::Contrast;
use crate::stats::error::{StatsError, in_range};
use crate::stats::level::{Alternative, Interval, Level};
use crate::stats::moments::Moments;

/// Units in the smaller arm below which these sequences give no answer.
pub const LEAST_UNITS: u64 = 100;

/// Bell-shaped units from which a variance is known as well as it has to be. Of values with heavier tails
/// more are needed, by their kurtosis: the variance of an arm that has not met its tail is far too small,
/// and of one unit in ten treated such sequences then miss in 10 to 35 of 100 cases.
const LEAST_BELL_SHAPED: f64 = 50.0;

/// The kurtosis of bell-shaped values.
const BELL_SHAPED: f64 = 3.0;

/// What is known of a contrast at any time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sequential {
    /// Treated less control, in the metric's unit.
    pub estimate: f64,
    /// Covers the true difference at all times together with 1 − α.
    pub interval: Interval,
    /// Of no difference, valid at any time.
    pub p_value: f64,
}

/// A sequence for the difference of two arms whose outcomes are known when units come in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AsymptoticSequence {
    mixture: NormalMixture,
    alternative: Alternative,
    level: Level,
}

impl AsymptoticSequence {
    /// A sequence that is about narrowest when so many units are in, both arms together. Any number
    /// is valid if it is fixed beforehand.
    ///
    /// # Errors
    ///
    /// A number below 2.
    pub fn tuned_for(
        intended_units: f64,
        alternative: Alternative,
        level: Level,
    ) -> Result<Self, StatsError> {
        let one_sided = alternative != Alternative::TwoSided;
        let mixture = NormalMixture::tuned(intended(intended_units)?, level, one_sided);
        Ok(Self { mixture, alternative, level })
    }

    /// The sequence at these units.
    ///
    /// # Errors
    ///
    /// Fewer than [`LEAST_UNITS`] in the smaller arm, or than 50 for each 3 of the kurtosis of the values
    /// of both. Moments that were written down are taken to be of bell-shaped values.
    pub fn at(&self, contrast: &Contrast) -> Result<Sequential, StatsError> {
        enough(contrast.smaller_arm(), contrast.kurtosis())?;
        Ok(self.whatever_the_tails(contrast))
    }

    /// The same with any number of units, for who asks besides whether there is any difference by a test
    /// that no tail deceives.
    pub(crate) fn whatever_the_tails(&self, contrast: &Contrast) -> Sequential {
        // In units of the contrast's deviation per unit, intrinsic time is the number of units.
        let v = contrast.units() as f64;
        let (estimate, error) = (contrast.estimate(), contrast.standard_error());
        let width = error / v.sqrt() * self.mixture.boundary(v, self.level);
        let standard = estimate / error * v.sqrt();
        let s = if self.alternative == Alternative::Less { -standard } else { standard };
        Sequential {
            estimate,
            interval: Interval::around(estimate, width, self.alternative),
            p_value: (-self.mixture.ln_evidence(s, v)).exp().min(1.0),
        }
    }
}

/// Sequences of each arm's own mean, for outcomes that are known late: where units enter over weeks
/// and each outcome takes days, the error of a difference is a martingale under no order of events,
/// but that of each arm is one in the order of entry. The difference is had by a union bound (Lindon
/// and Kallus 2026). Feed units in the order of entry, each arm up to its first open window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArmSequence {
    mixture: NormalMixture,
    level: Level,
}

impl ArmSequence {
    /// Sequences that are about narrowest when so many units are in one arm, and that miss in either
    /// arm with α together.
    ///
    /// # Errors
    ///
    /// A number below 2.
    pub fn tuned_for(intended_units_per_arm: f64, level: Level) -> Result<Self, StatsError> {
        let level = level.shared_among(2);
        let mixture = NormalMixture::tuned(intended(intended_units_per_arm)?, level, false);
        Ok(Self { mixture, level })
    }

    /// The mean of one arm.
    ///
    /// # Errors
    ///
    /// Fewer than [`LEAST_UNITS`], or than the tails ask for, as [`AsymptoticSequence::at`] says; units
    /// that all have one value.
    pub fn mean(&self, arm: &Moments) -> Result<Interval, StatsError> {
        enough(arm.count(), arm.kurtosis())?;
        self.mean_whatever_the_tails(arm)
    }

    fn mean_whatever_the_tails(&self, arm: &Moments) -> Result<Interval, StatsError> {
        let deviation = arm.variance().unwrap_or(0.0).sqrt();
        if deviation <= 1e-12 * arm.mean().abs() || deviation < f64::MIN_POSITIVE {
            return Err(StatsError::NoVariation { name: "the value" });
        }
        let v = arm.count() as f64;
        let width = deviation * self.mixture.boundary(v, self.level) / v;
        Ok(Interval::around(arm.mean(), width, Alternative::TwoSided))
    }

    /// The difference of the arms' means, treated less control.
    ///
    /// # Errors
    ///
    /// As for [`mean`](Self::mean), with the tails of both arms together.
    pub fn difference(&self, control: &Moments, treated: &Moments) -> Result<Interval, StatsError> {
        let contrast = Contrast::between(control, treated);
        let kurtosis = contrast.ok().and_then(|contrast| contrast.kurtosis());
        enough(control.count().min(treated.count()), kurtosis)?;
        let mean = |arm| self.mean_whatever_the_tails(arm);
        Ok(Interval::difference(&mean(control)?, &mean(treated)?))
    }
}

fn intended(units: f64) -> Result<f64, StatsError> {
    in_range("an intended number of units", units, "at least 2", |units| units >= 2.0)
}

fn enough(found: u64, kurtosis: Option<f64>) -> Result<(), StatsError> {
    let of_tails = LEAST_BELL_SHAPED * kurtosis.unwrap_or(BELL_SHAPED) / BELL_SHAPED;
    let needed = of_tails.max(LEAST_UNITS as f64);
    if (found as f64) < needed {
        let method = "an interval for all times that rests on many units";
        return Err(StatsError::TooFewUnits { method, needed: needed.ceil() as u64, found });
    }
    Ok(())
}
