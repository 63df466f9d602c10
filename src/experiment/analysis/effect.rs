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

/// With so many draws for each that a p-value at the level needs, what is at the level is found.
const DRAWS_AT_LEVEL: f64 = 4.0;

/// What the randomization test of an experiment draws at a look of this level: fixed by its name and
/// salt, before there is anything to see. Where p-values are adjusted for as many as could decide, the
/// least of them has to be so much smaller.
pub(super) fn assignments(experiment: &Experiment, level: Level) -> Assignments {
    let mut hasher = blake3::Hasher::new_derive_key("guilloche 2026 randomization of experiments");
    for name in [&experiment.name, &experiment.salt] {
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
    }
    let seeded = Assignments::seeded(*hasher.finalize().as_bytes());
    let together = [true, false].map(|decides| experiment.adjusted_together(decides));
    let together = together.into_iter().fold(1, u32::max);
    let needed = (DRAWS_AT_LEVEL * f64::from(together) / level.alpha()).ceil();
    let draws = seeded.draws.max(needed.min(f64::from(Experiment::MOST_DRAWS)) as u32);
    Assignments { draws, ..seeded }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::stats::Looks;

    // Break it: draw as many for each level, and with 252 looks or more none but the last finds anything.
    #[test]
    fn p_values_can_be_as_small_as_every_look_needs_them_to_be() {
        for (looks, more_arms) in [(1, 0), (4, 0), (252, 0), (1000, 0), (4, 14), (252, 5)] {
            let arm = |arm| format!("[[arm]]\nname='a{arm}'\npolicy='p'\n");
            let arms: String = (0..=more_arms).map(arm).collect();
            let text = format!(
                "version=1\nname='e'\nsalt='s'\nstart=2026-12-01\nend=2026-12-29\nlooks={looks}\n\
                 [[arm]]\nname='c'\npolicy='p'\ncontrol=true\n{arms}\
                 [[metric]]\nname='requests'\nrole='success'\nbetter='lower'\ncap=9\n"
            );
            let policy = "version=1\nname='p'\nmode='observe'\n[[grade]]\nname='g'\nat=0.5\n";
            let experiment = Experiment::parse("e", &text, |_| Policy::parse("p", policy)).unwrap();
            let planned = Looks::planned(looks, Level::new(0.05).unwrap()).unwrap();
            for look in [1, looks] {
                let level = planned.level_at(look).unwrap();
                let draws = assignments(&experiment, level).draws;
                assert!(draws >= 9_999);
                let least = f64::from(1 + more_arms) / f64::from(draws + 1);
                assert!(least <= level.alpha(), "{looks} {look} {more_arms}: {draws}");
            }
        }
    }
}
