//! A replay as one page.

use super::{Amount, Change, Cost, Count, Replay};
use crate::audit::files;
use crate::page::markup::{Markup, text};
use crate::page::table::{self, NUMBER, Row, TEXT};
use crate::page::words::{counted, grouped};
use crate::page::{Run, command, document, entry, names, section};

/// The report on a replay: an HTML document, well-formed as XML, that stands alone.
#[must_use]
pub fn page(replay: &Replay, run: &Run) -> String {
    let mut page = Markup::default();
    head(&mut page, replay, run);
    grades(&mut page, replay);
    costs(&mut page, replay);
    withheld(&mut page, replay);
    assumed(&mut page, replay);
    sources(&mut page, replay, run);
    document(&format!("Replay of {}", names::shortened(&replay.policy.name)), &page)
}

fn head(page: &mut Markup, replay: &Replay, run: &Run) {
    page.raw("<header>\n<p class=\"kicker\">What a policy would have done");
    if let Some(made) = run.made {
        let day = made.strftime("%Y-%m-%d %H:%M UTC").to_string();
        page.raw(" · ").element("time", &[("datetime", &made.to_string())], &day);
    }
    page.raw("</p>\n<h1>").name(&replay.policy.name).text(&format!(
        " would have given another grade to {} of {}, touched {} and refused {}.",
        grouped(replay.changed.requests),
        counted(replay.requests, "recorded request", "recorded requests"),
        grouped(replay.kinds.iter().map(|kind| kind.touched.requests).sum()),
        grouped(replay.kinds.iter().map(|kind| kind.refused.requests).sum()),
    ));
    page.raw("</h1>\n<p class=\"caveat\">Of recorded requests alone: callers below the first grade of the \
              policy that decided are not in an audit.</p>\n</header>\n");
}

fn grades(page: &mut Markup, replay: &Replay) {
    section(page, "1", "Who would change grade");
    let columns = [
        ("Recorded grade", TEXT),
        ("With the policy", TEXT),
        ("Requests", NUMBER),
        ("Accounts", NUMBER),
    ];
    let row = |change: &Change| Row {
        cells: vec![
            grade(change.recorded.as_deref()),
            grade(change.replayed.as_deref()),
            number(change.requests),
            number(change.accounts),
        ],
        named: change.recorded != change.replayed,
    };
    let rows: Vec<_> = replay.changes.iter().map(row).collect();
    table::write(page, "Requests and accounts by grade", &columns, &rows);
    page.raw(
        "<p class=\"note\">What changes stands out. An account counts in each row that it has requests \
         of.</p>\n</section>\n",
    );
}

fn costs(page: &mut Markup, replay: &Replay) {
    section(page, "2", "What it costs whom");
    let columns = [
        ("Callers", TEXT),
        ("Seen", NUMBER),
        ("Touched", NUMBER),
        ("Limited", NUMBER),
        ("Refused", NUMBER),
        ("Were refused", NUMBER),
    ];
    let both =
        |count: Count| text(&format!("{} ({})", grouped(count.requests), grouped(count.accounts)));
    let row = |cost: &Cost| {
        Row::new(vec![
            text(cost.kind.words()),
            both(cost.seen),
            both(cost.touched),
            both(cost.limited),
            both(cost.refused),
            number(cost.were_refused),
        ])
    };
    let rows: Vec<_> = replay.kinds.iter().map(row).collect();
    table::write(
        page,
        "Requests by kind of caller, and their accounts in brackets",
        &columns,
        &rows,
    );
    page.raw(
        "<p class=\"note\">Each request is of the first kind that fits. Exempt callers are touched by \
         what their exemption leaves of a plan.</p>\n</section>\n",
    );
}

fn withheld(page: &mut Markup, replay: &Replay) {
    section(page, "3", "What would be withheld");
    let columns = [("", TEXT), ("Amount", NUMBER), ("Requests", NUMBER), ("Not known of", NUMBER)];
    let row = |words: &'static str, amount: Amount| {
        let Amount { amount, counted, unknown } = amount;
        Row::new(vec![text(words), number(amount), number(counted), number(unknown)])
    };
    let rows = [
        row("Words of reasoning withheld", replay.withheld.words),
        row(
            "Tokens of reasoning in answers whose reasoning is withheld",
            replay.withheld.reasoning_tokens,
        ),
        row("Places marked", replay.withheld.sites),
    ];
    table::write(page, "By the counts of the records", &columns, &rows);
    page.raw("</section>\n");
}

fn assumed(page: &mut Markup, replay: &Replay) {
    section(page, "4", "What is taken for granted");
    page.raw("<ul class=\"limits\">\n");
    for said in &replay.assumed {
        page.raw("<li>").said(said).raw("</li>\n");
    }
    page.raw("</ul>\n</section>\n");
}

fn sources(page: &mut Markup, replay: &Replay, run: &Run) {
    section(page, "5", "What was read");
    page.raw("<dl class=\"sums\">\n");
    entry(
        page,
        "Policy",
        &format!("{} {}", names::shortened(&replay.policy.name), replay.policy.revision),
    );
    if let Some((first, last)) = replay.times {
        entry(page, "Records from", &first.to_string());
        entry(page, "Records to", &last.to_string());
    }
    entry(page, "Accounts", &grouped(replay.accounts));
    entry(page, "Clusters", &grouped(replay.clusters));
    page.raw("</dl>\n");
    let columns = [("Decided by", TEXT), ("Revision", TEXT), ("Requests", NUMBER)];
    let rows: Vec<_> = replay
        .recorded
        .iter()
        .map(|it| {
            let mut name = Markup::default();
            name.name(&it.policy.name);
            Row::new(vec![name, text(&names::shortened(&it.policy.revision)), number(it.requests)])
        })
        .collect();
    table::write(page, "Policies that decided", &columns, &rows);
    files::write(page, &replay.files);
    if !run.command.is_empty() {
        page.raw("<pre>").text(&command(&run.command)).raw("</pre>\n");
    }
    page.raw("</section>\n");
}

fn grade(name: Option<&str>) -> Markup {
    let mut cell = Markup::default();
    match name {
        Some(name) => cell.name(name),
        None => cell.raw("<em>none</em>"),
    };
    cell
}

fn number(number: u64) -> Markup {
    text(&grouped(number))
}
