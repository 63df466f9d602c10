//! The numbers behind the figures, for whoever does not see them or does not believe them.

use super::clock::Clock;
use super::comparisons;
use super::figures::{harm, shown};
use crate::experiment::analysis::{Range, Report, words};
use crate::page::markup::{Markup, text};
use crate::page::section;
use crate::page::table::{self, NUMBER, Row, TEXT};
use crate::page::words::{grouped, signed};

pub(super) fn write(page: &mut Markup, report: &Report) {
    section(page, "10", "The numbers behind the figures");
    page.raw("<div id=\"numbers\">\n");
    // A demonstration is over in minutes.
    let form = if report.end.duration_since(report.start).as_hours() < 1 {
        "%H:%M:%S"
    } else {
        "%Y-%m-%d %H:%M"
    };
    let end = |end: Option<f64>| text(&end.map_or("–".to_owned(), |end| signed(end, 2)));
    for (population, comparison) in comparisons(report).filter(|(_, it)| it.over_time.len() > 1) {
        let columns = [
            ("Up to", TEXT),
            ("Units", NUMBER),
            ("Effect so far", NUMBER),
            ("from", NUMBER),
            ("to", NUMBER),
            ("Sequence from", NUMBER),
            ("to", NUMBER),
        ];
        let rows = comparison.over_time.iter().map(|moment| {
            let Range { low, high } = moment.interval.map(|it| shown(comparison, it));
            let sequence = moment.sequence.unwrap_or_default().map(|it| shown(comparison, it));
            Row::new(vec![
                text(&moment.time.strftime(form).to_string()),
                text(&grouped(moment.units)),
                text(&signed(shown(comparison, moment.estimate), 2)),
                end(low),
                end(high),
                end(sequence.low),
                end(sequence.high),
            ])
        });
        let caption = format!(
            "{} of {}, {} against {}",
            comparison.metric,
            words::of(population),
            comparison.arm,
            report.control
        );
        table::write(page, &caption, &columns, &rows.collect::<Vec<_>>());
    }
    let rows = comparisons(report).filter_map(|(_, it)| Some((it, harm(it)?))).map(|(it, harm)| {
        let (estimate, Range { low, high }) = harm;
        let mut name = Markup::default();
        name.name(&it.metric).raw(" ").name(&it.arm);
        Row::new(vec![name, text(&signed(estimate, 1)), end(low), end(high)])
    });
    let columns = [
        ("Guardrail", TEXT),
        ("Harm in % of the margin", NUMBER),
        ("from", NUMBER),
        ("to", NUMBER),
    ];
    table::write(page, "Guardrails", &columns, &rows.collect::<Vec<_>>());
    let clock = Clock::of(report);
    for population in &report.populations {
        let periods = population.arms.iter().map(|arm| arm.exposures.len()).max().unwrap_or(0);
        let ends = clock.ends(periods);
        let rows = ends.into_iter().enumerate().filter_map(|(period, end)| {
            let counts = population.arms.iter().map(|arm| arm.exposures.get(period).copied());
            let counts: Vec<u64> = counts.map(Option::unwrap_or_default).collect();
            if counts.iter().all(|count| *count == 0) {
                return None;
            }
            let said = population.arms.iter().zip(&counts);
            let said = said.map(|(arm, count)| format!("{} {}", arm.arm, grouped(*count)));
            let said = said.collect::<Vec<_>>().join(", ");
            Some(Row::new(vec![text(&signed(end, 1)), text(&said)]))
        });
        let columns = [(clock.up_to(), NUMBER), ("Exposures", TEXT)];
        let caption = format!("Exposures of {}", words::of(population.population));
        table::write(page, &caption, &columns, &rows.collect::<Vec<_>>());
    }
    page.raw("</div>\n").close("section");
}
