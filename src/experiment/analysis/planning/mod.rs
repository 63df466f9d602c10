//! What an experiment can show before it is run: power, duration and the least effect that is found,
//! by metric and arm, from what units did in the time before.
//!
//! Shares and times of a unit are known the better the longer it is watched, so their variance has a
//! part between units and a part that shrinks with days. Totals grow with time; theirs is that of the
//! time before, which should be about as long as the experiment.

mod baseline;
mod record;

use jiff::Timestamp;
use serde::Serialize;

use self::baseline::Baseline;
use super::Units;
use super::guard::margin_on_scale;
use crate::audit::Population;
use crate::experiment::{Better, Experiment, Metric, Role, Scale};
use crate::stats::{Alternative, Arrivals, Design, Level, Looks, StatsError, units_needed};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// What is asked of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// With what chance an effect is to be found, above α and below 1.
    pub power: f64,
    /// How large an effect, as a share of the control arm's mean, above 0 and below 1.
    pub effect: f64,
}

/// What an experiment can show. Its JSON form is that of its fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// The experiment's name.
    pub experiment: String,
    /// How many days it is to take.
    pub days: u32,
    /// With what chance effects are to be found.
    pub power: f64,
    /// The level of the last look, which has half of α where there are several.
    pub level: f64,
    /// Who was there in the time before.
    pub populations: Vec<PopulationBefore>,
    /// What can be shown, metric by metric and arm by arm.
    pub metrics: Vec<MetricPlan>,
}

/// Who was there in the time before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PopulationBefore {
    /// Who.
    pub population: Population,
    /// Units.
    pub units: u64,
    /// Of them, on the first day.
    pub on_first_day: u64,
    /// Days from the first to the last.
    pub days: u32,
}

/// What can be shown of one metric in one arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MetricPlan {
    /// The metric.
    pub metric: String,
    /// What it is for.
    pub role: Role,
    /// Over whom.
    pub population: Population,
    /// Whether it decides.
    pub decides: bool,
    /// On what scale units are averaged.
    pub scale: Scale,
    /// The arm.
    pub arm: String,
    /// The level of the last look for this comparison alone: its share where several could decide.
    pub level: f64,
    /// Units of the time before that have a value.
    pub units: u64,
    /// Their mean, on the scale.
    pub mean: f64,
    /// Their deviation, on the scale.
    pub deviation: f64,
    /// What is looked for, as a share: the effect that is wanted, or the guardrail's margin.
    pub share: f64,
    /// Why there is no answer, where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    /// What the planned time shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<Planned>,
    /// Days until the effect is found, or the guardrail is shown to hold where there is no harm, with
    /// the power that is wanted; absent if ten years are not enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_needed: Option<u32>,
    /// Units of both arms for the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units_needed: Option<u64>,
}

/// What the planned time shows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Planned {
    /// Units of the control arm at the end.
    pub control_units: u64,
    /// Units of the arm.
    pub treated_units: u64,
    /// The chance that the effect is found, or that the guardrail is shown to hold.
    pub power: f64,
    /// The least effect that is found with the power that is wanted, as a share of the mean; of a
    /// guardrail, the least margin.
    pub least_effect: f64,
    /// The least p-value that so many units can give.
    pub least_attainable_p: f64,
}

/// Works out what an experiment can show, from its units in the time before.
///
/// # Errors
/// A power or an effect that is out of range; of an experiment that was compiled, nothing else.
pub fn plan(experiment: &Experiment, before: &Units, wanted: Wanted) -> Result<Plan, StatsError> {
    let alpha = Level::new(experiment.alpha)?;
    let looks = experiment.looks.max(1);
    let level = Looks::planned(looks, alpha)?.level_at(looks)?;
    if !(wanted.effect > 0.0 && wanted.effect < 1.0) {
        let (name, range) = ("the effect", "a share above 0 and below 1");
        return Err(StatsError::OutOfRange { name, range, value: wanted.effect });
    }
    // Asked once of numbers that have an answer, so that a wrong wish is told as one.
    units_needed(wanted.effect, 1.0, 0.5, wanted.power, Alternative::TwoSided, level)?;
    let seconds = |time: Timestamp| time.as_second();
    let days = (seconds(experiment.end) - seconds(experiment.start) + DAY - 1).div_euclid(DAY);
    let mut plan = Plan {
        experiment: experiment.name.clone(),
        days: u32::try_from(days).unwrap_or(u32::MAX).max(1),
        power: wanted.power,
        level: level.alpha(),
        populations: Vec::new(),
        metrics: Vec::new(),
    };
    for population in [Population::Harvesters, Population::Legitimate] {
        let baseline = Baseline::of(before, population);
        plan.populations.push(baseline.told);
        for (number, metric) in (0_u16..).zip(&experiment.metrics) {
            if metric.population != population {
                continue;
            }
            for arm in experiment.arms.iter().skip(1).filter(|arm| !arm.closed) {
                let share = metric.margin.unwrap_or(wanted.effect);
                let level = of_one(level, metric, experiment);
                let mut of_metric = MetricPlan {
                    metric: metric.name.clone(),
                    role: metric.role,
                    population,
                    decides: metric.decides,
                    scale: metric.scale,
                    arm: arm.name.to_string(),
                    level: level.alpha(),
                    units: 0,
                    mean: 0.0,
                    deviation: 0.0,
                    share,
                    unavailable: None,
                    planned: None,
                    days_needed: None,
                    units_needed: None,
                };
                let weight = f64::from(arm.weight);
                let filled = fill(
                    &mut of_metric,
                    experiment,
                    (number, metric),
                    &baseline,
                    (plan.days, wanted.power, level, weight),
                );
                if let Err(error) = filled {
                    of_metric.unavailable = Some(error.to_string());
                }
                plan.metrics.push(of_metric);
            }
        }
    }
    Ok(plan)
}

