//! `guilloche experiment check`: every problem of every file, and who can tell the arms apart.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::super::policy::not_loaded;
use super::super::{Answer, Failure, Format};
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
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let mut answer = Answer::Done;
    let mut reports = Vec::new();
    let mut out = io::stdout().lock();
    for path in &arguments.files {
        let file = path.display().to_string();
        let loaded = Experiment::load(path);
        if loaded.is_err() {
            answer = Answer::No;
        }
        match arguments.format {
            Format::Text => write_text(&mut out, &file, &loaded)?,
            Format::Json => reports.push(report(&file, &loaded)),
        }
    }
    if arguments.format == Format::Json {
        writeln!(out, "{:#}", Value::Array(reports))?;
    }
    Ok(answer)
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
