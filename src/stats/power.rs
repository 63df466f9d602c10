//! What an experiment can show before it is run: power, least detectable effect, units and days.
//!
//! Everything is per unit of assignment. What counts as many is the number of clusters, not of
//! accounts: 24,000 accounts in 20 clusters are 20 units.

use super::error::{StatsError, in_range};
use super::law::{noncentral_beyond, student_quantile};
use super::level::{Alternative, Level};

/// Two arms as planned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Design {
    /// Units in the control arm.
    pub control_units: u64,
    /// Units in the treated arm.
    pub treated_units: u64,
    /// Standard deviation of a unit's value in the control arm, in the metric's unit.
    pub control_deviation: f64,
    /// The same in the treated arm.
    pub treated_deviation: f64,
}

impl Design {
    /// Probability that Welch's test rejects at the level if the difference of means is `effect`,
    /// by the noncentral law of t with Satterthwaite's degrees of freedom.
    ///
    /// # Errors
    ///
    /// Fewer than two units in an arm, a deviation that is not above zero, an effect that is not
    /// finite.
    pub fn power(
        &self,
        effect: f64,
        alternative: Alternative,
        level: Level,
    ) -> Result<f64, StatsError> {
        let (error, degrees) = self.standard_error()?;
        in_range("an effect", effect, "finite", f64::is_finite)?;
        Ok(power_of(effect / error, degrees, alternative, level))
    }

    /// The smallest size of effect that is found with this power, in the metric's unit.
    ///
    /// # Errors
    ///
    /// As for [`power`](Self::power); a power that is not above α and below 1.
    pub fn least_detectable_effect(
        &self,
        power: f64,
        alternative: Alternative,
        level: Level,
    ) -> Result<f64, StatsError> {
        let (error, degrees) = self.standard_error()?;
        sensible_power(power, level)?;
        Ok(error * least_shift(power, degrees, alternative, level))
    }

    fn standard_error(&self) -> Result<(f64, f64), StatsError> {
        let found = self.control_units.min(self.treated_units);
        if found < 2 {
            return Err(StatsError::TooFewUnits { method: "a plan", needed: 2, found });
        }
        let part = |deviation: f64, units: u64| {
            let range = "above 0";
            in_range("a standard deviation", deviation, range, |deviation| deviation > 0.0)
                .map(|deviation| deviation * deviation / units as f64)
        };
        let control = part(self.control_deviation, self.control_units)?;
        let treated = part(self.treated_deviation, self.treated_units)?;
        let squared = control + treated;
        if squared < f64::MIN_POSITIVE {
            return Err(StatsError::NoVariation { name: "the value" });
        }
        let (control_share, treated_share) = (control / squared, treated / squared);
        let inverse = control_share * control_share / (self.control_units - 1) as f64
            + treated_share * treated_share / (self.treated_units - 1) as f64;
        Ok((squared.sqrt(), 1.0 / inverse))
    }
}

pub(super) fn sensible_power(power: f64, level: Level) -> Result<(), StatsError> {
    let range = "above alpha and below 1 - 1e-9";
    in_range("a power", power, range, |power| level.alpha() < power && power < 1.0 - 1e-9)?;
    Ok(())
}

/// Power for an effect of so many standard errors.
fn power_of(shift: f64, degrees: f64, alternative: Alternative, level: Level) -> f64 {
    let (shift, both) = match alternative {
        Alternative::TwoSided => (shift.abs(), true),
        Alternative::Greater => (shift, false),
        Alternative::Less => (-shift, false),
    };
    let tail = if both { level.alpha() / 2.0 } else { level.alpha() };
    noncentral_beyond(student_quantile(tail, degrees), degrees, shift, both)
}

/// The effect in standard errors for which the power is that.
fn least_shift(power: f64, degrees: f64, alternative: Alternative, level: Level) -> f64 {
    let at = |shift: f64| {
        let shift = if alternative == Alternative::Less { -shift } else { shift };
        power_of(shift, degrees, alternative, level) - power
    };
    let mut high = 8.0;
    while at(high) < 0.0 && high < 1e12 {
        high *= 2.0;
    }
    super::law::root(0.0, high, at)
}

/// The fewest units in both arms for which an effect of this size is found with this power.
///
/// # Errors
///
/// A share that is not between 0 and 1, a deviation that is not above zero, an effect of zero, a
/// power that is not above α and below 1; a number beyond 2^53.
pub fn units_needed(
    effect: f64,
    deviation: f64,
    treated_share: f64,
    power: f64,
    alternative: Alternative,
    level: Level,
) -> Result<u64, StatsError> {
    sensible_power(power, level)?;
    let name = "a treated share";
    in_range(name, treated_share, "above 0 and below 1", |share| 0.0 < share && share < 1.0)?;
    let range = "other than 0, and of the sign that is tested for";
    in_range("an effect", effect, range, |effect| match alternative {
        Alternative::TwoSided => effect != 0.0,
        Alternative::Greater => effect > 0.0,
        Alternative::Less => effect < 0.0,
    })?;
    let enough = |units: u64| {
        let treated_units = (units as f64 * treated_share).round() as u64;
        let design = Design {
            control_units: units.saturating_sub(treated_units),
            treated_units,
            control_deviation: deviation,
            treated_deviation: deviation,
        };
        match design.power(effect, alternative, level) {
            Ok(found) => Ok(found >= power),
            Err(StatsError::TooFewUnits { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    };
    let (mut few, mut many) = (3, 4);
    while !enough(many)? {
        if many >= super::error::MOST_UNITS {
            return Err(StatsError::Unattainable { what: "this power" });
        }
        (few, many) = (many, many * 2);
    }
    while many - few > 1 {
        let middle = few + (many - few) / 2;
        if enough(middle)? {
            many = middle;
        } else {
            few = middle;
        }
    }
    Ok(many)
}
