//! What has to hold before anything is compared.

use super::report::{Check, CheckState, Comparison, Data, PopulationReport, Side, StageUnits};
use super::words;
use crate::audit::Population;
use crate::experiment::Role;
use crate::page::words::{counted, percent};
use crate::stats::{Homogeneity, homogeneity};

/// A mismatch of the sample ratio is one if chance gives it less often: the usual level, since it makes
/// everything else worthless.
const MISMATCH: f64 = 0.001;

/// With fewer units than this expected in an arm, χ² is not its law.
const LEAST_EXPECTED: f64 = 5.0;

/// The share of contaminated units that is told, and the one from which arms are no longer what was
/// assigned.
const CONTAMINATED: (f64, f64) = (0.01, 0.1);

/// The share of units that may be in two arms without anybody having linked them.
const MOVED: f64 = 0.01;

/// The share of lines that may be missing.
const MISSING: f64 = 0.01;

pub(super) fn checks(
    populations: &[PopulationReport],
    data: &Data,
    looks: u32,
    least_units: u32,
) -> Vec<Check> {
    let mut checks = Vec::new();
    for report in populations.iter().filter(|it| it.arms.iter().any(|arm| arm.units > 0)) {
        checks.extend(matching(report, looks));
        checks.push(contamination(report));
        checks.push(enough(report, least_units));
        checks.extend(report.comparisons.iter().filter_map(|it| values(report.population, it)));
    }
    checks.extend(weights(populations));
    checks.push(lines(data));
    checks
}

fn matching(report: &PopulationReport, looks: u32) -> Option<Check> {
    let ratio = report.sample_ratio?;
    let mut counts = 0;
    let mut filled = Vec::new();
    for stage in report.stages.iter().filter(|stage| stage.units.iter().any(|units| *units > 0)) {
        let arms = || report.arms.iter().zip(stage.weights.iter().zip(&stage.units));
        let open = || arms().filter(|(_, (weight, units))| **weight > 0 || **units > 0);
        let found: Vec<_> = open().map(|(it, (_, units))| format!("{units} {}", it.arm)).collect();
        let weights: Vec<_> = open().map(|(_, (weight, _))| weight.to_string()).collect();
        let since = match filled.is_empty() {
            true => String::new(),
            false => format!("since {}: ", words::day(stage.since)),
        };
        let (found, weights) = (found.join(", "), weights.join(" : "));
        filled.push(format!("{since}{found} units, where {weights} was planned"));
        counts += stage.units.iter().sum::<u64>();
    }
    let unknown = report.arms.iter().filter(|arm| !arm.closed).map(|arm| arm.units).sum::<u64>();
    let unknown = unknown.saturating_sub(counts);
    if unknown > 0 {
        let came = counted(unknown, "unit", "units");
        filled.push(format!("{came} came when weights are not known, or not the same everywhere"));
    }
    let filled = filled.join("; ");
    let by_look =
        ratio.p < MISMATCH / f64::from(looks.max(1)) && ratio.least_expected >= LEAST_EXPECTED;
    let failed = ratio.anytime_p < MISMATCH || by_look;
    let p = ratio.p;
    let message = if failed {
        format!(
            "the arms were not filled as planned: {filled} (p = {p:.1e}). Units were lost, or assigned \
             by something that knows their arm"
        )
    } else {
        format!("{filled} (p = {p:.2})")
    };
    Some(check("sample ratio", Some(report.population), failed.into(), message))
}

/// Whether units that came by several weights are compared together.
fn weights(populations: &[PopulationReport]) -> Option<Check> {
    let came = |stage: &&StageUnits| stage.units.iter().any(|units| *units > 0);
    let of = |report: &PopulationReport| {
        let last = report.stages.iter().rfind(came)?.since;
        (report.stages.iter().filter(came).count() > 1).then_some(last)
    };
    let last = populations.iter().filter_map(of).max()?;
    let message = format!(
        "units that came by several weights are compared together, and who comes early is not as who \
         comes late; `--since {last}` compares those who came by the last"
    );
    Some(check("weights", None, CheckState::Warned, message))
}

fn contamination(report: &PopulationReport) -> Check {
    let sum = |of: fn(&super::report::ArmUnits) -> u64| report.arms.iter().map(of).sum::<u64>();
    let units = sum(|arm| arm.units).max(1) as f64;
    let (contaminated, moved) = (sum(|arm| arm.contaminated), sum(|arm| arm.moved));
    let (told, failed) = CONTAMINATED;
    let share = contaminated as f64 / units;
    let population = Some(report.population);
    if moved as f64 / units > MOVED {
        let message = format!(
            "{} of them stand in more than one arm: the assignment is not the same everywhere, or has \
             changed",
            counted(moved, "unit", "units")
        );
        return check("contamination", population, CheckState::Failed, message);
    }
    let state = match share {
        share if share > failed => CheckState::Failed,
        share if share > told => CheckState::Warned,
        _ => CheckState::Passed,
    };
    let message = match contaminated {
        0 => "no unit spans two arms".to_owned(),
        contaminated => format!(
            "{} ({}) with accounts of another arm, which the detector linked later",
            counted(contaminated, "unit", "units"),
            percent(share)
        ),
    };
    check("contamination", population, state, message)
}

fn enough(report: &PopulationReport, least_units: u32) -> Check {
    let short: Vec<String> = report
        .arms
        .iter()
        .filter(|arm| arm.units < u64::from(least_units))
        .map(|arm| format!("{} has {}", arm.arm, arm.units))
        .collect();
    let (state, message) = if short.is_empty() {
        (CheckState::Passed, format!("each arm has {least_units} units or more"))
    } else {
        let message = format!("{least_units} units of each arm are needed; {}", short.join(", "));
        (CheckState::Warned, message)
    };
    check("least units", Some(report.population), state, message)
}

