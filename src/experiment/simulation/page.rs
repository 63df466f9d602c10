//! A simulation as one page.

use super::{GradeReach, Leak, Simulation};
use crate::page::markup::{Markup, text};
use crate::page::plot::Plot;
use crate::page::table::{self, NUMBER, Row, TEXT};
use crate::page::words::grouped;
use crate::page::{Run, command, document, entry, figure, names, section};

/// The report on a simulation: an HTML document, well-formed as XML, that stands alone.
#[must_use]
pub fn page(simulation: &Simulation, run: &Run) -> String {
    let mut page = Markup::default();
    head(&mut page, simulation, run);
    section(&mut page, "1", "What campaigns get");
    leaks(&mut page, &simulation.leaks);
    page.raw("</section>\n");
    section(&mut page, "2", "Whom it touches");
    grades(&mut page, &simulation.grades);
    page.raw("</section>\n");
    best(&mut page, simulation);
    frontier(&mut page, simulation);
    assumed(&mut page, simulation);
    made(&mut page, simulation, run);
    numbers(&mut page, simulation);
    document(&format!("Simulation of {}", names::shortened(&simulation.policy.name)), &page)
}

fn head(page: &mut Markup, simulation: &Simulation, run: &Run) {
    page.raw("<header>\n<p class=\"kicker\">What a policy would leak, and whom it would touch");
    if let Some(made) = run.made {
        let day = made.strftime("%Y-%m-%d %H:%M UTC").to_string();
        page.raw(" · ").element("time", &[("datetime", &made.to_string())], &day);
    }
    let sum = |of: fn(&Leak) -> f64| simulation.leaks.iter().map(of).sum::<f64>();
    page.raw("</p>\n<h1>").name(&simulation.policy.name).text(&format!(
        " would leave campaigns {} of the reasoning that they ask for, and touch {} of {} ordinary \
         accounts.",
        percent(sum(|leak| leak.leaked) / sum(|leak| leak.asked)),
        rounded(simulation.ordinary_touched),
        rounded(simulation.ordinary),
    ));
    page.raw(
        "</h1>\n<p class=\"caveat\">Of a model of detector and population, not of traffic. What is taken \
         for granted stands below.</p>\n</header>\n",
    );
}

fn leaks(page: &mut Markup, leaks: &[Leak]) {
    let columns = [
        ("Campaign", TEXT),
        ("Accounts", NUMBER),
        ("Tokens asked for", NUMBER),
        ("In full", NUMBER),
        ("Share", NUMBER),
        ("Deviation", NUMBER),
        ("Before a score", NUMBER),
    ];
    let row = |leak: &Leak| {
        let mut name = Markup::default();
        name.name(&leak.campaign);
        Row::new(vec![
            name,
            text(&rounded(leak.accounts)),
            text(&rounded(leak.asked)),
            text(&rounded(leak.leaked)),
            text(&percent(leak.leaked / leak.asked)),
            text(&rounded(leak.deviation)),
            text(&rounded(leak.before_score)),
        ])
    };
    let rows: Vec<_> = leaks.iter().map(row).collect();
    table::write(page, "Tokens of reasoning that each campaign gets in full", &columns, &rows);
}

fn grades(page: &mut Markup, grades: &[GradeReach]) {
    let columns = [
        ("Grade", TEXT),
        ("From", NUMBER),
        ("Harvesting accounts", NUMBER),
        ("Ordinary accounts", NUMBER),
        ("So many", NUMBER),
    ];
    let row = |grade: &GradeReach| {
        let mut name = Markup::default();
        name.name(&grade.name);
        let at = grade.at.map_or("no score".to_owned(), |at| at.to_string());
        let with_error = |share: f64, error: Option<f64>| match error {
            Some(error) => format!("{} ± {}", percent(share), percent(1.96 * error)),
            None => percent(share),
        };
        Row::new(vec![
            name,
            text(&at),
            text(&with_error(grade.harvesters, grade.errors.map(|it| it.0))),
            text(&with_error(grade.ordinary, grade.errors.map(|it| it.1))),
            text(&rounded(grade.ordinary_accounts)),
        ])
    };
    let rows: Vec<_> = grades.iter().map(row).collect();
    table::write(page, "Accounts in each grade", &columns, &rows);
}

