//! Pairs of tokens between which a bias of the sampler can lean: what `logit_bias` of an
//! OpenAI-compatible server can carry.
//!
//! Such a bias is the same at every place of an answer. Of each lexeme class whose variants are
//! single tokens, the key favours one variant and disfavours the other; the answer then leans, and
//! the test of the lexical mark reads it. A bias does not see the neighbours of a word, as the
//! lexicon's guards do, so classes with a common other sense are left out. A class is one cell
//! with the number of the class. It has no bucket: the bias is chosen before the first word is.

use std::collections::{BTreeMap, HashSet};

use super::cell::{Cell, ClassId, MarkKey};
use super::lexicon::{Gate, Lexicon};
use super::tokenizer::Tokenizer;

/// The bias at full strength: a choice that was even becomes one of 55 to 1.
pub const DELTA: f64 = 2.0;

/// The most entries that vLLM takes.
pub const VLLM_ENTRIES: usize = 1_024;

/// The most entries to send to a server of which no limit is known.
pub const CAUTIOUS_ENTRIES: usize = 300;

/// Classes with a variant that is often another word: `if`, `about` (the preposition), `likely`
/// (the adjective), `hard` (drive), `main` (function), `may` (the month), `keep`, `each` (other),
/// `only`, `earlier`.
const OTHER_SENSES: [u16; 10] = [70, 116, 131, 175, 178, 223, 228, 240, 241, 246];

/// One form of a class: a token of the first variant and one of the second, written alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The class.
    pub class: ClassId,
    /// The token of each variant.
    pub tokens: [u32; 2],
}

/// The pairs that a tokenizer has of a lexicon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairedClasses {
    /// The most frequent first.
    pairs: Vec<Pair>,
    classes: u32,
}

impl PairedClasses {
    /// The pairs of single tokens among the lexicon's forms: behind a space and behind a line
    /// break, in lower case and with a capital. Where a token would stand in two pairs, the first
    /// class has it.
    ///
    /// A vocabulary lists what is frequent in its training text first, so pairs are ranked by the
    /// higher of their two token ids: a pair is as frequent as its rarer variant.
    #[must_use]
    pub fn read(lexicon: &Lexicon, tokenizer: &Tokenizer) -> Self {
        let (mut pairs, mut taken) = (Vec::new(), HashSet::new());
        for class in lexicon.classes() {
            if class.gate != Gate::Open || OTHER_SENSES.contains(&class.id.0) {
                continue;
            }
            for tokens in class.pairs.iter().flat_map(|(first, second)| {
                forms(first).into_iter().zip(forms(second)).filter_map(|(first, second)| {
                    Some([single(tokenizer, &first)?, single(tokenizer, &second)?])
                })
            }) {
                let [first, second] = tokens;
                if first != second && tokens.iter().all(|token| !taken.contains(token)) {
                    taken.extend(tokens);
                    pairs.push(Pair { class: class.id, tokens });
                }
            }
        }
        pairs.sort_by_key(|Pair { class, tokens: [first, second] }| {
            (*first.max(second), *first.min(second), *class)
        });
        let classes = lexicon.classes().map(|class| u32::from(class.id.0) + 1).max();
        Self { pairs, classes: classes.unwrap_or(0) }
    }

    /// The pairs, the most frequent first.
    #[must_use]
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// How many cells there are: the highest class number of the lexicon and one more.
    #[must_use]
    pub fn cells(&self) -> u32 {
        self.classes
    }

    /// How many classes have a pair.
    #[must_use]
    pub fn used(&self) -> usize {
        self.pairs.iter().map(|pair| pair.class).collect::<HashSet<_>>().len()
    }

    /// The entries of `logit_bias` for a key with
    /// [`Purpose::LogitBias`](super::cell::Purpose::LogitBias), such as
    /// [`Keys::logit_bias_key`](super::keys::Keys::logit_bias_key) gives: at most `most` of them, a
    /// pair as a whole or not at all, the most frequent first. The favoured variant, which is the
    /// bit of the class's cell, gets `strength * DELTA`, the other the same below zero. None at a
    /// strength of 0.
    #[must_use]
    pub fn bias(&self, key: &MarkKey, strength: f64, most: usize) -> Vec<(u32, f64)> {
        // A strength that is no number counts as none.
        let delta = if strength > 0.0 { DELTA * strength.min(1.0) } else { return Vec::new() };
        let bits = self.bits(key);
        let entries = self.pairs.iter().take(most / 2).flat_map(|pair| {
            let second = bits.get(&pair.class).copied().unwrap_or(false);
            let [zero, one] = pair.tokens;
            [
                (zero, if second { -delta } else { delta }),
                (one, if second { delta } else { -delta }),
            ]
        });
        entries.collect()
    }

    /// The variant of each class under a key: true for the second.
    fn bits(&self, key: &MarkKey) -> BTreeMap<ClassId, bool> {
        let mut bits = BTreeMap::new();
        for Pair { class, .. } in &self.pairs {
            bits.entry(*class).or_insert_with(|| key.bit(cell(*class)));
        }
        bits
    }
}

/// The cell of a class: its own number, for there are no buckets.
fn cell(class: ClassId) -> Cell {
    Cell::from_number(u32::from(class.0))
}

/// A form with what stands before it: behind a space and behind a line break, in lower case and
/// with a capital.
fn forms(form: &str) -> [(char, String); 4] {
    let mut letters = form.chars();
    let capital = letters.next().map(|first| first.to_uppercase().chain(letters).collect());
    let capital: String = capital.unwrap_or_default();
    [(' ', form.to_owned()), ('\n', form.to_owned()), (' ', capital.clone()), ('\n', capital)]
}

fn single(tokenizer: &Tokenizer, (before, form): &(char, String)) -> Option<u32> {
    match before {
        ' ' => tokenizer.single("the", &format!(" {form}")),
        _ => tokenizer.single("\n", form),
    }
}
