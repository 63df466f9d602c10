//! Rewriting a stream of text so that it carries a mark, and reading its sites back.
//!
//! Both are one scanner: it finds the sites of a text, asks at each which variant should stand
//! there, and writes that. A detector is the scanner with a choice that changes nothing, so it
//! finds the sites where the rewriter found them; it also reads what the rewriter spares as verse,
//! because a copy may break its lines anywhere.
//!
//! A word is held back only if it begins a form of the lexicon, at most three whole words at a
//! time, and whatever the text is cut into, the same text comes out. What was written is the context of
//! what follows, so a second pass changes nothing.
//!
//! ```
//! use guilloche::mark::lexical::{Rewriter, Site};
//! use guilloche::mark::lexicon::Lexicon;
//!
//! let mut rewriter = Rewriter::new(Lexicon::english(), |_: &Site<'_>| Some(true));
//! let mut out = String::new();
//! rewriter.push("This is one of the tools that you can use. For exa", &mut out);
//! rewriter.push("mple, it can sort `for example`.", &mut out);
//! rewriter.finish(false, &mut out);
//! assert_eq!(out, "This is one of the tools that you can use. For instance, it can sort `for example`.");
//! ```

mod announced;
mod block;
mod casing;
mod choice;
mod context;
mod decision;
mod delimiter;
mod keywords;
mod line;
mod literal;
mod markup;
mod mask;
mod offsets;
mod opening;
mod passage;
mod reader;
mod recent;
mod rewriter;
mod token;
mod undo;
mod verse;
mod window;

use super::lexicon::ENGLISH_CLASSES;

pub use choice::{Choice, Chosen, Site};
pub use offsets::{OffsetMap, Unit};
pub use opening::OPENING_WORDS;
pub use rewriter::{Rewriter, each_site};
pub use undo::{Undo, undo, undo_across};

/// Raised when the scanner finds other sites in the same text by the same lexicon.
pub const SCANNER: u32 = 6;

/// What sites depend on: the lexicon, by its digest, and the scanner.
#[must_use]
pub fn lexicon_rules() -> String {
    let digest = blake3::hash(ENGLISH_CLASSES.as_bytes()).to_hex();
    format!("lexicon english {}, scanner {SCANNER}", digest.get(..16).unwrap_or_default())
}

/// Words longer than this many bytes are passed on in pieces and never a site.
pub const MAX_WORD_BYTES: usize = 64;
