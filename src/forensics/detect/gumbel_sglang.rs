//! Aaronson's Gumbel mark as SGLang 0.5.23 computes it, with one key or two.
//!
//! Every candidate gets a number in (0, 1) from the key and the context, and the greatest
//! `ln(u) / p` is taken. The scores `-ln(1 - u)` of unmarked tokens are exponential, their sum
//! over distinct sites is gamma distributed. With two keys a public coin per context says whose
//! number counts. The mark skips contexts that repeat within a request; so does the test.

use super::murmur::Murmur;
use super::{KeyScore, MISSING, Site, TokenScheme, Window};
use crate::forensics::evidence::NullLaw;

/// SGLang's watermark: the settings that its detector must share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SglangGumbel {
    /// `context_window`.
    pub context_window: u8,
    /// `mixing_probability` of key A, in two-key mode.
    pub mixing_probability: Option<f64>,
}

/// Keys of up to 16 hexadecimal digits, as numbers.
#[derive(Clone, Copy)]
pub struct SglangKey {
    /// `key`.
    pub a: u64,
    /// `key_b`; without effect in one-key mode.
    pub b: u64,
}

impl std::fmt::Debug for SglangKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SglangKey").finish_non_exhaustive()
    }
}

/// The low and the high half.
fn halves(key: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = key.to_le_bytes();
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])]
}

fn state(words: impl IntoIterator<Item = u32>) -> Murmur {
    words.into_iter().fold(Murmur::new(), Murmur::word)
}

impl SglangGumbel {
    /// `hash_context`.
    #[must_use]
    pub fn hash_context(context: &[u32]) -> u32 {
        state(context.iter().copied().filter(|token| *token != MISSING)).finish()
    }

    /// `watermark_hash`.
    #[must_use]
    pub fn watermark_hash(key: u64, context_hash: u32, token: u32) -> u32 {
        state(halves(key)).word(context_hash).word(token).finish()
    }

    /// `position_coin`.
    #[must_use]
    pub fn position_coin(key: SglangKey, context_hash: u32) -> u32 {
        state(halves(key.a)).word_pair(halves(key.b)).word(context_hash).finish()
    }
}

impl Murmur {
    fn word_pair(self, [low, high]: [u32; 2]) -> Self {
        self.word(low).word(high)
    }
}

/// Contexts by their hash, which does not depend on the key.
#[derive(Debug)]
pub struct HashedSites(Vec<(u32, u32)>);

/// Sums `-ln(1 - u)`, with one logarithm for many factors: a factor is at least 2⁻³³, so that 30
/// of them stay far above the least normal number.
pub(super) fn sum_of_scores(survivals: impl Iterator<Item = f64>) -> f64 {
    let (mut product, mut factors, mut sum) = (1.0_f64, 0_u32, 0.0);
    for survival in survivals {
        product *= survival;
        factors += 1;
        if factors == 30 {
            sum -= product.ln();
            (product, factors) = (1.0, 0);
        }
    }
    sum - product.ln()
}

impl TokenScheme for SglangGumbel {
    type Key = SglangKey;
    type Prepared = HashedSites;

    fn window(&self) -> Window {
        Window { tokens: self.context_window }
    }

    fn prepare(&self, sites: &mut dyn Iterator<Item = Site<'_>>) -> HashedSites {
        let mut hashed: Vec<(u32, u32)> =
            sites.map(|site| (Self::hash_context(site.context), site.token)).collect();
        // Contexts that share a hash share their scores.
        hashed.sort_unstable();
        hashed.dedup();
        HashedSites(hashed)
    }

    fn score(&self, key: &SglangKey, prepared: &HashedSites) -> KeyScore {
        /// `1 - (hash + 0.5) / 2^32`.
        fn survival(hash: u32) -> f64 {
            (f64::from(!hash) + 0.5) / 4_294_967_296.0
        }
        let (a, b) = (state(halves(key.a)), state(halves(key.b)));
        let sites = prepared.0.iter();
        let total = match self.mixing_probability {
            None => sum_of_scores(
                sites.map(|(context, token)| survival(a.word(*context).word(*token).finish())),
            ),
            Some(probability) => {
                let threshold = probability * 4_294_967_296.0;
                let coin = a.word_pair(halves(key.b));
                sum_of_scores(sites.map(|(context, token)| {
                    let chosen = if f64::from(coin.word(*context).finish()) < threshold.floor() {
                        a
                    } else {
                        b
                    };
                    survival(chosen.word(*context).word(*token).finish())
                }))
            }
        };
        KeyScore { total, trials: prepared.0.len() as u64 }
    }

    fn null(&self, _: &HashedSites, trials: u64) -> NullLaw {
        NullLaw::Gamma { shape: trials }
    }

    /// A key is hashed to 32 bits before anything else is; two keys and their coin to more.
    fn key_bits(&self) -> u32 {
        if self.mixing_probability.is_some() { 64 } else { 32 }
    }

    /// The first and the second eight bytes, big-endian, as hexadecimal digits are read.
    fn key(&self, bytes: &[u8; 32]) -> SglangKey {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *bytes;
        SglangKey {
            a: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            b: u64::from_be_bytes([i, j, k, l, m, n, o, p]),
        }
    }
}
