//! `guilloche policy`: check, explain and describe policy files.

mod effects;
mod explain;
mod sample;
mod seen;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use http::Uri;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Answer, Failure, Format};
use crate::policy::{LoadError, Notice, Policy, Problem, schema};
use seen::Status;

/// What to do with policy files.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Report every problem of every file; exit status 1 if there is any.
    #[command(after_help = "Example:\n  guilloche policy check policies/*.toml")]
    Check(CheckArguments),
    /// Tell what a policy does to one caller, and why.
    #[command(after_help = "Example:\n  guilloche policy explain --policy policies/graded.toml \
                            --score 0.8 \\\n      --account acct-7 --cluster ring-3 --model \
                            teacher-large")]
    Explain(explain::Arguments),
    /// Print the JSON Schema of policy files.
    #[command(after_help = "Example:\n  guilloche policy schema > policies/schema.json")]
    Schema,
}

#[derive(Debug, Args)]
struct CheckArguments {
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
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    match arguments.command {
        Command::Check(arguments) => check(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Schema => {
            writeln!(io::stdout().lock(), "{:#}", schema())?;
            Ok(Answer::Done)
        }
    }
}

fn check(arguments: &CheckArguments) -> Result<Answer, Failure> {
    let now = Timestamp::now();
    let mut answer = Answer::Done;
    let mut reports = Vec::new();
    let status = arguments.status.as_ref().map(Status::of).transpose()?;
    let mut out = io::stdout().lock();
    for path in &arguments.files {
        let file = path.display().to_string();
        let loaded = Policy::load(path);
        if loaded.is_err() {
            answer = Answer::No;
        }
        let met = status.as_ref().zip(loaded.as_ref().ok());
        let met = met.map_or_else(Vec::new, |(status, policy)| status.notices(policy));
        match arguments.format {
            Format::Text => write_text(&mut out, &file, &loaded, &met, now)?,
            Format::Json => reports.push(report(&file, &loaded, &met, now)),
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
            "notices": policy.notices(now).iter().map(notice).collect::<Vec<_>>(),
            "met": met,
        }),
        Err(LoadError::Read { source, .. }) => {
            json!({ "file": file, "good": false, "unreadable": source.to_string() })
        }
        Err(error) => json!({
            "file": file,
            "good": false,
            "problems": error.problems().iter().map(problem).collect::<Vec<_>>(),
        }),
    }
}

fn problem(problem: &Problem) -> Value {
    let Problem { line, column, field, message, hint } = problem;
    json!({ "line": line, "column": column, "field": field, "message": message, "hint": hint })
}

fn notice(notice: &Notice) -> Value {
    let Notice { line, column, field, message } = notice;
    json!({ "line": line, "column": column, "field": field, "message": message })
}
