//! `guilloche experiment check`: every problem of every file, who can tell the arms apart, and the models
//! that an arm's policy leaves out.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::super::policy::{Coverage, ModelsArguments, not_loaded};
use super::super::{Answer, Failure, Format, standard_output};
use crate::experiment::{Difference, Experiment, Visibility};
use crate::policy::LoadError;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Experiment files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    models: ModelsArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let models = arguments.models.list()?;
    let mut answer = Answer::Done;
    let mut reports = Vec::new();
    let mut out = standard_output::lock();
    for path in &arguments.files {
        let file = path.display().to_string();
        let loaded = Experiment::load(path);
        let arms = match (&loaded, &models) {
            (Ok(experiment), Some(models)) => covered(experiment, models),
            _ => Vec::new(),
        };
        if loaded.is_err() || arms.iter().any(|(_, coverage)| coverage.escapes()) {
            answer = Answer::No;
        }
        match arguments.format {
            Format::Text => {
                write_text(&mut out, &file, &loaded)?;
                for (arm, coverage) in &arms {
                    coverage.write(&mut out, &format!("{file}: arm {arm:?}"))?;
                }
            }
            Format::Json => {
                let mut report = report(&file, &loaded);
                if let Some(report) = report.as_object_mut().filter(|_| !arms.is_empty()) {
                    let arms = arms.iter().map(|(arm, it)| (arm.to_string(), it.json()));
                    report.insert("models".to_owned(), Value::Object(arms.collect()));
                }
                reports.push(report);
            }
        }
    }
    if arguments.format == Format::Json {
        writeln!(out, "{:#}", Value::Array(reports))?;
    }
    Ok(answer)
}

/// What the policy of each arm leaves out.
fn covered<'a>(experiment: &'a Experiment, models: &'a [String]) -> Vec<(&'a str, Coverage<'a>)> {
    let arms = experiment.arms.iter();
    arms.map(|arm| (&*arm.name, Coverage::of(&arm.policy, models))).collect()
}

fn write_text(
    out: &mut impl Write,
    file: &str,
    loaded: &Result<Experiment, LoadError>,
) -> io::Result<()> {
    let experiment = match loaded {
        Ok(experiment) => experiment,
        Err(error) => return writeln!(out, "{error}"),
    };
    for notice in experiment.notices() {
        writeln!(out, "{file}:{notice} (notice)")?;
    }
    for Difference { arm, at, countermeasure, seen_by } in experiment.differences() {
        let who = match seen_by {
            Visibility::Nobody => "nobody without the keys can tell",
            Visibility::WhoMeasures => "who compares many answers can tell",
            Visibility::WhoAsks => "who asks for it, or meets the limit, can tell",
            _ => "anybody can tell, by one answer",
        };
        let countermeasure = countermeasure.name();
        writeln!(out, "{file}: arm {arm:?} from {at}: other {countermeasure}: {who}")?;
    }
    let Experiment { name, arms, metrics, .. } = experiment;
    writeln!(out, "{file}: good: {name:?}, {} arms, {} metrics", arms.len(), metrics.len())
}

fn report(file: &str, loaded: &Result<Experiment, LoadError>) -> Value {
    match loaded {
        Ok(experiment) => json!({
            "file": file,
            "good": true,
            "name": experiment.name,
            "notices": experiment.notices(),
            "differences": experiment.differences(),
        }),
        Err(error) => not_loaded(file, error),
    }
}
