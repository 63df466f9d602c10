//! The method in plain words.

use crate::experiment::analysis::Report;
use crate::page::markup::Markup;
use crate::page::section;

pub(super) fn write(page: &mut Markup, report: &Report) {
    section(page, "7", "The method in plain words");
    let unit = match report.unit {
        "slot" => "slots of time",
        "account" => "accounts",
        _ => "clusters of accounts, and accounts that belong to none",
    };
    page.raw("<p><b>What was assigned.</b> Units: ").text(unit).raw(
        ". A secret key put each into an arm, so that nobody could choose one. Each unit counts once, \
         with one value, however many accounts and requests it has; and in the arm in which it was \
         first put, whatever became of it.</p>\n\
         <p><b>Who is studied as what</b> was settled by the score at which a unit was first seen. A \
         later score is a result of the arm. Harvesters and legitimate callers are never pooled: a \
         policy is meant to change what the first get, and not what the others do.</p>\n\
         <p><b>What decides.</b> One metric, which the experiment’s file names, by the randomization \
         test: the same units with the same values are put into arms anew, some ten thousand times, and \
         the p-value is the share of these in which the arms differ at least as much as they did. It \
         assumes nothing but the assignment, which is ours, and errs as often as it says with ten \
         units as with a thousand.</p>\n\
         <p><b>What must not happen.</b> Each guardrail has a margin of harm that is borne. It holds if \
         more harm than that can be excluded by a test of one side; that no harm was found is not \
         enough. All must hold, so that their levels need no correction.</p>\n",
    );
    page.raw("<p><b>When one may look.</b> ");
    page.text(&format!(
        "{} were planned. All of them together take a difference for real that is none in at most {:.1} \
         % of experiments; this one may err with {:.2} %, and its intervals miss as often.",
        if report.look.planned == 1 { "One look".to_owned() } else { format!("{} looks", report.look.planned) },
        report.alpha * 100.0,
        report.level * 100.0
    ));
    page.raw(
        " What has come since the last look is not looked at, so that reading this page every day \
         changes nothing.</p>\n\
         <p><b>The rule.</b> <i>Invalid</i> if the arms were not filled as planned, too many units \
         belong to two arms, or too many lines are missing. <i>Rollback</i> if a guardrail is broken, \
         or what decides is significantly worse. <i>Ship</i> if what decides is significantly better \
         and every guardrail holds. Else <i>continue</i>.</p>\n",
    );
    page.close("section");
}
