//! One metric, in one arm beside the control.

use super::checks::missing_unevenly;
use super::effect::{effect, estimate};
use super::guard::{guardrail, hides};
use super::report::{
    Comparison, Estimate, GuardrailState, Range, SecondaryRatio, Side, TrueDifference,
};
use super::sample::{Compared, Sample, Studied, bounds};
use super::timeline::over_time;
use crate::experiment::{Metric, Role};
use crate::stats::{
    Assignments, BoundedSequence, Cuped, Interval, Level, Moments, PairedMoments,
    SecondaryRatio as RatioOfSums, StatsError,
};

/// By what every comparison of a look is judged.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) assignments: Assignments,
    /// Of this look.
    pub(super) level: Level,
    /// Of the experiment.
    pub(super) alpha: Level,
}

pub(super) fn compare(
    studied: &Studied<'_>,
    of: Compared<'_>,
    (arm, name): (u8, &str),
    rules: &Rules,
) -> Comparison {
    let Compared { metric, .. } = of;
    let control = studied.sample(of, 0, arm);
    let treated = studied.sample(of, arm, 0);
    let (control_side, treated_side) = (side(&control), side(&treated));
    let mut comparison = Comparison {
        metric: metric.name.clone(),
        role: metric.role,
        decides: metric.decides,
        better: metric.better,
        scale: metric.scale,
        arm: name.to_owned(),
        control: control_side,
        treated: treated_side,
        missing_unevenly: missing_unevenly(control_side, treated_side),
        unavailable: None,
        effect: None,
        welch: None,
        guardrail: None,
        secondary_ratio: None,
        adjusted: None,
        true_difference: None,
        without_contaminated: None,
        over_time: Vec::new(),
    };
    if let Err(error) = fill(&mut comparison, &control, &treated, metric, rules) {
        comparison.unavailable = Some(error.to_string());
        return comparison;
    }
    comparison.over_time = over_time(studied, of, arm, rules).unwrap_or_default();
    comparison
}

fn side(sample: &Sample) -> Side {
    let mean = Moments::of(sample.values.iter().copied()).map_or(0.0, |moments| moments.mean());
    let Sample { without, below_one, .. } = *sample;
    Side { units: sample.values.len() as u64, without, below_one, mean }
}

fn fill(
    comparison: &mut Comparison,
    control: &Sample,
    treated: &Sample,
    metric: &Metric,
    rules: &Rules,
) -> Result<(), StatsError> {
    let Rules { assignments, level, .. } = rules;
    let found = effect(&control.values, &treated.values, metric, assignments, *level)?;
    comparison.effect = Some(found);
    if let (Role::Guardrail, Some(margin)) = (metric.role, metric.margin) {
        let values = [&control.values, &treated.values];
        let [control, treated] = values;
        let mut found = guardrail(control, treated, metric, margin, assignments, *level)?;
        if comparison.missing_unevenly || hides(found.state, comparison) {
            found.state = GuardrailState::NotShown;
        }
        comparison.guardrail = Some(found);
    }
    // What stands beside is left out where there is too little for it.
    comparison.welch = welch(&control.values, &treated.values, *level).ok();
    comparison.secondary_ratio = secondary(control, treated, *level);
    comparison.adjusted = adjusted(control, treated, *level);
    comparison.true_difference = true_difference(control, treated, metric, found.interval, *level);
    if [control, treated].iter().any(|sample| sample.clean.contains(&false)) {
        comparison.without_contaminated =
            welch(&control.clean_values(), &treated.clean_values(), *level).ok();
    }
    Ok(())
}

fn welch(control: &[f64], treated: &[f64], level: Level) -> Result<Estimate, StatsError> {
    let moments = |values: &[f64]| Moments::of(values.iter().copied());
    estimate(&moments(control)?, &moments(treated)?, level)
}

fn secondary(control: &Sample, treated: &Sample, level: Level) -> Option<SecondaryRatio> {
    let pairs = |sample: &Sample| PairedMoments::of(sample.ratios.iter().copied());
    let found = RatioOfSums::of(&pairs(control).ok()?, &pairs(treated).ok()?, level).ok()?;
    let RatioOfSums { control, treated, rough_interval, .. } = found;
    Some(SecondaryRatio { control, treated, rough_interval: rough_interval.into() })
}

/// With what the time before explains taken out. A unit of which nothing is known of that time stays
/// as it is: that it was not there is older than its arm.
fn adjusted(control: &Sample, treated: &Sample, level: Level) -> Option<Estimate> {
    let pairs = |sample: &Sample| -> Vec<(f64, f64)> {
        let both = sample.values.iter().zip(&sample.before);
        both.filter_map(|(value, before)| Some((*value, (*before)?))).collect()
    };
    let known: Vec<(f64, f64)> = [control, treated].into_iter().flat_map(pairs).collect();
    let cuped = Cuped::blind(&PairedMoments::of(known).ok()?).ok()?;
    let moments = |sample: &Sample| {
        let both = sample.values.iter().zip(&sample.before);
        Moments::of(both.map(|(value, before)| match before {
            Some(before) => cuped.adjust(*value, *before),
            None => *value,
        }))
    };
    estimate(&moments(control).ok()?, &moments(treated).ok()?, level).ok()
}

fn true_difference(
    control: &Sample,
    treated: &Sample,
    metric: &Metric,
    labelled: Range,
    level: Level,
) -> Option<TrueDifference> {
    let label = metric.label?;
    let labelled = Interval {
        low: labelled.low.unwrap_or(f64::NEG_INFINITY),
        high: labelled.high.unwrap_or(f64::INFINITY),
    };
    let (low, high) = bounds(metric)?;
    let each = BoundedSequence::new(low, high, level.shared_among(2)).ok()?;
    let rates = |sample: &Sample| {
        let moments = Moments::of(sample.values.iter().copied()).ok()?;
        label.true_rates(each.mean(&moments).ok()?).ok()
    };
    Some(TrueDifference {
        if_alike: label.true_differences(labelled).ok()?.into(),
        if_not: Interval::difference(&rates(control)?, &rates(treated)?).into(),
    })
}
