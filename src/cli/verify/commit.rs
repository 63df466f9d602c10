//! `guilloche verify commit`: writes down how a text will be examined, before it is seen.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::super::{Answer, Failure, standard_output};
use super::inputs::{LedgerPart, PlannedControl, Rosters, Seed, control_files, names};
use super::schemes::SchemeArguments;
use crate::forensics::corpus::{FieldPath, Prompts};
use crate::forensics::examination::{CommittedPlan, MarkedBy};
use crate::forensics::tracing::Plan;
use crate::mark::keys::Keys;
use crate::new_file::{PUBLIC, can_be_created, create};

const EXAMPLE: &str = "Example:
  guilloche verify commit --keys mark.keys --ledger mark.ledger --control base=base.jsonl \\
      --material \"10,000 answers of model X to prompts.jsonl\" --out plan.json

The file holds no keys and names nobody. Publish it, or its commitment, where the
time is recorded; then examine with --committed.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Arguments {
    /// Key file
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// Ledger; without it nobody can be named
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// What will be examined, in words
    #[arg(long, value_name = "TEXT")]
    material: String,
    /// Control that there will be; of a FILE that is there already the SHA-256 is written, so that
    /// it cannot be exchanged
    #[arg(long, value_name = "NAME[=FILE]")]
    control: Vec<PlannedControl>,
    /// Prompts whose contexts will be left out everywhere
    #[arg(long, num_args = 1.., value_name = "FILE")]
    prompts: Vec<PathBuf>,
    /// Prompts that accounts had sent, from your own records: none of the --prompts may be among them
    #[arg(long, num_args = 1.., value_name = "FILE", requires = "prompts")]
    sent: Vec<PathBuf>,
    /// Where the text of a record will stand
    #[arg(long, value_name = "PATH")]
    field: Option<FieldPath>,
    /// Number of decoy keys
    #[arg(long, value_name = "NUMBER", default_value_t = super::examine::DECOYS)]
    decoys: u32,
    /// Seed of the decoy keys: 64 hexadecimal digits
    #[arg(long, value_name = "HEX")]
    seed: Option<Seed>,
    /// File to write instead of standard output; nothing is overwritten
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    schemes: SchemeArguments,
}

pub(super) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let at = |path: &Path, error: &io::Error| format!("{}: {error}", path.display());
    if let Some(path) = &arguments.out {
        can_be_created(path).map_err(|error| at(path, &error))?;
    }
    let keys = Keys::read(&arguments.keys)?;
    super::asked::not_sent(&arguments.prompts, &arguments.sent)?;
    let now = LedgerPart::default();
    let rosters = Rosters::read(&keys, MarkedBy::WORDS, arguments.ledger.as_deref(), now)?;
    let schemes = arguments.schemes.read(&keys, arguments.ledger.as_deref(), now)?;
    let prompts = Prompts::read(&arguments.prompts, arguments.field.as_ref())?;
    let controls = arguments.control;
    let files = controls
        .iter()
        .filter_map(|control| Some((control.name.as_str(), control.path.as_deref()?)));
    let plan = Plan {
        rules: schemes.rules.clone(),
        decoy_seed: arguments.seed.unwrap_or(Seed::of(&keys)).0,
        decoys: arguments.decoys,
        material: arguments.material,
        field: arguments.field.map(|field| field.to_string()),
        prompts: prompts.digests(),
        controls: names(controls.iter().map(|control| control.name.clone()).collect()),
        control_files: control_files(files)?,
    };
    let Rosters { issuances, lines, .. } = rosters;
    let everybody = issuances.iter().chain(schemes.tokens.issuances());
    let committed = CommittedPlan::new(plan, &keys, lines, everybody, Timestamp::now());
    let mut json = serde_json::to_string_pretty(&committed)?;
    json.push('\n');
    let mut stdout = standard_output::lock();
    match arguments.out {
        None => stdout.write_all(json.as_bytes())?,
        Some(path) => {
            create(&path, json.as_bytes(), PUBLIC).map_err(|error| at(&path, &error))?;
            writeln!(stdout, "{}: commitment {}", path.display(), committed.commitment)?;
        }
    }
    Ok(Answer::Done)
}