/// What one comparison has of a look's level: by Holm's method the least p-value of several has to be as
/// small as if the level were shared among all.
fn of_one(level: Level, metric: &Metric, experiment: &Experiment) -> Level {
    match metric.role {
        Role::Success => level.shared_among(experiment.adjusted_together(metric.decides)),
        Role::Guardrail => level,
    }
}

fn fill(
    plan: &mut MetricPlan,
    experiment: &Experiment,
    (number, metric): (u16, &Metric),
    baseline: &Baseline<'_>,
    (days, power, level, weight): (u32, f64, Level, f64),
) -> Result<(), StatsError> {
    let spread = baseline.spread(number, metric)?;
    (plan.units, plan.mean, plan.deviation) = (spread.units, spread.mean, spread.variance.sqrt());
    let open = experiment.arms.iter().filter(|arm| !arm.closed);
    let all: f64 = open.map(|arm| f64::from(arm.weight)).sum();
    let control = experiment.control().map_or(1.0, |arm| f64::from(arm.weight));
    // Of all units, those of these two arms.
    let taken = experiment.share * (1.0 - experiment.holdout) * (control + weight) / all;
    let told = baseline.told;
    let later = told.units.saturating_sub(told.on_first_day) as f64;
    let treated_share = weight / (control + weight);
    let arrivals = Arrivals {
        first_day: told.on_first_day as f64 * taken,
        per_day: later / f64::from(told.days.saturating_sub(1).max(1)) * taken,
        treated_share,
        variance_between: spread.between,
        variance_per_day: spread.per_day,
    };
    let design = arrivals.after(days)?;
    let (shift, alternative) = match metric.role {
        Role::Success => (shift(metric, plan.share, spread.mean), Alternative::TwoSided),
        // Shown to hold if there is no harm: the margin is the shift that is to be excluded.
        Role::Guardrail => (margin_on_scale(metric, plan.share, spread.mean), Alternative::Greater),
    };
    let least = design.least_detectable_effect(power, alternative, level)?;
    plan.planned = Some(Planned {
        control_units: design.control_units,
        treated_units: design.treated_units,
        power: design.power(shift, alternative, level)?,
        least_effect: match metric.scale {
            Scale::Log => share_of_log(metric, least),
            Scale::Linear if spread.mean > 0.0 => least / spread.mean,
            Scale::Linear => least,
        },
        least_attainable_p: least_attainable(&design, alternative),
    });
    plan.days_needed = arrivals.days_needed(shift, power, alternative, level).ok();
    let deviation = design.control_deviation;
    plan.units_needed =
        units_needed(shift, deviation, treated_share, power, alternative, level).ok();
    Ok(())
}

/// An effect of such a share, on the metric's scale; its sign does not matter.
fn shift(metric: &Metric, share: f64, mean: f64) -> f64 {
    match (metric.scale, metric.better) {
        (Scale::Linear, _) => share * mean,
        (Scale::Log, Better::Higher) => share.ln_1p(),
        (Scale::Log, Better::Lower) => -(-share).ln_1p(),
    }
}

/// The share that a difference of logarithms is.
fn share_of_log(metric: &Metric, difference: f64) -> f64 {
    let lower = (metric.better == Better::Lower) == (metric.role == Role::Success);
    if lower { -(-difference).exp_m1() } else { difference.exp_m1() }
}

/// One assignment of all, or of a pair of mirrored ones.
fn least_attainable(design: &Design, alternative: Alternative) -> f64 {
    let (few, many) = (
        design.control_units.min(design.treated_units),
        design.control_units.max(design.treated_units),
    );
    let mut ways = 1.0_f64;
    for chosen in 1..=few.min(60) {
        ways *= (many + few - chosen + 1) as f64 / chosen as f64;
    }
    let mirrored = few == many && alternative == Alternative::TwoSided;
    (if mirrored { 2.0 } else { 1.0 } / ways).min(1.0)
}
