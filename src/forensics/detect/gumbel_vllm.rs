//! Aaronson's Gumbel mark as vLLM 0.33 computes it (`gumbel` and `dual_key_gumbel`).
//!
//! A chain of Philox blocks takes in the context, a last one the candidate; see
//! [`SglangGumbel`](super::SglangGumbel) for the principle. With two keys, which are derived from
//! one, a private coin chose between them, and the score is a weighted sum of both.

use sha2::{Digest, Sha256};

use super::gumbel_sglang::sum_of_scores;
use super::philox::{key_words, philox};
use super::{KeyScore, Site, TokenScheme, Window};
use crate::forensics::evidence::NullLaw;

/// vLLM's watermark: the settings that its detector must share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VllmGumbel {
    /// `context_window`: tokens of the context.
    pub context_window: u8,
    /// `alpha`, the probability of the second key, for `dual_key_gumbel`.
    pub alpha: Option<f64>,
}

/// The engine's `key`.
#[derive(Clone, Copy)]
pub struct VllmKey(pub u64);

impl std::fmt::Debug for VllmKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("VllmKey").finish_non_exhaustive()
    }
}

impl VllmKey {
    /// `key_a` and `key_b` of `dual_key_gumbel`.
    #[must_use]
    pub fn pair(self) -> [Self; 2] {
        [b"key_a", b"key_b"].map(|label| {
            let digest = Sha256::new().chain_update(label).chain_update(self.0.to_be_bytes());
            let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(digest.finalize());
            Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
        })
    }
}

/// The state after the context, which ends in the words of the chain.
fn context_state(key: [u32; 2], context: &[u32]) -> [u32; 4] {
    let [k0, k1] = key;
    let length = u32::try_from(context.len()).unwrap_or(u32::MAX);
    let mut state = [0x574d_4358, length, 0, 0];
    for (offset, block) in (0_u32..).step_by(4).zip(context.chunks(4)) {
        // Words of a short block that no token fills.
        let mut words = [0, 1, 2, 3].map(|place: u32| u32::MAX - place);
        for (word, token) in words.iter_mut().zip(block) {
            *word = *token;
        }
        for (state, word) in state.iter_mut().zip(words) {
            *state ^= word;
        }
        state = philox(state, [k0 ^ offset, k1]);
    }
    state
}

fn candidate_word(key: [u32; 2], state: [u32; 4], token: u32) -> u32 {
    let ([k0, k1], [s0, s1, s2, s3]) = (key, state);
    let [w0, w1, w2, w3] = philox([token >> 2, s0, s1, s2], [k0 ^ s3, k1 ^ 0x574d_544b]);
    match token & 3 {
        0 => w0,
        1 => w1,
        2 => w2,
        _ => w3,
    }
}

impl VllmGumbel {
    /// The uniform number of a token behind a context (missing tokens are
    /// [`MISSING`](super::MISSING)), as vLLM rounds it.
    #[must_use]
    pub fn uniform(key: VllmKey, context: &[u32], token: u32) -> f32 {
        let key = key_words(key.0);
        let word = candidate_word(key, context_state(key, context), token);
        ((f64::from(word >> 8) + 1.0) / 16_777_217.0) as f32
    }
}

/// Sites by context, so that the chain is run once for all tokens behind it.
#[derive(Debug)]
pub struct ContextSites {
    rows: Vec<u32>,
    width: usize,
}

impl ContextSites {
    /// Sum of the scores under one key.
    fn sum(&self, key: VllmKey) -> f64 {
        let key = key_words(key.0);
        let (mut last, mut state): (Option<&[u32]>, _) = (None, [0; 4]);
        sum_of_scores(self.rows.chunks_exact(self.width + 1).filter_map(move |row| {
            let (token, context) = row.split_last()?;
            if last != Some(context) {
                (last, state) = (Some(context), context_state(key, context));
            }
            // 1 - u, from the 24 bits that u is made of.
            let word = candidate_word(key, state, *token) >> 8;
            Some((16_777_216.0 - f64::from(word)) / 16_777_217.0)
        }))
    }
}

impl TokenScheme for VllmGumbel {
    type Key = VllmKey;
    type Prepared = ContextSites;

    fn window(&self) -> Window {
        Window { tokens: self.context_window }
    }

    fn prepare(&self, sites: &mut dyn Iterator<Item = Site<'_>>) -> ContextSites {
        let mut sorted: Vec<(&[u32], u32)> = sites.map(|site| (site.context, site.token)).collect();
        sorted.sort_unstable();
        let mut rows = Vec::with_capacity(sorted.len() * (usize::from(self.context_window) + 1));
        for (context, token) in sorted {
            rows.extend_from_slice(context);
            rows.push(token);
        }
        ContextSites { rows, width: usize::from(self.context_window) }
    }

    fn score(&self, key: &VllmKey, prepared: &ContextSites) -> KeyScore {
        let total = match self.alpha {
            None => prepared.sum(*key),
            Some(alpha) => {
                let [a, b] = key.pair();
                (1.0 - alpha) * prepared.sum(a) + alpha * prepared.sum(b)
            }
        };
        KeyScore { total, trials: (prepared.rows.len() / (prepared.width + 1)) as u64 }
    }

    fn null(&self, _: &ContextSites, trials: u64) -> NullLaw {
        match self.alpha {
            None => NullLaw::Gamma { shape: trials },
            Some(alpha) => NullLaw::TwoGammas { shape: trials, alpha },
        }
    }

    fn key_bits(&self) -> u32 {
        64
    }

    /// The first eight bytes, little-endian.
    fn key(&self, bytes: &[u8; 32]) -> VllmKey {
        let [a, b, c, d, e, f, g, h, ..] = *bytes;
        VllmKey(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }
}
