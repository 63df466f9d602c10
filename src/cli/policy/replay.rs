//! `guilloche policy replay`: what a policy would have done with recorded requests.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::super::files_read;
use super::super::page_file::PageFile;
use super::super::paragraph::{clipped, printable, write_wrapped};
use super::super::progress::Progress;
use super::super::{Answer, Failure, Format, secrets, standard_output};
use crate::audit::Entry;
use crate::audit::reader;
use crate::experiment::replay::{Amount, Cost, LOW_RISK, Replay, Replayer, Seen, Sums, page};
use crate::page::Run;
use crate::page::words::{counted, grouped};
use crate::policy::Policy;

/// Changes of grade that are shown to people.
const SHOWN: usize = 40;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The policy that is asked.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Audit files, plain or compressed; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    audits: Vec<PathBuf>,
    /// The deployment's secret (`secret.key_file`), by which exempt callers are found in the audit;
    /// or set GUILLOCHE_SECRET_KEY.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Callers of a score below this are those of low risk.
    #[arg(long, value_name = "SCORE", default_value_t = LOW_RISK)]
    low_risk: f64,
    /// Write the report as a page, too.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    if !(0.0..=1.0).contains(&arguments.low_risk) {
        return Err("--low-risk is a score, from 0 to 1".into());
    }
    let file = arguments.report.as_deref().map(PageFile::create).transpose()?;
    let policy = Policy::load(&arguments.policy)?;
    let key = secrets::audit_key(arguments.secret_file.as_deref())?;
    let replayer = Replayer::new(policy, key.as_ref(), arguments.low_risk);
    let mut sums = Sums::default();
    let mut progress = Progress::new("Replaying");
    let look = |entry: Entry| -> Option<Seen> {
        match entry {
            Entry::Record(record) => Some(replayer.look(*record)),
            _ => None,
        }
    };
    let take = |seen: Option<Seen>| seen.iter().for_each(|seen| sums.add(seen));
    let files = reader::read(&arguments.audits, look, take, |bytes| progress.read(bytes))?;
    drop(progress);
    let replay = replayer.conclude(&sums, files);
    if let Some(file) = file {
        file.write(&page(&replay, &Run::of_this_process()))?;
    }
    let mut out = standard_output::lock();
    match arguments.format {
        Format::Text => write_text(&mut out, &replay)?,
        Format::Json => writeln!(out, "{:#}", serde_json::to_value(&replay)?)?,
    }
    Ok(files_read::answer(&replay.files))
}

fn write_text(out: &mut impl Write, replay: &Replay) -> io::Result<()> {
    let Replay { policy, requests, accounts, clusters, withheld, .. } = replay;
    writeln!(out, "Policy    {} (revision {})", printable(&policy.name), policy.revision)?;
    writeln!(
        out,
        "Records   {} of {} in {}",
        counted(*requests, "request", "requests"),
        counted(*accounts, "account", "accounts"),
        counted(*clusters, "cluster", "clusters")
    )?;
    if let Some((first, last)) = replay.times {
        writeln!(out, "          {first:.0} to {last:.0}")?;
    }
    for recorded in &replay.recorded {
        let name = clipped(&recorded.policy.name, 28);
        let revision = clipped(&recorded.policy.revision, 12);
        writeln!(out, "          {:>11} decided by {name} {revision}", grouped(recorded.requests))?;
    }
    write_changes(out, replay)?;
    writeln!(out, "\nWhat becomes of the requests of whom")?;
    write_cells(out, "", ["seen", "touched", "limited", "refused"].map(str::to_owned))?;
    for cost in &replay.kinds {
        write_cost(out, cost)?;
    }
    writeln!(out, "\nWhat would be withheld")?;
    write_amount(out, "words of reasoning", withheld.words)?;
    write_amount(out, "tokens of reasoning", withheld.reasoning_tokens)?;
    write_amount(out, "places marked", withheld.sites)?;
    writeln!(out, "\nTaken for granted")?;
    for said in &replay.assumed {
        write_wrapped(out, "  - ", "    ", said)?;
    }
    files_read::write(out, &replay.files)
}

fn write_changes(out: &mut impl Write, replay: &Replay) -> io::Result<()> {
    let changed = replay.changed;
    writeln!(
        out,
        "\nWho would change grade (*): {} of {}",
        counted(changed.requests, "request", "requests"),
        counted(changed.accounts, "account", "accounts")
    )?;
    writeln!(
        out,
        "    {:<24} {:<24} {:>12} {:>11}",
        "recorded", "with it", "requests", "accounts"
    )?;
    for change in replay.changes.iter().take(SHOWN) {
        let star = if change.recorded == change.replayed { " " } else { "*" };
        let [recorded, replayed] = [&change.recorded, &change.replayed]
            .map(|grade| clipped(grade.as_deref().unwrap_or("none"), 24));
        let (requests, accounts) = (grouped(change.requests), grouped(change.accounts));
        writeln!(out, "  {star} {recorded:<24} {replayed:<24} {requests:>12} {accounts:>11}")?;
    }
    match replay.changes.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "    and {more} more: --format json has all"),
    }
}

fn write_cost(out: &mut impl Write, cost: &Cost) -> io::Result<()> {
    let Cost { kind, seen, touched, limited, refused, were_refused, were_limited } = cost;
    let counts = [seen, touched, limited, refused];
    write_cells(out, kind.words(), counts.map(|count| grouped(count.requests)))?;
    if seen.requests > 0 {
        write_cells(out, "  accounts", counts.map(|count| grouped(count.accounts)))?;
    }
    if *were_refused + *were_limited > 0 {
        writeln!(
            out,
            "    as recorded, {} refused and {} turned away at a limit",
            grouped(*were_refused),
            grouped(*were_limited)
        )?;
    }
    Ok(())
}

fn write_cells(out: &mut impl Write, head: &str, cells: [String; 4]) -> io::Result<()> {
    let [seen, touched, limited, refused] = cells;
    writeln!(out, "  {head:<14} {seen:>14} {touched:>14} {limited:>14} {refused:>14}")
}

fn write_amount(out: &mut impl Write, words: &str, amount: Amount) -> io::Result<()> {
    let Amount { amount, counted, unknown } = amount;
    let (amount, counted) = (grouped(amount), grouped(counted));
    write!(out, "  {words:<20} {amount:>15} in {counted} requests")?;
    if unknown > 0 {
        write!(out, "; of {} not known", grouped(unknown))?;
    }
    writeln!(out)
}
