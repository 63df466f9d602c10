//! The texts of a calibration, as documents and as tokens, and the keys that they are held against.

use guilloche::mark::cell::{KeyName, MarkKey, Purpose, Role};
use rayon::prelude::*;

use crate::corpus::{Corpus, Document};
use crate::deployment::{draw, master, seed};
use crate::source::Source;
use crate::tokens::Tokenizer;

pub(crate) const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

/// The text of each size: the first documents of a fixed shuffle.
pub(crate) struct Samples<'a> {
    pub(crate) documents: Vec<Vec<&'a Document>>,
    pub(crate) tokens: Vec<Vec<Vec<u32>>>,
    pub(crate) control_tokens: Vec<Vec<u32>>,
    pub(crate) words: [Vec<u32>; 2],
}

impl<'a> Samples<'a> {
    pub(crate) fn new(corpus: &'a Corpus) -> Self {
        let tokenizer = Tokenizer::learn(&corpus.suspect);
        let documents: Vec<Vec<&Document>> = SIZES
            .iter()
            .map(|size| {
                let mut source = Source::of(seed("samples", 0));
                draw(&corpus.suspect, *size, &mut source)
            })
            .collect();
        let encode = |documents: &[&Document]| -> Vec<Vec<u32>> {
            documents.par_iter().map(|document| tokenizer.encode(&document.text)).collect()
        };
        let control: Vec<&Document> = corpus.control.iter().collect();
        // Pairs of words of one token. They have no meaning, which is all the same to a test.
        let mut all: Vec<u32> = samples_of_words()
            .iter()
            .filter_map(|word| match *tokenizer.encode(word) {
                [token] => Some(token),
                _ => None,
            })
            .collect();
        all.sort_unstable();
        all.dedup();
        let pairs = all.len() / 2;
        let words = [all[..pairs].to_vec(), all[pairs..2 * pairs].to_vec()];
        Self {
            tokens: documents.iter().map(|documents| encode(documents)).collect(),
            documents,
            control_tokens: encode(&control),
            words,
        }
    }
}

/// Short words with the space before them.
fn samples_of_words() -> Vec<String> {
    let letters = || 'a'..='z';
    let two = letters().flat_map(|first| letters().map(move |second| format!(" {first}{second}")));
    two.flat_map(|word| ["", "e", "n", "s", "t", "d"].map(|end| format!("{word}{end}"))).collect()
}

/// The key that deployment `number` gives an engine: what tests are drawn against.
pub(crate) fn issued(purpose: Purpose, number: u32) -> [u8; 32] {
    let name = KeyName { purpose, tenant: "", epoch: 1, role: Role::Global, id: "" };
    *MarkKey::derive(&master(number), &name).as_bytes()
}

/// Whether a scheme is to be examined: all are, or those whose names begin with one of the
/// beginnings between semicolons in GUILLOCHE_SCHEMES.
pub(crate) fn chosen(scheme: &str) -> bool {
    let Ok(chosen) = std::env::var("GUILLOCHE_SCHEMES") else { return true };
    chosen.split(';').any(|beginning| scheme.starts_with(beginning.trim()))
}
