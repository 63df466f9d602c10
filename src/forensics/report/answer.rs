//! The answer, and the numbers that it rests on.

use super::words::{decoys_reached, frequency};
use super::{Run, evidence_section, strongest, word};
use crate::forensics::examination::{
    DeploymentTest, FileRead, IdTest, Level, LevelTests, Material, Named, Outcome, PValue, Said,
    Verdict,
};
use crate::page::markup::{Markup, text};
use crate::page::words::{counted, grouped, level, signed};
use crate::page::{names, table};

/// Names that the sentence has room for.
const NAMES: usize = 6;

pub(super) fn write(page: &mut Markup, verdict: &Verdict, run: &Run) {
    page.raw("<header>\n<p class=\"kicker\">Examination for marked outputs");
    if let Some(made) = run.made {
        let day = made.strftime("%Y-%m-%d %H:%M UTC").to_string();
        page.raw(" · ").element("time", &[("datetime", &made.to_string())], &day);
    }
    page.raw("</p>\n");
    page.element(
        "p",
        &[("class", &format!("word {}", word(verdict)))],
        &format!("Verdict: {}", word(verdict)),
    );
    page.raw("\n<h1>");
    sentence(page, verdict);
    page.raw("</h1>\n");
    if verdict.outcome == Outcome::Refused {
        page.raw("<ul class=\"reasons\">\n");
        let paths = paths(verdict);
        for refused in verdict.refusals.iter().take(12) {
            page.element("li", &[], &names::message(&refused.reason, &paths)).raw("\n");
        }
        page.raw("</ul>\n");
        more(page, verdict.refusals.len(), 12, "reasons");
    }
    page.element("p", &[("class", "caveat")], &verdict.caveat).raw("\n</header>\n");
}

fn sentence(page: &mut Markup, verdict: &Verdict) {
    if verdict.outcome == Outcome::Refused {
        let reasons = counted(verdict.refusals.len() as u64, "reason", "reasons");
        page.text(&format!("No answer is given, for {reasons}:"));
        return;
    }
    let said = verdict.said();
    let all = said.iter().filter(|piece| matches!(piece, Said::Name(_))).count();
    let mut named = 0;
    for piece in said {
        match piece {
            // What stands between names that are left out.
            Said::Words(words) if words == ", " && named >= NAMES => {}
            Said::Words(words) => {
                page.text(&words);
            }
            Said::P(p) => {
                page.p_value(p);
            }
            Said::Level(below) => {
                page.prose(&level(below));
            }
            Said::Name(id) => {
                named += 1;
                if named <= NAMES {
                    page.name(&id.id);
                    if !id.tenant.is_empty() {
                        page.raw(" (tenant ").name(&id.tenant).raw(")");
                    }
                } else if named == all {
                    let more = grouped((all - NAMES) as u64);
                    page.text(&format!(", and {more} more"));
                }
            }
        }
    }
}

/// Every path that the verdict tells.
pub(super) fn paths(verdict: &Verdict) -> Vec<&str> {
    let controls = verdict.controls.iter().filter_map(|control| control.material.as_ref());
    let files = verdict.materials.iter().chain(controls).flat_map(|material| &material.files);
    let committed = verdict.method.committed.iter().map(|committed| committed.file.as_str());
    // Of a file within a file of counts, both.
    let files = files.flat_map(|file| file.name.split(": "));
    let mut paths: Vec<&str> = files.chain(committed).collect();
    paths.retain(|path| !path.is_empty());
    paths
}

/// Says how many things of a list were left out.
pub(super) fn more(page: &mut Markup, all: usize, shown: usize, what: &'static str) {
    if all > shown {
        let left_out = grouped((all - shown) as u64);
        let said = format!("{left_out} more {what} are in the verdict’s JSON form.");
        page.element("p", &[("class", "note")], &said).raw("\n");
    }
}

