//! `guilloche policy`: check, explain, replay, simulate and sign policies, and put earlier ones back.

mod check;
mod coverage;
mod effects;
mod explain;
mod keygen;
mod models;
mod replay;
mod rollback;
mod routes;
mod sample;
mod seen;
mod sign;
mod simulate;

use std::io::Write;

use clap::{Args, Subcommand};

use super::{Answer, Failure, standard_output};

pub(super) use check::not_loaded;
pub(super) use coverage::Coverage;
pub(super) use models::ModelsArguments;

/// What to do with policy files.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Report every problem of every file, and with --upstream the models that it leaves out; exit
    /// status 1 if there is any, 2 if a file cannot be read.
    #[command(after_help = "Examples:\n  guilloche policy check policies/*.toml\n  guilloche \
                            policy check --upstream http://127.0.0.1:8001 policies/graded.toml")]
    Check(check::Arguments),
    /// Tell what a policy does to one caller, and why.
    #[command(after_help = "Example:\n  guilloche policy explain --policy policies/graded.toml \
                            --score 0.8 \\\n      --account acct-7 --cluster ring-3 --model \
                            teacher-large")]
    Explain(explain::Arguments),
    /// Tell what a policy would have done with the requests that audit files have records of; exit
    /// status 2 if some of a file could not be read.
    #[command(
        after_help = "Examples:\n  guilloche policy replay --policy new.toml audit/*.jsonl\n  \
                            guilloche policy replay --policy new.toml --secret-file secret.key \
                            \\\n      --report replay.html audit/*.jsonl.zst"
    )]
    Replay(replay::Arguments),
    /// Tell what a policy would leak to campaigns of harvesters, and how many ordinary accounts it would
    /// touch, with a detector of known quality.
    #[command(after_help = "Examples:\n  guilloche policy simulate --policy policies/graded.toml \
                            --auc 0.95 --delay-hours 6\n  guilloche policy simulate --policy \
                            policies/graded.toml --roc roc.csv \\\n      --budget 0.001 --report \
                            simulation.html")]
    Simulate(simulate::Arguments),
    /// List the paths of an upstream, with what becomes of graded callers' requests for them.
    #[command(after_help = "Example:\n  guilloche policy routes --upstream vllm")]
    Routes(routes::Arguments),
    /// Make the keys that policies are signed with and checked by.
    #[command(after_help = "Example:\n  guilloche policy keygen --key policy-key.pem --public \
                            policy-key.pub.pem")]
    Keygen(keygen::Arguments),
    /// Sign policies and experiments, so that a proxy that requires it takes them.
    #[command(
        after_help = "Examples:\n  guilloche policy sign --key policy-key.pem policy.toml\n  \
                            guilloche policy check --signed-by policy-key.pub.pem policy.toml"
    )]
    Sign(sign::Arguments),
    /// Put back a policy that the proxy has served before; exit status 1 if it knows of none.
    #[command(after_help = "Examples:\n  guilloche policy rollback --list\n  guilloche policy \
                            rollback --to 05f3d7a69001 && guilloche reload")]
    Rollback(rollback::Arguments),
    /// Print the JSON Schema of policy files.
    #[command(after_help = "Example:\n  guilloche policy schema > policy-schema.json")]
    Schema,
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    match arguments.command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Routes(arguments) => routes::run(&arguments),
        Command::Keygen(arguments) => keygen::run(&arguments),
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Rollback(arguments) => rollback::run(arguments),
        Command::Schema => {
            standard_output::lock().write_all(include_bytes!("../../policies/schema.json"))?;
            Ok(Answer::Done)
        }
    }
}
