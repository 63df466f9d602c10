//! Clusters and accounts: the strongest, who is named, and how far the next is.

use super::answer::{found, paths};
use super::{evidence_section, has_tenants};
use crate::forensics::examination::{
    Id, IdTest, Level, LevelTests, Named, Naming, Outcome, Verdict,
};
use crate::forensics::tracing::CLEAR_GAP;
use crate::page::markup::{Markup, text};
use crate::page::names::message;
use crate::page::table::{self, NUMBER, Row, TEXT};
use crate::page::words::{counted, grouped, signed};

/// Tests of a level that the page shows.
const SHOWN: usize = 30;

pub(super) fn write(page: &mut Markup, verdict: &Verdict) {
    evidence_section(page, verdict, "6", "Clusters and accounts");
    page.raw(
        "<p>Everybody who was issued marked answers was tested, and nobody else. A cluster is a \
              set of accounts that the operator’s ledger links. Nobody is named whose cluster, or \
              whose deployment, did not pass its own test; and where the next p-value is less than ",
    );
    page.text(&format!("{CLEAR_GAP:.0}"));
    page.raw(" standard deviations behind (each p-value amounts to √(−2 ln p) of them), nobody is told apart from the others.</p>\n");
    page.raw(
        "<p>A text that was found can at most be <i>consistent with</i> outputs of an account: whoever has \
              enough of its answers can write text that follows its key, without having the key. A <i>name</i> \
              takes text that the examiner asked for, by a plan that was committed to before, in which the same \
              is found alone.</p>\n",
    );
    let tenants = has_tenants(verdict);
    for (kind, level, title) in [
        (Level::Cluster, &verdict.clusters, "Clusters"),
        (Level::Arm, &verdict.arms, "Arms of experiments"),
        (Level::Account, &verdict.accounts, "Accounts"),
    ] {
        // Most deployments have none.
        if kind != Level::Arm || level.tests > 0 {
            page.element("h3", &[], title).raw("\n");
            self::level(page, verdict, level, kind, tenants);
        }
    }
    naming(page, verdict);
    page.close("section");
}

/// What there was of what it takes to name somebody.
fn naming(page: &mut Markup, verdict: &Verdict) {
    if verdict.outcome == Outcome::Refused {
        return;
    }
    let Naming { asked, missing } = &verdict.naming;
    page.raw("<h3>Text that the examiner asked for</h3>\n");
    match asked {
        None => {
            page.raw("<p>There is none, and so nobody is named.</p>\n");
        }
        Some(asked) => {
            page.raw("<p>");
            page.text(&format!(
                "Answers to {} were asked for and tested alone. ",
                counted(asked.prompts, "prompt", "prompts")
            ));
            for (level, kind) in
                [(&asked.clusters, "cluster"), (&asked.arms, "arm"), (&asked.accounts, "account")]
            {
                if let Some(test) = level.strongest.first() {
                    page.text(&format!("Of every {kind} the least adjusted p-value in them is "));
                    page.p_value(test.p_adjusted).raw(", of ").name(&test.id).raw(". ");
                }
            }
            page.raw("</p>\n");
        }
    }
    if !missing.is_empty() {
        page.raw(
            "<p>Of those with whose outputs the text is consistent not all are named:</p>\n<ul>\n",
        );
        let paths = paths(verdict);
        for reason in missing.iter().take(12) {
            page.element("li", &[], &message(reason, &paths)).raw("\n");
        }
        page.raw("</ul>\n");
    }
}

