//! Pages of reports: HTML documents that stand alone.
//!
//! No script, no font, image or style from elsewhere, and a content security policy that forbids
//! them; figures are SVG within the page. A page opens from a file, in light and in dark, and prints.
//! Names that somebody else chose are escaped, shown with their hidden characters in the open, cut to
//! a length, and set apart from the words of the page.

pub(crate) mod markup;
pub(crate) mod names;
pub(crate) mod plot;
mod run;
mod style;
pub(crate) mod table;
pub(crate) mod words;

use self::markup::Markup;
pub use self::run::Run;
pub(crate) use self::run::command;

/// A page, well-formed as XML.
pub(crate) fn document(title: &str, content: &Markup) -> String {
    let mut page = Markup::default();
    page.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n");
    style::head(&mut page);
    page.element("title", &[], title).raw("</head>\n<body>\n<main>\n").piece(content);
    page.raw("</main>\n</body>\n</html>\n");
    page.into_string()
}

/// Opens a section.
pub(crate) fn section(page: &mut Markup, number: &'static str, title: &'static str) {
    page.open("section", &[("id", &format!("section-{number}"))]);
    page.raw("<h2><span class=\"number\">").raw(number).raw("</span> ").raw(title).raw("</h2>\n");
}

/// A figure with its caption, which points to the numbers behind it.
pub(crate) fn figure(
    page: &mut Markup,
    number: &str,
    svg: &Markup,
    caption: impl FnOnce(&mut Markup),
) {
    page.raw("<figure>\n").piece(svg).raw("<figcaption><b>").text(number).raw("</b> ");
    caption(page);
    page.raw("<a href=\"#numbers\">Its numbers</a> are at the end.</figcaption>\n</figure>\n");
}

/// An entry of a list of facts.
pub(crate) fn entry(page: &mut Markup, name: &'static str, value: &str) {
    let value = if value.is_empty() { "–" } else { value };
    page.raw("<div><dt>").raw(name).raw("</dt><dd>").text(value).raw("</dd></div>\n");
}
