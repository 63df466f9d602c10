//! Prose: what this project once said of itself, chapters of a book; and, because these have a few hundred sites,
//! sentences made for the purpose.

use std::sync::LazyLock;

use super::sentences::sentences;

const OWN_WORDS: &str = include_str!("../fixtures/prose/own-words.txt");
const BOOK: &str = include_str!("../fixtures/prose/rust-book.txt");

/// Distinct documents with several sites each.
pub(crate) fn documents() -> &'static [String] {
    static DOCUMENTS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let of = |text: &'static str| text.trim_end().split("\n\n");
        let paragraphs: Vec<&str> = of(OWN_WORDS).chain(of(BOOK)).collect();
        let written = paragraphs.chunks(4).map(|four| four.join("\n\n"));
        let made = sentences();
        let made = made.chunks(24).map(|sentences| sentences.join(" "));
        written.chain(made).collect()
    });
    &DOCUMENTS
}
