//! Whether the text holds answers as they were sent.

use crate::forensics::examination::{CopyFinding, CopyPlaces, CopyTest, DeploymentTest};
use crate::page::markup::{Markup, text};
use crate::page::table::{self, NUMBER, Row, TEXT};
use crate::page::words::grouped;

/// A table of the tests that have canaries, by their numbers; nothing where none has.
pub(super) fn write(page: &mut Markup, shown: &[(usize, &DeploymentTest)]) {
    let tests = shown.iter().filter_map(|(number, test)| Some((*number, test.copies.as_ref()?)));
    let rows: Vec<Row> = tests.map(|(number, copies)| row(number, copies)).collect();
    if rows.is_empty() {
        return;
    }
    let columns = [
        ("Test", NUMBER),
        ("As sent, in active passages", NUMBER),
        ("in others", NUMBER),
        ("p-value", NUMBER),
        ("adjusted", NUMBER),
        ("of a whole copy", NUMBER),
        ("Finding", TEXT),
    ];
    table::write(page, "Copied, or learned", &columns, &rows);
    page.raw(
        "<p class=\"note\">Some cells are <i>canaries</i>: in a secret fifth of all paragraphs the key has \
              another choice for them. Text that was copied has that choice in these paragraphs and the usual one in \
              all others; a model that has learned, or a forger, follows the same habit everywhere. The p-value \
              counts in how many of all ways to choose the secret paragraphs the text would agree with them as well: it \
              is exact. No name rests on it.</p>\n",
    );
}

fn row(number: usize, copies: &CopyTest) -> Row {
    let share = |places: CopyPlaces| {
        text(&format!("{} of {}", grouped(places.as_sent), grouped(places.all())))
    };
    let mut cells = vec![text(&number.to_string()), share(copies.active), share(copies.others)];
    for p in [copies.p, copies.p_adjusted, copies.p_of_copy] {
        let mut cell = Markup::default();
        cell.p_value(p);
        cells.push(cell);
    }
    let finding = match copies.finding {
        Some(CopyFinding::Sent) => "holds answers as they were sent",
        Some(CopyFinding::NotShown) => "no copies shown: learned, or forged",
        Some(CopyFinding::TooFew) => "too few places to tell",
        None => "–",
    };
    cells.push(text(finding));
    Row { cells, named: copies.finding == Some(CopyFinding::Sent) }
}
