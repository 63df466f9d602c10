//! What the page does not show.

use crate::experiment::analysis::Report;
use crate::page::markup::Markup;
use crate::page::section;

pub(super) fn write(page: &mut Markup, report: &Report) {
    section(page, "8", "What this does not show");
    page.raw(
        "<ul class=\"limits\">\n\
         <li><b>Not what happens when everybody has the policy.</b> Accounts that leave a treated \
         cluster for a new one, prices, capacity that both arms share: where one arm’s units change \
         the other’s, no test sees it.</li>\n\
         <li><b>Not what harvesters do later.</b> They adapt. An effect of four weeks is one of four \
         weeks; look at how it goes over time.</li>\n\
         <li><b>Not that a copy is worse.</b> Fewer tokens of reasoning are fewer tokens. What a \
         student makes of them has to be measured as an outcome.</li>\n\
         <li><b>Not that nobody was harmed.</b> Guardrails bound the mean of what was measured. A few \
         who were hurt badly do not show in a mean.</li>\n\
         <li><b>Not who is a harvester.</b> Who is studied as what rests on the detector’s first score. \
         Its errors dilute what is found.</li>\n\
         <li><b>Not that nobody could tell the arms apart.</b> Whoever can may choose one. ‘guilloche \
         experiment check’ names the differences that can be seen.</li>\n",
    );
    if report.look.number < report.look.planned {
        page.raw(
            "<li><b>Not the end.</b> An effect that is found early is mostly found larger than it \
             is.</li>\n",
        );
    }
    page.raw("</ul>\n");
    page.close("section");
}
