//! Paired spellings and synonyms, one of which `logit_bias` favours.
//!
//! `OpenAI`-compatible servers add a bias to the logits of single tokens, the same at every place
//! of the answer. Servers that offer no mark of their own can carry one so. A bias changes what the
//! model says, so it is kept from answers that follow a grammar, call tools, or are measured.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::Arc;

use crate::mark::cell::MarkKey;
use crate::wire::Use;
use crate::wire::json::Edit;

use super::GREEDY_DELTA;
use super::asked::Asked;

/// Where the entries of `logit_bias` come from.
pub trait Entries: Debug + Send + Sync {
    /// At most `most` entries for a key: the token's id and its bias, one pair of tokens after the
    /// other, the favoured token of each at `delta` and the other at `-delta`.
    fn entries(&self, key: &MarkKey, delta: f64, most: usize) -> Vec<(u32, f64)>;
}

#[cfg(feature = "tokenizers")]
impl Entries for crate::mark::paired::PairedClasses {
    fn entries(&self, key: &MarkKey, delta: f64, most: usize) -> Vec<(u32, f64)> {
        self.bias(key, delta / crate::mark::paired::DELTA, most)
    }
}

/// How a bias is set.
#[derive(Clone, Debug)]
pub struct LogitBias {
    /// The pairs of tokens.
    pub pairs: Arc<dyn Entries>,
    /// The most entries that the server takes, the caller's own included.
    pub entries: usize,
    /// The bias at full strength.
    pub delta: f64,
}

impl LogitBias {
    pub(super) fn edits(&self, asked: &Asked<'_>) -> Option<Vec<Edit>> {
        let generation = &asked.request.generation;
        let harmed = [
            Use::Structured,
            Use::Predicted,
            Use::Called,
            Use::Probabilities,
            Use::Echoed,
            Use::Spoken,
        ];
        let several = asked.several() || generation.beam;
        if several || generation.tools || asked.used(&harmed) {
            return None;
        }
        let own = generation.logit_bias.iter().flat_map(|setting| &setting.names);
        let own: Vec<&String> = own.collect();
        let delta = self.delta * asked.terms.strength;
        let delta = if generation.greedy { delta.min(GREEDY_DELTA) } else { delta };
        let key = asked.keys.logit_bias_key(asked.terms.epoch, asked.terms.recipient);
        let entries = self.pairs.entries(&key, delta, self.entries.saturating_sub(own.len()));
        let taken: HashSet<u32> = own.iter().filter_map(|name| token_id(name)).collect();
        // Half a pair would not tell what the other half does.
        let free = entries.chunks_exact(2).filter(|pair| {
            let mut tokens = pair.iter().map(|(token, _)| token);
            tokens.all(|token| !taken.contains(token))
        });
        let members: Vec<String> =
            free.flatten().map(|(token, bias)| format!("\"{token}\":{bias}")).collect();
        if members.is_empty() {
            return None;
        }
        asked.merge("logit_bias", &generation.logit_bias, &members.join(","))
    }
}

/// A token's id as Python's `int` reads it: white space around it, a plus, zeros before it and
/// underscores within it do not matter.
fn token_id(name: &str) -> Option<u32> {
    let digits = name.trim();
    digits.strip_prefix('+').unwrap_or(digits).replace('_', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_servers_read_it() {
        for name in ["42", " 42\n", "+42", "0042", "4_2"] {
            assert_eq!(token_id(name), Some(42), "{name}");
        }
        for name in ["", "-42", "4.2", "forty", "99999999999"] {
            assert_eq!(token_id(name), None, "{name}");
        }
    }
}
