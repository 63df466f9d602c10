//! A bias that is the same at every position (Unigram; Zhao et al., arXiv 2306.17439), with the
//! deployment's own keys: what constant `logit_bias` can carry.
//!
//! Token `n` is favoured if bit `n` of the key's stream is set, so that half of the vocabulary
//! is, each token independently. Every count of a token repeats the same secret bit: the usual
//! z-score, which takes tokens for trials, has a null deviation of 28 instead of 1 at 100,000
//! tokens. Here a token type is one sign with a weight. Lists that another program drew are read
//! by [`GreenTable`](super::GreenTable).

use serde::{Deserialize, Serialize};

use super::groups::Documents;
use super::sites::MergeError;
use crate::forensics::evidence::Weights;

/// How often each token was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct TokenCounts {
    rules: String,
    counts: Vec<u64>,
    documents: Documents,
}

impl TokenCounts {
    /// The version of the serialized form.
    pub const VERSION: u32 = 1;

    /// No counts yet, for a vocabulary of this size; `rules` names the tokenizer.
    #[must_use]
    pub fn new(rules: impl Into<String>, vocabulary: u32) -> Self {
        let counts = vec![0; usize::try_from(vocabulary).unwrap_or(0)];
        Self { rules: rules.into(), counts, documents: Documents::default() }
    }

    /// Counts the tokens of an answer that do not occur in its prompt; false if the same answer
    /// was counted before.
    pub fn add(&mut self, prompt: &[u32], answer: &[u32]) -> bool {
        if self.documents.enter_tokens(answer).is_none() {
            return false;
        }
        let mut prompted = prompt.to_vec();
        prompted.sort_unstable();
        for token in answer {
            let slot = usize::try_from(*token).ok().and_then(|token| self.counts.get_mut(token));
            if let (Some(count), Err(_)) = (slot, prompted.binary_search(token)) {
                *count += 1;
            }
        }
        true
    }

    /// Adds what another shard has counted.
    ///
    /// # Errors
    ///
    /// If it was counted by another tokenizer.
    pub fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        if self.rules != other.rules || self.counts.len() != other.counts.len() {
            return Err(MergeError::Rules(self.rules.clone(), other.rules.clone()));
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.documents.merge(&other.documents);
        Ok(())
    }

    /// The weight of each token's sign: by how much it was seen more often than in `control`,
    /// over the deviation that sampling and the difference between two honest models (a tenth of
    /// the rate) would give.
    #[must_use]
    pub fn weights(&self, control: &Self) -> Weights {
        let total: u64 = self.counts.iter().sum();
        let control_total: u64 = control.counts.iter().sum();
        let (n, m) = (total as f64, control_total as f64);
        let terms = self.counts.iter().enumerate().map(|(token, count)| {
            let seen = control.counts.get(token).copied().unwrap_or(0) as f64;
            let (count, half) = (*count as f64, 0.5);
            // Half an occurrence more on both sides, for tokens that the control lacks.
            let expected = (seen + half) * (n / (m + half));
            let spread = expected + (0.1 * expected) * (0.1 * expected) + expected * n / (m + half);
            let useful = if count == 0.0 && seen == 0.0 { 0.0 } else { 1.0 / spread };
            (useful * (count - expected), useful * expected)
        });
        Weights::new(terms)
    }

    /// The documents that were counted.
    #[must_use]
    pub fn documents(&self) -> &Documents {
        &self.documents
    }
}

/// The serialized form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    rules: String,
    counts: Vec<u64>,
    documents: Documents,
}

impl From<TokenCounts> for Stored {
    fn from(counts: TokenCounts) -> Self {
        let TokenCounts { rules, counts, documents } = counts;
        Self { version: TokenCounts::VERSION, rules, counts, documents }
    }
}

impl TryFrom<Stored> for TokenCounts {
    type Error = MergeError;

    fn try_from(stored: Stored) -> Result<Self, MergeError> {
        let Stored { version, rules, counts, documents } = stored;
        if version != Self::VERSION {
            return Err(MergeError::Version { found: version, supported: Self::VERSION });
        }
        Ok(Self { rules, counts, documents })
    }
}
