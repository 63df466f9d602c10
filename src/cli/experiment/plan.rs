//! `guilloche experiment plan`: what an experiment can show, before it is run.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::super::paragraph::{printable, write_wrapped};
use super::super::{Answer, Failure, Format, standard_output};
use super::read::{Study, TimeBefore, read_before};
use super::text::write_files;
use crate::experiment::analysis::planning::{MetricPlan, Plan, Wanted, plan};
use crate::experiment::analysis::{Units, words};
use crate::experiment::{Role, Scale};
use crate::page::words::{counted, grouped, percent};

pub(super) const EXAMPLE: &str = "\
Examples:
  guilloche experiment plan --experiment experiments/withhold-reasoning.toml \\
      november/audit-*.jsonl.zst
  guilloche experiment plan --experiment experiments/withhold-reasoning.toml \\
      --effect 0.5 --power 0.9 --format json november/audit-*.jsonl.zst";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Audit files of the time before: summaries of units, or else records, which are of graded
    /// callers alone.
    #[arg(required = true, value_name = "AUDIT")]
    audits: Vec<PathBuf>,
    #[command(flatten)]
    study: Study,
    /// The effect that is to be found, as a share of the control arm's mean.
    #[arg(long, value_name = "SHARE", default_value_t = 0.25)]
    effect: f64,
    /// With what chance it is to be found.
    #[arg(long, value_name = "SHARE", default_value_t = 0.8)]
    power: f64,
    /// How the plan is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let Arguments { audits, study, effect, power, format } = arguments;
    let experiment = study.experiment()?;
    // Any time will do as long as it is like the one to come.
    let TimeBefore { mut units, files, .. } = read_before(&experiment, audits, Timestamp::MAX)?;
    let outcome_files = study.read_outcomes(&mut units, &experiment)?;
    let plan = plan(&experiment, &units, Wanted { power: *power, effect: *effect })?;
    let mut out = standard_output::lock();
    match format {
        Format::Text => {
            write_text(&mut out, &plan, &units)?;
            write_files(&mut out, &files, &outcome_files)?;
        }
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &plan)?;
            writeln!(out)?;
        }
    }
    Ok(Answer::Done)
}

fn write_text(out: &mut impl Write, plan: &Plan, units: &Units) -> io::Result<()> {
    let days = counted(u64::from(plan.days), "day", "days");
    let title = format!(
        "Experiment {}: what {days} can show, at power {} and a level of {} in the last look",
        plan.experiment,
        percent(plan.power),
        percent(plan.level)
    );
    write_wrapped(out, "", "", &title)?;
    writeln!(out, "\nThe time before")?;
    if units.is_empty() {
        writeln!(out, "  nobody was there")?;
    }
    for before in &plan.populations {
        let words = format!(
            "{}: {}, {} on the first of {}",
            words::of(before.population),
            counted(before.units, "unit", "units"),
            grouped(before.on_first_day),
            counted(u64::from(before.days), "day", "days")
        );
        write_wrapped(out, "  ", "    ", &words)?;
    }
    for metric in &plan.metrics {
        write_metric(out, metric)?;
    }
    writeln!(out, "\nMethod")?;
    for note in [
        "Power is that of Welch's test, which the randomization test follows. Units, not accounts or \
         requests, are what counts.",
        "Units are taken to come as they did in the time before. Totals, and outcomes, are taken to \
         differ as they did then: that time should be about as long as the experiment.",
        "Where several comparisons could decide, the level is shared among them, as the report adjusts \
         their p-values (Holm).",
        "For a guardrail the chance is that it is shown to hold if there is no harm at all.",
    ] {
        write_wrapped(out, "  - ", "    ", note)?;
    }
    Ok(())
}

fn write_metric(out: &mut impl Write, metric: &MetricPlan) -> io::Result<()> {
    let decides = if metric.decides { ", decides" } else { "" };
    let log = if metric.scale == Scale::Log { ", mean of logarithms" } else { "" };
    let who = words::of(metric.population);
    let title =
        format!("{} of {who}, arm {}{decides}", printable(&metric.metric), printable(&metric.arm));
    writeln!(out)?;
    write_wrapped(out, "", "", &title)?;
    if let Some(why) = &metric.unavailable {
        return write_wrapped(out, "  ", "  ", &format!("No answer: {why}."));
    }
    let before = format!(
        "before: mean {}, deviation {} between {}{log}",
        words::number(metric.mean),
        words::number(metric.deviation),
        counted(metric.units, "unit", "units")
    );
    write_wrapped(out, "  ", "    ", &before)?;
    let (wanted, least) = match metric.role {
        Role::Success => ("an effect of", "least effect that is found"),
        Role::Guardrail => ("a margin of", "least margin that is shown to hold"),
    };
    let wanted = format!("{wanted} {}", percent(metric.share));
    if let Some(planned) = &metric.planned {
        let words = format!(
            "at the end: {} against {}; {least}: {}; chance for {wanted}: {}",
            counted(planned.treated_units, "unit", "units"),
            grouped(planned.control_units),
            percent(planned.least_effect),
            percent(planned.power)
        );
        write_wrapped(out, "  ", "    ", &words)?;
        if planned.least_attainable_p > metric.level {
            let words = format!(
                "too few: no p-value below {:.3} can come of so many units, whatever the effect",
                planned.least_attainable_p
            );
            write_wrapped(out, "  ", "    ", &words)?;
        }
    }
    let needed = match (metric.days_needed, metric.units_needed) {
        (Some(days), _) => format!("{} are needed", counted(u64::from(days), "day", "days")),
        (None, Some(_)) => "ten years are not enough".to_owned(),
        (None, None) => "no number of units is enough".to_owned(),
    };
    let units = metric.units_needed.map_or(String::new(), |units| {
        format!(" ({} of both arms, as they are known at the end)", counted(units, "unit", "units"))
    });
    write_wrapped(out, "  ", "    ", &format!("for {wanted}: {needed}{units}"))
}
