//! `guilloche mark`: marks a text offline.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Answer, Failure, standard_output};
use crate::mark::keys::{Keys, Recipient, TextKeys};
use crate::mark::lexical::{OffsetMap, Rewriter, Unit};
use crate::mark::lexicon::Lexicon;
use crate::risk::{AccountId, ClusterId};

const EXAMPLE: &str = "Examples:
  guilloche mark answer.md --keys mark.keys --account acct-17 > marked.md
  guilloche mark answer.md --keys mark.keys --account acct-17 --strength 0.5 --format diff";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Arguments {
    /// Text to mark; `-` reads standard input
    file: PathBuf,
    /// Key file
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// Account that the text is for
    #[arg(long, value_name = "ID")]
    account: String,
    /// Cluster of linked accounts that it belongs to
    #[arg(long, value_name = "ID")]
    cluster: Option<String>,
    /// Tenant that it belongs to
    #[arg(long, value_name = "ID", default_value = "")]
    tenant: String,
    /// Epoch of the keys instead of the newest
    #[arg(long, value_name = "NUMBER")]
    epoch: Option<u32>,
    /// Share of the cells that carry their bit, 0 to 1
    #[arg(long, value_name = "NUMBER", default_value_t = 1.0, value_parser = parse_strength)]
    strength: f64,
    /// What is written to standard output
    #[arg(long, value_enum, default_value_t)]
    format: Output,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Output {
    /// The marked text.
    #[default]
    Text,
    /// The lines that changed, with what was taken out and put in.
    Diff,
    /// The marked text with its counts and substitutions, offsets in characters.
    Json,
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    // As a detector would have to name them: marks for nobody would be found in nobody's texts.
    AccountId::new(&arguments.account).map_err(|error| format!("--account: {error}"))?;
    if let Some(cluster) = &arguments.cluster {
        ClusterId::new(cluster).map_err(|error| format!("--cluster: {error}"))?;
    }
    let keys = Keys::read(&arguments.keys)?;
    let epoch = arguments.epoch.unwrap_or(keys.current());
    if !keys.epochs().iter().any(|known| known.number == epoch) {
        return Err(format!("--epoch: the key file has no epoch {epoch}").into());
    }
    let text = read(&arguments.file)?;
    let lexicon = Lexicon::english();
    let marked = Recipient {
        tenant: &arguments.tenant,
        account: &arguments.account,
        cluster: arguments.cluster.as_deref(),
        arm: None,
    };
    let marking = TextKeys::new(keys).marking(epoch, marked, arguments.strength);
    let unit = match arguments.format {
        Output::Json => Unit::Characters,
        Output::Text | Output::Diff => Unit::Bytes,
    };
    let mut rewriter = Rewriter::new(lexicon, marking.begin()).with_offsets(unit);
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    rewriter.push(&text, &mut out);
    rewriter.finish(false, &mut out);
    let (sites, flips) = (rewriter.sites(), rewriter.flips());
    let offsets = rewriter.offsets().cloned().unwrap_or(OffsetMap::new(unit));
    let mut stdout = standard_output::lock();
    match arguments.format {
        Output::Text => stdout.write_all(out.as_bytes())?,
        Output::Diff => {
            let diff = diff(&text, &out, &offsets, stdout.is_terminal());
            stdout.write_all(diff.as_bytes())?;
            writeln!(stdout, "{sites} sites, {flips} changed")?;
        }
        Output::Json => {
            let substitutions: Vec<_> = offsets
                .substitutions()
                .map(|(at, removed, to, inserted)| {
                    json!({ "at": at, "removed": removed, "to": to, "inserted": inserted })
                })
                .collect();
            let report = json!({
                "text": out, "epoch": epoch, "sites": sites, "flips": flips,
                "substitutions": substitutions,
            });
            writeln!(stdout, "{}", serde_json::to_string_pretty(&report)?)?;
        }
    }
    Ok(Answer::Done)
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text)
}

/// The changed lines, what was taken out as `[-…-]` and what was put in as `{+…+}`, as
/// `git diff --word-diff` writes them; in colour on a terminal.
fn diff(original: &str, edited: &str, offsets: &OffsetMap, colour: bool) -> String {
    let (removed, inserted) = if colour {
        (["\x1b[31m[-", "-]\x1b[m"], ["\x1b[32m{+", "+}\x1b[m"])
    } else {
        (["[-", "-]"], ["{+", "+}"])
    };
    let mut whole = String::with_capacity(original.len() * 2);
    let mut changed = Vec::new();
    let (mut read, mut line) = (0, 0);
    for (at, length, to, new_length) in offsets.substitutions() {
        let between = original.get(read..at).unwrap_or_default();
        line += between.matches('\n').count();
        whole.push_str(between);
        changed.push(line);
        let old = original.get(at..at + length).unwrap_or_default();
        let new = edited.get(to..to + new_length).unwrap_or_default();
        let [open, close] = removed;
        whole.extend([open, old, close]);
        let [open, close] = inserted;
        whole.extend([open, new, close]);
        read = at + length;
    }
    whole.push_str(original.get(read..).unwrap_or_default());
    let mut out = String::new();
    for (number, line) in whole.lines().enumerate() {
        if changed.binary_search(&number).is_ok() {
            out.push_str(&format!("{}: {line}\n", number + 1));
        }
    }
    out
}

fn parse_strength(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(strength) if (0.0..=1.0).contains(&strength) => Ok(strength),
        _ => Err("a number from 0 to 1".to_owned()),
    }
}
