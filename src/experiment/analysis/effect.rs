//! The effect of an arm, by the randomization test, and by Welch's where there are very many units.

use super::report::{Effect, Estimate, Finding, Method, Range};
use crate::experiment::{Experiment, Metric, Role, Scale};
use crate::stats::{
    Alternative, Assignments, Contrast, Level, Moments, StatsError, randomization_interval,
    randomization_test,
};

/// With more units than this in both arms, Welch's test decides: it errs as often as the
/// randomization test then, which takes minutes.
const MOST_RANDOMIZED: usize = 20_000;

/// With more units than this the interval is Welch's: that of the randomization test is some eighty
/// tests.
const MOST_WITH_INTERVAL: usize = 400;

/// Draws for each of these.
const DRAWS_OF_INTERVAL: u32 = 1_999;

/// What the randomization test of an experiment draws: fixed by its name and salt, before there is
/// anything to see.
pub(super) fn assignments(experiment: &Experiment) -> Assignments {
    let mut hasher = blake3::Hasher::new_derive_key("guilloche 2026 randomization of experiments");
    for name in [&experiment.name, &experiment.salt] {
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
    }
    Assignments::seeded(*hasher.finalize().as_bytes())
}

/// Whether so many units are compared by the randomization test.
pub(super) fn is_randomized(control: &[f64], treated: &[f64]) -> bool {
    control.len() + treated.len() <= MOST_RANDOMIZED
}

/// Whether all units of both arms have one value, so that there is nothing to tell apart.
pub(super) fn all_alike(control: &[f64], treated: &[f64]) -> bool {
    let mut values = control.iter().chain(treated);
    values.next().is_some_and(|first| values.all(|value| value == first))
}

/// The effect; what is found is said when all comparisons are known.
pub(super) fn effect(
    control: &[f64],
    treated: &[f64],
    metric: &Metric,
    assignments: &Assignments,
    level: Level,
) -> Result<Effect, StatsError> {
    let moments = [Moments::of(control.iter().copied())?, Moments::of(treated.iter().copied())?];
    let [control_moments, treated_moments] = &moments;
    let smaller = control_moments.count().min(treated_moments.count());
    if smaller < 2 {
        let method = "a comparison";
        return Err(StatsError::TooFewUnits { method, needed: 2, found: smaller });
    }
    let estimate = treated_moments.mean() - control_moments.mean();
    let mut effect = Effect {
        estimate,
        interval: Range { low: Some(0.0), high: Some(0.0) },
        interval_by: Method::Randomization,
        relative: None,
        relative_interval: None,
        p: 1.0,
        p_adjusted: 1.0,
        least_attainable: 0.0,
        p_by: Method::Randomization,
        assignments: 0,
        exact: false,
        finding: Finding::NotShown,
    };
    if !all_alike(control, treated) {
        // Whether a guardrail holds is tested by itself; of its size a description is enough.
        let decides = metric.role == Role::Success;
        test(&mut effect, control, treated, assignments, level, decides)?;
    }
    effect.p_adjusted = effect.p;
    let relative = |difference: f64| match metric.scale {
        Scale::Log => difference.exp_m1(),
        Scale::Linear => difference / control_moments.mean(),
    };
    if metric.scale == Scale::Log || control_moments.mean() > 0.0 {
        effect.relative = Some(relative(estimate));
        effect.relative_interval = Some(effect.interval.map(relative));
    }
    Ok(effect)
}

fn test(
    effect: &mut Effect,
    control: &[f64],
    treated: &[f64],
    assignments: &Assignments,
    level: Level,
    decides: bool,
) -> Result<(), StatsError> {
    let two_sided = Alternative::TwoSided;
    let welch = || {
        let moments = |values: &[f64]| Moments::of(values.iter().copied());
        Ok(Contrast::between(&moments(control)?, &moments(treated)?)?.welch(two_sided, level))
    };
    if decides && is_randomized(control, treated) {
        let found = randomization_test(control, treated, two_sided, assignments)?;
        effect.p = found.p_value;
        effect.least_attainable = found.least_attainable;
        (effect.assignments, effect.exact) = (found.assignments, found.exact);
    } else {
        effect.p_by = Method::Welch;
        effect.least_attainable = 0.0;
        effect.p = welch()?.p_value;
    }
    if decides && control.len() + treated.len() <= MOST_WITH_INTERVAL {
        // Enough draws that the level can be reached.
        let draws = DRAWS_OF_INTERVAL.max((2.0 / level.alpha()).min(1e6) as u32);
        let fewer = Assignments { draws, enumerate_at_most: draws, ..*assignments };
        effect.interval =
            randomization_interval(control, treated, two_sided, &fewer, level)?.into();
    } else {
        effect.interval_by = Method::Welch;
        effect.interval = welch()?.interval.into();
    }
    Ok(())
}

/// An effect by Welch's test alone.
pub(super) fn estimate(
    control: &Moments,
    treated: &Moments,
    level: Level,
) -> Result<Estimate, StatsError> {
    let contrast = Contrast::between(control, treated)?;
    let welch = contrast.welch(Alternative::TwoSided, level);
    Ok(Estimate {
        units: contrast.units(),
        estimate: welch.estimate,
        interval: welch.interval.into(),
        p: welch.p_value,
    })
}
