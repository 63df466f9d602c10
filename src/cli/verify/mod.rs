//! `guilloche verify`: was this model trained on our answers, and whose?

mod ask;
mod asked;
mod commit;
mod count;
mod examine;
mod inputs;
mod method;
#[cfg_attr(not(feature = "tokenizers"), path = "no_tokens.rs")]
mod on_tokens;
mod schemes;
mod text;

use clap::{Args, FromArgMatches, Subcommand};

use super::{Answer, Failure};
use crate::forensics::examination::Verdict;

const EXAMPLE: &str = "\
Exit status: 0 the text was exposed to marked outputs; 1 that was not shown, or an
answer is refused (JSON: \"outcome\"); 2 wrong usage or input that cannot be read.
It does not tell whether anybody is named (JSON: \"named\" of clusters and accounts).

Examples:
  guilloche verify --keys mark.keys --ledger mark.ledger --suspect answers.jsonl \\
      --control base=base-model.jsonl --control other.jsonl.zst
  guilloche verify commit --keys mark.keys --ledger mark.ledger --control base \\
      --material \"10,000 answers of model X to prompts.jsonl\" --out plan.json
  guilloche verify --keys mark.keys --ledger mark.ledger --committed plan.json \\
      --suspect answers.jsonl --control base=base-model.jsonl --format json \\
      --report report.html
  guilloche verify --keys mark.keys --ledger mark.ledger --schemes schemes.toml \\
      --scheme sglang --suspect answers.jsonl --control base=base-model.jsonl
  guilloche verify --keys mark.keys --ledger mark.ledger --ask http://localhost:8001 \\
      --model suspect --prompts prompts.jsonl --max-tokens-total 2000000
  guilloche verify count --suspect part-*.jsonl.gz --out part.counts";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE, args_conflicts_with_subcommands = true)]
#[command(subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    examination: Option<examine::Arguments>,
    #[command(flatten)]
    schemes: schemes::SchemeArguments,
    #[command(flatten)]
    asking: ask::AskArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write down how a text will be examined, before it is seen.
    Commit(commit::Arguments),
    /// Count a part of a corpus where it lies; needs no keys.
    Count(count::Arguments),
}

/// The verdict of an examination that is written as on the command line, from `verify` on.
pub(super) fn verdict(line: &[String]) -> Result<Verdict, Failure> {
    let matches =
        Arguments::augment_args(clap::Command::new("verify")).try_get_matches_from(line)?;
    match Arguments::from_arg_matches(&matches)? {
        Arguments { command: None, examination: Some(arguments), schemes, asking } => {
            examine::examine(arguments, &schemes, &asking)
        }
        _ => Err("verify: no examination".into()),
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let Arguments { command, examination, schemes, asking } = arguments;
    match (command, examination) {
        (Some(Command::Commit(arguments)), _) => commit::run(arguments),
        (Some(Command::Count(arguments)), _) => count::run(&arguments),
        (None, Some(arguments)) => examine::run(arguments, &schemes, &asking),
        (None, None) => Err("verify: --keys and --suspect are needed; see --help".into()),
    }
}
