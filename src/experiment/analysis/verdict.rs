//! What to do, and why, in words.
//!
//! Invalid if a check of all arms fails: then no number means anything. Of arms that were filled as
//! they were to be, rollback if a guardrail is significantly worse than its margin, at a planned look or
//! by the sequences of a proxy that has rolled back for it, which hold at any time; or if the metric that
//! decides is significantly worse. A metric whose values are missing more in one arm than in the other
//! tells nothing, and hides nothing that others tell: where an arm turns callers away, those whom it
//! answers are not all, and the share of refusals says so. Invalid if such a metric decides or is a
//! guardrail, and nothing else calls for a rollback. Ship only if the metric that decides is
//! significantly better and every guardrail is significantly no worse than its margin. Else continue.

use super::report::{
    ArmVerdict, Comparison, Finding, GuardrailState, PopulationReport, Report, Verdict,
};
use super::words;
use crate::audit::Population;
use crate::experiment::{Experiment, Role};

/// Fills in the verdicts.
pub(super) fn conclude(report: &mut Report, experiment: &Experiment) {
    decide(report, experiment);
    let mut told: Vec<String> = report.rolled_back.iter().map(words::rolled_back).collect();
    told.dedup();
    // What is over comes before what it has shown.
    report.reasons.splice(0..0, told);
}

fn decide(report: &mut Report, experiment: &Experiment) {
    let failed: Vec<String> = report
        .failed()
        .map(|check| match check.population {
            Some(population) => {
                format!("{} of {}: {}.", capital(check.name), words::of(population), check.message)
            }
            None => format!("{}: {}.", capital(check.name), check.message),
        })
        .collect();
    let invalid = !failed.is_empty();
    report.arms = experiment
        .arms
        .iter()
        .skip(1)
        .map(|arm| {
            if invalid {
                let reasons = failed.clone();
                return ArmVerdict {
                    arm: arm.name.to_string(),
                    verdict: Verdict::Invalid,
                    reasons,
                };
            }
            of_arm(report, experiment, &arm.name)
        })
        .collect();
    if invalid {
        (report.verdict, report.reasons) = (Verdict::Invalid, failed);
        return;
    }
    // The most urgent of several.
    let order = [Verdict::Rollback, Verdict::Invalid, Verdict::Ship, Verdict::Continue];
    let has = |verdict: &Verdict| report.arms.iter().any(|arm| arm.verdict == *verdict);
    report.verdict = order.into_iter().find(has).unwrap_or(Verdict::Continue);
    let several = report.arms.len() > 1;
    let reasons = report.arms.iter().flat_map(|arm| {
        arm.reasons.iter().map(move |reason| {
            if several { format!("Arm {}: {reason}", arm.arm) } else { reason.clone() }
        })
    });
    report.reasons = reasons.collect();
}

fn of_arm(report: &Report, experiment: &Experiment, arm: &str) -> ArmVerdict {
    let mut reasons = Vec::new();
    let comparisons = |population: &PopulationReport| -> Vec<(Population, Comparison)> {
        let of_arm = population.comparisons.iter().filter(|it| it.arm == arm);
        of_arm.map(|it| (population.population, it.clone())).collect()
    };
    let all: Vec<_> = report.populations.iter().flat_map(comparisons).collect();
    let (mut broken, mut held, mut guardrails) = (false, true, 0);
    let (mut better, mut worse, mut untold) = (false, false, false);
    let judged = report.look.number > 0;
    for (population, comparison) in &all {
        untold |= comparison.missing_unevenly
            && (comparison.decides || comparison.role == Role::Guardrail);
        let enough = judged && enough(report, *population, arm, experiment.least_units);
        match comparison.role {
            Role::Success if comparison.decides => {
                let finding = comparison.effect.filter(|_| enough).map(|effect| effect.finding);
                better = finding == Some(Finding::Better);
                worse = finding == Some(Finding::Worse);
                reasons.push(words::deciding(comparison, *population, enough, report.level));
            }
            Role::Success => {}
            Role::Guardrail => {
                guardrails += 1;
                let state = comparison.guardrail.filter(|_| enough).map(|it| it.state);
                broken |= state == Some(GuardrailState::Broken);
                held &= state == Some(GuardrailState::Held);
                reasons.push(words::guardrail(comparison, *population, enough, report.level));
            }
        }
    }
    let stopped = report.rolled_back.iter().any(|it| it.arm.as_deref() == Some(arm));
    let verdict = if broken || worse || stopped {
        Verdict::Rollback
    } else if untold {
        Verdict::Invalid
    } else if better && held {
        Verdict::Ship
    } else {
        Verdict::Continue
    };
    if guardrails == 0 {
        reasons.push("The experiment has no guardrail: nobody's harm was looked at.".to_owned());
    }
    reasons.extend(words::look(&report.look, verdict, experiment.control().map(|it| &*it.name)));
    ArmVerdict { arm: arm.to_owned(), verdict, reasons }
}

/// Whether an arm and the control have the units without which nothing is concluded.
fn enough(report: &Report, population: Population, arm: &str, least_units: u32) -> bool {
    let of = report.populations.iter().filter(|it| it.population == population);
    let mut arms = of.flat_map(|population| &population.arms);
    arms.all(|it| it.units >= u64::from(least_units) || (it.arm != arm && it.arm != report.control))
}

fn capital(name: &str) -> String {
    let mut characters = name.chars();
    characters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}
