//! Effect sizes, and the tests of deployments by tenant, epoch and scheme.

use super::plots;
use super::words::{decoys_reached, interval, percent};
use super::{answer, copies, evidence_section, has_tenants, strongest};
use crate::forensics::examination::{DeploymentTest, EffectSize, Verdict};
use crate::page::figure;
use crate::page::markup::{Markup, text};
use crate::page::table::{self, NUMBER, Row, TEXT};
use crate::page::words::{grouped, signed};

/// Tests that the page shows.
const SHOWN: usize = 40;

/// Tests in the figure of effects.
pub(super) const PLOTTED: usize = 12;

/// The tests with an effect, the strongest first, by their numbers.
pub(super) fn with_effects(verdict: &Verdict) -> Vec<(usize, &DeploymentTest, EffectSize)> {
    let tests = strongest(verdict).into_iter();
    tests.filter_map(|(number, test)| Some((number, test, test.effect?))).take(PLOTTED).collect()
}

pub(super) fn effects(page: &mut Markup, verdict: &Verdict) {
    evidence_section(page, verdict, "4", "How large the effect is");
    let tests = with_effects(verdict);
    let Some((_, strongest, effect)) = tests.first() else {
        page.raw("<p>No size of an effect was worked out.</p>\n").close("section");
        return;
    };
    page.raw(
        "<p>The effect is the share of its choices in which the text follows the key: of a hundred \
              sites so many, beyond those at which its habits agree with the key by chance. (Of marks on \
              tokens it is by how much they score higher than unmarked ones.) A model that learned from many \
              sources follows the key of one of them a little. ",
    );
    page.text(&format!("In the strongest test it is {}", interval(*effect)));
    if let Some(least) = strongest.least_effect {
        page.text(&format!(
            "; with about {} a finding comes as often as not in this much text",
            percent(least)
        ));
    }
    page.raw(". The interval is of 95 %; it is not adjusted for the number of tests.</p>\n");
    let description = format!(
        "Effects with intervals for {} tests. The strongest test has {}.",
        tests.len(),
        interval(*effect)
    );
    let svg = plots::effects("figure-effects", &tests, &description);
    figure(page, "Figure 3.", &svg, |caption| {
        caption.raw(
            "Effects (dots) with their intervals (lines), and the effect with which a finding comes as often \
                     as not (bars across), by the number of the test in section 5. ",
        );
    });
    page.close("section");
}

pub(super) fn tests(page: &mut Markup, verdict: &Verdict) {
    evidence_section(page, verdict, "5", "Tests of the deployment, by scheme and epoch");
    if verdict.deployments.is_empty() {
        page.raw("<p>No key of a deployment was tested.</p>\n").close("section");
        return;
    }
    let mut shown = strongest(verdict);
    shown.truncate(SHOWN);
    shown.sort_by_key(|(number, _)| *number);
    let tenants = has_tenants(verdict);

    let mut columns = vec![("Test", NUMBER), ("Scheme", TEXT)];
    if tenants {
        columns.push(("Tenant", TEXT));
    }
    columns.extend([
        ("Epoch", NUMBER),
        ("Answers marked", NUMBER),
        ("Sites read", NUMBER),
        ("Terms", NUMBER),
        ("Score", NUMBER),
        ("p-value", NUMBER),
        ("adjusted", NUMBER),
    ]);
    let below = |test: &DeploymentTest| {
        test.p_adjusted.is_below(verdict.accusation_level) && verdict.answers(&test.scheme)
    };
    let rows: Vec<Row> = shown
        .iter()
        .map(|(number, test)| Row { cells: tested(*number, test, tenants), named: below(test) })
        .collect();
    table::write(page, "Tests of the deployment’s keys", &columns, &rows);
    page.raw("<p class=\"note\">The score is in standard deviations of the law of chance. P-values are \
              adjusted by Holm’s method over all tests of this table. Rows in bold are below the level.</p>\n");

    let columns = [
        ("Test", NUMBER),
        ("p is", TEXT),
        ("Bound by hand", NUMBER),
        ("Without controls", NUMBER),
        ("Decoys as high", NUMBER),
        ("p by decoys", NUMBER),
        ("Decoys’ mean", NUMBER),
        ("and deviation", NUMBER),
        ("Effect and interval", NUMBER),
        ("Found as often as not from", NUMBER),
    ];
    let rows: Vec<Row> = shown.iter().map(|(number, test)| checked(*number, test)).collect();
    table::write(page, "The same tests, checked in other ways", &columns, &rows);
    page.raw(
        "<p class=\"note\">The bound by hand is exp(−T² / 2Σu²d²): wider, and it can be worked \
              out with a pocket calculator. Without controls, the text’s own rates stand in place of the \
              controls’, so that no choice of controls can move that p-value. By decoys, a p-value is (1 + decoys as high) / (1 + \
              decoys), and never below the reciprocal of their number.</p>\n",
    );
    copies::write(page, &shown);
    answer::more(page, verdict.deployments.len(), SHOWN, "tests, all weaker,");
    page.close("section");
}

fn tested(number: usize, test: &DeploymentTest, tenants: bool) -> Vec<Markup> {
    let mut scheme = Markup::default();
    scheme.name(&test.scheme);
    let mut cells = vec![text(&number.to_string()), scheme];
    if tenants {
        let mut tenant = Markup::default();
        if test.tenant.is_empty() {
            tenant.raw("–")
        } else {
            tenant.name(&test.tenant)
        };
        cells.push(tenant);
    }
    cells.extend([
        text(&test.epoch.to_string()),
        text(&grouped(test.issued.answers)),
        text(&grouped(test.sites)),
        text(&grouped(test.terms)),
        text(&signed(test.standardized, 2)),
    ]);
    for p in [test.p, test.p_adjusted] {
        let mut cell = Markup::default();
        cell.p_value(p);
        cells.push(cell);
    }
    cells
}

fn checked(number: usize, test: &DeploymentTest) -> Row {
    let mut hoeffding = Markup::default();
    match test.p_hoeffding {
        Some(p) => hoeffding.p_value(p),
        None => hoeffding.raw("–"),
    };
    let mut without = Markup::default();
    match test.p_without_controls {
        Some(p) => without.p_value(p),
        None => without.raw("–"),
    };
    let mut by_decoys = Markup::default();
    by_decoys.p_value(test.decoys.p);
    let reached = decoys_reached(test.decoys.p, test.decoys.count);
    Row::new(vec![
        text(&number.to_string()),
        text(if test.exact { "exact" } else { "bound" }),
        hoeffding,
        without,
        text(&format!("{} of {}", grouped(reached), grouped(test.decoys.count))),
        by_decoys,
        text(&signed(test.decoys.mean, 3)),
        text(&signed(test.decoys.deviation, 3)),
        text(&test.effect.map_or("–".to_owned(), interval)),
        text(&test.least_effect.map_or("–".to_owned(), percent)),
    ])
}