fn best(page: &mut Markup, simulation: &Simulation) {
    section(page, "3", "The thresholds that leak least");
    match &simulation.thresholds {
        Some(best) => {
            page.element(
                "p",
                &[],
                &format!(
                    "Within the budget {} ordinary accounts would be touched.",
                    rounded(best.ordinary_touched)
                ),
            );
            page.raw("\n");
            grades(page, &best.grades);
            leaks(page, &best.leaks);
        }
        None => {
            page.raw("<p>No budget was given (<code>--budget</code>).</p>\n");
        }
    }
    page.raw("</section>\n");
}

fn frontier(page: &mut Markup, simulation: &Simulation) {
    section(page, "4", "What a budget buys");
    let points = &simulation.frontier;
    let least = points.first().map_or(-5.0, |point| point.budget.log10());
    let most = points.last().map_or(-1.0, |point| point.budget.log10());
    let title = "The least leak by the share of ordinary accounts that may be touched";
    let mut plot = Plot::new(
        "frontier",
        title,
        "A falling curve: the more ordinary accounts may be touched, the less reasoning campaigns get in \
         full.",
        300.0,
        (least, most),
        (0.0, 100.0),
    );
    plot.y_axis("reasoning in full, % of what campaigns ask for", |tick| format!("{tick:.0}"));
    plot.x_axis("ordinary accounts that may be touched, %, on a logarithmic scale", |tick| {
        let share = 10_f64.powf(tick + 2.0);
        let places = (-(tick + 2.0)).max(0.0).ceil() as usize;
        format!("{share:.places$}")
    });
    let places = points.iter().map(|point| (point.budget.log10(), 100.0 * point.leaked_share));
    plot.path("curve", places, false);
    figure(page, "Figure 1.", &plot.finish(), |page| {
        page.raw("Where the stricter grades take the same part of the budget that they take now. ");
    });
    page.raw("</section>\n");
}

fn assumed(page: &mut Markup, simulation: &Simulation) {
    section(page, "5", "What is taken for granted");
    page.raw("<ul class=\"limits\">\n");
    for said in &simulation.assumed {
        page.raw("<li>").said(said).raw("</li>\n");
    }
    page.raw("</ul>\n</section>\n");
}

fn made(page: &mut Markup, simulation: &Simulation, run: &Run) {
    section(page, "6", "Of what");
    page.raw("<dl class=\"sums\">\n");
    let policy = &simulation.policy;
    entry(page, "Policy", &format!("{} {}", names::shortened(&policy.name), policy.revision));
    entry(page, "Area under the detector’s curve", &format!("{:.4}", simulation.auc));
    entry(page, "Days to the first score", &simulation.delay_days.to_string());
    page.raw("</dl>\n");
    if !run.command.is_empty() {
        page.raw("<pre>").text(&command(&run.command)).raw("</pre>\n");
    }
    page.raw("</section>\n");
}

fn numbers(page: &mut Markup, simulation: &Simulation) {
    page.raw("<section id=\"numbers\">\n<h2>The numbers of the figure</h2>\n");
    let columns =
        [("Ordinary accounts that may be touched", NUMBER), ("Reasoning in full", NUMBER)];
    let row = |point: &super::Frontier| {
        Row::new(vec![
            text(&format!("{:.4} %", 100.0 * point.budget)),
            text(&percent(point.leaked_share)),
        ])
    };
    let rows: Vec<_> = simulation.frontier.iter().map(row).collect();
    table::write(page, "Figure 1", &columns, &rows);
    page.raw("</section>\n");
}

/// A share in percent, with three digits that mean something.
pub(crate) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let places =
        if percent == 0.0 { 0.0 } else { (2.0 - percent.abs().log10().floor()).clamp(0.0, 6.0) };
    format!("{percent:.*} %", places as usize)
}

/// A number that may be large, without what is below one.
pub(crate) fn rounded(number: f64) -> String {
    // A cast saturates.
    grouped(number.round().max(0.0) as u64)
}
