//! Controls: what had to find nothing.

use super::{answer, section};
use crate::forensics::evidence::CONTROL_LEVEL;
use crate::forensics::examination::{ControlKind, ControlTest, Verdict};
use crate::page::markup::{Markup, text};
use crate::page::names::base_name;
use crate::page::table::{self, NUMBER, Row, TEXT};
use crate::page::words::grouped;

const SHOWN: usize = 40;

pub(super) fn write(page: &mut Markup, verdict: &Verdict) {
    section(page, "7", "Controls");
    page.raw(
        "<p>Each control is a test in which there is no mark to be found. A control with a \
              p-value below ",
    );
    page.text(&format!("{CONTROL_LEVEL}"));
    page.raw(
        " has found one nevertheless: then the setup is at fault, and no answer is given about \
              anybody. The number of controls does not soften this. A scheme without a text control \
              of enough sites is not answered: enough are so many that a control which leans to the \
              key as the suspect does would have been found.</p>\n",
    );
    if verdict.controls.is_empty() {
        page.raw("<p>There was no control.</p>\n");
    }
    let columns = [
        ("Control", TEXT),
        ("What it stands for", TEXT),
        ("Scheme", TEXT),
        ("Sites", NUMBER),
        ("p-value", NUMBER),
        ("Found a mark", TEXT),
    ];
    let rows: Vec<Row> = verdict.controls.iter().take(SHOWN).map(row).collect();
    table::write(page, "Controls", &columns, &rows);
    answer::more(page, verdict.controls.len(), SHOWN, "controls");
    page.close("section");
}

fn row(control: &ControlTest) -> Row {
    let mut name = Markup::default();
    match control.kind {
        ControlKind::Text => name.spelled_name(&base_name(&control.name)),
        ControlKind::NeverIssued => name.text(&control.name),
    };
    let stands_for = match control.kind {
        ControlKind::Text => {
            "a text that cannot be marked, put through the test of the deployment’s key: shows that \
             unmarked text of its kind passes for unmarked"
        }
        ControlKind::NeverIssued => {
            "as many ids as there are accounts, with keys of the decoys’ seed, to whom nothing was \
             ever issued: shows that being tested is not enough to be found"
        }
    };
    let mut scheme = Markup::default();
    scheme.name(&control.scheme);
    let sites =
        control.material.as_ref().map_or("–".to_owned(), |material| grouped(material.sites));
    let mut p = Markup::default();
    p.p_value(control.p);
    let found = text(if control.rejected { "yes: no answer is given" } else { "no" });
    Row {
        cells: vec![name, text(stands_for), scheme, text(&sites), p, found],
        named: control.rejected,
    }
}
