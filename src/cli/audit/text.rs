//! The report on a terminal, 80 columns wide.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::super::files_read;
use super::super::paragraph::{clipped, printable, write_wrapped};
use crate::page::words::{counted, duration, grouped};
use crate::review::{Count, Day, DayGrade, Group, Kind, Measured, Review, Side};

/// Days that are shown to people: the last.
const DAYS: usize = 14;

/// Names of one sort that are shown.
const NAMES: usize = 8;

pub(super) fn write(out: &mut impl Write, review: &Review) -> io::Result<()> {
    head(out, review)?;
    spared(out, review)?;
    writeln!(out, "\nWho was touched")?;
    columns(out, "", ["seen", "touched", "observed", "refused"].map(str::to_owned))?;
    for grade in &review.grades {
        let name = if grade.name.is_empty() { "no grade" } else { &grade.name };
        fates(out, &clipped(name, 24), grade)?;
    }
    days(out, review)?;
    writeln!(out, "\nBy what")?;
    for measured in &review.countermeasures {
        measure(out, measured)?;
    }
    if review.countermeasures.is_empty() {
        writeln!(out, "  nothing was carried out, and nothing observed")?;
    }
    times(out, review)?;
    ways(out, review)?;
    if !review.notes.is_empty() {
        writeln!(out, "\nNot known")?;
        for note in &review.notes {
            write_wrapped(out, "  - ", "    ", note)?;
        }
    }
    files_read::write(out, &review.files)
}

fn head(out: &mut impl Write, review: &Review) -> io::Result<()> {
    writeln!(
        out,
        "Records   {} of {} in {}",
        counted(review.requests, "request", "requests"),
        counted(review.accounts, "account", "accounts"),
        counted(review.clusters, "cluster", "clusters")
    )?;
    if let Some((first, last)) = review.times {
        writeln!(out, "          {first:.0} to {last:.0}")?;
    }
    if review.outside > 0 {
        let entries = counted(review.outside, "entry", "entries");
        writeln!(out, "          {entries} outside of the time that was asked about")?;
    }
    for policy in review.policies.iter().take(NAMES) {
        let name = clipped(&policy.policy.name, 28);
        let revision = clipped(&policy.policy.revision, 12);
        writeln!(out, "          {:>11} decided by {name} {revision}", grouped(policy.requests))?;
    }
    more(out, review.policies.len())?;
    if review.observing > 0 {
        writeln!(
            out,
            "          {:>11} by a policy that only observes",
            grouped(review.observing)
        )?;
    }
    if let Some(passed) = &review.passed {
        writeln!(out, "          {:>11} more left no record", grouped(passed.requests))?;
    }
    Ok(())
}

fn spared(out: &mut impl Write, review: &Review) -> io::Result<()> {
    writeln!(out, "\nWho was to be spared")?;
    write_wrapped(out, "  ", "  ", &review.spared_in_words())?;
    for (countermeasure, side) in &review.spared.by {
        write_side(out, &format!("  {}: ", countermeasure.name()), side)?;
    }
    for unspared in &review.spared.decisions {
        let (time, kind) = (unspared.time, unspared.kind.words());
        writeln!(out, "  {} {time:.0} {kind}", clipped(&unspared.decision, 35))?;
    }
    columns(out, "", ["seen", "touched", "observed", "refused"].map(str::to_owned))?;
    for group in review.kinds.iter().filter(|it| it.name != Kind::Graded) {
        fates(out, group.name.words(), group)?;
    }
    let Some(passed) = review.passed.as_ref().filter(|it| !it.unknown.is_empty()) else {
        return Ok(());
    };
    let reasons = passed
        .unknown
        .iter()
        .map(|(reason, requests)| format!("{} {}", printable(reason), grouped(*requests)));
    let reasons = reasons.collect::<Vec<_>>().join(", ");
    write_wrapped(out, "  requests without a score: ", "    ", &reasons)
}

fn fates<N>(out: &mut impl Write, name: &str, group: &Group<N>) -> io::Result<()> {
    let Group { seen, touched, observed, refused, limited, unread, .. } = group;
    let refused = sum([refused, limited, unread]);
    let counts = [*seen, *touched, *observed, refused];
    columns(out, name, counts.map(|count| grouped(count.requests)))?;
    if seen.requests == 0 {
        return Ok(());
    }
    // By which of them an account was refused is not summed up: it may be several.
    let accounts = [*seen, *touched, *observed].map(|count| grouped(count.accounts));
    let [seen, touched, observed] = accounts;
    columns(out, "  accounts", [seen, touched, observed, String::new()])?;
    let told: Vec<String> = [
        ("refused by the grade", group.refused.requests),
        ("turned away at a limit", limited.requests),
        ("not readable", unread.requests),
        ("made to wait", group.waited.requests),
        ("failed", group.failed),
        ("left by the client", group.cancelled),
    ]
    .into_iter()
    .filter(|(_, requests)| *requests > 0)
    .map(|(words, requests)| format!("{} {words}", grouped(requests)))
    .collect();
    if told.is_empty() {
        return Ok(());
    }
    write_wrapped(out, "    ", "    ", &told.join(", "))
}

fn sum(counts: [&Count; 3]) -> Count {
    counts.iter().fold(Count::default(), |sum, it| Count {
        requests: sum.requests + it.requests,
        accounts: 0,
    })
}

