//! Paired `logit_bias`: two spellings or synonyms that are single tokens, of which the key favours
//! one and disfavours the other, per class of prompts.
//!
//! The text then differs in cells of two variants, as with the lexical mark, and the same test
//! reads it.

use std::collections::{HashMap, HashSet};

use super::cells::{CellCounts, CellDocument};
#[cfg(feature = "tokenizers")]
use crate::mark::paired::{Pair, PairedClasses};

/// The tokens of each variant of each class; a class has several forms (with and without the
/// space before, capitalized).
#[derive(Clone, Debug)]
pub struct TokenPairs {
    variants: HashMap<u32, (u32, bool)>,
    classes: u32,
    prompt_buckets: u32,
}

impl TokenPairs {
    /// Classes, each with the tokens of its variant 0 and of its variant 1, and the number of
    /// buckets into which prompts were divided when the marks were made (1 if they were not). A
    /// token that stands in two places counts for none of them.
    #[must_use]
    pub fn new<'a>(classes: impl IntoIterator<Item = [&'a [u32]; 2]>, prompt_buckets: u32) -> Self {
        let mut places: HashMap<u32, Option<(u32, bool)>> = HashMap::new();
        let mut number = 0;
        for [zeros, ones] in classes {
            let tokens = zeros.iter().map(|token| (token, false));
            for (token, variant) in tokens.chain(ones.iter().map(|token| (token, true))) {
                let place = (number, variant);
                places
                    .entry(*token)
                    .and_modify(|other| *other = other.filter(|other| *other == place))
                    .or_insert(Some(place));
            }
            number += 1;
        }
        let variants = places.into_iter().filter_map(|(token, place)| Some((token, place?)));
        Self {
            variants: variants.collect(),
            classes: number,
            prompt_buckets: prompt_buckets.max(1),
        }
    }

    /// The cells of the pairs that a bias is made of, one for each class of the lexicon.
    #[cfg(feature = "tokenizers")]
    #[must_use]
    pub fn of(classes: &PairedClasses) -> Self {
        let mut tokens =
            vec![[Vec::new(), Vec::new()]; usize::try_from(classes.cells()).unwrap_or(0)];
        for Pair { class, tokens: [zero, one] } in classes.pairs() {
            if let Some([zeros, ones]) = tokens.get_mut(usize::from(class.0)) {
                zeros.push(*zero);
                ones.push(*one);
            }
        }
        Self::new(tokens.iter().map(|[zeros, ones]| [zeros.as_slice(), ones.as_slice()]), 1)
    }

    /// Number of cells: `classes * prompt_buckets`.
    #[must_use]
    pub fn cells(&self) -> u32 {
        self.classes * self.prompt_buckets
    }

    /// Empty counts of these cells; `rules` names the table of pairs and the tokenizer.
    ///
    /// Where a class is one cell, a baseline cannot be taken from its other cells: what the mark
    /// did to it would be taken for the suspect's habit. It is then taken from all.
    #[must_use]
    pub fn counts(&self, rules: impl Into<String>) -> CellCounts {
        let together = if self.prompt_buckets == 1 { self.cells() } else { self.prompt_buckets };
        CellCounts::new(rules, self.cells(), together)
    }

    /// Counts the sites of an answer, given as text and as tokens, to a prompt of this bucket;
    /// false if the text was counted before. Sites whose token and predecessor also follow each
    /// other in the prompt do not count.
    pub fn count(
        &self,
        counts: &mut CellCounts,
        text: &str,
        answer: &[u32],
        prompt: &[u32],
        prompt_bucket: u32,
    ) -> bool {
        let prompted: HashSet<u64> = self.contexts(prompt).collect();
        let (document, _) =
            self.document(text, answer, prompt_bucket, |context| prompted.contains(&context));
        counts.add(&document)
    }

    /// The sites of an answer, given as text and as tokens, to a prompt of this bucket; and how
    /// many were left out because their context is excluded.
    #[must_use]
    pub fn document(
        &self,
        text: &str,
        answer: &[u32],
        prompt_bucket: u32,
        excluded: impl Fn(u64) -> bool,
    ) -> (CellDocument, u64) {
        let (mut document, mut left_out) = (CellDocument::new(text), 0);
        let bucket = prompt_bucket % self.prompt_buckets;
        for (before, class, variant) in self.sites(answer) {
            let context = context(class, before);
            if excluded(context) {
                left_out += 1;
            } else {
                document.observe(context, class * self.prompt_buckets + bucket, variant);
            }
        }
        (document.reduced(), left_out)
    }

    /// The contexts of the sites of a prompt: a class, and the token before it.
    pub fn contexts<'a>(&'a self, prompt: &'a [u32]) -> impl Iterator<Item = u64> + 'a {
        self.sites(prompt).map(|(before, class, _)| context(class, before))
    }

    /// The token before a site, its class and its variant.
    fn sites<'a>(&'a self, tokens: &'a [u32]) -> impl Iterator<Item = (u32, u32, bool)> + 'a {
        let before = std::iter::once(super::MISSING).chain(tokens.iter().copied());
        before.zip(tokens).filter_map(|(before, token)| {
            let (class, variant) = self.variants.get(token)?;
            Some((before, *class, *variant))
        })
    }
}

fn context(class: u32, before: u32) -> u64 {
    u64::from(class) << 32 | u64::from(before)
}
