//! What was read, and how to come to the same numbers again.

use super::Read;
use crate::experiment::analysis::Report;
use crate::page::markup::{Markup, text};
use crate::page::names::base_name;
use crate::page::table::{self, NUMBER, Row, TEXT};
use crate::page::words::grouped;
use crate::page::{Run, command, entry, section};

/// Files that the page lists.
const SHOWN: usize = 60;

pub(super) fn write(page: &mut Markup, report: &Report, read: &Read, run: &Run) {
    section(page, "9", "What was read, and how to reproduce this");
    let data = &report.data;
    page.raw("<dl class=\"sums\">\n");
    for (name, number) in [
        ("summaries of units", data.summaries),
        ("requests about which the arms differed", data.exposures),
        ("of them met with another arm’s policy", data.carried_out_otherwise),
        ("units that became parts of others, and count with those", data.joined),
        ("outcomes", data.outcomes),
        ("outcomes of nobody who is a unit", data.outcomes_of_none),
        ("outcomes of other metrics", data.other_metrics),
        ("lines of other experiments, or another salt", data.of_others),
        ("summaries of arms that the experiment does not have", data.of_no_arm),
        ("lines that a proxy had no room for", data.lost),
        ("lines that cannot be read", data.unread),
        ("files cut short", data.cut),
        ("lines of the time before that are of the experiment’s, left out", read.not_before),
    ] {
        // What there was none of is told where it matters.
        if number > 0 || name == "summaries of units" {
            entry(page, name, &grouped(number));
        }
    }
    page.raw("</dl>\n");
    let audits = read.files.iter().chain(&read.before);
    let audits = audits.map(|it| (&it.name, it.entries(), it.skipped, &it.problems, &it.broken));
    let outcomes = read.outcome_files.iter();
    let outcomes = outcomes.map(|it| (&it.name, it.rows, it.skipped, &it.problems, &it.broken));
    let files = audits.chain(outcomes).map(|(name, lines, skipped, problems, broken)| {
        let mut cell = Markup::default();
        cell.name(&base_name(name));
        let problems = problems.iter().map(String::as_str).chain(broken.as_deref());
        let problems = problems.collect::<Vec<_>>().join("; ");
        Row::new(vec![cell, text(&grouped(lines)), text(&grouped(skipped)), text(&problems)])
    });
    let columns = [("File", TEXT), ("Lines", NUMBER), ("Unread", NUMBER), ("Which", TEXT)];
    table::write(page, "Files", &columns, &files.take(SHOWN).collect::<Vec<_>>());
    if !run.command.is_empty() {
        page.raw(
            "<p>With the same files and program this command gives the same numbers, in whatever \
             order the files are given. Of files it tells the base names.</p>\n\
             <pre class=\"command\"><code>",
        );
        page.text(&command(&run.command)).raw("</code></pre>\n");
    }
    page.close("section");
}
