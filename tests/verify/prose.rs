//! Prose: what this project once said of itself; and, because that has a few hundred sites, sentences made for the purpose.

use std::sync::LazyLock;

use super::sentences::sentences;

const OWN_WORDS: &str = include_str!("../fixtures/prose/own-words.txt");

/// Distinct documents with several sites each.
pub(crate) fn documents() -> &'static [String] {
    static DOCUMENTS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let paragraphs: Vec<&str> = OWN_WORDS.trim_end().split("\n\n").collect();
        let own = paragraphs.chunks(4).map(|four| four.join("\n\n"));
        let made = sentences();
        let made = made.chunks(24).map(|sentences| sentences.join(" "));
        own.chain(made).collect()
    });
    &DOCUMENTS
}
