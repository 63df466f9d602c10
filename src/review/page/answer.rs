//! What the page says first.

use crate::page::Run;
use crate::page::markup::Markup;
use crate::page::words::{counted, grouped, percent};
use crate::review::{Became, Review};

pub(super) fn write(page: &mut Markup, review: &Review, run: &Run) {
    page.raw("<header>\n<p class=\"kicker\">What an audit tells");
    if let Some(made) = run.made {
        let day = made.strftime("%Y-%m-%d %H:%M UTC").to_string();
        page.raw(" · ").element("time", &[("datetime", &made.to_string())], &day);
    }
    let Became { touched, refused } = review.became();
    page.raw("</p>\n<h1>").text(&format!(
        "Something was done to {} of {}, of which {} refused.",
        grouped(touched),
        counted(review.requests, "decided request", "decided requests"),
        counted(refused, "was", "were"),
    ));
    page.raw("</h1>\n<p class=\"lead\">").text(&review.spared_in_words()).raw("</p>\n");
    if let Some((first, last)) = review.times {
        page.raw("<p class=\"caveat\">")
            .text(&format!("From {first:.0} to {last:.0}."))
            .raw("</p>\n");
    }
    page.raw("<dl class=\"figures\">\n");
    figure(page, "Decided requests", &grouped(review.requests), "each has a record");
    if let Some(passed) = &review.passed {
        figure(page, "Without a record", &grouped(passed.requests), "nothing was decided");
    }
    let about = if review.kept.accounts < 1.0 { "about, by a sample" } else { "with a record" };
    figure(page, "Accounts", &grouped(review.accounts), about);
    figure(page, "Clusters", &grouped(review.clusters), "that they belong to");
    if review.observing > 0 {
        let share = percent(review.observing as f64 / review.requests as f64);
        figure(page, "Only observed", &share, "of decided requests");
    }
    page.raw("</dl>\n</header>\n");
}

fn figure(page: &mut Markup, name: &'static str, number: &str, of: &'static str) {
    page.raw("<div><dt>").raw(name).raw("</dt><dd><strong>").text(number).raw("</strong><small>");
    page.raw(of).raw("</small></dd></div>\n");
}
