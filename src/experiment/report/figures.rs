//! The figures: effects over time, guardrails against their margins, exposures by arm.

use super::clock::Clock;
use super::comparisons;
use crate::experiment::analysis::{Comparison, Moment, PopulationReport, Range, Report, words};
use crate::experiment::{Better, Scale};
use crate::page::markup::Markup;
use crate::page::plot::Plot;
use crate::page::words::{grouped, signed};
use crate::page::{figure, section};

/// Figures of effects that a page has.
const SHOWN: usize = 8;

pub(super) fn over_time(page: &mut Markup, report: &Report) {
    section(page, "4", "Effects over time");
    page.raw(
        "<p>What was known at the end of each part of the experiment. The line is the effect so far, \
         on all units that had come; the band is its interval at one look. The dashed lines are a \
         sequence: it asks for the effect on units in their first quarter of the experiment, and all \
         of it together misses that as rarely as one interval would. Where there are fewer than a \
         hundred units in an arm, and no cap, there is none.</p>\n",
    );
    // Those that decide first, then those that could have.
    let mut shown: Vec<_> = comparisons(report).filter(|(_, it)| it.over_time.len() > 1).collect();
    shown.sort_by_key(|(_, it)| (!it.decides, it.guardrail.is_some()));
    if shown.is_empty() {
        page.raw("<p>There is too little to be drawn.</p>\n");
    }
    for (number, (population, comparison)) in shown.into_iter().take(SHOWN).enumerate() {
        let title = format!("{}, {}, {}", comparison.metric, words::of(population), comparison.arm);
        let svg = effect(&format!("effect-{number}"), report, comparison, &title);
        figure(page, "Effect over time.", &svg, |caption| {
            caption
                .raw("")
                .name(&comparison.metric)
                .text(&format!(" of {} in arm ", words::of(population)));
            caption.name(&comparison.arm).raw(". ");
        });
    }
    page.close("section");
}

/// The effect as it is drawn: in percent of the control arm where that can be said.
pub(super) fn shown(comparison: &Comparison, value: f64) -> f64 {
    match (comparison.scale, comparison.control.mean) {
        (Scale::Log, _) => value.exp_m1() * 100.0,
        (Scale::Linear, mean) if mean > 0.0 => value / mean * 100.0,
        _ => value,
    }
}

fn effect(id: &str, report: &Report, comparison: &Comparison, title: &str) -> Markup {
    let moments = &comparison.over_time;
    let clock = Clock::of(report);
    let time = |moment: &Moment| clock.at(moment.time);
    let last = moments.last().map_or(1.0, time).max(1e-9);
    let at = |value: f64| shown(comparison, value);
    // The frame fits what is known in the later half; earlier intervals run out of it.
    let later = moments.iter().skip(moments.len() / 2);
    let ends =
        |range: Range| [range.low, range.high].into_iter().flatten().map(at).collect::<Vec<_>>();
    let (mut low, mut high) = (0.0_f64, 0.0_f64);
    for value in later.flat_map(|it| ends(it.interval).into_iter().chain([at(it.estimate)])) {
        (low, high) = (low.min(value), high.max(value));
    }
    // A sequence is wider; where it is known it is shown, unless nothing else were seen then.
    let room = (high - low) * 1.5;
    let last_sequence = moments.last().and_then(|it| it.sequence).map(ends).unwrap_or_default();
    for value in last_sequence {
        (low, high) = (low.min(value.max(low - room)), high.max(value.min(high + room)));
    }
    let margin = ((high - low) * 0.08).max(1e-9);
    let frame = (low - margin, high + margin);
    let said = moments.last().map_or(String::new(), |it| {
        format!(
            "At the end {}, from {}.",
            signed(at(it.estimate), 1),
            words::range(it.interval.map(at), |end| signed(end, 1))
        )
    });
    let mut plot = Plot::new(id, title, &said, 240.0, (0.0, last), frame);
    let known = |of: fn(&Range) -> Option<f64>, otherwise: f64, moment: &Moment| {
        (time(moment), of(&moment.interval).map_or(otherwise, at))
    };
    let lower = moments.iter().map(|it| known(|range| range.low, frame.0, it));
    let upper = moments.iter().rev().map(|it| known(|range| range.high, frame.1, it));
    plot.path("band", lower.chain(upper), true);
    let unit = if comparison.scale == Scale::Log || comparison.control.mean > 0.0 {
        "change, in percent of the control arm"
    } else {
        "difference"
    };
    plot.y_axis(unit, |value| signed(value, usize::from((high - low) < 5.0)));
    let zero = plot.y.place(0.0);
    plot.line("axis", (plot.x.range.0, zero), (plot.x.range.1, zero));
    for end in [|range: &Range| range.low, |range: &Range| range.high] {
        // Drawn at the frame's edge it would be told narrower than it is.
        let of = moments.iter().filter_map(|it| {
            let value = at(end(it.sequence.as_ref()?)?);
            (frame.0 <= value && value <= frame.1).then(|| (time(it), value))
        });
        plot.path("sequence", of, false);
    }
    plot.path("effect", moments.iter().map(|it| (time(it), at(it.estimate))), false);
    plot.x_axis(clock.axis(), Clock::tick(last));
    plot.finish()
}

