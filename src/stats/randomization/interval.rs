//! The interval that belongs to the randomization test.

use super::{Assignments, randomization_test};
use crate::stats::contrast::Contrast;
use crate::stats::error::StatsError;
use crate::stats::level::{Alternative, Interval, Level};
use crate::stats::moments::Moments;

/// All differences that the randomization test does not reject: those by which the treated arm's
/// values may be moved back so that the arms then look alike. It covers as often as it says, with
/// any number of units and any tails, if the arm moves every unit by the same amount (on the scale
/// on which values are given); Welch's interval misses far more often where one arm is small and
/// values are skewed. Each end takes about forty tests. An end is infinite where so few units cannot
/// reject anything.
///
/// # Errors
///
/// As for [`randomization_test`].
pub fn randomization_interval(
    control: &[f64],
    treated: &[f64],
    alternative: Alternative,
    assignments: &Assignments,
    level: Level,
) -> Result<Interval, StatsError> {
    let test = |difference: f64| {
        let moved: Vec<f64> = treated.iter().map(|value| value - difference).collect();
        randomization_test(control, &moved, alternative, assignments)
    };
    let first = test(0.0)?;
    if first.least_attainable > level.alpha() {
        return Ok(Interval { low: f64::NEG_INFINITY, high: f64::INFINITY });
    }
    let rejected = |difference: f64| match test(difference) {
        Ok(found) => Ok(found.p_value <= level.alpha()),
        // Moved so, all units are the same: nothing fits better.
        Err(StatsError::NoVariation { .. }) => Ok(false),
        Err(error) => Err(error),
    };
    let (control, treated) =
        (Moments::of(control.iter().copied())?, Moments::of(treated.iter().copied())?);
    let middle = treated.mean() - control.mean();
    // Where both arms have one value throughout, any step will do.
    let step = Contrast::between(&control, &treated)
        .map_or(middle.abs().max(f64::MIN_POSITIVE), |contrast| contrast.standard_error());
    let end = |direction: f64| {
        let (mut inside, mut width) = (middle, 2.0 * direction * step);
        let mut outside = middle + width;
        while !rejected(outside)? {
            (inside, width) = (outside, 2.0 * width);
            outside = middle + width;
            if width.abs() > 1e9 * step {
                return Ok(direction * f64::INFINITY);
            }
        }
        for _ in 0..30 {
            let between = inside + 0.5 * (outside - inside);
            if rejected(between)? {
                outside = between;
            } else {
                inside = between;
            }
        }
        Ok(outside)
    };
    Ok(Interval {
        low: if alternative == Alternative::Less { f64::NEG_INFINITY } else { end(-1.0)? },
        high: if alternative == Alternative::Greater { f64::INFINITY } else { end(1.0)? },
    })
}
