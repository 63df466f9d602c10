//! Whether something befalls the units of every arm alike: Pearson's χ² of a table of arms by
//! whether it did (1900). Nothing is known beforehand of how often it does, so what the arms have in
//! common is estimated, which χ² of a sample ratio does not do.

use super::error::{MOST_UNITS, StatsError, in_range};
use super::law::chi_squared_upper;

/// Whether arms are alike in how many of their units something befell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Homogeneity {
    /// Pearson's χ² over all cells of the table.
    pub chi_squared: f64,
    /// Of it: arms less one.
    pub degrees_of_freedom: u32,
    /// Of χ²: good where no expected count is below five.
    pub p_value: f64,
    /// Smallest expected count.
    pub least_expected: f64,
}

/// Compares arms by the numbers of their units that it befell and that it did not, without a
/// correction for continuity.
///
/// # Errors
///
/// Fewer than two arms with a unit, a count beyond 2^53, and where it befell all units or none.
///
/// ```
/// use guilloche::stats::homogeneity;
///
/// assert!(homogeneity(&[(300, 100), (380, 20)])?.p_value < 1e-14);
/// assert!(homogeneity(&[(30, 10), (33, 7)])?.p_value > 0.4);
/// # Ok::<(), guilloche::stats::StatsError>(())
/// ```
pub fn homogeneity(arms: &[(u64, u64)]) -> Result<Homogeneity, StatsError> {
    let (mut befell, mut spared, mut filled) = (0.0, 0.0, 0_u32);
    for (yes, no) in arms {
        let units = yes.saturating_add(*no) as f64;
        in_range("a count", units, "at most 2^53", |units| units <= MOST_UNITS as f64)?;
        befell += *yes as f64;
        spared += *no as f64;
        filled += u32::from(units > 0.0);
    }
    if filled < 2 {
        let what = "a comparison of shares needs two arms with a unit";
        return Err(StatsError::Inconsistent { what });
    }
    if befell == 0.0 || spared == 0.0 {
        return Err(StatsError::NoVariation { name: "what is counted" });
    }
    let all = befell + spared;
    let (mut chi_squared, mut least_expected) = (0.0, f64::INFINITY);
    for (yes, no) in arms.iter().filter(|(yes, no)| *yes > 0 || *no > 0) {
        let units = *yes as f64 + *no as f64;
        for (count, of_all) in [(*yes as f64, befell), (*no as f64, spared)] {
            let expected = units * (of_all / all);
            chi_squared += (count - expected) * (count - expected) / expected;
            least_expected = least_expected.min(expected);
        }
    }
    let degrees_of_freedom = filled - 1;
    let p_value = chi_squared_upper(chi_squared, f64::from(degrees_of_freedom));
    Ok(Homogeneity { chi_squared, degrees_of_freedom, p_value, least_expected })
}
