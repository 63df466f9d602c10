//! Tables that scroll by themselves where the page is narrow.

use super::markup::Markup;

/// A column: its head, and whether its cells are numbers.
pub(crate) type Column = (&'static str, bool);

pub(crate) const TEXT: bool = false;
pub(crate) const NUMBER: bool = true;

/// A row of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// Its cells; the first heads the row.
    pub(crate) cells: Vec<Markup>,
    /// Whether it stands out.
    pub(crate) named: bool,
}

impl Row {
    pub(crate) fn new(cells: Vec<Markup>) -> Self {
        Self { cells, named: false }
    }
}

/// Writes a table, or nothing where there is no row.
pub(crate) fn write(page: &mut Markup, caption: &str, columns: &[Column], rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    let label =
        [("class", "scroll"), ("role", "region"), ("tabindex", "0"), ("aria-label", caption)];
    page.open("div", &label).raw("<table>\n").element("caption", &[], caption).raw("\n<thead><tr>");
    for (head, number) in columns {
        page.open("th", &[("scope", "col"), ("class", class(*number))]).raw(head).raw("</th>");
    }
    page.raw("</tr></thead>\n<tbody>\n");
    for row in rows {
        page.raw(if row.named { "<tr class=\"named\">" } else { "<tr>" });
        for (place, (cell, (_, number))) in row.cells.iter().zip(columns).enumerate() {
            if place == 0 {
                page.open("th", &[("scope", "row"), ("class", class(*number))])
                    .piece(cell)
                    .raw("</th>");
            } else {
                page.open("td", &[("class", class(*number))]).piece(cell).raw("</td>");
            }
        }
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table></div>\n");
}

fn class(number: bool) -> &'static str {
    if number { "n" } else { "t" }
}
