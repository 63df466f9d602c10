//! `guilloche experiment`: experiment files and what comes of them.

mod check;
mod plan;
mod read;
mod report;
mod text;

use std::io::Write;

use clap::{Args, Subcommand};

use super::{Answer, Failure, standard_output};
pub(super) use report::Reported;

/// What to do with experiments.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Report every problem of every file and of the policies of its arms, who can tell the arms
    /// apart, and with --upstream the models that an arm leaves out; exit status 1 if there is any
    /// problem.
    #[command(
        after_help = "Examples:\n  guilloche experiment check experiments/*.toml\n  guilloche \
                            experiment check --upstream http://127.0.0.1:8001 experiments/*.toml"
    )]
    Check(check::Arguments),
    /// Work out what an experiment can show, from audit files of a time before: power, duration, and
    /// the least effect that is found.
    #[command(after_help = plan::EXAMPLE)]
    Plan(plan::Arguments),
    /// Tell what an experiment has shown, from audit and outcome files: ship, rollback, continue, or
    /// invalid.
    #[command(after_help = report::EXAMPLE)]
    Report(report::Arguments),
    /// Print the JSON Schema of experiment files.
    #[command(after_help = "Example:\n  guilloche experiment schema > experiment-schema.json")]
    Schema,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    match &arguments.command {
        Command::Check(arguments) => check::run(arguments),
        Command::Plan(arguments) => plan::run(arguments),
        Command::Report(arguments) => report::run(arguments),
        Command::Schema => {
            standard_output::lock().write_all(include_bytes!("../../experiments/schema.json"))?;
            Ok(Answer::Done)
        }
    }
}