fn columns(out: &mut impl Write, head: &str, cells: [String; 4]) -> io::Result<()> {
    let [seen, touched, observed, refused] = cells;
    let line = format!("  {head:<24} {seen:>12} {touched:>12} {observed:>12} {refused:>12}");
    writeln!(out, "{}", line.trim_end())
}

fn days(out: &mut impl Write, review: &Review) -> io::Result<()> {
    if review.days.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nBy day (UTC)")?;
    let heads = ["seen", "touched", "observed", "refused"].map(str::to_owned);
    columns(out, "", heads)?;
    let skipped = review.days.len().saturating_sub(DAYS);
    for Day { day, grades, passed, .. } in review.days.iter().skip(skipped) {
        let of = |of: fn(&DayGrade) -> Count| grades.iter().map(|it| of(it).requests).sum::<u64>();
        let all: [fn(&DayGrade) -> Count; 4] =
            [|it| it.seen, |it| it.touched, |it| it.observed, |it| it.refused];
        columns(out, &day.to_string(), all.map(|it| grouped(of(it))))?;
        if let Some(passed) = passed {
            columns(
                out,
                "  without a record",
                [grouped(*passed), String::new(), String::new(), String::new()],
            )?;
        }
    }
    if skipped > 0 {
        let days = counted(skipped as u64, "day", "days");
        writeln!(out, "  {days} before: --format json and --report have all, by grade")?;
    }
    Ok(())
}

fn measure(out: &mut impl Write, measured: &Measured) -> io::Result<()> {
    let Measured { countermeasure, applied, accounts, observed } = measured;
    let name = countermeasure.name();
    if applied.requests > 0 {
        let (requests, accounts) = (
            counted(applied.requests, "request", "requests"),
            counted(*accounts, "account", "accounts"),
        );
        write_side(out, &format!("  {name}: {requests} of {accounts}: "), applied)?;
    }
    if observed.requests > 0 {
        let requests = counted(observed.requests, "request", "requests");
        write_side(out, &format!("  {name}, only observed: {requests}: "), observed)?;
    }
    Ok(())
}

fn write_side(out: &mut impl Write, first: &str, side: &Side) -> io::Result<()> {
    let counts = side.counts.iter();
    let counts = counts.map(|(counter, amount)| format!("{} {}", counter.name(), grouped(amount)));
    let counts = counts.collect::<Vec<_>>().join(", ");
    let counts = if counts.is_empty() { "nothing to count" } else { &counts };
    write_wrapped(out, first, "    ", counts)
}

fn times(out: &mut impl Write, review: &Review) -> io::Result<()> {
    writeln!(
        out,
        "\nHow long it took       first byte, 95 %        end, 95 %   waits added, 95 %"
    )?;
    for grade in &review.grades {
        let name = if grade.name.is_empty() { "no grade" } else { &grade.name };
        let cell = |sizes: Option<crate::review::Sizes>| {
            sizes.map_or("-".to_owned(), |it| {
                format!("{}, {}", duration(it.median), duration(it.p95))
            })
        };
        let cells = [grade.first_byte_ms, grade.total_ms, grade.waits].map(cell);
        let [first_byte, total, waits] = cells;
        writeln!(out, "  {:<16} {first_byte:>20} {total:>19} {waits:>19}", clipped(name, 16))?;
    }
    Ok(())
}

fn ways(out: &mut impl Write, review: &Review) -> io::Result<()> {
    let protocols = review.protocols.iter().map(|it| {
        let form = if it.stream { "streams" } else { "documents" };
        (format!("{} {form}", it.protocol), it.requests)
    });
    let outcomes = review.outcomes.iter().map(|(it, requests)| (it.name().to_owned(), *requests));
    let statuses = review.statuses.iter().map(|(it, requests)| (it.to_string(), *requests));
    writeln!(out, "\nOver what, and how it ended")?;
    for (what, names) in [
        ("protocols", protocols.collect()),
        ("outcomes", outcomes.collect()),
        ("statuses", statuses.collect()),
        ("carriers of marks", review.carriers.clone()),
        ("reasoning set apart", review.dialects.clone()),
        ("members closed", review.members.clone()),
        ("detectors", review.detectors.clone()),
        ("arms", review.arms.clone()),
    ] {
        by_name(out, what, &names)?;
    }
    Ok(())
}

fn by_name(out: &mut impl Write, what: &str, names: &BTreeMap<String, u64>) -> io::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let mut names: Vec<_> = names.iter().collect();
    names.sort_by_key(|(_, requests)| std::cmp::Reverse(**requests));
    let mut told: Vec<String> = names
        .iter()
        .take(NAMES)
        .map(|(name, requests)| {
            let name = if name.is_empty() { "none".to_owned() } else { clipped(name, 40) };
            format!("{name} {}", grouped(**requests))
        })
        .collect();
    if names.len() > NAMES {
        told.push(format!("and {} more", names.len() - NAMES));
    }
    write_wrapped(out, &format!("  {what}: "), "    ", &told.join(", "))
}

fn more(out: &mut impl Write, all: usize) -> io::Result<()> {
    match all.saturating_sub(NAMES) {
        0 => Ok(()),
        more => writeln!(out, "          and {more} more"),
    }
}
