//! The verdict and its reasons, and what had to hold before.

use crate::experiment::analysis::{CheckState, Report, Verdict, words};
use crate::page::markup::{Markup, text};
use crate::page::table::{self, Row, TEXT};
use crate::page::{Run, section};

pub(super) fn write(page: &mut Markup, report: &Report, run: &Run) {
    page.raw("<header>\n<p class=\"kicker\">Experiment ").name(&report.experiment.name);
    page.raw(" (salt ").name(&report.experiment.salt).raw(")");
    if let Some(made) = run.made {
        let day = made.strftime("%Y-%m-%d %H:%M UTC").to_string();
        page.raw(" · ").element("time", &[("datetime", &made.to_string())], &day);
    }
    let word = report.verdict.word();
    page.raw("</p>\n");
    page.element("p", &[("class", &format!("word {word}"))], &format!("Verdict: {word}"));
    page.raw("\n<h1>");
    sentence(page, report);
    page.raw("</h1>\n<ul>\n");
    for reason in &report.reasons {
        page.element("li", &[], reason).raw("\n");
    }
    page.raw("</ul>\n");
    let until = report.look.until.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let look = match report.look.number {
        0 => format!(
            "No look has come of {} that are planned. Seen up to {until}.",
            report.look.planned
        ),
        number => {
            format!("Look {number} of {} that were planned, up to {until}.", report.look.planned)
        }
    };
    page.element("p", &[("class", "caveat")], &look).raw("\n</header>\n");
}

fn sentence(page: &mut Markup, report: &Report) {
    let of = |verdict| report.arms.iter().find(|arm| arm.verdict == verdict);
    match report.verdict {
        Verdict::Ship => {
            let arm = of(Verdict::Ship).map_or("", |arm| &arm.arm);
            page.raw("Arm ").name(arm);
            page.raw(" does what was wanted, and more harm than was to be borne is excluded.")
        }
        Verdict::Rollback => {
            let arm = of(Verdict::Rollback).map_or("", |arm| &arm.arm);
            page.raw("Arm ").name(arm).raw(" does harm: give everybody the policy of ");
            page.name(&report.control).raw(".")
        }
        Verdict::Continue if report.look.next.is_some() => {
            page.raw("Nothing is decided yet: go on.")
        }
        Verdict::Continue => {
            page.raw("Nothing was shown: keep the policy of ").name(&report.control).raw(".")
        }
        Verdict::Invalid if !report.is_broken() => page.raw(
            "Values are missing more in one arm than in the other: what matters cannot be told.",
        ),
        Verdict::Invalid => {
            page.raw("The experiment is broken, and none of its numbers means anything.")
        }
    };
}

pub(super) fn checks(page: &mut Markup, report: &Report) {
    section(page, "1", "What has to hold first");
    page.raw(
        "<p>Where the arms were not filled as they were to be, units belong to two arms, or lines \
         are missing, a difference between the arms may come from that alone. So these are looked \
         at before anything is compared.</p>\n",
    );
    let rows = report.checks.iter().map(|check| {
        let state = match check.state {
            CheckState::Passed => "passed",
            CheckState::Warned => "warning",
            CheckState::Failed => "failed",
        };
        let who = check.population.map_or("all", words::of);
        Row {
            cells: vec![text(check.name), text(who), text(state), text(&check.message)],
            named: check.state == CheckState::Failed,
        }
    });
    let columns = [("Check", TEXT), ("Of", TEXT), ("State", TEXT), ("Found", TEXT)];
    table::write(page, "Checks", &columns, &rows.collect::<Vec<_>>());
    page.close("section");
}
