//! The report on a terminal, 80 columns wide.

use std::io::{self, Write};

use super::super::paragraph::{printable, write_wrapped};
use super::report::Written;
use crate::audit::reader::FileRead;
use crate::experiment::analysis::{
    Check, CheckState, Comparison, Finding, GuardrailState, Method, PopulationReport, Report, words,
};
use crate::experiment::report::Read;
use crate::experiment::{OutcomesRead, Scale};
use crate::page::names::base_name;
use crate::page::words::{counted, grouped};

pub(super) fn write_text(out: &mut impl Write, written: &Written<'_>) -> io::Result<()> {
    let report = written.report;
    let name = format!("{} ({})", report.experiment.name, report.experiment.salt);
    let day = report.look.until.strftime("%Y-%m-%d %H:%M UTC");
    let look = match report.look.number {
        0 => format!("before the first of {} planned looks", report.look.planned),
        number => format!("look {number} of {}", report.look.planned),
    };
    write_wrapped(out, "", "", &format!("Experiment {name}, {look}, up to {day}"))?;
    writeln!(out, "\nVerdict: {}", report.verdict.word())?;
    for reason in &report.reasons {
        write_wrapped(out, "  - ", "    ", &printable(reason))?;
    }
    writeln!(out, "\nChecks")?;
    for check in &report.checks {
        write_check(out, check)?;
    }
    for population in &report.populations {
        write_population(out, report, population)?;
    }
    write_data(out, written)?;
    write_method(out, report)
}

fn write_check(out: &mut impl Write, check: &Check) -> io::Result<()> {
    let state = match check.state {
        CheckState::Passed => "passed",
        CheckState::Warned => "warning",
        CheckState::Failed => "FAILED",
    };
    let who = check.population.map_or(String::new(), |who| format!(", {}", words::of(who)));
    let words = format!("{}{who}: {}", check.name, printable(&check.message));
    write_wrapped(out, &format!("  {state:<8} "), "           ", &words)
}

fn write_population(
    out: &mut impl Write,
    report: &Report,
    population: &PopulationReport,
) -> io::Result<()> {
    let who = match population.population {
        crate::audit::Population::Harvesters => "Harvesters",
        crate::audit::Population::Legitimate => "Legitimate callers",
    };
    writeln!(out, "\n{who:<40}{:>9}{:>10}{:>14}", "units", "exposed", "requests")?;
    for arm in &population.arms {
        let control = if arm.arm == report.control { " (control)" } else { "" };
        let closed = if arm.closed { " (closed)" } else { "" };
        let name = format!("  {}{control}{closed}", printable(&arm.arm));
        let [units, exposed, requests] = [arm.units, arm.exposed, arm.requests].map(grouped);
        write_padded(out, &name, 40)?;
        writeln!(out, "{units:>9}{exposed:>10}{requests:>14}")?;
    }
    if population.held_out > 0 {
        writeln!(out, "  {:<38}{:>9}", "held out", grouped(population.held_out))?;
    }
    let mut arm = None;
    for comparison in &population.comparisons {
        if arm != Some(&comparison.arm) {
            arm = Some(&comparison.arm);
            let title = format!("  {} against control", printable(&comparison.arm));
            write_padded(out, &title, 36)?;
            writeln!(out, "{:>10}{:>10}{:>12}{:>12}", "control", "arm", "change", "p")?;
        }
        write_comparison(out, comparison)?;
    }
    Ok(())
}

/// A name in its column, or on a line of its own.
fn write_padded(out: &mut impl Write, name: &str, width: usize) -> io::Result<()> {
    if name.chars().count() >= width {
        writeln!(out, "{name}")?;
        return write!(out, "{:width$}", "");
    }
    write!(out, "{name:<width$}")
}

