//! The numbers behind the figures, for whoever does not see them or does not believe them.

use super::decoys::quantiles_of;
use super::deployments::with_effects;
use super::words::percent;
use super::{section, strongest};
use crate::forensics::examination::{DeploymentTest, PValue, Verdict};
use crate::page::markup::{Markup, text};
use crate::page::table::{self, NUMBER, Row};
use crate::page::words::{grouped, signed};

pub(super) fn write(page: &mut Markup, verdict: &Verdict) {
    section(page, "12", "The numbers behind the figures");
    page.raw("<div id=\"numbers\" class=\"columns\">\n");
    let first = strongest(verdict).into_iter().next();
    if let Some((_, test)) = first.filter(|(_, test)| test.decoys.count > 0) {
        scores(page, test);
    }
    if let Some((_, _, decoys)) = quantiles_of(verdict) {
        let columns = [
            ("Rank", NUMBER),
            ("Chance", NUMBER),
            ("Band from", NUMBER),
            ("to", NUMBER),
            ("Decoy’s p", NUMBER),
        ];
        let rows = decoys.iter().map(|decoy| {
            let mut cells = vec![text(&grouped(decoy.rank))];
            for log10 in [decoy.expected.log10(), decoy.band.0, decoy.band.1, decoy.log10_p] {
                let mut cell = Markup::default();
                cell.p_value(PValue::from_ln(log10 * std::f64::consts::LN_10));
                cells.push(cell);
            }
            Row::new(cells)
        });
        let rows: Vec<Row> = rows.collect();
        table::write(page, "Figure 2: p-values of decoy keys", &columns, &rows);
    }
    let columns = [
        ("Test", NUMBER),
        ("Effect", NUMBER),
        ("from", NUMBER),
        ("to", NUMBER),
        ("Needed", NUMBER),
    ];
    let rows = with_effects(verdict).into_iter().map(|(number, test, effect)| {
        let shares = [effect.estimate, effect.low, effect.high];
        let mut cells = vec![text(&number.to_string())];
        cells.extend(shares.map(|share| text(&percent(share))));
        cells.push(text(&test.least_effect.map_or("–".to_owned(), percent)));
        Row::new(cells)
    });
    let rows: Vec<Row> = rows.collect();
    table::write(page, "Figure 3: effects", &columns, &rows);
    if first.is_none() {
        page.raw("<p>There is no figure.</p>\n");
    }
    page.raw("</div>\n");
    page.close("section");
}

fn scores(page: &mut Markup, test: &DeploymentTest) {
    let columns = [("Score from", NUMBER), ("to", NUMBER), ("Decoy keys", NUMBER)];
    let histogram = &test.decoys.histogram;
    let bins = (0_u32..).zip(&histogram.counts).filter(|(_, count)| **count > 0);
    let row = |(bin, count): (u32, &u32)| {
        let from = histogram.from + f64::from(bin) * histogram.width;
        let cells =
            [signed(from, 1), signed(from + histogram.width, 1), grouped(u64::from(*count))];
        Row::new(cells.iter().map(|cell| text(cell)).collect())
    };
    let mut rows: Vec<Row> = bins.map(row).collect();
    let score = text(&signed(test.standardized, 2));
    rows.push(Row { cells: vec![score, text("–"), text("the key")], named: true });
    table::write(page, "Figure 1: scores of decoy keys", &columns, &rows);
}