fn level(page: &mut Markup, verdict: &Verdict, level: &LevelTests, kind: Level, tenants: bool) {
    let (one, many, heading, title) = match kind {
        Level::Cluster => ("cluster", "clusters", "Cluster", "The strongest clusters"),
        Level::Arm => ("arm", "arms", "Arm", "The strongest arms"),
        _ => ("account", "accounts", "Account", "The strongest accounts"),
    };
    page.raw("<p>");
    if level.tests == 0 {
        page.text(&format!("No {one} was tested.")).raw("</p>\n");
        return;
    }
    let made = if level.tests == 1 { "was" } else { "were" };
    page.text(&format!(
        "{} {made} made, of {}. ",
        counted(level.tests, "test", "tests"),
        counted(level.ids, one, many)
    ));
    if verdict.outcome == Outcome::Refused {
        page.text(&format!("No answer is given, and so no {one} is listed.")).raw("</p>\n");
        return;
    }
    page.element("strong", &[], &found(level, kind));
    if let Some(gap) = level.gap {
        page.text(&format!(
            " The gap to the next is {} standard deviations, where {CLEAR_GAP:.0} are needed.",
            signed(gap, 1)
        ));
    }
    page.raw("</p>\n");

    let (mut columns, clustered) = (vec![(heading, TEXT)], kind == Level::Account);
    if tenants {
        columns.push(("Tenant", TEXT));
    }
    if clustered {
        columns.push(("Cluster", TEXT));
    }
    columns.extend([
        ("Scheme, epoch", TEXT),
        ("Answers marked", NUMBER),
        ("Score", NUMBER),
        ("<span class=\"unseen\">Score as a bar</span>", TEXT),
        ("p-value", NUMBER),
        ("adjusted", NUMBER),
        ("Finding", TEXT),
    ]);
    let most = level.strongest.iter().map(|test| test.standardized).fold(1.0, f64::max);
    let row = |test: &IdTest| {
        let (named, found) =
            (is_among(level.named.ids(), test), is_among(level.consistent_with.ids(), test));
        let below = test.p_adjusted.is_below(verdict.accusation_level);
        let finding = match &level.consistent_with {
            Named::Each(_) if named && below => "named",
            Named::Each(_) if named => "named by another test",
            Named::Each(_) if found && below => "consistent with",
            Named::Each(_) if found => "consistent with, by another test",
            Named::Unclear(ids) if is_among(ids, test) => "another comes too near",
            _ => "–",
        };
        Row { cells: cells(test, finding, most, tenants, clustered), named: found }
    };
    let rows: Vec<Row> = level.strongest.iter().take(SHOWN).map(row).collect();
    table::write(page, title, &columns, &rows);
    let shown = rows.len() as u64;
    if level.tests > shown {
        let left_out = format!(
            "{} more tests, all with larger p-values, are not shown.",
            grouped(level.tests - shown)
        );
        page.element("p", &[("class", "note")], &left_out).raw("\n");
    }
}

fn is_among(ids: &[Id], test: &IdTest) -> bool {
    ids.iter().any(|id| id.id == test.id && id.tenant == test.tenant)
}

fn cells(
    test: &IdTest,
    finding: &'static str,
    most: f64,
    tenants: bool,
    clustered: bool,
) -> Vec<Markup> {
    let mut id = Markup::default();
    id.spelled_name(&test.id);
    for part in &test.parts {
        id.raw("<br /><small>").name(&part.name);
        id.text(&format!(": score {}, p = ", signed(part.standardized, 1))).p_value(part.p);
        id.raw("</small>");
    }
    let mut cells = vec![id];
    let mut name = |name: &str, missing: &'static str| {
        let mut cell = Markup::default();
        if name.is_empty() {
            cell.raw(missing)
        } else {
            cell.name(name)
        };
        cells.push(cell);
    };
    if tenants {
        name(&test.tenant, "–");
    }
    if clustered {
        name(test.cluster.as_deref().unwrap_or_default(), "–");
    }
    let mut scheme = Markup::default();
    scheme.name(&test.scheme).text(&format!(", {}", test.epoch));
    cells.extend([
        scheme,
        text(&grouped(test.issued.answers)),
        text(&signed(test.standardized, 2)),
        bar(test.standardized / most),
    ]);
    for p in [test.p, test.p_adjusted] {
        let mut cell = Markup::default();
        cell.p_value(p);
        cells.push(cell);
    }
    cells.push(text(finding));
    cells
}

/// A bar of a score, which shows the gap at a glance.
fn bar(share: f64) -> Markup {
    let mut bar = Markup::default();
    let width = format!("{:.1}", (share.clamp(0.0, 1.0) * 80.0).max(0.5));
    bar.raw("<svg class=\"inline\" viewBox=\"0 0 80 8\" aria-hidden=\"true\">");
    bar.empty("rect", &[("class", "bar"), ("width", &width), ("height", "8")]);
    bar.raw("</svg>");
    bar
}
