//! From what units met to a verdict: pure functions of what lines say, in any order.
//!
//! [`Units`] takes summaries, exposures and outcomes one by one, from any number of threads, in memory
//! that grows with the units alone. [`analyse`] makes the [`Report`] of them.
//!
//! - *Who is linked is one.* Units that have become parts of others while it ran count with those.
//! - *Intention to treat.* A unit counts in the arm in which it was first put, also if it is
//!   contaminated later; what is found without such units stands beside it.
//! - *Populations are never pooled.* Harvesters are few and unequal, legitimate callers many; who is
//!   which was settled when they were first seen.
//! - *Looks are planned.* A report is that of the last planned look, at its share of α
//!   ([`Looks`]). What came since is not looked at.
//! - *The randomization test decides*; Welch's, the ratio per request, and what the time before
//!   explains stand beside it. A guardrail must be shown to hold.
//!
//! The statistics are those of [`stats`](crate::stats), and the rule is in `verdict.rs`.

mod calendar;
mod checks;
mod compare;
mod effect;
mod guard;
mod history;
mod joined;
mod named;
mod outcome;
mod part;
pub mod planning;
mod report;
mod rows;
mod sample;
mod seen;
mod sums;
mod timeline;
mod units;
mod verdict;
pub(crate) mod words;

pub use calendar::{Calendar, Look};
pub use history::{History, RolledBack};
pub use outcome::{Outcome, Value, ValueError};
pub use report::{
    ArmUnits, ArmVerdict, Check, CheckState, Comparison, Data, Effect, Estimate, Finding,
    GuardrailReport, GuardrailState, Method, Moment, PopulationReport, Range, Ratio, Report,
    SecondaryRatio, Side, StageUnits, TrueDifference, Verdict,
};
pub use units::{Filling, Units};

pub(super) use guard::margin_on_scale;
pub(super) use sample::{bounds, scaled};

use jiff::Timestamp;

use self::compare::{Rules, compare};
use self::sample::{Compared, Studied};
use crate::audit::{ExperimentName, Population};
use crate::experiment::running::{Stage, Stages};
use crate::experiment::{Arm, Better, Experiment, UnitKind};
use crate::stats::{Level, Looks, StatsError, holm};

/// What readers of files know beside what stood in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Lines that the proxies had no room for.
    pub lost: u64,
    /// Lines that could not be read.
    pub lines: u64,
    /// Rows of outcome files that could not be read.
    pub rows: u64,
    /// Files that could not be read to their end.
    pub files: u64,
}

/// What is known beside the units.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// What the units met before the experiment.
    pub before: Option<&'a Units>,
    /// What could not be read.
    pub unread: Unread,
    /// The report is that of the last planned look before this moment. Without it, before the last that
    /// was seen of units: of more than one in a thousand, since a clock may be wrong.
    pub now: Option<Timestamp>,
    /// What was ordered meanwhile. Without it, units are taken to have come by the weights of the file.
    pub history: Option<&'a History>,
    /// Only units first seen from this moment on are compared: since weights were changed, say.
    pub since: Option<Timestamp>,
}

/// What an experiment shows at its last planned look.
///
/// # Errors
/// A level that the statistics refuse; none of an experiment that was compiled.
pub fn analyse(
    experiment: &Experiment,
    units: &Units,
    known: Known<'_>,
) -> Result<Report, StatsError> {
    let seen = units.seen_until().map(|seen| units.calendar().known_until(seen));
    let now = known.now.or(seen).unwrap_or(experiment.start);
    let look = units.calendar().look(now);
    let alpha = Level::new(experiment.alpha)?;
    let level = Looks::planned(look.planned, alpha)?.level_at(look.number.max(1))?;
    let joined = units.joined(look.periods);
    let (outcomes, outcomes_of_none) = units.outcomes_by_unit(&joined);
    let rules = Rules { assignments: effect::assignments(experiment, level), level, alpha };
    let mut report = Report {
        version: 1,
        experiment: ExperimentName { name: experiment.name.clone(), salt: experiment.salt.clone() },
        unit: match experiment.unit {
            UnitKind::Cluster => "cluster",
            UnitKind::Account => "account",
            UnitKind::Slot(_) => "slot",
        },
        control: experiment.control().map(|arm| arm.name.to_string()).unwrap_or_default(),
        start: experiment.start,
        end: experiment.end,
        look,
        alpha: experiment.alpha,
        level: level.alpha(),
        verdict: Verdict::Continue,
        reasons: Vec::new(),
        arms: Vec::new(),
        checks: Vec::new(),
        populations: Vec::new(),
        data: data(units, joined.parts(), known.unread, outcomes_of_none),
        rolled_back: known.history.map_or(Vec::new(), |it| it.rolled_back().cloned().collect()),
    };
    for population in [Population::Harvesters, Population::Legitimate] {
        let studied =
            Studied::new(experiment, (units, &joined), known, &outcomes, look, population);
        let stages = known.history.and_then(History::stages);
        report.populations.push(of_population(&studied, population, &rules, stages));
    }
    adjust(&mut report)?;
    report.checks =
        checks::checks(&report.populations, &report.data, experiment.looks, experiment.least_units);
    verdict::conclude(&mut report, experiment);
    Ok(report)
}

