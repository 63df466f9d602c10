//! The green lists of Kirchenbauer et al. (arXiv 2301.10226) as Hugging Face `transformers`
//! computes them on a CPU (`WatermarkLogitsProcessor`, `WatermarkDetector`).
//!
//! The context seeds a permutation of the vocabulary, whose first `greenlist_ratio` is favoured.
//! Hugging Face's own detector gives a z-score over all n-grams, repeated ones too; here each
//! site counts once, and the p-value is that of a binomial law. TGI and the code of the authors agree in `lefthash`
//! with this; their `selfhash` is another function, and a list drawn on a GPU another list.

use std::collections::HashSet;

use super::mersenne::TorchGenerator;
use super::{KeyScore, Site, TokenScheme, Window};
use crate::forensics::evidence::NullLaw;

/// How the context becomes a seed: `seeding_scheme`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seeding {
    /// The last token alone, whatever `context_width` says.
    LeftHash,
    /// The least of a product over the last `context_width` tokens, the scored one among them.
    SelfHash {
        /// `context_width`.
        context_width: u8,
    },
}

/// Settings of `WatermarkingConfig`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HuggingFaceKgw {
    /// `vocab_size` of the model's configuration, which is often more than the tokenizer's.
    pub vocabulary: u32,
    /// `greenlist_ratio`.
    pub green_ratio: f64,
    /// `seeding_scheme`.
    pub seeding: Seeding,
}

/// `hashing_key`, with what follows from it.
#[derive(Clone)]
pub struct KgwKey {
    hashing_key: u64,
    table: Vec<u32>,
}

impl std::fmt::Debug for KgwKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("KgwKey").finish_non_exhaustive()
    }
}

/// `fixed_table_size`.
const TABLE: u32 = 1_000_003;

impl HuggingFaceKgw {
    /// The key with this `hashing_key`.
    #[must_use]
    pub fn hashing_key(&self, hashing_key: u64) -> KgwKey {
        let table = match self.seeding {
            Seeding::LeftHash => Vec::new(),
            Seeding::SelfHash { .. } => TorchGenerator::new(hashing_key).permutation(TABLE, TABLE),
        };
        KgwKey { hashing_key, table }
    }

    /// `greenlist_size`: the product truncated as Python's `int()` does.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and the list is never longer than the vocabulary"
    )]
    pub fn green_size(&self) -> u32 {
        ((f64::from(self.vocabulary) * self.green_ratio) as u32).min(self.vocabulary)
    }

    /// The green list behind a context, in PyTorch's order. For `SelfHash` the context ends with
    /// the scored token.
    #[must_use]
    pub fn green_list(&self, key: &KgwKey, context: &[u32]) -> Vec<u32> {
        TorchGenerator::new(self.seed(key, context)).permutation(self.vocabulary, self.green_size())
    }

    /// The entries of `fixed_table`, which `SelfHash` reads; empty for `LeftHash`.
    #[must_use]
    pub fn fixed_table<'a>(&self, key: &'a KgwKey) -> &'a [u32] {
        &key.table
    }

    fn seed(&self, key: &KgwKey, context: &[u32]) -> u64 {
        let Some(last) = context.last() else { return 0 };
        match self.seeding {
            Seeding::LeftHash => {
                let product = u128::from(key.hashing_key) * u128::from(*last);
                u64::try_from(product % u128::from(u64::MAX)).unwrap_or(0)
            }
            Seeding::SelfHash { .. } => {
                let entry = |token: &u32| {
                    let place = usize::try_from(token % TABLE).unwrap_or(0);
                    i64::from(key.table.get(place).copied().unwrap_or(0)) + 1
                };
                let (factor, key) = (entry(last), key.hashing_key as i64);
                // PyTorch's 64-bit integers wrap, and the least is taken as a signed number.
                let products =
                    context.iter().map(|token| key.wrapping_mul(entry(token)).wrapping_mul(factor));
                let least = products.min().unwrap_or(0);
                // `% (2**64 - 1)` of Python: the result has the sign of the divisor.
                if least < 0 { (least as u64).wrapping_sub(1) } else { least as u64 }
            }
        }
    }
}

/// Sites by context, so that one permutation serves all tokens behind it.
#[derive(Debug)]
pub struct ByContext {
    contexts: Vec<(Vec<u32>, Vec<u32>)>,
}

impl TokenScheme for HuggingFaceKgw {
    type Key = KgwKey;
    type Prepared = ByContext;

    fn window(&self) -> Window {
        let tokens = match self.seeding {
            Seeding::LeftHash => 1,
            Seeding::SelfHash { context_width } => context_width.saturating_sub(1),
        };
        Window { tokens }
    }

    fn prepare(&self, sites: &mut dyn Iterator<Item = Site<'_>>) -> ByContext {
        // Behind token 0 the seed is 0 under every key: such a list tells nothing of the key.
        // A token that is not in the model's vocabulary was not chosen by it.
        let keyed = |site: &Site<'_>| {
            (self.seeding != Seeding::LeftHash || site.context != [0])
                && site.token < self.vocabulary
        };
        let mut rows: Vec<(Vec<u32>, u32)> =
            sites.filter(keyed).map(|site| (site.context.to_vec(), site.token)).collect();
        rows.sort_unstable();
        let mut contexts: Vec<(Vec<u32>, Vec<u32>)> = Vec::new();
        for (context, token) in rows {
            match contexts.last_mut() {
                Some((last, tokens)) if *last == context => tokens.push(token),
                _ => contexts.push((context, vec![token])),
            }
        }
        ByContext { contexts }
    }

    /// Sites of `SelfHash` that a key gives the same seed and that end in the same token are one
    /// trial. They are many: the least product is often that of the token with itself.
    fn score(&self, key: &KgwKey, prepared: &ByContext) -> KeyScore {
        let (size, green_size) = (self.vocabulary, self.green_size());
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        let (mut green, mut trials) = (0_u64, 0_u64);
        for (context, tokens) in &prepared.contexts {
            match self.seeding {
                Seeding::LeftHash => {
                    let mut generator = TorchGenerator::new(self.seed(key, context));
                    generator.is_among(tokens, size, green_size, &mut found);
                    green += found.iter().map(|green| u64::from(*green)).sum::<u64>();
                    trials += tokens.len() as u64;
                }
                Seeding::SelfHash { .. } => {
                    let mut window = context.clone();
                    for token in tokens {
                        window.push(*token);
                        let seed = self.seed(key, &window);
                        window.pop();
                        if !seen.insert((seed & 0xffff_ffff, *token)) {
                            continue;
                        }
                        let mut generator = TorchGenerator::new(seed);
                        generator.is_among(
                            std::slice::from_ref(token),
                            size,
                            green_size,
                            &mut found,
                        );
                        green += u64::from(found.first() == Some(&true));
                        trials += 1;
                    }
                }
            }
        }
        KeyScore { total: green as f64, trials }
    }

    fn null(&self, _: &ByContext, trials: u64) -> NullLaw {
        let probability = f64::from(self.green_size()) / f64::from(self.vocabulary.max(1));
        NullLaw::Binomial { trials, probability }
    }

    /// The generator is seeded with 32 bits.
    fn key_bits(&self) -> u32 {
        32
    }

    /// The first four bytes, little-endian: the generator drops what lies above 32 bits.
    fn key(&self, bytes: &[u8; 32]) -> KgwKey {
        let [a, b, c, d, ..] = *bytes;
        self.hashing_key(u64::from(u32::from_le_bytes([a, b, c, d])))
    }
}