fn write_comparison(out: &mut impl Write, comparison: &Comparison) -> io::Result<()> {
    let mark = if comparison.decides { "*" } else { " " };
    let scale = if comparison.scale == Scale::Log { " (log)" } else { "" };
    write_padded(out, &format!("  {mark} {}{scale}", comparison.metric), 36)?;
    let Some(effect) = &comparison.effect else {
        writeln!(out, "{:>10}{:>10}{:>12}", "-", "-", "unknown")?;
        let why = comparison.unavailable.as_deref().unwrap_or_default();
        return write_wrapped(out, "      ", "      ", why);
    };
    let p = words::p(effect.p_adjusted);
    writeln!(
        out,
        "{:>10}{:>10}{:>12}{:>12}",
        words::number(comparison.control.mean),
        words::number(comparison.treated.mean),
        words::difference(effect),
        p.trim_start_matches("p = ").trim_start_matches("p "),
    )?;
    let mut told = vec![found(comparison), format!("interval {}", words::interval(effect))];
    if let Some(guardrail) = &comparison.guardrail {
        let held = guardrail.held_p.map_or(String::new(), |held| format!(", {}", words::p(held)));
        told.push(format!("margin {}{held}", words::change(guardrail.margin)));
    }
    let without = comparison.control.without + comparison.treated.without;
    if without > 0 {
        told.push(format!("{} without a value left out", counted(without, "unit", "units")));
    }
    told.extend(words::below_one(comparison).map(|said| said.trim_end_matches('.').to_owned()));
    if let Some(welch) = comparison.welch.filter(|_| effect.p_by == Method::Randomization) {
        told.push(format!("Welch {}", words::p(welch.p)));
    }
    if let Some(ratio) = &comparison.secondary_ratio {
        let [control, treated] = [ratio.control, ratio.treated].map(words::number);
        told.push(format!("secondary, per request: {control} to {treated}"));
    }
    if let Some(adjusted) = &comparison.adjusted {
        let number = words::number(adjusted.estimate);
        told.push(format!("with the time before taken out: {number}, {}", words::p(adjusted.p)));
    }
    if let Some(truth) = &comparison.true_difference {
        let said = |range| words::range(range, words::change);
        told.push(format!(
            "true difference {} if labels err alike in both arms, else {}",
            said(truth.if_alike),
            said(truth.if_not)
        ));
    }
    if let Some(without) = &comparison.without_contaminated {
        let number = words::number(without.estimate);
        told.push(format!(
            "sensitivity, without contaminated units: {number}, {}",
            words::p(without.p)
        ));
    }
    write_wrapped(out, "      ", "      ", &told.join("; "))
}

fn found(comparison: &Comparison) -> String {
    let found = match (&comparison.guardrail, &comparison.effect) {
        (Some(guardrail), _) => match guardrail.state {
            GuardrailState::Held => "guardrail held",
            GuardrailState::Broken => "guardrail BROKEN",
            GuardrailState::NotShown => "guardrail not shown to hold",
        },
        (None, Some(effect)) => match effect.finding {
            Finding::Better => "better",
            Finding::Worse => "WORSE",
            Finding::NotShown => "not shown",
        },
        (None, None) => "unknown",
    };
    found.to_owned()
}

fn write_data(out: &mut impl Write, written: &Written<'_>) -> io::Result<()> {
    let Written { report, read } = written;
    let Read { files, before, not_before, outcome_files } = read;
    let data = &report.data;
    writeln!(out, "\nRead")?;
    let mut told = format!(
        "{} in {}, {}, {}",
        counted(data.summaries, "summary of a unit", "summaries of units"),
        counted(files.len() as u64, "file", "files"),
        counted(data.exposures, "exposure", "exposures"),
        counted(data.outcomes, "outcome", "outcomes"),
    );
    for (number, what) in [
        (data.of_others, "lines of other experiments or salts"),
        (data.outcomes_of_none, "outcomes of nobody who is a unit"),
        (data.other_metrics, "outcomes of other metrics"),
        (data.lost, "lines lost by a proxy"),
        (*not_before, "lines of the time before that are of the experiment's, left out"),
    ] {
        if number > 0 {
            told.push_str(&format!("; {} {what}", grouped(number)));
        }
    }
    write_wrapped(out, "  ", "  ", &told)?;
    write_files(out, files, outcome_files)?;
    write_files(out, before, &[])
}

/// What could not be read of files.
pub(super) fn write_files(
    out: &mut impl Write,
    audits: &[FileRead],
    outcome_files: &[OutcomesRead],
) -> io::Result<()> {
    for FileRead { name, problems, skipped, broken, .. } in audits {
        write_problems(out, name, problems, *skipped, broken.as_deref())?;
    }
    for OutcomesRead { name, problems, skipped, broken, .. } in outcome_files {
        write_problems(out, name, problems, *skipped, broken.as_deref())?;
    }
    Ok(())
}

fn write_problems(
    out: &mut impl Write,
    name: &str,
    problems: &[String],
    skipped: u64,
    broken: Option<&str>,
) -> io::Result<()> {
    let name = printable(&base_name(name));
    for problem in problems.iter().map(String::as_str).chain(broken) {
        write_wrapped(out, "  ", "    ", &format!("{name}: {}", printable(problem)))?;
    }
    let more = skipped.saturating_sub(problems.len() as u64);
    if more > 0 {
        writeln!(out, "  {name}: {} like these", counted(more, "line more", "lines more"))?;
    }
    Ok(())
}

fn write_method(out: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(out, "\nMethod")?;
    let level = report.level * 100.0;
    let unit = match report.unit {
        "slot" => "slot of time",
        unit => unit,
    };
    for note in [
        format!(
            "Each {unit} counts once, in the arm in which it was first put, whatever became of it. \
             Values are those of units, on the metric's scale."
        ),
        format!(
            "p-values are those of the randomization test unless there are more than 20,000 units. \
             This look may err with {level:.2} %, and intervals miss as often; all looks together \
             with {:.0} %.",
            report.alpha * 100.0
        ),
        "* decides. A guardrail holds if more harm than its margin can be excluded, by a \
         randomization test of its own. The p-value in its line is that of no difference, by Welch's \
         test."
            .to_owned(),
    ] {
        write_wrapped(out, "  - ", "    ", &note)?;
    }
    Ok(())
}
