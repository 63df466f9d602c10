//! What was done, how long it took, and over what.

use super::cells::{by_name, counts, name, number, sizes};
use crate::page::markup::{Markup, text};
use crate::page::section;
use crate::page::table::{self, NUMBER, Row, TEXT};
use crate::page::words::duration;
use crate::review::{Form, Group, Measured, Review};

pub(super) fn measures(page: &mut Markup, review: &Review) {
    section(page, "4", "By what");
    let columns = [
        ("Countermeasure", TEXT),
        ("Carried out", NUMBER),
        ("Accounts", NUMBER),
        ("Counts", TEXT),
        ("Only observed", NUMBER),
        ("Counts", TEXT),
    ];
    let row = |it: &Measured| {
        Row::new(vec![
            text(it.countermeasure.name()),
            number(it.applied.requests),
            number(it.accounts),
            counts(&it.applied.counts),
            number(it.observed.requests),
            counts(&it.observed.counts),
        ])
    };
    let rows: Vec<_> = review.countermeasures.iter().map(row).collect();
    table::write(page, "Requests by countermeasure", &columns, &rows);
    page.raw("<div class=\"columns\">\n");
    by_name(page, "Marked answers by what carries the mark", "Carrier", &review.carriers);
    by_name(page, "Reasoning in the text of answers", "Set apart by", &review.dialects);
    by_name(page, "Members of requests and answers that were closed", "Member", &review.members);
    page.raw("</div>\n");
    page.close("section");
}

pub(super) fn times(page: &mut Markup, review: &Review) {
    section(page, "5", "How long it took");
    let columns = [
        ("Grade", TEXT),
        ("First byte, median", NUMBER),
        ("95 %", NUMBER),
        ("99 %", NUMBER),
        ("End, median", NUMBER),
        ("95 %", NUMBER),
        ("99 %", NUMBER),
        ("Waits added, median", NUMBER),
        ("95 %", NUMBER),
        ("Longest", NUMBER),
    ];
    let row = |group: &Group<String>| {
        let [median, p95, _] = sizes(group.waits);
        let longest = match group.longest_wait_ms {
            0 => text("–"),
            longest => text(&duration(longest)),
        };
        let all = sizes(group.first_byte_ms).into_iter().chain(sizes(group.total_ms));
        let waits = [median, p95, longest];
        Row::new([name(&group.name)].into_iter().chain(all).chain(waits).collect())
    };
    let rows: Vec<_> = review.grades.iter().map(row).collect();
    table::write(page, "From the arrival of requests, by grade", &columns, &rows);
    page.raw(
        "<p class=\"note\">To within an eighth. The first two include the upstream's own time; waits are what \
         a pace has added, of the answers that it slowed down. What else a countermeasure takes is not in \
         the records.</p>\n",
    );
    page.close("section");
}

pub(super) fn ways(page: &mut Markup, review: &Review) {
    section(page, "6", "Over what, and how it ended");
    let row = |it: &Form| {
        let form = if it.stream { "streams" } else { "documents" };
        Row::new(vec![name(&it.protocol), text(form), number(it.requests), number(it.touched)])
    };
    let rows: Vec<_> = review.protocols.iter().map(row).collect();
    let columns =
        [("Protocol", TEXT), ("Answers", TEXT), ("Requests", NUMBER), ("Touched", NUMBER)];
    table::write(page, "Requests by protocol", &columns, &rows);
    page.raw("<div class=\"columns\">\n");
    let outcomes = review.outcomes.iter().map(|(it, requests)| (it.name().to_owned(), *requests));
    by_name(page, "How exchanges ended", "Outcome", &outcomes.collect());
    let statuses = review.statuses.iter().map(|(it, requests)| (it.to_string(), *requests));
    by_name(page, "Answers by status", "Status", &statuses.collect());
    by_name(page, "Requests by the model of the detector", "Model", &review.detectors);
    by_name(page, "Records without a score, by reason", "Reason", &review.unknown);
    by_name(page, "Requests by arm of an experiment", "Arm", &review.arms);
    page.raw("</div>\n");
    page.close("section");
}
