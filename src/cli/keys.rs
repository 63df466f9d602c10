//! `guilloche keys`: the key file of marks.

use std::fs::{self, File};
use std::io::{BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::times::duration;
use super::{Answer, Failure, Format, standard_output};
use crate::mark::keys::{Keys, Scheme};
use crate::mark::law::{AuthorCounts, CountingKey, LEAST_SITES};
use crate::mark::ledger::{Entry, Event, Ledger, LedgerError, OwnEntries};

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
    /// Write an epoch's bucket key, by which texts are counted where they lie.
    Bucket(BucketArguments),
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
    /// How words are marked
    #[arg(long, value_enum, default_value_t)]
    scheme: NewScheme,
}

const ROTATE_EXAMPLE: &str = "Example:
  guilloche keys rotate --keys mark.keys --ledger mark.ledger --overlap 24h";

#[derive(Debug, Args)]
#[command(after_help = ROTATE_EXAMPLE)]
struct RotateArguments {
    #[command(flatten)]
    files: Files,
    /// How long servers may go on marking with the epoch before
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
    #[arg(allow_hyphen_values = true)]
    overlap: SignedDuration,
    /// How words are marked, instead of with canaries where the epoch before has them and else by the law alone
    #[arg(long, value_enum)]
    scheme: Option<NewScheme>,
}

const BUCKET_EXAMPLE: &str = "Example:
  guilloche keys bucket --keys mark.keys --epoch 1 --out epoch-1.bucket
  guilloche verify count --suspect part-*.jsonl.gz --bucket-key epoch-1.bucket --out part.counts

It gives no bit of any mark. Whoever has it can learn from marked answers what their
cells prefer, and write text that seems marked: give it to those who count, and to nobody else.";

#[derive(Debug, Args)]
#[command(after_help = BUCKET_EXAMPLE)]
struct BucketArguments {
    /// Key file
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// Epoch instead of the newest
    #[arg(long, value_name = "NUMBER")]
    epoch: Option<u32>,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
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

/// The schemes that an epoch is begun with.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum NewScheme {
    /// Choices that keep the law of the writer
    #[default]
    Law,
    /// The same with canary cells, which tell copied answers from text that only follows the key
    Canaries,
}

