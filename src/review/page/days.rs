//! Requests by day: figures, and the numbers behind them.

use super::cells::{both, name, number};
use crate::page::markup::{Markup, text};
use crate::page::plot::Plot;
use crate::page::table::{self, NUMBER, Row, TEXT};
use crate::page::words::grouped;
use crate::page::{figure, section};
use crate::review::days::Days;
use crate::review::{Day, DayGrade, Review};

/// Grades that have a colour of their own.
const COLOURS: [&str; 6] = ["step-0", "step-1", "step-2", "step-3", "step-4", "step-5"];

pub(super) fn figures(page: &mut Markup, review: &Review) {
    section(page, "3", "By day");
    if review.days.is_empty() {
        page.raw("<p>There is no day with a record.</p>\n");
        page.close("section");
        return;
    }
    let named: Vec<&str> = review.grades.iter().map(|grade| grade.name.as_str()).collect();
    let seen = |day: &Day| {
        let of = |name: &&str| day.grades.iter().find(|it| it.grade == **name);
        named.iter().map(|name| of(name).map_or(0, |it| it.seen.requests)).collect()
    };
    let keys: Vec<String> = named
        .iter()
        .map(|name| if name.is_empty() { "no grade" } else { name }.to_owned())
        .collect();
    let svg = bars("days-grades", "Decided requests by day and grade", review, &keys, seen);
    figure(page, "Requests.", &svg, |caption| {
        caption.raw("Those with a record, by day (UTC) and grade, the mildest below. ");
    });
    let became = |day: &Day| {
        let sum = |of: fn(&DayGrade) -> u64| day.grades.iter().map(of).sum::<u64>();
        let (touched, refused) = (sum(|it| it.touched.requests), sum(|it| it.refused.requests));
        // Of a request some may be carried out and some only observed.
        let spared = sum(|it| it.seen.requests).saturating_sub(touched);
        let observed = sum(|it| it.observed.requests).min(spared);
        vec![observed, touched.saturating_sub(refused), refused]
    };
    let keys = ["only observed", "touched", "refused"].map(str::to_owned);
    let svg = bars("days-became", "What became of requests, by day", review, &keys, became);
    figure(page, "What was done.", &svg, |caption| {
        caption.raw(
            "Requests to which something would have been done, to which something was, and that were \
             refused. ",
        );
    });
    page.close("section");
}

/// Stacked bars, one for each day.
fn bars(
    id: &str,
    title: &str,
    review: &Review,
    keys: &[String],
    values: impl Fn(&Day) -> Vec<u64>,
) -> Markup {
    let stacks: Vec<Vec<u64>> = review.days.iter().map(values).collect();
    let most = stacks.iter().map(|stack| stack.iter().sum::<u64>()).max().unwrap_or(0).max(1);
    let first = review.days.first().map_or(0, |day| day.number);
    let place = |day: &Day| f64::from(day.number.saturating_sub(first));
    let last = review.days.last().map_or(0.0, place);
    let totals = keys.iter().enumerate().map(|(key, name)| {
        let total: u64 = stacks.iter().filter_map(|stack| stack.get(key)).sum();
        format!("{name} {}", grouped(total))
    });
    let said = totals.collect::<Vec<_>>().join(", ");
    let rows = keys.len().div_ceil(4) as f64;
    let height = 220.0 + 16.0 * rows;
    let top = most as f64 * (1.0 + 0.1 * (rows + 0.4));
    let mut plot = Plot::new(id, title, &said, height, (-0.6, last + 0.6), (0.0, top));
    plot.y_axis("requests", |count| grouped(count.max(0.0) as u64));
    for (day, stack) in review.days.iter().zip(&stacks) {
        let mut below = 0_u64;
        for (key, requests) in stack.iter().enumerate().filter(|(_, requests)| **requests > 0) {
            let x = place(day);
            let (from, to) = (plot.x.place(x - 0.4), plot.x.place(x + 0.4));
            let (base, above) =
                (plot.y.place(below as f64), plot.y.place((below + requests) as f64));
            plot.rectangle(colour(key, keys.len()), (from, base), (to, above));
            below += requests;
        }
    }
    for (key, name) in keys.iter().enumerate() {
        let (column, row) = ((key % 4) as f64, (key / 4) as f64);
        let (x, y) = (plot.x.range.0 + 150.0 * column + 90.0, plot.y.range.1 - 10.0 + 15.0 * row);
        plot.rectangle(colour(key, keys.len()), (x, y - 8.0), (x + 9.0, y + 1.0));
        plot.label("tick", (x + 14.0, y), &crate::page::names::shortened(name));
    }
    plot.x_axis("day, UTC", |days| {
        let whole = (days - days.round()).abs() < 1e-6;
        let date = Days::date(first.saturating_add(days.round() as i32));
        if whole { date.strftime("%m-%d").to_string() } else { String::new() }
    });
    plot.finish()
}

/// From the mildest to the strictest.
fn colour(key: usize, keys: usize) -> &'static str {
    let last = COLOURS.len() - 1;
    let place = if keys <= 1 { last / 2 } else { key * last / (keys - 1) };
    COLOURS.get(place).copied().unwrap_or("step-5")
}

pub(super) fn numbers(page: &mut Markup, review: &Review) {
    section(page, "8", "The numbers behind the figures");
    page.raw("<div id=\"numbers\">\n");
    let columns = [
        ("Day", TEXT),
        ("Grade", TEXT),
        ("Seen", NUMBER),
        ("Touched", NUMBER),
        ("Only observed", NUMBER),
        ("Refused", NUMBER),
    ];
    let of_day = |day: &Day| {
        let passed = day.passed.map(|requests| {
            let mut without = Markup::default();
            without.raw("<em>without a record</em>");
            let [zero, zeros, none] = ["0", "0", "0"].map(text);
            vec![text(&day.day.to_string()), without, number(requests), zero, zeros, none]
        });
        let grades = day.grades.iter().map(|it| {
            let counts = [it.seen, it.touched, it.observed, it.refused].map(both);
            [text(&day.day.to_string()), name(&it.grade)].into_iter().chain(counts).collect()
        });
        passed.into_iter().chain(grades).map(Row::new).collect::<Vec<_>>()
    };
    let rows: Vec<_> = review.days.iter().flat_map(of_day).collect();
    table::write(
        page,
        "Requests by day and grade, and their accounts in brackets",
        &columns,
        &rows,
    );
    page.raw("</div>\n").close("section");
}