pub(super) fn key_numbers(page: &mut Markup, verdict: &Verdict) {
    evidence_section(page, verdict, "1", "Key numbers");
    let strongest = strongest(verdict);
    let leading = strongest.first().map(|(_, test)| *test);
    let examined = leading
        .and_then(|test| verdict.materials.iter().find(|material| material.scheme == test.scheme));
    if let Some(material) = examined.or(verdict.materials.first()) {
        counts(page, material, leading);
    }
    if verdict.outcome == Outcome::Refused {
        page.close("section");
        return;
    }
    let mut rows = Vec::new();
    if let Some(test) = leading {
        rows.push(p_row(
            text("the deployment’s key"),
            test.p,
            Some(test.p_adjusted),
            how(test.exact, test.standardized),
        ));
        let reached = decoys_reached(test.decoys.p, test.decoys.count);
        let how = format!(
            "by trial: {} of {} score as high as the suspect",
            grouped(reached),
            counted(test.decoys.count, "decoy key", "decoy keys")
        );
        rows.push(p_row(text("the same, by trial"), test.decoys.p, None, how));
    }
    if let Some(test) = first_found(&verdict.clusters) {
        rows.push(id_row(verdict, "cluster", test));
    }
    if let Some(test) = first_found(&verdict.arms) {
        rows.push(id_row(verdict, "arm", test));
    }
    if let Some(test) = first_found(&verdict.accounts) {
        rows.push(id_row(verdict, "account", test));
    }
    let columns = [
        ("Test", table::TEXT),
        ("p-value", table::NUMBER),
        ("adjusted", table::NUMBER),
        ("Under chance alone, keys score so high", table::TEXT),
        ("How the p-value was got", table::TEXT),
    ];
    table::write(page, "The strongest tests", &columns, &rows);
    page.raw(
        "<p class=\"note\">A p-value tells how often a secret key that has nothing to do with the \
              text would score as high as this one. It is not the probability that the suspect is \
              innocent. ",
    );
    page.raw(
        "An adjusted p-value allows for every test of its kind that was made, and for the \
              tests that it depends on; only it decides. Here it had to be below ",
    );
    page.prose(&level(verdict.accusation_level)).raw(".</p>\n");
    page.close("section");
}

fn counts(page: &mut Markup, material: &Material, leading: Option<&DeploymentTest>) {
    let words: u64 =
        material.files.iter().map(|file: &FileRead| file.words).fold(0, u64::saturating_add);
    let mut numbers = vec![(material.documents, "texts", "different from each other")];
    if words > 0 {
        numbers.push((words, "words read", "repeated texts included"));
    }
    numbers.push((material.sites, "sites", "places at which a mark could stand"));
    if let Some(test) = leading {
        numbers.push((
            test.terms,
            "independent terms",
            "cells or distinct sites that the test adds up",
        ));
    }
    page.raw("<dl class=\"figures\">\n");
    for (number, name, meaning) in numbers {
        page.raw("<div><dt>").raw(name).raw("</dt><dd><strong>").text(&grouped(number));
        page.raw("</strong> <small>").raw(meaning).raw("</small></dd></div>\n");
    }
    page.raw("</dl>\n");
}

fn how(exact: bool, standardized: f64) -> String {
    let law = if exact {
        "the exact tail of the score’s law"
    } else {
        "an upper bound that holds for every text; the true value is no larger"
    };
    format!("{law}, at {} standard deviations", signed(standardized, 1))
}

fn p_row(test: Markup, p: PValue, adjusted: Option<PValue>, how: String) -> table::Row {
    let (mut p_cell, mut adjusted_cell) = (Markup::default(), Markup::default());
    p_cell.p_value(p);
    match adjusted {
        Some(p) => adjusted_cell.p_value(p),
        None => adjusted_cell.raw("–"),
    };
    let mut said = Markup::default();
    said.prose(&frequency(p));
    table::Row::new(vec![test, p_cell, adjusted_cell, said, text(&how)])
}

fn id_row(verdict: &Verdict, kind: &'static str, test: &IdTest) -> table::Row {
    let mut name = Markup::default();
    name.raw(kind).raw("<br />").name(&test.id);
    let of_scheme = verdict.deployments.iter().find(|other| other.scheme == test.scheme);
    let exact = of_scheme.is_some_and(|other| other.exact);
    p_row(name, test.p, Some(test.p_adjusted), how(exact, test.standardized))
}

/// The strongest test of somebody who is named, or else with whose outputs the text is consistent.
fn first_found(level: &LevelTests) -> Option<&IdTest> {
    let named = level.named.ids();
    let ids = if named.is_empty() { level.consistent_with.ids() } else { named };
    level
        .strongest
        .iter()
        .find(|test| ids.iter().any(|id| id.id == test.id && id.tenant == test.tenant))
}

/// What a level found, in words.
pub(super) fn found(level: &LevelTests, kind: Level) -> String {
    let (one, many) = match kind {
        Level::Cluster => ("cluster", "clusters"),
        Level::Arm => ("arm", "arms"),
        _ => ("account", "accounts"),
    };
    let named = match level.named.ids() {
        [] => format!("No {one} is named"),
        [_] => format!("One {one} is named"),
        ids => format!("{} are named, each by itself", counted(ids.len() as u64, one, many)),
    };
    match &level.consistent_with {
        Named::Each(ids) if ids.len() > level.named.ids().len() => {
            let others = counted((ids.len() - level.named.ids().len()) as u64, one, many);
            let more = if level.named.ids().is_empty() { "" } else { " more" };
            format!(
                "{named}; the text is consistent with outputs of {others}{more}, which is no name."
            )
        }
        Named::Unclear(ids) => format!(
            "{named}: outputs of {} would fit, but for another that comes too near.",
            counted(ids.len() as u64, one, many)
        ),
        Named::Nobody | Named::Each(_) => format!("{named}."),
    }
}
