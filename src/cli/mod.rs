//! The command line: one file per subcommand.

mod admin;
mod audit;
mod bench;
mod completions;
mod configuration;
mod demo;
mod experiment;
mod files_read;
mod health;
mod init;
mod keys;
mod man;
mod mark;
mod new_file;
mod page_file;
mod paragraph;
mod policy;
mod progress;
mod reload;
mod risk;
mod secrets;
mod serve;
mod service_manager;
mod teacher;
mod verify;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// Graded countermeasures against model distillation, in front of an inference server.
#[derive(Debug, Parser)]
#[command(name = "guilloche", version, max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell what an audit says: who was touched and by what, or what is recorded of one caller.
    Audit(audit::Arguments),
    /// Measure the overhead against a bare proxy.
    Bench(bench::Arguments),
    /// The bare proxy of `bench`.
    #[command(hide = true)]
    BenchBareProxy(bench::children::BareProxyArguments),
    /// The upstream of `bench`.
    #[command(hide = true)]
    BenchUpstream,
    /// Print what a shell completes the command line by.
    Completions(completions::Arguments),
    /// See what an ordinary caller and a harvester get, side by side.
    Demo(demo::Arguments),
    /// Check and plan experiments, and report on them.
    Experiment(experiment::Arguments),
    Health(health::Arguments),
    /// Write a configuration, keys and a policy to begin with.
    Init(init::Arguments),
    /// Make, rotate and show the key file of marks.
    Keys(keys::Arguments),
    /// Write the manual pages.
    Man(man::Arguments),
    /// Mark a text offline.
    Mark(mark::Arguments),
    /// Check, explain and describe policy files.
    Policy(policy::Arguments),
    Reload(reload::Arguments),
    /// Make signed risk headers, as a detector would send them.
    Risk(risk::Arguments),
    Serve(serve::Arguments),
    Teacher(teacher::Arguments),
    /// Find out whether a model was trained on marked answers, and whose.
    Verify(Box<verify::Arguments>),
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON document.
    Json,
}

/// How a command ended, when nothing went wrong in running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Done, or yes: exit status 0.
    Done,
    /// The answer is no (a check failed, something was refused): exit status 1.
    No,
    /// There is none for some of the input, as has been said: exit status 2.
    Unread,
}

/// Wrong usage or input: exit status 2, the message on standard error.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Runs the command that the process arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let CommandLine { command } = CommandLine::parse();
    let answer = match command {
        Command::Audit(arguments) => audit::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::BenchBareProxy(arguments) => bench::children::bare_proxy(arguments),
        Command::BenchUpstream => bench::children::upstream(),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Experiment(arguments) => experiment::run(&arguments),
        Command::Health(arguments) => health::run(arguments),
        Command::Init(arguments) => init::run(arguments),
        Command::Keys(arguments) => keys::run(arguments),
        Command::Man(arguments) => man::run(arguments),
        Command::Mark(arguments) => mark::run(arguments),
        Command::Policy(arguments) => policy::run(arguments),
        Command::Reload(arguments) => reload::run(arguments),
        Command::Risk(arguments) => risk::run(arguments),
        Command::Serve(arguments) => serve::run(arguments),
        Command::Teacher(arguments) => teacher::run(arguments),
        Command::Verify(arguments) => verify::run(*arguments),
    };
    match answer {
        Ok(Answer::Done) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Ok(Answer::Unread) => ExitCode::from(2),
        // Whoever read the report has read enough of it.
        Err(failure) if is_closed_output(&failure) => ExitCode::SUCCESS,
        Err(failure) => {
            // A closed standard error leaves no one to tell.
            let _ = writeln!(std::io::stderr(), "guilloche: {failure}");
            ExitCode::from(2)
        }
    }
}

/// Whether a command ended because nobody reads what it writes. Connections fail with errors that say
/// more.
fn is_closed_output(failure: &Failure) -> bool {
    failure
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
