//! What was known when: the effect so far, and a sequence that is valid at all moments together.
//!
//! A unit comes into a sequence once, when its value is final. So each counts with what it met in its
//! first periods, a quarter of the experiment's; units come in as these are over, in the order in
//! which they were first seen.

use super::compare::Rules;
use super::effect::estimate;
use super::report::{Moment, Range};
use super::sample::{Compared, Studied, bounds, scaled};
use crate::audit::UnitSums;
use crate::experiment::Scale;
use crate::stats::{
    Alternative, ArmSequence, AsymptoticSequence, BoundedSequence, Contrast, Moments, StatsError,
};

/// Units at which sequences are about narrowest. Any number will do that is fixed beforehand.
const INTENDED_UNITS: f64 = 1_000.0;

pub(super) fn over_time(
    studied: &Studied<'_>,
    of: Compared<'_>,
    arm: u8,
    rules: &Rules,
) -> Result<Vec<Moment>, StatsError> {
    let calendar = studied.units.calendar();
    let passed = calendar.period(studied.look.until) + 1;
    let periods = passed.min(studied.look.periods);
    let control = Progress::of(studied, of, (0, arm), periods)?;
    let treated = Progress::of(studied, of, (arm, 0), periods)?;
    let moments = (1..=periods).zip(control.0.iter().zip(&treated.0));
    Ok(moments
        .filter_map(|(passed, (control, treated))| {
            let found = estimate(&control.so_far, &treated.so_far, rules.level).ok()?;
            Some(Moment {
                time: calendar.after(passed).min(studied.look.until),
                units: found.units,
                estimate: found.estimate,
                interval: found.interval,
                sequence: sequence(of, &control.at_first, &treated.at_first, rules),
            })
        })
        .collect())
}

/// What is known of the units of an arm after each period.
struct Progress(Vec<After>);

#[derive(Clone, Default)]
struct After {
    /// Of every unit that has been seen, all that it met.
    so_far: Moments,
    /// Of every unit whose first periods are over, what it met in these.
    at_first: Moments,
}

impl Progress {
    /// One pass over what each unit met, since there may be a million units with thirty periods each.
    fn of(
        studied: &Studied<'_>,
        of: Compared<'_>,
        (arm, rival): (u8, u8),
        periods: u16,
    ) -> Result<Self, StatsError> {
        let Studied { units, .. } = studied;
        let metric = of.metric;
        let width = (units.calendar().periods() / 4).max(1);
        let mut after = vec![After::default(); usize::from(periods)];
        for (name, unit, seen) in studied.beside(arm, rival) {
            let over = seen.saturating_add(width);
            let (mut met, mut rows) = (UnitSums::default(), units.by_period(unit).peekable());
            for (passed, after) in (1..=periods).zip(&mut after).skip(usize::from(seen)) {
                let value = if metric.is_outcome() {
                    studied.outcome(of, name, 0..passed)
                } else {
                    while let Some((_, more)) = rows.next_if(|(period, _)| *period < passed) {
                        met += &more;
                    }
                    metric.value(&met)
                };
                if let Some(value) = value {
                    after.so_far.push(scaled(metric, value))?;
                }
            }
            if over > periods {
                continue;
            }
            let value = if metric.is_outcome() {
                studied.outcome(of, name, seen..over)
            } else {
                metric.value(&units.met(unit, seen..over))
            };
            let Some(value) = value else { continue };
            for after in after.iter_mut().skip(usize::from(over).saturating_sub(1)) {
                after.at_first.push(scaled(metric, value))?;
            }
        }
        Ok(Self(after))
    }
}

fn sequence(
    of: Compared<'_>,
    control: &Moments,
    treated: &Moments,
    rules: &Rules,
) -> Option<Range> {
    if let Some(found) = of_many(of, control, treated, rules) {
        return Some(found);
    }
    if control.count().min(treated.count()) == 0 {
        return None;
    }
    let (low, high) = bounds(of.metric)?;
    let sequence = BoundedSequence::new(low, high, rules.alpha).ok()?;
    Some(sequence.difference(control, treated).ok()?.into())
}

/// A sequence that goes by the variance of the units, where these are enough for their tails.
fn of_many(of: Compared<'_>, control: &Moments, treated: &Moments, rules: &Rules) -> Option<Range> {
    // Of raw totals the variance may be anything, whatever was seen of it.
    if of.metric.scale != Scale::Log && bounds(of.metric).is_none() {
        return None;
    }
    if of.metric.is_outcome() {
        // Outcomes are known late, in an order of their own.
        let sequence = ArmSequence::tuned_for(INTENDED_UNITS / 2.0, rules.alpha).ok()?;
        return Some(sequence.difference(control, treated).ok()?.into());
    }
    let two_sided = Alternative::TwoSided;
    let sequence = AsymptoticSequence::tuned_for(INTENDED_UNITS, two_sided, rules.alpha).ok()?;
    let contrast = Contrast::between(control, treated).ok()?;
    Some(sequence.at(&contrast).ok()?.interval.into())
}
