//! What a review does not know.

use super::tally::Tally;
use super::{Kept, PassedRequests};
use crate::audit::DryRun;
use crate::audit::reader::FileRead;
use crate::page::words::{counted, grouped, percent};

pub(super) fn notes(
    tally: &Tally,
    passed: Option<&PassedRequests>,
    kept: Kept,
    files: &[FileRead],
) -> Vec<String> {
    let mut notes = Vec::new();
    if passed.is_none() {
        notes.push(
            "No file tells how many requests left no record, so that of those to whom nothing may be done it \
             is known how many were touched, and not what share that is."
                .to_owned(),
        );
    }
    let sampled = [
        ("accounts", kept.accounts, &tally.accounts.iter().count()),
        ("clusters", kept.clusters, &tally.clusters.iter().count()),
        ("tenants", kept.tenants, &tally.tenants.iter().count()),
    ];
    for (what, share, kept) in sampled.into_iter().filter(|(_, share, _)| *share < 1.0) {
        notes.push(format!(
            "There are more {what} than are kept one by one. Their numbers are those of a sample by their \
             hashes, one in {}, and are as exact as {} that were counted allow. Numbers of requests are \
             exact.",
            grouped((1.0 / share) as u64),
            grouped(*kept as u64),
        ));
    }
    let untried: u64 = tally
        .dry_runs
        .iter()
        .filter(|(dry_run, _)| **dry_run != DryRun::Complete)
        .map(|(_, requests)| requests)
        .sum();
    if untried > 0 {
        let all: u64 = tally.dry_runs.values().sum();
        notes.push(format!(
            "What would have been done was tried out to its end in {} of {} ({}); of the others the counts \
             are too low.",
            grouped(all - untried),
            counted(all, "request", "requests"),
            percent((all - untried) as f64 / all as f64),
        ));
    }
    if tally.days.untold > 0 {
        notes.push(format!(
            "The records are of more days than are told apart; {} of other days count in the sums alone.",
            counted(tally.days.untold, "request", "requests")
        ));
    }
    let lost = files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.lost));
    let skipped: u64 = files.iter().map(|file| file.skipped).sum();
    let broken = files.iter().filter(|file| file.broken.is_some()).count();
    if lost > 0 {
        let lines = counted(lost, "line was", "lines were");
        notes.push(format!("{lines} lost by the writer and may have been of anybody."));
    }
    if skipped > 0 {
        notes.push(format!("{} no entries.", counted(skipped, "line is", "lines are")));
    }
    if broken > 0 {
        let files = counted(broken as u64, "file", "files");
        notes.push(format!("{files} could not be read to the end."));
    }
    notes
}
