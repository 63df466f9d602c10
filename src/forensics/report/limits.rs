//! What the page does not show: the part that an opponent would otherwise write.

use super::section;
use super::words::percent;
use crate::forensics::examination::{Outcome, Verdict};
use crate::page::markup::Markup;

pub(super) fn write(page: &mut Markup, verdict: &Verdict) {
    section(page, "10", "What this does not show");
    page.raw(
        "<ul class=\"limits\">\n\
         <li><b>Not who did it.</b> “Exposed to outputs of an account” says that the text depends on \
         answers that went to this account. Answers may be published lawfully, and whoever reads \
         or trains on the publication is exposed as well.</li>\n\
         <li><b>Not who within an organisation.</b> An account is a name in the operator’s ledger. \
         Who used it, and whether its credentials were shared or stolen, is not in the text.</li>\n\
         <li><b>Not that an account’s outputs were not imitated.</b> Whoever has collected enough answers of \
         an account knows what its cells prefer and can write text that follows them, without its key: an account can \
         be <i>framed</i>. Found text is therefore only consistent with outputs of an account. Text that the \
         examiner asked for rules out that somebody else wrote what is examined; not that the model was fed such text.</li>\n\
         <li><b>Not that nothing was removed.</b> A text can be <i>cleaned</i>: marked again with a foreign key it \
         keeps little of the first mark, and a paraphrase keeps none.</li>\n\
         <li><b>Not intent, and no breach.</b> The text does not tell why it depends on marked \
         answers, whether anybody knew, or whether it was allowed.</li>\n\
         <li><b>Not a probability of guilt or innocence.</b> A p-value tells how rare such a score \
         is for a key that has nothing to do with the text. How likely exposure is after all that \
         is known of a case, it does not tell.</li>\n\
         <li><b>Not how much was copied.</b> The effect is a share of choices of words. It is no \
         share of training data, and no measure of damage.</li>\n\
         <li><b>Not where the text came from.</b> That the files hold what the suspect wrote is for \
         others to prove. So is the safekeeping of the keys: whoever holds a key can write a text \
         that scores high with it.</li>\n\
         <li><b>Not whether the ledger is complete.</b> Whoever was issued marked answers without a \
         record of it was not tested.</li>\n\
         <li><b>A paraphrase destroys the mark of words.</b> Where another model has rewritten the \
         answers, nothing of it is left to find.</li>\n",
    );
    page.raw("<li><b>A null result is no proof of innocence.</b> ");
    match verdict.outcome {
        Outcome::NotShown => {
            page.raw("Nothing was found here, which does not show that nothing is there. ")
        }
        _ => page.raw("Epochs and accounts that were not found are not thereby cleared. "),
    };
    let least = verdict.deployments.iter().filter_map(|test| test.least_effect).reduce(f64::min);
    match least {
        Some(least) => page.text(&format!(
            "In this much text, an effect of less than about {} is missed more often than found.",
            percent(least)
        )),
        None => page.raw("Little text shows little."),
    };
    page.raw("</li>\n");
    if verdict.method.committed.is_none() {
        page.raw(
            "<li><b>Not that the plan came first.</b> No commitment was checked. That keys, controls \
             and text were not chosen to fit rests on the word of whoever made the examination.</li>\n",
        );
    }
    page.raw("</ul>\n");
    page.close("section");
}
