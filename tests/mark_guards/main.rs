//! What the built-in lexicon changes and what it leaves, sentence by sentence.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod announced;
mod habits;
mod left;
mod masks;
mod pairs;

use guilloche::mark::lexical::{Rewriter, Site};
use guilloche::mark::lexicon::Lexicon;

/// English, with a contraction and the words for one, so that every gate is open.
const BEFORE: &str = "This is what we don't see and what they do not see. ";

fn forced(text: &str, second: bool) -> String {
    let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(second));
    let mut out = String::new();
    rewriter.push(&format!("{BEFORE}{text}"), &mut out);
    rewriter.finish(false, &mut out);
    out.strip_prefix(BEFORE).unwrap().to_owned()
}
