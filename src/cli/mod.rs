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
mod page_file;
mod paragraph;
mod policy;
mod progress;
mod reload;
mod risk;
mod secrets;
mod serve;
mod service_manager;
mod standard_output;
mod teacher;
mod times;
mod verify;

use std::error::Error;
use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

/// The exit status of an answer of yes whose reader went before its end: that of a program which SIGPIPE
/// ended, as a shell tells it.
const LOST_OUTPUT: u8 = 141;

const EXIT_STATUS: &str = "Exit status, where a command says no more of it: 0 done, or yes; 1 the answer is no; \
2 wrong usage or input, or it failed, as standard error says; 141 done, or yes, but standard output was closed \
before all was written.";

/// Graded countermeasures against model distillation, in front of an inference server.
#[derive(Debug, Parser)]
#[command(name = "guilloche", version, max_term_width = 100, after_help = EXIT_STATUS)]
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
    /// Check, explain, replay, simulate and sign policies, and put earlier ones back.
    Policy(policy::Arguments),
    Reload(reload::Arguments),
    /// Sign risk headers as a detector would, and tell what the proxy makes of them.
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
    /// For programs: JSON.
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
    let matches = taking_negative_numbers(CommandLine::command()).get_matches();
    let CommandLine { command } =
        CommandLine::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
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
    let status = match answer {
        Ok(Answer::Done) => 0,
        Ok(Answer::No) => 1,
        Ok(Answer::Unread) => 2,
        Err(failure) => failed(&failure),
    };
    ExitCode::from(match standard_output::is_read() {
        // The answer of the command says more than that nobody read its reasons.
        Ok(false) if status == 0 => LOST_OUTPUT,
        Ok(_) => status,
        Err(error) => failed(&error).max(status),
    })
}

/// The command line with each option as it takes a negative number for its value: what is wrong with the
/// number is then told by who wants another one, and not that there is no option `-1`.
fn taking_negative_numbers(command: clap::Command) -> clap::Command {
    let taking = |argument: clap::Arg| {
        if argument.is_positional() || !argument.get_action().takes_values() {
            return argument;
        }
        argument.allow_negative_numbers(true)
    };
    command.mut_args(taking).mut_subcommands(taking_negative_numbers)
}

/// Tells what went wrong; the exit status.
fn failed(failure: &dyn Display) -> u8 {
    // A closed standard error leaves no one to tell.
    let _ = writeln!(std::io::stderr(), "guilloche: {failure}");
    2
}