/// Whether units without a value are missing alike in both arms. Where a value is there or not by what
/// the arm does, those that have one are no longer those that were assigned: the metric tells nothing
/// then. The arms were filled as they were to be all the same, so that other metrics do.
fn values(population: Population, comparison: &Comparison) -> Option<Check> {
    let (control, treated) = (comparison.control, comparison.treated);
    let found = without_value(control, treated)?;
    let matters = comparison.decides || comparison.role == Role::Guardrail;
    let state = match (comparison.missing_unevenly, matters) {
        (false, _) => CheckState::Passed,
        (true, false) => CheckState::Warned,
        (true, true) => CheckState::Failed,
    };
    let message = format!(
        "{} without {} in the control arm, {} in {} (p = {:.1e})",
        counted(control.without, "unit", "units"),
        comparison.metric,
        treated.without,
        comparison.arm,
        found.p_value
    );
    let arm = Some(comparison.arm.clone());
    Some(Check { arm, ..check("values", Some(population), state, message) })
}

/// Whether units without a value are missing more in one arm than chance gives.
pub(super) fn missing_unevenly(control: Side, treated: Side) -> bool {
    without_value(control, treated)
        .is_some_and(|found| found.p_value < MISMATCH && found.least_expected >= LEAST_EXPECTED)
}

/// Whether as large a part of each arm's units is without a value, if there are any such units.
fn without_value(control: Side, treated: Side) -> Option<Homogeneity> {
    let arm = |side: Side| (side.without, side.units);
    homogeneity(&[arm(control), arm(treated)]).ok()
}

/// Whether lines are missing. Those of the proxies and those of outcomes count apart, so that many of the
/// one do not hide what is missing of the other; and what was cut off a file may be anything.
fn lines(data: &Data) -> Check {
    let missing = data.lost.saturating_add(data.unread).saturating_add(data.of_no_arm);
    let read = data.summaries.saturating_add(data.exposures);
    let share =
        |missing: u64, read: u64| missing as f64 / read.saturating_add(missing).max(1) as f64;
    let of_outcomes = share(data.unread_outcomes, data.outcomes);
    let nothing = read == 0;
    let failed = nothing || data.cut > 0 || share(missing, read) > MISSING || of_outcomes > MISSING;
    let mut told = Vec::new();
    if nothing {
        told.push("no line of the experiment was read".to_owned());
    }
    for (number, what) in [
        (data.lost, "that a proxy had no room for"),
        (data.unread, "that cannot be read"),
        (data.unread_outcomes, "of outcomes that cannot be read"),
        (data.of_no_arm, "of an arm that the experiment does not have"),
    ] {
        if number > 0 {
            told.push(format!("{} {what}", counted(number, "line", "lines")));
        }
    }
    if data.cut > 0 {
        told.push(format!("{} cut short", counted(data.cut, "file", "files")));
    }
    let state = match failed {
        true => CheckState::Failed,
        false if told.is_empty() => CheckState::Passed,
        false => CheckState::Warned,
    };
    let message = if told.is_empty() { "no line is missing".to_owned() } else { told.join("; ") };
    check("lines", None, state, message)
}

fn check(
    name: &'static str,
    population: Option<Population>,
    state: CheckState,
    message: String,
) -> Check {
    Check { name, population, arm: None, state, message }
}

impl From<bool> for CheckState {
    /// Whether it has failed.
    fn from(failed: bool) -> Self {
        if failed { Self::Failed } else { Self::Passed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Break it: compare the units without a value with the sizes of the arms alone, as a sample ratio
    // does, and the p-value of the first is 2e-3.
    #[test]
    fn values_that_are_missing_more_in_one_arm_are_found_however_large_a_part_is_missing() {
        let side = |without, all| Side { units: all - without, without, ..Side::default() };
        let missing =
            |(control, treated), all| missing_unevenly(side(control, all), side(treated, all));
        for uneven in [(300, 380), (100, 20), (1, 399), (385, 399)] {
            let (control, treated) = uneven;
            for arms in [(control, treated), (treated, control)] {
                assert!(missing(arms, 400), "{arms:?}");
            }
        }
        for even in [(300, 310), (0, 0), (400, 400), (3, 5)] {
            assert!(!missing(even, 400), "{even:?}");
        }
    }

    // Break it: count what is missing against the rows of outcomes, or only tell of a file that is cut.
    #[test]
    fn lines_that_are_missing_are_not_made_few_by_lines_of_another_kind() {
        let whole = Data { summaries: 900, exposures: 100, outcomes: 100_000, ..Data::default() };
        assert_eq!(lines(&whole).state, CheckState::Passed);
        for (data, state) in [
            (Data { lost: 10, ..whole }, CheckState::Warned),
            (Data { lost: 11, ..whole }, CheckState::Failed),
            (Data { unread: 11, ..whole }, CheckState::Failed),
            (Data { of_no_arm: 11, ..whole }, CheckState::Failed),
            (Data { unread_outcomes: 1_000, ..whole }, CheckState::Warned),
            (Data { unread_outcomes: 1_100, ..whole }, CheckState::Failed),
            (Data { unread_outcomes: 11, outcomes: 100, ..whole }, CheckState::Failed),
            (Data { cut: 1, ..whole }, CheckState::Failed),
            (Data { summaries: 0, exposures: 0, ..whole }, CheckState::Failed),
        ] {
            let found = lines(&data);
            assert_eq!(found.state, state, "{data:?} {}", found.message);
        }
    }
}