impl From<NewScheme> for Scheme {
    fn from(scheme: NewScheme) -> Self {
        match scheme {
            NewScheme::Law => Self::Law,
            NewScheme::Canaries => Self::Canaries,
        }
    }
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
    let mut out = standard_output::lock();
    match arguments.command {
        Command::New(NewArguments { files, scheme }) => {
            let keys = begin(&files.keys, &files.ledger, scheme.into(), Timestamp::now())?;
            writeln!(out, "{}: master {}, epoch 1", files.keys.display(), keys.fingerprint())?;
        }
        Command::Rotate(RotateArguments { files, overlap, scheme }) => {
            let now = Timestamp::now();
            let mut keys = Keys::read(&files.keys)?;
            let counts = authors(&files, &keys)?;
            let epoch = match scheme {
                None => keys.rotate(now, overlap)?,
                Some(scheme) => keys.rotate_to(scheme.into(), now, overlap)?,
            };
            let learned = keys.learn(&counts);
            // An epoch that the ledger has and the keys lack marks nothing, and is begun again; marks of one
            // that the ledger lacks would be nobody's.
            record(&files.ledger, &keys, now)?;
            keys.replace(&files.keys)?;
            let sites = counts.sites();
            let whose = if learned {
                format!("rates of its own author, of {sites} sites")
            } else {
                format!(
                    "rates of many authors, since the ledger has {sites} sites of {LEAST_SITES}"
                )
            };
            writeln!(out, "{}: epoch {}, {whose}", files.keys.display(), epoch.number)?;
        }
        Command::Bucket(BucketArguments { keys, epoch, out: path }) => {
            let keys = Keys::read(&keys)?;
            let epoch = epoch.unwrap_or(keys.current());
            let key = CountingKey::of_epoch(&keys, epoch).ok_or_else(|| {
                format!("epoch {epoch}: the key file has none whose buckets are keyed")
            })?;
            key.create(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            writeln!(out, "{}: bucket key of epoch {epoch}", path.display())?;
        }
        Command::Show(ShowArguments { keys, format }) => {
            let keys = Keys::read(&keys)?;
            writeln!(out, "{}", show(&keys, format)?)?;
        }
    }
    Ok(Answer::Done)
}

/// Makes a key file with a new master key, and begins its ledger.
pub(super) fn new(path: &Path, ledger: &Path, now: Timestamp) -> Result<Keys, Failure> {
    begin(path, ledger, Scheme::Law, now)
}

/// Makes both files, or none.
fn begin(path: &Path, ledger: &Path, scheme: Scheme, now: Timestamp) -> Result<Keys, Failure> {
    let keys = Keys::generate(now)?.with_scheme(scheme);
    let size = fs::metadata(ledger).map(|metadata| metadata.len());
    if size.as_ref().is_ok_and(|size| *size > 0) {
        return Err(format!(
            "{}: is there already, and belongs to other keys than the new ones of {}: name a ledger that \
             is not there",
            ledger.display(),
            path.display()
        )
        .into());
    }
    keys.create(path)?;
    let begun = match size {
        Ok(_) => record(ledger, &keys, now),
        Err(_) => Ledger::create(ledger, &epoch(&keys, now))
            .map_err(|error| format!("{}: {error}", ledger.display()).into()),
    };
    if begun.is_err() {
        // Keys that have marked nothing are no loss, and without their ledger in the way of the next try.
        let _ = fs::remove_file(path);
    }
    begun.map(|()| keys)
}

fn epoch(keys: &Keys, now: Timestamp) -> Entry {
    let event = Event::Epoch {
        epoch: keys.current(),
        fingerprint: keys.fingerprint(),
        rules: Some(keys.rules(keys.current())),
        rates: keys.own_rates(keys.current()).map(str::to_owned),
    };
    Entry::new(now, event)
}

fn record(path: &Path, keys: &Keys, now: Timestamp) -> Result<(), Failure> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut ledger = Ledger::open(path).map_err(|error| at(&error))?;
    ledger.append(&epoch(keys, now)).map_err(|error| at(&error))?;
    Ok(ledger.sync().map_err(|error| at(&error))?)
}

/// What stood at the sites of the newest epoch before they were marked, by the ledger of these keys.
fn authors(Files { keys: path, ledger }: &Files, keys: &Keys) -> Result<AuthorCounts, Failure> {
    let at = |error: &dyn std::fmt::Display| format!("{}: {error}", ledger.display());
    let file = File::open(ledger).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            at(&"there is no such ledger; an empty file of this name, mode 600, begins one anew")
        }
        _ => at(&error),
    })?;
    let mut sum = AuthorCounts::default();
    for entry in OwnEntries::new(BufReader::new(file), keys.fingerprint()) {
        let entry = entry.map_err(|error| not_of(ledger, path, &error))?;
        if let Event::Authors { epoch, counts } = entry.event {
            if epoch == keys.current() {
                sum.add(&counts);
            }
        }
    }
    Ok(sum)
}

/// Why a file is not read as the ledger of a key file.
pub(super) fn not_of(ledger: &Path, keys: &Path, error: &LedgerError) -> String {
    let (ledger, keys) = (ledger.display(), keys.display());
    match error {
        LedgerError::File(error) => format!("{ledger}: {error}"),
        error => format!("{ledger}: {error}; it does not belong to {keys}"),
    }
}

fn show(keys: &Keys, format: Format) -> Result<String, Failure> {
    Ok(match format {
        Format::Json => {
            let epochs = keys.epochs().iter().map(|epoch| {
                json!({
                    "number": epoch.number, "from": epoch.from, "until": epoch.until,
                    "scheme": epoch.scheme.name(),
                })
            });
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
                text.push_str(&format!(", scheme {}", epoch.scheme.name()));
            }
            text
        }
    })
}