fn data(units: &Units, joined: u64, unread: Unread, outcomes_of_none: u64) -> Data {
    let seen = units.seen();
    Data {
        summaries: seen.summaries,
        exposures: seen.exposures,
        carried_out_otherwise: seen.carried_out_otherwise,
        joined,
        outcomes: seen.outcomes,
        outcomes_of_none,
        other_metrics: seen.other_metrics,
        of_others: seen.of_others,
        of_no_arm: seen.of_no_arm,
        lost: unread.lost,
        unread: unread.lines,
        unread_outcomes: unread.rows,
        cut: unread.files,
    }
}

fn of_population(
    studied: &Studied<'_>,
    population: Population,
    rules: &Rules,
    history: Option<Stages>,
) -> PopulationReport {
    let Experiment { arms, metrics, start, .. } = studied.experiment;
    let has_history = history.is_some();
    let mut stages = history.unwrap_or_else(|| {
        let mut stages = Stages::default();
        let weight = |arm: &Arm| if arm.closed { 0 } else { arm.weight };
        stages.begin(*start, arms.iter().map(weight).collect());
        stages
    });
    let mut report = PopulationReport {
        population,
        arms: Vec::new(),
        held_out: studied.of_arm(None).count() as u64,
        sample_ratio: None,
        stages: Vec::new(),
        comparisons: Vec::new(),
    };
    let periods = usize::from(studied.units.calendar().periods());
    for (number, arm) in (0_u8..).zip(arms) {
        let mut of = ArmUnits {
            arm: arm.name.to_string(),
            weight: arm.weight,
            closed: arm.closed,
            exposures: vec![0; periods],
            ..ArmUnits::default()
        };
        for (_, unit) in studied.of_arm(Some(number)) {
            of.units += 1;
            // Of closed arms it is not known how long they were open, unless somebody tells.
            if has_history || !arm.closed {
                stages.count(Some(usize::from(number)), unit.first_seen);
            }
            of.contaminated += u64::from(unit.is_contaminated(studied.look.periods));
            of.moved += u64::from(unit.has_moved(studied.look.periods));
            let mut exposed = 0;
            for (period, met) in studied.units.by_period(unit) {
                of.requests = of.requests.saturating_add(met.requests);
                exposed = met.exposed.max(exposed);
                if let Some(all) = of.exposures.get_mut(usize::from(period)) {
                    *all = all.saturating_add(met.exposed);
                }
            }
            of.exposed += u64::from(exposed > 0);
        }
        report.arms.push(of);
    }
    report.sample_ratio = stages.ratio().ok().map(|found| Ratio {
        chi_squared: found.chi_squared,
        p: found.p_value,
        anytime_p: found.anytime_p,
        least_expected: found.least_expected,
    });
    let counted = stages.compared().map(|Stage { since, weights, units }| StageUnits {
        since: *since,
        weights: weights.clone(),
        units: units.clone(),
    });
    report.stages = counted.collect();
    for (number, metric) in (0_u16..).zip(metrics) {
        if metric.population != population {
            continue;
        }
        for (arm, settings) in (0_u8..).zip(arms).skip(1) {
            let of = Compared { number, metric };
            report.comparisons.push(compare(studied, of, (arm, &settings.name), rules));
        }
    }
    report
}

/// Adjusts the p-values of comparisons of which one alone would decide, and says what is found.
fn adjust(report: &mut Report) -> Result<(), StatsError> {
    let level = report.level;
    for decides in [true, false] {
        let mut effects: Vec<(Better, bool, &mut Effect)> = report
            .populations
            .iter_mut()
            .flat_map(|population| &mut population.comparisons)
            .filter(|comparison| comparison.guardrail.is_none() && comparison.decides == decides)
            .filter_map(|comparison| {
                let Comparison { better, missing_unevenly, .. } = *comparison;
                comparison.effect.as_mut().map(|effect| (better, missing_unevenly, effect))
            })
            .collect();
        let p_values: Vec<f64> = effects.iter().map(|(_, _, effect)| effect.p).collect();
        for ((better, missing, effect), adjusted) in effects.iter_mut().zip(holm(&p_values)?) {
            effect.p_adjusted = adjusted;
            let is_better = (effect.estimate < 0.0) == (*better == Better::Lower);
            effect.finding = match adjusted <= level && !*missing {
                true if is_better => Finding::Better,
                true => Finding::Worse,
                false => Finding::NotShown,
            };
        }
    }
    Ok(())
}