pub(super) fn guardrails(page: &mut Markup, report: &Report) {
    section(page, "5", "Guardrails against their margins");
    let drawn: Vec<_> = comparisons(report).filter_map(|(_, it)| Some((it, harm(it)?))).collect();
    if drawn.is_empty() {
        page.raw("<p>No guardrail can be drawn: none has varied, or there is none.</p>\n");
        page.close("section");
        return;
    }
    page.raw(
        "<p>Harm as a share of what was to be borne: at 0 the arms are alike, at 100 the margin is \
         reached. A guardrail holds when its whole interval lies left of the margin, and is broken \
         when it lies right of it.</p>\n",
    );
    let ends = |range: &Range| [range.low, range.high].into_iter().flatten().collect::<Vec<_>>();
    let (mut low, mut high) = (-100.0_f64, 120.0_f64);
    for end in
        drawn.iter().flat_map(|(_, (estimate, range))| ends(range).into_iter().chain([*estimate]))
    {
        (low, high) = (low.min(end.max(-400.0)), high.max(end.min(500.0)));
    }
    let (row, rows) = (46.0, drawn.len() as f64);
    let title = "Guardrails against their margins";
    let description = format!("Intervals of harm for {} guardrails.", drawn.len());
    let mut plot = Plot::new(
        "guardrails",
        title,
        &description,
        66.0 + row * rows,
        (low - 10.0, high + 10.0),
        (rows, 0.0),
    );
    for (class, share) in [("axis", 0.0), ("needed", 100.0)] {
        let x = plot.x.place(share);
        plot.line(class, (x, plot.y.range.1), (x, plot.y.range.0));
    }
    let margin = plot.x.place(100.0);
    plot.label("meaning middle", (margin, plot.y.range.1 - 8.0), "margin");
    for (place, (comparison, (estimate, range))) in drawn.iter().enumerate() {
        let y = plot.y.place(place as f64 + 0.65);
        let name = format!("{} · {}", comparison.metric, comparison.arm);
        plot.label("tick", (plot.x.range.0, y - 14.0), &name);
        let [from, to] = [range.low.unwrap_or(low), range.high.unwrap_or(high)];
        plot.line("interval", (plot.x.place(from), y), (plot.x.place(to), y));
        plot.dot("estimate", (plot.x.place(*estimate), y), 4.0);
    }
    plot.x_axis("harm, in percent of the margin", |share| signed(share, 0));
    let svg = plot.finish();
    figure(page, "Guardrails.", &svg, |caption| {
        caption.raw("Harm (dots) with its interval (lines), and the margin. ");
    });
    page.close("section");
}

/// The harm and its interval, in percent of the margin.
pub(super) fn harm(comparison: &Comparison) -> Option<(f64, Range)> {
    let guardrail = comparison.guardrail?;
    guardrail.held_p?;
    let effect = comparison.effect?;
    let margin = guardrail.margin_on_scale;
    if margin <= 0.0 {
        return None;
    }
    Some(match comparison.better {
        Better::Lower => {
            let share = |value: f64| value / margin * 100.0;
            (share(effect.estimate), effect.interval.map(share))
        }
        Better::Higher => {
            let share = |value: f64| -value / margin * 100.0;
            let Range { low, high } = effect.interval.map(share);
            (share(effect.estimate), Range { low: high, high: low })
        }
    })
}

pub(super) fn exposures(page: &mut Markup, report: &Report) {
    section(page, "6", "Exposures by arm");
    page.raw(
        "<p>Requests about which the arms decide differently, counted in every arm when it is \
         decided, whatever is then done. With equal weights the lines should run beside each other \
         at the beginning; later they differ by what the arms do to the callers.</p>\n",
    );
    for (number, population) in report.populations.iter().enumerate() {
        let most = population.arms.iter().flat_map(|arm| &arm.exposures).max().copied();
        if most.unwrap_or(0) == 0 {
            continue;
        }
        let svg = lines(&format!("exposures-{number}"), report, population);
        figure(page, "Exposures.", &svg, |caption| {
            caption.text(&format!("Of {}, by arm. ", words::of(population.population)));
        });
    }
    let none =
        |it: &PopulationReport| it.arms.iter().all(|arm| arm.exposures.iter().all(|it| *it == 0));
    if report.populations.iter().all(none) {
        page.raw("<p>The arms decided alike about every request.</p>\n");
    }
    page.close("section");
}

fn lines(id: &str, report: &Report, population: &PopulationReport) -> Markup {
    let periods = population.arms.iter().map(|arm| arm.exposures.len()).max().unwrap_or(0);
    let most = population.arms.iter().flat_map(|arm| &arm.exposures).max().copied().unwrap_or(1);
    let clock = Clock::of(report);
    let (ends, until) = (clock.ends(periods), clock.at(report.look.until));
    let last = ends.last().copied().unwrap_or(1.0).min(until.max(1e-9));
    let title = format!("Exposures of {} by arm", words::of(population.population));
    let totals = population
        .arms
        .iter()
        .map(|arm| format!("{} {}", arm.arm, grouped(arm.exposures.iter().sum())));
    let said = totals.collect::<Vec<_>>().join(", ");
    let mut plot = Plot::new(id, &title, &said, 220.0, (0.0, last), (0.0, most as f64 * 1.35));
    plot.y_axis("requests in each part of the time", |count| grouped(count.max(0.0) as u64));
    for (number, arm) in population.arms.iter().enumerate() {
        let class = ["line control", "line one", "line two", "line three"].get(number.min(3));
        let class = class.copied().unwrap_or("line");
        let points = ends.iter().zip(&arm.exposures).filter(|(end, _)| **end <= last * 1.0001);
        let points: Vec<(f64, f64)> = points.map(|(end, count)| (*end, *count as f64)).collect();
        plot.path(class, points, false);
        // A key of the lines, where they leave room.
        let y = plot.y.range.1 + 14.0 * number as f64;
        let x = plot.x.range.1 - 150.0;
        plot.line(class, (x, y - 4.0), (x + 24.0, y - 4.0));
        plot.label("tick", (x + 30.0, y), &arm.arm);
    }
    plot.x_axis(clock.axis(), Clock::tick(last));
    plot.finish()
}
