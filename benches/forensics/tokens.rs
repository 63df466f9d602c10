//! Tokens of a real text: byte-pair encoding (Sennrich et al., ACL 2016), learned from the corpus.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::corpus::Document;

/// Size of the vocabulary. Token 0 is none, as special tokens are not.
pub(crate) const VOCABULARY: u32 = 8_192;

type Pair = (u32, u32);

/// Merges in the order in which they were learned.
pub(crate) struct Tokenizer {
    merges: HashMap<Pair, u32>,
}

impl Tokenizer {
    /// Learns as many merges as the vocabulary has room for.
    pub(crate) fn learn(documents: &[Document]) -> Self {
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        for piece in documents.iter().flat_map(|document| pieces(&document.text)) {
            *counts.entry(piece).or_default() += 1;
        }
        let mut words: Vec<(Vec<u32>, i64)> =
            counts.into_iter().map(|(piece, count)| (bytes(piece), count)).collect();
        let mut pairs: HashMap<Pair, i64> = HashMap::new();
        let mut places: HashMap<Pair, HashSet<usize>> = HashMap::new();
        for (place, (word, count)) in words.iter().enumerate() {
            for pair in word.windows(2).map(|pair| (pair[0], pair[1])) {
                *pairs.entry(pair).or_default() += count;
                places.entry(pair).or_default().insert(place);
            }
        }
        let mut merges = HashMap::new();
        for token in 257..VOCABULARY {
            let best = pairs.iter().max_by_key(|(pair, count)| (**count, Reverse(**pair)));
            let Some((&pair, &count)) = best else { break };
            if count < 2 {
                break;
            }
            merges.insert(pair, token);
            for place in places.remove(&pair).unwrap_or_default() {
                let (word, count) = &mut words[place];
                for pair in word.windows(2).map(|pair| (pair[0], pair[1])) {
                    *pairs.entry(pair).or_default() -= *count;
                }
                merge(word, pair, token);
                for pair in word.windows(2).map(|pair| (pair[0], pair[1])) {
                    *pairs.entry(pair).or_default() += *count;
                    places.entry(pair).or_default().insert(place);
                }
            }
            pairs.remove(&pair);
        }
        Self { merges }
    }

    /// The tokens of a text.
    pub(crate) fn encode(&self, text: &str) -> Vec<u32> {
        pieces(text).into_iter().flat_map(|piece| self.encode_piece(piece)).collect()
    }

    fn encode_piece(&self, piece: &str) -> Vec<u32> {
        let mut word = bytes(piece);
        loop {
            let found = word.windows(2).filter_map(|pair| {
                let pair = (pair[0], pair[1]);
                self.merges.get(&pair).map(|token| (*token, pair))
            });
            let Some((token, pair)) = found.min() else { return word };
            merge(&mut word, pair, token);
        }
    }
}

fn bytes(piece: &str) -> Vec<u32> {
    piece.bytes().map(|byte| u32::from(byte) + 1).collect()
}

fn merge(word: &mut Vec<u32>, pair: Pair, token: u32) {
    let mut merged = Vec::with_capacity(word.len());
    let mut rest = word.as_slice();
    while let Some((first, behind)) = rest.split_first() {
        if behind.first().is_some_and(|second| (*first, *second) == pair) {
            merged.push(token);
            rest = &behind[1..];
        } else {
            merged.push(*first);
            rest = behind;
        }
    }
    *word = merged;
}

/// Words with the space before them, and runs of what stands between words.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut in_word) = (0, false);
    for (at, character) in text.char_indices() {
        let letter = character.is_alphanumeric();
        let only_space = &text[start..at] == " ";
        if at > start && (letter != in_word || character == ' ') && !(letter && only_space) {
            pieces.push(&text[start..at]);
            start = at;
        }
        in_word = letter;
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}
