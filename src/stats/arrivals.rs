//! How long an experiment must run.

use super::error::{StatsError, in_range};
use super::level::{Alternative, Level};
use super::power::{Design, sensible_power};

/// How units arrive and what time tells about each, from a baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrivals {
    /// Units there on the first day.
    pub first_day: f64,
    /// Units new on each further day.
    pub per_day: f64,
    /// Share of units in the treated arm.
    pub treated_share: f64,
    /// Variance between units of what each would show in endless time.
    pub variance_between: f64,
    /// Variance of one unit's value of one day about that.
    pub variance_per_day: f64,
}

impl Arrivals {
    /// The design on the last of so many days: more units, and each better known. Units that came
    /// later are taken to be as well known as the first, so the answer is on the short side.
    ///
    /// # Errors
    ///
    /// No days, negative or infinite figures, a share that is not between 0 and 1.
    pub fn after(&self, days: u32) -> Result<Design, StatsError> {
        in_range("a number of days", f64::from(days), "at least 1", |days| days >= 1.0)?;
        for (name, value) in [
            ("units on the first day", self.first_day),
            ("new units per day", self.per_day),
            ("a variance between units", self.variance_between),
            ("a variance per day", self.variance_per_day),
        ] {
            in_range(name, value, "at least 0", |value| value >= 0.0)?;
        }
        let range = "above 0 and below 1";
        in_range("a treated share", self.treated_share, range, |share| 0.0 < share && share < 1.0)?;
        let units = self.first_day + self.per_day * f64::from(days - 1);
        let deviation = (self.variance_between + self.variance_per_day / f64::from(days)).sqrt();
        // Casts of floating-point numbers saturate.
        Ok(Design {
            control_units: (units * (1.0 - self.treated_share)) as u64,
            treated_units: (units * self.treated_share) as u64,
            control_deviation: deviation,
            treated_deviation: deviation,
        })
    }

    /// The fewest days after which an effect of this size is found with this power.
    ///
    /// # Errors
    ///
    /// As for [`after`](Self::after) and [`Design::power`]; an effect that ten years do not show.
    pub fn days_needed(
        &self,
        effect: f64,
        power: f64,
        alternative: Alternative,
        level: Level,
    ) -> Result<u32, StatsError> {
        sensible_power(power, level)?;
        let enough = |days: u32| {
            let design = self.after(days)?;
            match design.power(effect, alternative, level) {
                Ok(found) => Ok(found >= power),
                Err(StatsError::TooFewUnits { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        };
        const TEN_YEARS: u32 = 3_652;
        if !enough(TEN_YEARS)? {
            return Err(StatsError::Unattainable { what: "this power" });
        }
        // Power grows with days.
        let (mut short, mut long) = (0, TEN_YEARS);
        while long - short > 1 {
            let middle = short + (long - short) / 2;
            if enough(middle)? {
                long = middle;
            } else {
                short = middle;
            }
        }
        Ok(long)
    }
}
