//! `guilloche policy check`: every problem of every file, and the models that it leaves out.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use http::Uri;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::{Answer, Failure, Format, standard_output};
use super::coverage::Coverage;
use super::models::ModelsArguments;
use super::seen::Status;
use crate::policy::signature::{PublicKey, Signers};
use crate::policy::{LoadError, Policy};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Policy files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The admin listener of a running proxy, as http://127.0.0.1:8081: tells what it has met in
    /// answers that a policy does nothing about.
    #[arg(long, value_name = "URL")]
    status: Option<Uri>,
    /// File with a public key, by whose owner each policy has to be signed; may be given several times, for
    /// several of whom any will do.
    #[arg(long, value_name = "FILE")]
    signed_by: Vec<PathBuf>,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    models: ModelsArguments,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let now = Timestamp::now();
    let models = arguments.models.list()?;
    let status = arguments.status.as_ref().map(Status::of).transpose()?;
    let keys: Result<Vec<_>, _> = arguments.signed_by.iter().map(PublicKey::read).collect();
    let signers = Signers::of(keys?);
    let mut answer = Answer::Done;
    let mut reports = Vec::new();
    let mut out = standard_output::lock();
    for path in &arguments.files {
        let file = path.display().to_string();
        let loaded = Policy::load_signed(path, &signers);
        let coverage = match (&loaded, &models) {
            (Ok(policy), Some(models)) => Some(Coverage::of(policy, models)),
            _ => None,
        };
        if matches!(loaded, Err(LoadError::Read { .. })) {
            answer = Answer::Unread;
        } else if loaded.is_err() || coverage.as_ref().is_some_and(Coverage::escapes) {
            answer = if answer == Answer::Unread { answer } else { Answer::No };
        }
        let met = status.as_ref().zip(loaded.as_ref().ok());
        let met = met.map_or_else(Vec::new, |(status, policy)| status.notices(policy));
        match arguments.format {
            Format::Text => {
                write_text(&mut out, &file, &loaded, &met, now)?;
                coverage.map(|it| it.write(&mut out, &file)).transpose()?;
            }
            Format::Json => {
                let mut report = report(&file, &loaded, &met, now);
                if let Some((report, coverage)) = report.as_object_mut().zip(coverage) {
                    report.insert("models".to_owned(), coverage.json());
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

fn write_text(
    out: &mut impl Write,
    file: &str,
    loaded: &Result<Policy, LoadError>,
    met: &[String],
    now: Timestamp,
) -> io::Result<()> {
    let policy = match loaded {
        Ok(policy) => policy,
        Err(error) => return writeln!(out, "{error}"),
    };
    for notice in policy.notices(now) {
        writeln!(out, "{file}:{notice} (notice)")?;
    }
    for met in met {
        writeln!(out, "{file}: {met} (notice)")?;
    }
    let grades = policy.grades.len();
    let plural = if grades == 1 { "" } else { "s" };
    writeln!(
        out,
        "{file}: good: {:?}, {grades} grade{plural}, revision {}",
        policy.name, policy.revision
    )
}

fn report(file: &str, loaded: &Result<Policy, LoadError>, met: &[String], now: Timestamp) -> Value {
    match loaded {
        Ok(policy) => json!({
            "file": file,
            "good": true,
            "name": policy.name,
            "revision": policy.revision.to_string(),
            "notices": policy.notices(now),
            "met": met,
        }),
        Err(error) => not_loaded(file, error),
    }
}

/// What is told of a file that was not loaded.
pub(in crate::cli) fn not_loaded(file: &str, error: &LoadError) -> Value {
    match error {
        LoadError::Read { source, .. } => {
            json!({ "file": file, "good": false, "unreadable": source.to_string() })
        }
        LoadError::Unsigned { source, .. } => {
            json!({ "file": file, "good": false, "unsigned": source.to_string() })
        }
        _ => json!({ "file": file, "good": false, "problems": error.problems() }),
    }
}
