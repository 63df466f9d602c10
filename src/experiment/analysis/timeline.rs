//! What was known when: the effect so far, and a sequence that is valid at all moments together.
//!
//! A unit comes into a sequence once, when its value is final. So each counts with what it met in its
//! first periods, a quarter of the experiment's; units come in as these are over, in the order in
//! which they were first seen.

use super::compare::Rules;
use super::effect::estimate;
use super::report::{Moment, Range};
use super::sample::{Compared, Sample, Span, Studied, bounds};
use crate::experiment::Scale;
use crate::stats::{
    Alternative, ArmSequence, AsymptoticSequence, BoundedSequence, Contrast, LEAST_UNITS, Moments,
};

/// Units at which sequences are about narrowest. Any number will do that is fixed beforehand.
const INTENDED_UNITS: f64 = 1_000.0;

pub(super) fn over_time(
    studied: &Studied<'_>,
    of: Compared<'_>,
    arm: u8,
    rules: &Rules,
) -> Vec<Moment> {
    let calendar = &studied.units.calendar;
    let passed = calendar.period(studied.look.until) + 1;
    let periods = passed.min(studied.look.periods);
    (1..=periods)
        .filter_map(|passed| {
            let [control, treated] = both(studied, of, arm, Span::Until(passed));
            let found = estimate(&control.values, &treated.values, rules.level).ok()?;
            Some(Moment {
                time: calendar.after(passed).min(studied.look.until),
                units: found.units,
                estimate: found.estimate,
                interval: found.interval,
                sequence: sequence(studied, of, arm, passed, rules),
            })
        })
        .collect()
}

fn both(studied: &Studied<'_>, of: Compared<'_>, arm: u8, span: Span) -> [Sample; 2] {
    [studied.sample(of, 0, arm, span), studied.sample(of, arm, 0, span)]
}

fn sequence(
    studied: &Studied<'_>,
    of: Compared<'_>,
    arm: u8,
    passed: u16,
    rules: &Rules,
) -> Option<Range> {
    let periods = (studied.units.calendar.periods() / 4).max(1);
    let [control, treated] = both(studied, of, arm, Span::First { periods, passed });
    let moments = |sample: &Sample| Moments::of(sample.values.iter().copied()).ok();
    let (control, treated) = (moments(&control)?, moments(&treated)?);
    let many = control.count().min(treated.count()) >= LEAST_UNITS;
    // Of raw totals such sequences miss far too often.
    let tame = of.metric.scale == Scale::Log || bounds(of.metric).is_some();
    if many && tame && of.metric.is_outcome() {
        // Outcomes are known late, in an order of their own.
        let sequence = ArmSequence::tuned_for(INTENDED_UNITS / 2.0, rules.alpha).ok()?;
        return Some(sequence.difference(&control, &treated).ok()?.into());
    }
    if many && tame {
        let two_sided = Alternative::TwoSided;
        let sequence =
            AsymptoticSequence::tuned_for(INTENDED_UNITS, two_sided, rules.alpha).ok()?;
        let contrast = Contrast::between(&control, &treated).ok()?;
        return Some(sequence.at(&contrast).ok()?.interval.into());
    }
    if control.count().min(treated.count()) == 0 {
        return None;
    }
    let (low, high) = bounds(of.metric)?;
    let sequence = BoundedSequence::new(low, high, rules.alpha).ok()?;
    Some(sequence.difference(&control, &treated).ok()?.into())
}
