//! What a reader notices if it stands twice within a few lines.

use std::sync::Arc;

use super::vocabulary::WordKey;
use super::{Class, Consistency, FUNCTION_WORDS, Gate};

/// The stems of one variant that should not come again nearby.
#[derive(Debug, Default)]
pub(in crate::mark) struct Echo {
    /// Of a variant of one word, or of the modal verb in one: noticed within a few words.
    pub(in crate::mark) near: Vec<u32>,
    /// Of the words of content that only this variant has, in all its forms: noticed in the next sentence.
    pub(in crate::mark) far: Vec<u32>,
}

/// Kinds of which a reader notices no more than that a word comes twice in a row: words of grammar.
const GRAMMAR: [&str; 3] = ["conjunction", "determiner", "modal"];

/// The echoes of each variant of a form; nothing where a text is to keep to one variant anyway.
pub(super) fn of(classes: &[Class], index: usize, forms: &[Box<str>]) -> Arc<[Echo]> {
    let nothing = || forms.iter().map(|_| Echo::default()).collect();
    let Some(class) = classes.get(index) else { return nothing() };
    let varies = class.consistency == Consistency::Free;
    if !varies || !matches!(class.gate, Gate::Open | Gate::Talk) {
        return nothing();
    }
    let apart = |word: &str| !forms.iter().all(|form| form.split(' ').any(|w| w == word));
    let near = |form: &str| {
        let alone = !form.contains(' ');
        let words = form.split(' ').filter(|word| alone || &*class.kind == "modal" && apart(word));
        words.map(stem).collect()
    };
    let mut echoes: Vec<Echo> =
        forms.iter().map(|form| Echo { near: near(form), far: Vec::new() }).collect();
    if !GRAMMAR.contains(&&*class.kind) {
        for inflected in inflections(classes, class) {
            for (echo, form) in echoes.iter_mut().zip(&inflected) {
                let shared =
                    |word: &str| inflected.iter().all(|form| form.split(' ').any(|w| w == word));
                let words = form.split(' ').filter(|word| is_content(word, class) && !shared(word));
                echo.far.extend(words.map(stem));
                echo.far.sort_unstable();
                echo.far.dedup();
            }
        }
    }
    echoes.into()
}

fn stem(word: &str) -> u32 {
    WordKey::of(word.as_bytes()).stem
}

/// The variants of every form of a class and of those within it.
fn inflections<'c>(classes: &'c [Class], class: &'c Class) -> Vec<Vec<&'c str>> {
    let chain = || class.chain.iter().filter_map(|id| classes.iter().find(|of| of.id == *id));
    let form = |number: usize| {
        let first = class.pairs.get(number).map(|(first, _)| &**first);
        let seconds = chain().filter_map(move |of| of.pairs.get(number).map(|(_, form)| &**form));
        first.into_iter().chain(seconds).collect()
    };
    (0..class.pairs.len()).map(form).collect()
}

/// Whether a word is one that a reader remembers. Of examples he does how they were introduced.
fn is_content(word: &str, class: &Class) -> bool {
    let of_grammar = || FUNCTION_WORDS.split_ascii_whitespace().any(|known| known == word);
    &*class.kind == "example" && matches!(word, "such" | "like") || word.len() >= 3 && !of_grammar()
}
