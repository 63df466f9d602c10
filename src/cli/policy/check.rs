//! `guilloche policy check`: every problem of every file, and the models that it leaves out.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use http::Uri;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::paragraph::printable;
use super::super::{Answer, Failure, Format};
use super::models::ModelsArguments;
use super::seen::Status;
use crate::policy::{Gap, LoadError, Policy};

/// Models of one list that are shown to people.
const SHOWN: usize = 10;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Policy files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The admin listener of a running proxy, as http://127.0.0.1:8081: tells what it has met in
    /// answers that a policy does nothing about.
    #[arg(long, value_name = "URL")]
    status: Option<Uri>,
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
    let mut answer = Answer::Done;
    let mut reports = Vec::new();
    let mut out = io::stdout().lock();
    for path in &arguments.files {
        let file = path.display().to_string();
        let loaded = Policy::load(path);
        let gaps = match (&loaded, &models) {
            (Ok(policy), Some(models)) => Some(policy.gaps(models)),
            _ => None,
        };
        let closed = loaded.as_ref().map_or_else(|_| Vec::new(), Policy::closed_lists);
        if matches!(loaded, Err(LoadError::Read { .. })) {
            answer = Answer::Unread;
        } else if loaded.is_err() || gaps.iter().flatten().any(|gap| gap.escapes) {
            answer = if answer == Answer::Unread { answer } else { Answer::No };
        }
        let met = status.as_ref().zip(loaded.as_ref().ok());
        let met = met.map_or_else(Vec::new, |(status, policy)| status.notices(policy));
        let listed = models.as_ref().map_or(0, Vec::len);
        match arguments.format {
            Format::Text => {
                write_text(&mut out, &file, &loaded, &met, now)?;
                let gaps = gaps.map(|gaps| write_gaps(&mut out, &file, (&gaps, &closed), listed));
                gaps.transpose()?;
            }
            Format::Json => {
                let mut report = report(&file, &loaded, &met, now);
                if let Some((report, gaps)) = report.as_object_mut().zip(gaps) {
                    let gaps: Vec<_> = gaps.iter().map(gap).collect();
                    report.insert(
                        "models".to_owned(),
                        json!({ "listed": listed, "left_out": gaps, "closed": closed }),
                    );
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

fn write_gaps(
    out: &mut impl Write,
    file: &str,
    (gaps, closed): (&[Gap<'_>], &[String]),
    listed: usize,
) -> io::Result<()> {
    for Gap { field, models, escapes, .. } in gaps {
        let mut names: Vec<_> =
            models.iter().take(SHOWN).map(|model| format!("\"{}\"", printable(model))).collect();
        if models.len() > SHOWN {
            names.push(format!("{} more", models.len() - SHOWN));
        }
        let kind = if *escapes { "they escape" } else { "notice" };
        writeln!(out, "{file}: {field}: leaves out {} ({kind})", names.join(", "))?;
    }
    for field in closed {
        writeln!(
            out,
            "{file}: {field}: covers no name that the upstream does not list: if it answers for any \
             name, such a name escapes (notice)"
        )?;
    }
    let plural = if listed == 1 { "" } else { "s" };
    let escaping = gaps.iter().any(|gap| gap.escapes);
    let found = if escaping { "some escape" } else { "none escapes" };
    writeln!(out, "{file}: {listed} model{plural} at the upstream: {found}")
}

fn gap(gap: &Gap<'_>) -> Value {
    let Gap { field, models, escapes, .. } = gap;
    json!({ "field": field, "models": models, "escape": escapes })
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
        _ => json!({ "file": file, "good": false, "problems": error.problems() }),
    }
}
