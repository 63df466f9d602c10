//! The analyses that are compared: those that decide, and those that other platforms would run.

use guilloche::stats::{
    Alternative, Assignments, Contrast, Level, Moments, PairedMoments, SecondaryRatio,
    randomization_test,
};

pub(crate) fn level() -> Level {
    Level::new(0.05).unwrap()
}

fn rejects(p: f64) -> bool {
    p <= 0.05
}

pub(crate) fn moments(values: &[f64]) -> Moments {
    Moments::of(values.iter().copied()).unwrap()
}

pub(crate) fn welch(control: &[f64], treated: &[f64]) -> Option<bool> {
    let contrast = Contrast::between(&moments(control), &moments(treated)).ok()?;
    Some(rejects(contrast.welch(Alternative::TwoSided, level()).p_value))
}

/// Whether Welch's interval covers the difference.
pub(crate) fn covers(control: &[f64], treated: &[f64], difference: f64) -> Option<bool> {
    let contrast = Contrast::between(&moments(control), &moments(treated)).ok()?;
    Some(contrast.welch(Alternative::TwoSided, level()).interval.contains(difference))
}

/// Up to 5,000 assignments exactly, else 999 draws: a study has many tests to run.
pub(crate) fn drawn(seed: [u8; 32]) -> Assignments {
    Assignments { enumerate_at_most: 5_000, draws: 999, seed }
}

pub(crate) fn randomization(control: &[f64], treated: &[f64], seed: [u8; 32]) -> Option<bool> {
    let found = randomization_test(control, treated, Alternative::TwoSided, &drawn(seed)).ok()?;
    Some(rejects(found.p_value))
}

/// Every account as if it had been assigned by itself.
pub(crate) fn account_t(control: &[Vec<f64>], treated: &[Vec<f64>]) -> Option<bool> {
    welch(&control.concat(), &treated.concat())
}

/// Sum over accounts by number of accounts, whose interval leaves zero out.
pub(crate) fn delta(control: &[Vec<f64>], treated: &[Vec<f64>]) -> Option<bool> {
    let arm = |units: &[Vec<f64>]| {
        let pairs = units.iter().map(|unit| (unit.iter().sum(), unit.len() as f64));
        PairedMoments::of(pairs).unwrap()
    };
    let ratio = SecondaryRatio::of(&arm(control), &arm(treated), level()).ok()?;
    Some(!ratio.rough_interval.contains(0.0))
}
