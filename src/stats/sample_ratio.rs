//! Sample-ratio mismatch: whether as many units came into each arm as the weights say. If not, units
//! were lost or reassigned by something that knows their arm, and no other figure means anything.

use super::dirichlet::{Category, ln_bayes_factor};
use super::error::{MOST_UNITS, StatsError, in_range};
use super::law::chi_squared_upper;

/// One arm while the weights stood still.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArmCount {
    /// The arm's weight, of any scale; an arm that is closed to new units has none.
    pub weight: f64,
    /// Units first seen in this arm.
    pub units: u64,
}

/// Whether the counts fit the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRatio {
    /// Pearson's χ² over all arms and stages.
    pub chi_squared: f64,
    /// Of it: arms with a weight, less one per stage.
    pub degrees_of_freedom: u32,
    /// Of χ²: for one look, and where no expected count is below five.
    pub p_value: f64,
    /// Smallest expected count.
    pub least_expected: f64,
    /// The logarithm of a Bayes factor that is a martingale while the weights are kept, with every
    /// unit that comes.
    pub ln_bayes_factor: f64,
    /// Valid at any number of looks; the least of them all may be kept.
    pub anytime_p: f64,
}

/// Weight of the Dirichlet prior, in units, that is centered on the weights: the default of Lindon
/// and Malek's implementation.
const CONCENTRATION: f64 = 100.0;

/// Compares the counts of every stage of a ramp with the weights of that stage: the classic χ² test,
/// and the sequential test of multinomial counts (Lindon and Malek 2022), whose Bayes factors are
/// multiplied over stages.
///
/// # Errors
///
/// A weight that is negative, not finite, or next to nothing beside the others, no two arms with a weight in any stage, counts beyond
/// 2^53.
///
/// ```
/// use guilloche::stats::{ArmCount, sample_ratio};
///
/// let even = |control, treated| {
///     [ArmCount { weight: 1.0, units: control }, ArmCount { weight: 1.0, units: treated }]
/// };
/// assert!(sample_ratio(&[&even(5_010, 4_990)])?.anytime_p > 0.9);
/// assert!(sample_ratio(&[&even(5_300, 4_700)])?.anytime_p < 1e-5);
/// # Ok::<(), guilloche::stats::StatsError>(())
/// ```
pub fn sample_ratio(stages: &[&[ArmCount]]) -> Result<SampleRatio, StatsError> {
    let mut found = SampleRatio {
        chi_squared: 0.0,
        degrees_of_freedom: 0,
        p_value: 1.0,
        least_expected: f64::INFINITY,
        ln_bayes_factor: 0.0,
        anytime_p: 1.0,
    };
    for stage in stages {
        add_stage(&mut found, stage)?;
    }
    if found.degrees_of_freedom == 0 {
        let what = "a sample ratio needs two arms with a weight";
        return Err(StatsError::Inconsistent { what });
    }
    if found.chi_squared == f64::INFINITY {
        found.p_value = 0.0;
    } else {
        found.p_value = chi_squared_upper(found.chi_squared, f64::from(found.degrees_of_freedom));
    }
    found.anytime_p = (-found.ln_bayes_factor).exp().min(1.0);
    Ok(found)
}

fn add_stage(found: &mut SampleRatio, stage: &[ArmCount]) -> Result<(), StatsError> {
    let (mut weights, mut units, mut open) = (0.0, 0.0, 0_u32);
    for arm in stage {
        in_range("a weight", arm.weight, "at least 0", |weight| weight >= 0.0)?;
        let range = "at most 2^53";
        in_range("a count", arm.units as f64, range, |units| units <= MOST_UNITS as f64)?;
        weights += arm.weight;
        units += arm.units as f64;
        open += u32::from(arm.weight > 0.0);
    }
    if stage.iter().any(|arm| arm.weight <= 0.0 && arm.units > 0) {
        // New units in a closed arm cannot happen at all.
        found.chi_squared = f64::INFINITY;
        found.ln_bayes_factor = f64::INFINITY;
        found.least_expected = 0.0;
    }
    if open < 2 {
        return Ok(());
    }
    found.degrees_of_freedom += open - 1;
    if units == 0.0 {
        return Ok(());
    }
    let mut categories = Vec::with_capacity(stage.len());
    for arm in stage.iter().filter(|arm| arm.weight > 0.0) {
        let (share, count) = (arm.weight / weights, arm.units as f64);
        in_range("a weight's share of all", share, "at least 1e-12", |share| share >= 1e-12)?;
        let expected = share * units;
        found.chi_squared += (count - expected) * (count - expected) / expected;
        found.least_expected = found.least_expected.min(expected);
        categories.push(Category { prior: CONCENTRATION * share, count, share });
    }
    found.ln_bayes_factor += ln_bayes_factor(&categories);
    Ok(())
}
