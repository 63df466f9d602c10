//! Who was touched, and who was to be spared.

use super::cells::{both, counts, name, number};
use crate::page::markup::{Markup, text};
use crate::page::section;
use crate::page::table::{self, Column, NUMBER, Row, TEXT};
use crate::page::words::duration;
use crate::review::{Group, Review, Touched};

/// What became of requests, for a table whose first column says of which.
const FATES: [Column; 7] = [
    ("Seen", NUMBER),
    ("Touched", NUMBER),
    ("Only observed", NUMBER),
    ("Made to wait", NUMBER),
    ("Refused", NUMBER),
    ("At a limit", NUMBER),
    ("Not readable", NUMBER),
];

fn fates<N>(group: &Group<N>) -> impl Iterator<Item = Markup> {
    let Group { seen, touched, observed, waited, refused, limited, unread, .. } = group;
    [seen, touched, observed, waited, refused, limited, unread].map(|it| both(*it)).into_iter()
}

pub(super) fn spared(page: &mut Markup, review: &Review) {
    section(page, "1", "What those noticed who were to be spared");
    let columns: Vec<_> = [("Requests", TEXT)].into_iter().chain(FATES).collect();
    let row = |group: &Group<_>| Row {
        cells: [text(crate::review::Kind::words(group.name))]
            .into_iter()
            .chain(fates(group))
            .collect(),
        named: group.name.is_to_be_spared() && group.touched.requests > 0,
    };
    let rows: Vec<_> = review.kinds.iter().map(row).collect();
    let caption = "Requests with a record by whom they are from, and their accounts in brackets";
    table::write(page, caption, &columns, &rows);
    page.raw(
        "<p class=\"note\">Touched is what was changed, made to wait or refused, in the request or its \
         answer. Callers below the first grade and those of unknown risk leave a record only where \
         something of theirs had to be looked at: reasoning that went out sealed and came back, or an \
         answer that was given before. A request that contradicts the detector is refused, since \
         nobody knows whose it is. Exempt callers are touched by what their exemption leaves of a \
         plan.</p>\n",
    );
    let rows: Vec<_> = review
        .spared
        .by
        .iter()
        .map(|(countermeasure, side)| {
            let cells =
                vec![text(countermeasure.name()), number(side.requests), counts(&side.counts)];
            Row::new(cells)
        })
        .collect();
    let columns = [("Countermeasure", TEXT), ("Requests", NUMBER), ("Counts", TEXT)];
    table::write(page, "What was carried out on those who were to be spared", &columns, &rows);
    let rows: Vec<_> = review
        .spared
        .decisions
        .iter()
        .map(|it| {
            let time = text(&it.time.to_string());
            Row { cells: vec![name(&it.decision), time, text(it.kind.words())], named: true }
        })
        .collect();
    let columns = [("Decision", TEXT), ("Time", TEXT), ("Request", TEXT)];
    table::write(page, "The first of these requests", &columns, &rows);
    if let Some(passed) = &review.passed {
        super::cells::by_name(
            page,
            "Requests without a score, with and without a record, by reason",
            "Reason",
            &passed.unknown,
        );
    }
    page.close("section");
}

pub(super) fn grades(page: &mut Markup, review: &Review) {
    section(page, "2", "Who was touched");
    let columns: Vec<_> = [("Grade", TEXT)].into_iter().chain(FATES).collect();
    let row = |group: &Group<String>| {
        Row::new([name(&group.name)].into_iter().chain(fates(group)).collect())
    };
    let rows: Vec<_> = review.grades.iter().map(row).collect();
    table::write(page, "Requests by grade, and their accounts in brackets", &columns, &rows);
    for (who, touched) in [
        ("accounts", &review.most_touched_accounts),
        ("clusters", &review.most_touched_clusters),
        ("tenants", &review.most_touched_tenants),
    ] {
        let row = |it: &Touched| {
            Row::new(vec![name(&it.principal.to_string()), number(it.touched), number(it.requests)])
        };
        let rows: Vec<_> = touched.iter().map(row).collect();
        let columns = [("Hash", TEXT), ("Touched", NUMBER), ("Requests", NUMBER)];
        let caption = format!("The {who} to whose requests something was done most often");
        table::write(page, &caption, &columns, &rows);
    }
    page.raw("<p class=\"note\">Hashes are keyed by the deployment's secret: <code>guilloche audit find</code> \
              has the records of one.</p>\n");
    let waited: u64 = review.kinds.iter().map(|it| it.waits_ms).sum();
    if waited > 0 {
        let longest = review.kinds.iter().map(|it| it.longest_wait_ms).max().unwrap_or_default();
        let said = format!(
            "Answers were made to wait for {} in all, one for {} at most.",
            duration(waited),
            duration(longest)
        );
        page.raw("<p>").text(&said).raw("</p>\n");
    }
    page.close("section");
}
