//! What is not known, and what was read.

use super::cells::{name, number};
use crate::audit::files;
use crate::page::markup::{Markup, text};
use crate::page::table::{self, NUMBER, Row, TEXT};
use crate::page::words::grouped;
use crate::page::{Run, command, entry, names, section};
use crate::review::Review;

pub(super) fn notes(page: &mut Markup, review: &Review) {
    section(page, "7", "What is not known, and what was read");
    page.raw("<ul class=\"limits\">\n");
    for note in &review.notes {
        page.raw("<li>").text(note).raw("</li>\n");
    }
    page.raw(
        "<li>Records name neither paths nor the models that were asked for: these come from clients. The access \
         log has the paths, with the decisions.</li>\n<li>A caller who was graded by mistake looks like any \
         other that was graded: whom a score is right about an audit does not know.</li>\n</ul>\n",
    );
}

pub(super) fn read(page: &mut Markup, review: &Review, run: &Run) {
    page.raw("<dl class=\"sums\">\n");
    for (name, time) in [("Entries since", review.since), ("Entries before", review.until)] {
        time.into_iter().for_each(|time| entry(page, name, &time.to_string()));
    }
    if review.outside > 0 {
        entry(page, "Entries outside of that", &grouped(review.outside));
    }
    page.raw("</dl>\n");
    let policy = |it: &crate::review::PolicyRequests| {
        let revision = text(&names::shortened(&it.policy.revision));
        Row::new(vec![name(&it.policy.name), revision, number(it.requests)])
    };
    let rows: Vec<_> = review.policies.iter().map(policy).collect();
    let columns = [("Decided by", TEXT), ("Revision", TEXT), ("Requests", NUMBER)];
    table::write(page, "Policies that decided", &columns, &rows);
    files::write(page, &review.files);
    if !run.command.is_empty() {
        page.open("pre", &[("class", "command")]).text(&command(&run.command)).raw("</pre>\n");
    }
    page.close("section");
}
