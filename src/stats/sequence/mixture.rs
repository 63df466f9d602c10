//! Robbins' normal mixture (1970), as Howard, Ramdas, McAuliffe and Sekhon write it (2021, section
//! 3.2): for a process `S` with `exp(λS − λ²V/2)` a supermartingale for every λ, the mean of these
//! over a normal law of λ (half of one, for one side) with precision ρ exceeds 1/α ever with at most
//! α.

use crate::stats::law::{ln_normal_lower, root};
use crate::stats::level::Level;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct NormalMixture {
    precision: f64,
    one_sided: bool,
}

impl NormalMixture {
    /// Nearly narrowest at intrinsic time `v`: `ρ = v / (2 ln 1/α + ln(1 + 2 ln 1/α))`, with 2α in
    /// place of α for one side.
    pub(super) fn tuned(v: f64, level: Level, one_sided: bool) -> Self {
        let alpha = if one_sided { 2.0 * level.alpha() } else { level.alpha() };
        let twice = -2.0 * alpha.ln();
        Self { precision: v / (twice + twice.ln_1p()), one_sided }
    }

    /// The logarithm of the mixture: of evidence against the null hypothesis.
    pub(super) fn ln_evidence(&self, s: f64, v: f64) -> f64 {
        let whole = v + self.precision;
        let two_sided = 0.5 * (self.precision / whole).ln() + s * s / (2.0 * whole);
        if self.one_sided {
            two_sided + std::f64::consts::LN_2 + ln_normal_lower(s / whole.sqrt())
        } else {
            two_sided
        }
    }

    /// What `S` (or its size, for two sides) exceeds ever with at most α.
    pub(super) fn boundary(&self, v: f64, level: Level) -> f64 {
        let whole = v + self.precision;
        let target = -level.alpha().ln();
        // That of two sides; for one side a bound from above, since half of λ's law is at most all.
        let two_sided = (2.0 * whole * (target + 0.5 * (whole / self.precision).ln())).sqrt();
        if self.one_sided {
            root(0.0, two_sided, |s| self.ln_evidence(s, v) - target)
        } else {
            two_sided
        }
    }
}
