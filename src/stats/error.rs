//! What the statistics refuse, in words.

/// Why there is no answer. Nothing in this module panics or returns a number that is not one.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StatsError {
    /// A value that is infinite, not a number, or too large to be squared and summed.
    #[error("{name} must be a finite number of at most 1e100 in size, not {value}")]
    NotFinite {
        /// What the value stands for.
        name: &'static str,
        /// The value.
        value: f64,
    },
    /// A value outside its range.
    #[error("{name} must be {range}, not {value}")]
    OutOfRange {
        /// What the value stands for.
        name: &'static str,
        /// The range, in words.
        range: &'static str,
        /// The value.
        value: f64,
    },
    /// Too few units for the method.
    #[error("{method} needs {needed} units in each arm, and the smaller arm has {found}")]
    TooFewUnits {
        /// What was asked for.
        method: &'static str,
        /// Least number of units in each arm.
        needed: u64,
        /// Units in the smaller arm.
        found: u64,
    },
    /// All units have one value, so that nothing is known about chance.
    #[error("{name} is the same for every unit, so that chance cannot be estimated")]
    NoVariation {
        /// What does not vary.
        name: &'static str,
    },
    /// Parts that no data have.
    #[error("{what}")]
    Inconsistent {
        /// What contradicts itself.
        what: &'static str,
    },
    /// What is asked for is beyond any number of units.
    #[error("{what} cannot be reached, however many units or days there are")]
    Unattainable {
        /// What was asked for.
        what: &'static str,
    },
}

/// Largest size of a value: its square, summed over all units there can be, is still finite.
pub(super) const LARGEST: f64 = 1e100;

/// Largest count that a floating-point number holds exactly.
pub(super) const MOST_UNITS: u64 = 1 << 53;

/// The value, unless its sums would not be numbers.
pub(super) fn finite(name: &'static str, value: f64) -> Result<f64, StatsError> {
    // Not `>`: a value that is not a number fails every comparison.
    if value.abs() <= LARGEST { Ok(value) } else { Err(StatsError::NotFinite { name, value }) }
}

/// A finite value for which the condition holds.
pub(super) fn in_range(
    name: &'static str,
    value: f64,
    range: &'static str,
    holds: impl Fn(f64) -> bool,
) -> Result<f64, StatsError> {
    let value = finite(name, value)?;
    if holds(value) { Ok(value) } else { Err(StatsError::OutOfRange { name, range, value }) }
}
