//! What was counted and what was left out.

use super::answer::{more, paths};
use super::section;
use crate::forensics::examination::{FileRead, Material, Verdict};
use crate::page::markup::{Markup, text};
use crate::page::names::{base_name, message};
use crate::page::table::{self, NUMBER, Row, TEXT};
use crate::page::words::grouped;

/// Files of a scheme or a control that the page shows.
const FILES: usize = 30;
/// Controls that it shows.
const CONTROLS: usize = 40;
/// Problems that it shows.
const PROBLEMS: usize = 20;

pub(super) fn write(page: &mut Markup, verdict: &Verdict) {
    section(page, "8", "What was counted, and what was left out");
    if verdict.materials.is_empty() {
        page.raw("<p>Nothing was read.</p>\n");
    }
    for material in &verdict.materials {
        page.raw("<h3>Suspect, scheme ").name(&material.scheme).raw("</h3>\n");
        sums(page, material);
        files(page, &material.files.iter().collect::<Vec<_>>(), "Files of the suspect");
    }
    if let Some(asked) = &verdict.naming.asked {
        for material in &asked.materials {
            page.raw("<h3>Of these, asked for, scheme ").name(&material.scheme).raw("</h3>\n");
            sums(page, material);
            files(page, &material.files.iter().collect::<Vec<_>>(), "Files of what was asked for");
        }
    }
    controls(page, verdict);
    problems(page, verdict);
    page.close("section");
}

/// What was counted of the controls, and from which files.
fn controls(page: &mut Markup, verdict: &Verdict) {
    let texts: Vec<_> = verdict
        .controls
        .iter()
        .filter_map(|control| Some((control, control.material.as_ref()?)))
        .collect();
    if texts.is_empty() {
        return;
    }
    page.raw("<h3>Controls</h3>\n");
    let columns = [
        ("Control", TEXT),
        ("Texts", NUMBER),
        ("repeats left out", NUMBER),
        ("not known", NUMBER),
        ("Sites", NUMBER),
        ("in prompts, left out", NUMBER),
        ("Records unreadable", NUMBER),
    ];
    let rows = texts.iter().take(CONTROLS).map(|(control, material)| {
        let Material { documents, repeated, unchecked, sites, excluded, .. } = *material;
        let skipped = material.files.iter().map(|file| file.skipped).fold(0, u64::saturating_add);
        let mut name = Markup::default();
        name.name(&base_name(&control.name));
        let numbers = [*documents, *repeated, *unchecked, *sites, *excluded, skipped];
        Row::new([name].into_iter().chain(numbers.map(|number| text(&grouped(number)))).collect())
    });
    let rows: Vec<Row> = rows.collect();
    table::write(page, "Counted of the controls", &columns, &rows);
    more(page, texts.len(), CONTROLS, "controls");
    let read: Vec<&FileRead> = texts.iter().flat_map(|(_, material)| &material.files).collect();
    files(page, &read, "Files of the controls");
}

fn sums(page: &mut Markup, material: &Material) {
    let sum = |of: fn(&FileRead) -> u64| material.files.iter().map(of).fold(0, u64::saturating_add);
    let rows = [
        (material.documents, "distinct texts counted"),
        (material.repeated, "texts left out because they repeat another"),
        (
            material.unchecked,
            "texts counted without knowing whether they repeat another, past the number that is remembered",
        ),
        (material.sites, "sites counted"),
        (material.excluded, "sites left out because their context occurs in a prompt"),
        (sum(|file| file.skipped), "records left out because they could not be read"),
    ];
    page.raw("<dl class=\"sums\">\n");
    for (number, meaning) in rows {
        page.raw("<div><dt>")
            .raw(meaning)
            .raw("</dt><dd>")
            .text(&grouped(number))
            .raw("</dd></div>\n");
    }
    page.raw("<div><dt>rules of counting</dt><dd>").element(
        "code",
        &[],
        &message(&material.rules, &[]),
    );
    page.raw("</dd></div>\n</dl>\n");
}

fn files(page: &mut Markup, files: &[&FileRead], caption: &'static str) {
    let columns = [
        ("File", TEXT),
        ("Form", TEXT),
        ("Bytes", NUMBER),
        ("Records", NUMBER),
        ("Unreadable", NUMBER),
        ("Texts", NUMBER),
        ("Words", NUMBER),
    ];
    let row = |file: &FileRead| {
        let mut name = Markup::default();
        name.spelled_name(&base_name(&file.name));
        if !file.sha256.is_empty() {
            name.raw("<br />").element("code", &[("class", "digest")], &message(&file.sha256, &[]));
        }
        let numbers = [file.bytes, file.records, file.skipped, file.documents, file.words];
        let mut cells = vec![name, text(&message(&file.format, &[]))];
        cells.extend(numbers.map(|number| text(&grouped(number))));
        Row::new(cells)
    };
    let rows: Vec<Row> = files.iter().take(FILES).map(|file| row(file)).collect();
    table::write(page, caption, &columns, &rows);
    more(page, files.len(), FILES, "files");
}

/// Which records could not be read, by line and kind of fault; never their contents.
fn problems(page: &mut Markup, verdict: &Verdict) {
    let controls = verdict.controls.iter().filter_map(|control| control.material.as_ref());
    let files: Vec<&FileRead> =
        verdict.materials.iter().chain(controls).flat_map(|material| &material.files).collect();
    let problems =
        || files.iter().flat_map(|file| file.problems.iter().map(move |problem| (file, problem)));
    if problems().next().is_none() {
        return;
    }
    let paths = paths(verdict);
    page.raw("<h3>The first records that could not be read</h3>\n<ul>\n");
    for (file, problem) in problems().take(PROBLEMS) {
        page.raw("<li>")
            .name(&base_name(&file.name))
            .raw(", ")
            .text(&message(problem, &paths))
            .raw("</li>\n");
    }
    page.raw("</ul>\n");
    more(page, problems().count(), PROBLEMS, "of them");
}
