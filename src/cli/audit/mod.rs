//! `guilloche audit`: what audit files say.

mod find;
mod report;
mod span;
mod text;

use clap::{Args, Subcommand};

use super::{Answer, Failure};

/// What to do with audit files.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what is recorded of a decision, an account, a cluster or a tenant; exit status 1 if
    /// nothing is, 2 if some of a file could not be read.
    #[command(after_help = find::EXAMPLE)]
    Find(find::Arguments),
    /// Tell who was touched, by what, and what those noticed who were to be spared; exit status 2 if
    /// some of a file could not be read.
    #[command(after_help = report::EXAMPLE)]
    Report(report::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    match arguments.command {
        Command::Find(arguments) => find::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
    }
}
