//! The mark of the vLLM plugin vllm-sbw 1.0.0 with its seeding scheme
//! `gpu-fused-selfhash-fullvocab`, which is both its default and that of the proxy's carrier
//! `vllm_xargs`.
//!
//! A green list (Kirchenbauer et al., arXiv 2301.10226) that is drawn token by token: the candidate
//! and the three tokens before it are hashed, the least of their products with the key seeds Philox,
//! and one word of it says whether the candidate is favoured. Nothing is drawn of the rest of the
//! vocabulary, so a detector reads a token in the time of one hash, on any machine. The schemes that
//! permute the vocabulary, or look at the likeliest candidates only, are not read here.

use super::philox::{key_words, philox};
use super::{KeyScore, Site, TokenScheme, Window};
use crate::forensics::evidence::NullLaw;
use crate::mark::cell::MarkKey;
use crate::mark::keys::EngineKey;

/// Tokens before the candidate that its seed depends on.
const PREFIX: u8 = 3;

/// The plugin's mark, with the setting that its detector must share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sbw {
    /// `gamma`: the share of tokens that are favoured.
    pub gamma: f64,
}

/// `hash_key`, below 2⁵³ as the proxy sends it.
#[derive(Clone, Copy)]
pub struct SbwKey(pub u64);

impl std::fmt::Debug for SbwKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SbwKey").finish_non_exhaustive()
    }
}

impl SbwKey {
    fn seed(self, hashes: impl Iterator<Item = i64>, candidate: i64) -> i64 {
        let product = |hash: i64| (self.0 as i64).wrapping_mul(hash.wrapping_mul(candidate));
        hashes.map(product).fold(product(candidate), i64::min)
    }
}

/// Bob Jenkins' hash of a 32-bit integer with arithmetic shifts: `hashint_gpu`.
fn jenkins(token: u32) -> i64 {
    let mut hash = token.wrapping_add(1) as i32;
    hash = hash.wrapping_sub(hash << 6);
    hash ^= hash >> 17;
    hash = hash.wrapping_sub(hash << 9);
    hash ^= hash << 4;
    hash = hash.wrapping_sub(hash << 3);
    hash ^= hash << 10;
    hash ^= hash >> 15;
    hash.into()
}

impl Sbw {
    /// Below this a word of 31 bits is green. `gamma` is a 32-bit number in the plugin.
    #[expect(clippy::cast_possible_truncation, reason = "as the plugin truncates it")]
    fn threshold(self) -> i64 {
        (f64::from(self.gamma as f32) * f64::from(i32::MAX)) as i64
    }

    /// Whether a token is favoured behind the three before it.
    #[must_use]
    pub fn is_green(self, key: SbwKey, prefix: [u32; 3], token: u32) -> bool {
        let seed = key.seed(prefix.into_iter().map(jenkins), jenkins(token));
        self.is_favoured(seed, token)
    }

    fn is_favoured(self, seed: i64, token: u32) -> bool {
        let [w0, w1, w2, w3] = philox([token >> 2, 0, 0, 0], key_words(seed as u64));
        let word = match token & 3 {
            0 => w0,
            1 => w1,
            2 => w2,
            _ => w3,
        };
        i64::from(word & 0x7fff_ffff) < self.threshold()
    }
}

/// Sites by token, with the hashes of what stands before them.
#[derive(Debug)]
pub struct ByToken(Vec<(u32, Vec<[i64; 3]>)>);

impl TokenScheme for Sbw {
    type Key = SbwKey;
    type Prepared = ByToken;

    fn window(&self) -> Window {
        Window { tokens: PREFIX }
    }

    fn prepare(&self, sites: &mut dyn Iterator<Item = Site<'_>>) -> ByToken {
        let hashed = sites.filter_map(|site| {
            let prefix: [u32; 3] = site.context.try_into().ok()?;
            let mut hashes = prefix.map(jenkins);
            // The seed is the least of them: their order does not matter.
            hashes.sort_unstable();
            Some((site.token, hashes))
        });
        let mut rows: Vec<(u32, [i64; 3])> = hashed.collect();
        rows.sort_unstable();
        rows.dedup();
        let by_token = rows.chunk_by(|(left, _), (right, _)| left == right).filter_map(|rows| {
            let (token, _) = rows.first()?;
            Some((*token, rows.iter().map(|(_, hashes)| *hashes).collect()))
        });
        ByToken(by_token.collect())
    }

    /// Sites of one token that the key gives the same seed are one trial. They are many: the least
    /// product is that of the token with itself at one site in four.
    fn score(&self, key: &SbwKey, prepared: &ByToken) -> KeyScore {
        let (mut green, mut trials, mut seeds) = (0_u64, 0_u64, Vec::new());
        for (token, prefixes) in &prepared.0 {
            let candidate = jenkins(*token);
            seeds.clear();
            seeds.extend(prefixes.iter().map(|hashes| key.seed(hashes.iter().copied(), candidate)));
            seeds.sort_unstable();
            seeds.dedup();
            trials += seeds.len() as u64;
            let favoured = seeds.iter().filter(|seed| self.is_favoured(**seed, *token));
            green += favoured.count() as u64;
        }
        KeyScore { total: green as f64, trials }
    }

    fn null(&self, _: &ByToken, trials: u64) -> NullLaw {
        let probability = self.threshold() as f64 / f64::from(1_u32 << 31);
        NullLaw::Binomial { trials, probability }
    }

    fn key_bits(&self) -> u32 {
        53
    }

    fn key(&self, bytes: &[u8; 32]) -> SbwKey {
        SbwKey(EngineKey::new(&MarkKey::from_bytes(*bytes)).hash_key())
    }
}
