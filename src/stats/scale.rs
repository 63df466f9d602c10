//! On which scale a unit's value is compared. Totals of clusters have tails in which one unit is
//! the mean; a test of raw totals then tests that unit.

use super::error::{StatsError, finite, in_range};

/// What is done to each unit's value before anything else. Fixed before the experiment: a cap that
/// is read off the data makes the arms depend on each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Nothing.
    Raw,
    /// Winsorized: values beyond a bound count as the bound.
    Capped {
        /// Least value.
        low: f64,
        /// Largest value.
        high: f64,
    },
    /// `ln(1 + x)` for values from 0, such as counts and seconds. A difference on this scale is a factor
    /// of `1 + x`, which is nearly that of `x` where values are far above one, and far smaller where they
    /// are below it: shares are not for this scale.
    Log,
}

impl Scale {
    /// Values capped at `high`, and at zero from below.
    ///
    /// # Errors
    ///
    /// A cap that is not above zero.
    pub fn capped_at(high: f64) -> Result<Self, StatsError> {
        in_range("a cap", high, "above 0", |high| high > 0.0)?;
        Ok(Self::Capped { low: 0.0, high })
    }

    /// The value on this scale.
    ///
    /// # Errors
    ///
    /// A value that is not finite, or negative under a logarithm; bounds in the wrong order.
    pub fn apply(&self, value: f64) -> Result<f64, StatsError> {
        let value = finite("a unit's value", value)?;
        match *self {
            Self::Raw => Ok(value),
            Self::Capped { low, high } if low < high => Ok(value.max(low).min(high)),
            Self::Capped { .. } => {
                Err(StatsError::Inconsistent { what: "the lower cap must be below the upper" })
            }
            Self::Log => {
                let name = "a value whose logarithm is compared";
                in_range(name, value, "at least 0", |value| value >= 0.0).map(f64::ln_1p)
            }
        }
    }

    /// The range of values on this scale, where it has one: what sequences for small arms need.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        match *self {
            Self::Capped { low, high } => Some((low, high)),
            Self::Raw | Self::Log => None,
        }
    }
}
