//! `guilloche verify`: was this model trained on our answers, and whose?

mod commit;
mod count;
mod examine;
mod inputs;
mod progress;
mod text;

use clap::{Args, Subcommand};

use super::{Answer, Failure};

const EXAMPLE: &str = "\
Exit status: 0 the text was exposed to marked outputs; 1 that was not shown, or an
answer is refused (JSON: \"outcome\"); 2 wrong usage or input that cannot be read.

Examples:
  guilloche verify --keys mark.keys --ledger mark.ledger --suspect answers.jsonl \\
      --control base=base-model.jsonl --control other.jsonl.zst
  guilloche verify commit --keys mark.keys --ledger mark.ledger --control base \\
      --material \"10,000 answers of model X to prompts.jsonl\" --out plan.json
  guilloche verify --keys mark.keys --ledger mark.ledger --committed plan.json \\
      --suspect answers.jsonl --control base=base-model.jsonl --format json
  guilloche verify count --suspect part-*.jsonl.gz --out part.counts";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE, args_conflicts_with_subcommands = true)]
#[command(subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    examination: Option<examine::Arguments>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write down how a text will be examined, before it is seen.
    Commit(commit::Arguments),
    /// Count a part of a corpus where it lies; needs no keys.
    Count(count::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    match (arguments.command, arguments.examination) {
        (Some(Command::Commit(arguments)), _) => commit::run(arguments),
        (Some(Command::Count(arguments)), _) => count::run(&arguments),
        (None, Some(arguments)) => examine::run(arguments),
        (None, None) => Err("verify: --keys and --suspect are needed; see --help".into()),
    }
}
