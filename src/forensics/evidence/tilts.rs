//! Chernoff's bound for many scores over the same signs: its cumulants worked out once.

use super::chernoff::ln_cosh;
use super::tail::LnP;
use super::test::ln_hoeffding;

/// Neighbouring tilts differ by so much; between them a bound at 10 deviations loses 1 %.
const STEP: f64 = 1.03;
/// From the best tilt for 0.3 deviations to that for 100.
const RANGE: (f64, f64) = (0.3, 100.0);

/// `ln` of the moment-generating function of several sums of fair signs, at the same tilts.
///
/// A bound holds at every tilt, so the least over a list of them is a bound; and the cumulants of
/// independent sums add, so that any combination of these sums has its bound from the same list.
#[derive(Clone, Debug)]
pub struct Tilts<const SUMS: usize> {
    variances: [f64; SUMS],
    cumulants: Vec<(f64, [f64; SUMS])>,
}

impl<const SUMS: usize> Tilts<SUMS> {
    /// For these weights, of sums that will be added up at most `most` times.
    #[must_use]
    pub fn new(sums: [&[i32]; SUMS], most: u32) -> Self {
        let variance = |weights: &[i32]| {
            weights.iter().map(|weight| f64::from(*weight) * f64::from(*weight)).sum::<f64>()
        };
        let variances = sums.map(variance);
        let sums = sums.map(|weights| {
            weights.iter().filter(|weight| **weight != 0).map(|weight| f64::from(*weight)).collect()
        });
        let positive = || variances.iter().filter(|variance| **variance > 0.0);
        let least = positive().copied().fold(f64::INFINITY, f64::min);
        let greatest = variances.iter().sum::<f64>() * f64::from(most.max(1));
        let mut cumulants = Vec::new();
        if greatest > 0.0 {
            let mut tilt = RANGE.0 / greatest.sqrt();
            while tilt < RANGE.1 / least.sqrt() {
                let at = |weights: &Vec<f64>| {
                    weights.iter().map(|weight| ln_cosh(tilt * weight)).sum::<f64>()
                };
                cumulants.push((tilt, sums.each_ref().map(at)));
                tilt *= STEP;
            }
        }
        Self { variances, cumulants }
    }

    /// A bound of `P(T >= total)` for `T` the sum of `copies` independent sums of each kind.
    #[must_use]
    pub fn ln_p(&self, total: f64, copies: [u32; SUMS]) -> LnP {
        let variance = self.variance(copies);
        if total <= 0.0 {
            return 0.0;
        }
        let bounds = self.cumulants.iter().map(|(tilt, cumulants)| {
            let cumulant: f64 = cumulants
                .iter()
                .zip(copies)
                .map(|(cumulant, copies)| cumulant * f64::from(copies))
                .sum();
            cumulant - tilt * total
        });
        bounds.fold(ln_hoeffding(total, variance), f64::min)
    }

    /// The total from which on the bound is below a level.
    #[must_use]
    pub fn needed(&self, level: f64, copies: [u32; SUMS]) -> f64 {
        let by_hand = (-2.0 * level.ln() * self.variance(copies)).sqrt();
        let needed = self.cumulants.iter().map(|(tilt, cumulants)| {
            let pairs = cumulants.iter().zip(copies);
            let cumulant: f64 = pairs.map(|(cumulant, copies)| cumulant * f64::from(copies)).sum();
            (cumulant - level.ln()) / tilt
        });
        needed.fold(by_hand, f64::min)
    }

    /// The variance of such a sum.
    #[must_use]
    pub fn variance(&self, copies: [u32; SUMS]) -> f64 {
        self.variances
            .iter()
            .zip(copies)
            .map(|(variance, copies)| variance * f64::from(copies))
            .sum()
    }
}
