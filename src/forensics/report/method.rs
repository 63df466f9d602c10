//! The method in plain words.

use super::answer::paths;
use super::section;
use crate::forensics::examination::Verdict;
use crate::page::markup::Markup;
use crate::page::names::message;

pub(super) fn write(page: &mut Markup, verdict: &Verdict) {
    section(page, "9", "The method in plain words");
    let lexical = verdict.materials.iter().any(|material| material.scheme == "lexical");
    let others = verdict.materials.iter().any(|material| material.scheme != "lexical");
    page.raw("<h3>What a mark is</h3>\n");
    if lexical || !others {
        page.raw("<p><b>Marks of words.</b> English often leaves a free choice between two phrasings \
                  that mean the same, such as “in addition” and “additionally”. Where an answer was \
                  marked, a secret key made that choice. Such a place is a <i>site</i>. Sites with \
                  the same pair of phrasings and the same kind of word before them form a \
                  <i>cell</i>, and for each cell the key holds a random number, which says where one \
                  stands and where the other, each as often as the author would have written it (in \
                  marks of older keys a bit: which of the two to prefer). A reader does not notice. A model that is trained on many such answers picks up \
                  the preferences.</p>\n");
    }
    if others {
        page.raw("<p><b>Marks of tokens.</b> The inference server chose among the next tokens with \
                  the help of a secret key. Each place at which it could do so is a site; sites that \
                  repeat count once.</p>\n");
    }
    page.raw(
        "<h3>Why the key is taken as random, and not the text</h3>\n\
         <p>Nobody can say how often an honest author would have written one phrasing or the other. \
         That depends on language, topic, habit, and on what the author read. So nothing at all is \
         assumed of the text: it is taken as it stands. What is random is the key. It came from a \
         random generator, and whoever did not see marked answers could know nothing of it. If the \
         text has nothing to do with such answers, what the key holds for each cell was \
         drawn without looking at the text.</p>\n\
         <p>The score adds up, over all cells, how much better the text fits with what the key has \
         there than with the text's own usual leaning. Of numbers that were drawn it is known how such \
         a sum scatters, whatever the text. If what is taken for the \
         usual is wrong, a real mark is harder to find; a mark that is not there is not found more \
         often.</p>\n\
         <p>Two ways lead to a p-value, and both are reported: the law of such a sum, as its exact \
         tail or as an upper bound of it; and trial, by scoring the same text with decoy keys.</p>\n\
         <h3>What all of this rests on</h3>\n\
         <p><b>The text must not depend on the key in any other way than through marked answers.</b> \
         Whoever wrote the text, chose the prompts, or picked which texts are examined must not \
         have had the key, marked answers next to unmarked ones, or scores. A text that was chosen \
         after looking at scores is no longer independent of the key, and no p-value on this page \
         holds for it. The numbers cannot show whether this was so.</p>\n\
         <h3>Why the usual z-test is wrong</h3>\n\
         <p>The usual test counts sites as if each were an independent toss. They are not. An author \
         who likes “in addition” writes it a thousand times; that is one habit, which a key agrees \
         with or does not, and not a thousand tosses. On unmarked text the score of such a test \
         scatters up to 28 times as widely as it claims to, and finds marks in innocent text. Here \
         a cell is one toss, however often it occurs.</p>\n\
         <h3>What keeps the count honest</h3>\n\
         <ul>\n\
         <li>A text that occurs twice counts once, and no single text counts more than twice in a \
         cell, so that none speaks for many.</li>\n\
         <li>Sites whose context occurs in a prompt are left out: a model that repeats a marked \
         prompt has not learned from it.</li>\n\
         <li>Within each level, all tests are adjusted together by Holm’s method, over ids, tenants, \
         epochs and schemes. Levels are gates: the deployment, then clusters, then accounts.</li>\n\
         <li>A test rests on who belongs to which cluster only if that was fixed before, by a \
         commitment or by a time up to which the ledger is read. Else accounts could have been \
         linked because they score high, and a cluster is tested by the key that it shares.</li>\n\
         <li>Where a control finds a mark, or decoys do not scatter as they should, no answer is \
         given.</li>\n\
         </ul>\n",
    );
    let notes = &verdict.method.notes;
    if !notes.is_empty() {
        let paths = paths(verdict);
        page.raw("<h3>Notes of this examination</h3>\n<ul>\n");
        for note in notes.iter().take(20) {
            page.element("li", &[], &message(note, &paths)).raw("\n");
        }
        page.raw("</ul>\n");
    }
    page.close("section");
}
