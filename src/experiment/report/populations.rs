//! One section for harvesters, one for legitimate callers.

use crate::audit::Population;
use crate::experiment::Scale;
use crate::experiment::analysis::{
    CheckState, Comparison, Finding, GuardrailState, Method, PopulationReport, Report, Verdict,
    words,
};
use crate::page::markup::{Markup, text};
use crate::page::section;
use crate::page::table::{self, NUMBER, Row, TEXT};
use crate::page::words::{counted, grouped};

pub(super) fn write(page: &mut Markup, report: &Report) {
    for population in &report.populations {
        match population.population {
            Population::Harvesters => section(page, "2", "Harvesters"),
            Population::Legitimate => section(page, "3", "Legitimate callers"),
        }
        if report.verdict == Verdict::Invalid {
            page.raw(
                "<p class=\"void\">The experiment is invalid. These numbers mean nothing.</p>\n",
            );
        }
        arms(page, report, population);
        effects(page, report, population);
        page.close("section");
    }
}

fn arms(page: &mut Markup, report: &Report, population: &PopulationReport) {
    let rows = population.arms.iter().map(|arm| {
        let mut name = Markup::default();
        name.name(&arm.arm);
        if arm.arm == report.control {
            name.raw(" <small>control</small>");
        }
        if arm.closed {
            name.raw(" <small>closed</small>");
        }
        let numbers = [arm.units, arm.exposed, arm.contaminated, arm.requests];
        let mut cells = vec![name];
        cells.extend(numbers.map(|number| text(&grouped(number))));
        Row::new(cells)
    });
    let columns = [
        ("Arm", TEXT),
        ("Units", NUMBER),
        ("For which arms ever differed", NUMBER),
        ("Contaminated", NUMBER),
        ("Requests", NUMBER),
    ];
    table::write(page, "Units by arm", &columns, &rows.collect::<Vec<_>>());
    if population.held_out > 0 {
        let held_out = counted(population.held_out, "unit is", "units are");
        let said = format!("{held_out} held out, and in no comparison.");
        page.element("p", &[("class", "note")], &said).raw("\n");
    }
    let short = report.checks.iter().find(|check| {
        check.name == "least units"
            && check.population == Some(population.population)
            && check.state != CheckState::Passed
    });
    if let Some(check) = short {
        page.raw("<p class=\"void\">Too few to conclude anything: ").text(&check.message);
        page.raw(".</p>\n");
    }
}

fn effects(page: &mut Markup, report: &Report, population: &PopulationReport) {
    for arm in &report.arms {
        let of_arm = population.comparisons.iter().filter(|it| it.arm == arm.arm);
        let rows: Vec<Row> = of_arm.clone().map(row).collect();
        let columns = [
            ("Metric", TEXT),
            ("Control", NUMBER),
            ("Arm", NUMBER),
            ("Change", NUMBER),
            ("Interval", TEXT),
            ("p-value", NUMBER),
            ("Finding", TEXT),
        ];
        table::write(page, &format!("{} against {}", arm.arm, report.control), &columns, &rows);
        let beside: Vec<String> = of_arm.flat_map(beside).collect();
        if !beside.is_empty() {
            page.raw("<h3>Beside these, and deciding nothing</h3>\n<ul class=\"note\">\n");
            for said in &beside {
                page.element("li", &[], said).raw("\n");
            }
            page.raw("</ul>\n");
        }
    }
}

fn row(comparison: &Comparison) -> Row {
    let mut metric = Markup::default();
    metric.name(&comparison.metric);
    if comparison.decides {
        metric.raw("<br /><small>decides</small>");
    }
    if comparison.scale == Scale::Log {
        metric.raw("<br /><small>mean of logarithms</small>");
    }
    let Some(effect) = &comparison.effect else {
        let why = comparison.unavailable.as_deref().unwrap_or("unknown");
        let dash = || text("–");
        return Row::new(vec![metric, dash(), dash(), dash(), dash(), dash(), text(why)]);
    };
    let finding = match comparison.guardrail {
        Some(guardrail) => {
            let margin = words::change(guardrail.margin);
            let said = match guardrail.state {
                GuardrailState::Held => "holds",
                GuardrailState::Broken => "is broken",
                GuardrailState::NotShown => "is not shown to hold",
            };
            let p = guardrail.held_p.map_or(String::new(), |held| format!(", {}", words::p(held)));
            format!("{said} (margin {margin}{p})")
        }
        None => match effect.finding {
            Finding::Better => "better".to_owned(),
            Finding::Worse => "worse".to_owned(),
            Finding::NotShown => "not shown".to_owned(),
        },
    };
    let p = words::p(effect.p_adjusted);
    Row {
        cells: vec![
            metric,
            text(&words::number(comparison.control.mean)),
            text(&words::number(comparison.treated.mean)),
            text(&words::difference(effect)),
            text(&words::interval(effect)),
            text(p.trim_start_matches("p = ").trim_start_matches("p ")),
            text(&finding),
        ],
        named: comparison.decides,
    }
}

/// What stands beside a comparison.
fn beside(comparison: &Comparison) -> Vec<String> {
    let Some(effect) = &comparison.effect else { return Vec::new() };
    let metric = &comparison.metric;
    let mut said = Vec::new();
    let least = effect.least_attainable;
    if least > 0.001 {
        said.push(format!("{metric}: no p-value below {least:.3} can come of so few units."));
    }
    if let Some(welch) = comparison.welch.filter(|_| effect.p_by == Method::Randomization) {
        said.push(format!("{metric}: Welch’s test of the same values has {}.", words::p(welch.p)));
    }
    if let Some(ratio) = &comparison.secondary_ratio {
        said.push(format!(
            "{metric}, per request and not per unit (secondary: a few heavy units carry it, and its \
             interval misses too often): {} and {}, difference {}.",
            words::number(ratio.control),
            words::number(ratio.treated),
            words::range(ratio.rough_interval, words::number)
        ));
    }
    if let Some(adjusted) = &comparison.adjusted {
        said.push(format!(
            "{metric}, with what the time before explains taken out (CUPED): {} ({}), {}.",
            words::number(adjusted.estimate),
            words::range(adjusted.interval, words::number),
            words::p(adjusted.p)
        ));
    }
    if let Some(truth) = &comparison.true_difference {
        said.push(format!(
            "{metric} is a label that errs. Behind it the true difference is {} if labels err alike in \
             both arms, and {} if they do not.",
            words::range(truth.if_alike, words::change),
            words::range(truth.if_not, words::change)
        ));
    }
    if let Some(without) = &comparison.without_contaminated {
        said.push(format!(
            "{metric}, without contaminated units (sensitivity: the rest is no longer what was \
             assigned): {} ({}), {}.",
            words::number(without.estimate),
            words::range(without.interval, words::number),
            words::p(without.p)
        ));
    }
    said.extend(words::below_one(comparison).map(|below| format!("{metric}: {below}")));
    let (control, treated) = (comparison.control.without, comparison.treated.without);
    if control + treated > 0 {
        said.push(format!(
            "{metric}: without a value, and left out, are {} of the control arm and {} of the other.",
            counted(control, "unit", "units"),
            grouped(treated)
        ));
    }
    said
}
