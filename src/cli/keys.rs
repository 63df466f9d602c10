//! `guilloche keys`: the key file of marks.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Answer, Failure, Format};
use crate::mark::keys::Keys;
use crate::mark::ledger::{Entry, Event, Ledger};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key file with a new master key, and begin its ledger.
    New(NewArguments),
    /// Begin a new epoch under the same master key.
    Rotate(RotateArguments),
    /// Show a key file's fingerprint and epochs, never the key.
    Show(ShowArguments),
}

const NEW_EXAMPLE: &str = "Example:
  guilloche keys new --keys mark.keys --ledger mark.ledger";

#[derive(Debug, Args)]
#[command(after_help = NEW_EXAMPLE)]
struct NewArguments {
    #[command(flatten)]
    files: Files,
}

const ROTATE_EXAMPLE: &str = "Example:
  guilloche keys rotate --keys mark.keys --ledger mark.ledger --overlap 24h";

#[derive(Debug, Args)]
#[command(after_help = ROTATE_EXAMPLE)]
struct RotateArguments {
    #[command(flatten)]
    files: Files,
    /// How long servers may go on marking with the epoch before
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    overlap: SignedDuration,
}

const SHOW_EXAMPLE: &str = "Example:
  guilloche keys show --keys mark.keys --format json";

#[derive(Debug, Args)]
#[command(after_help = SHOW_EXAMPLE)]
struct ShowArguments {
    /// Key file
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// How the report is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
struct Files {
    /// Key file; no one but its owner may have access to it
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// Ledger that records the epoch
    #[arg(long, value_name = "FILE")]
    ledger: PathBuf,
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let mut out = std::io::stdout().lock();
    match arguments.command {
        Command::New(NewArguments { files }) => {
            let now = Timestamp::now();
            let keys = Keys::generate(now)?;
            keys.create(&files.keys)?;
            record(&files, &keys, now)?;
            writeln!(out, "{}: master {}, epoch 1", files.keys.display(), keys.fingerprint())?;
        }
        Command::Rotate(RotateArguments { files, overlap }) => {
            let now = Timestamp::now();
            let mut keys = Keys::read(&files.keys)?;
            let epoch = keys.rotate(now, overlap)?;
            keys.replace(&files.keys)?;
            record(&files, &keys, now)?;
            writeln!(out, "{}: epoch {}", files.keys.display(), epoch.number)?;
        }
        Command::Show(ShowArguments { keys, format }) => {
            let keys = Keys::read(&keys)?;
            writeln!(out, "{}", show(&keys, format)?)?;
        }
    }
    Ok(Answer::Done)
}

fn record(files: &Files, keys: &Keys, now: Timestamp) -> Result<(), Failure> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", files.ledger.display());
    let mut ledger = Ledger::open(&files.ledger).map_err(|error| at(&error))?;
    let event = Event::Epoch { epoch: keys.current(), fingerprint: keys.fingerprint() };
    Ok(ledger.append(&Entry::new(now, event)).map_err(|error| at(&error))?)
}

fn show(keys: &Keys, format: Format) -> Result<String, Failure> {
    Ok(match format {
        Format::Json => {
            let epochs = keys.epochs().iter().map(
                |epoch| json!({ "number": epoch.number, "from": epoch.from, "until": epoch.until }),
            );
            let epochs: Vec<_> = epochs.collect();
            let report = json!({ "fingerprint": keys.fingerprint(), "epochs": epochs });
            serde_json::to_string_pretty(&report)?
        }
        Format::Text => {
            let mut text = format!("master {}", keys.fingerprint());
            for epoch in keys.epochs() {
                text.push_str(&format!("\nepoch {} from {}", epoch.number, epoch.from));
                if let Some(until) = epoch.until {
                    text.push_str(&format!(" until {until}"));
                }
            }
            text
        }
    })
}
