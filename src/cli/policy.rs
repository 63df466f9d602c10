//! `guilloche policy`: check, explain and describe policy files.

mod effects;
mod explain;
mod sample;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Answer, Failure, Format};
use crate::policy::{LoadError, Notice, Policy, Problem, schema};

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
    let mut out = io::stdout().lock();
    for path in &arguments.files {
        let file = path.display().to_string();
        let loaded = Policy::load(path);
        if loaded.is_err() {
            answer = Answer::No;
        }
        match arguments.format {
            Format::Text => write_text(&mut out, &file, &loaded, now)?,
            Format::Json => reports.push(report(&file, &loaded, now)),
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
    now: Timestamp,
) -> io::Result<()> {
    let policy = match loaded {
        Ok(policy) => policy,
        Err(error) => return writeln!(out, "{error}"),
    };
    for notice in policy.notices(now) {
        writeln!(out, "{file}:{notice} (notice)")?;
    }
    let grades = policy.grades.len();
    let plural = if grades == 1 { "" } else { "s" };
    writeln!(
        out,
        "{file}: good: {:?}, {grades} grade{plural}, revision {}",
        policy.name, policy.revision
    )
}

fn report(file: &str, loaded: &Result<Policy, LoadError>, now: Timestamp) -> Value {
    match loaded {
        Ok(policy) => json!({
            "file": file,
            "good": true,
            "name": policy.name,
            "revision": policy.revision.to_string(),
            "notices": policy.notices(now).iter().map(notice).collect::<Vec<_>>(),
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
