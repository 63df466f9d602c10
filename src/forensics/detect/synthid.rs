//! SynthID-Text (Dathathri et al., Nature 634:818, 2024), with both public hashes.
//!
//! Each of the layers gives an n-gram one bit, and the mark favours tokens with ones. The hash of
//! Hugging Face `transformers` and of `synthid-text` 0.2.1 on PyPI looks its bits up in one public
//! table of 65,536: the bits of a layer are that table, shifted by 16 bits of the layer's key.
//! They are no independent trials, however large the text (a test that takes them for such is
//! wrong by two standard deviations at 200,000 n-grams), but the law of a shift is known exactly
//! and is what the p-value is made of here. The `main` branch of google-deepmind/synthid-text
//! since June 2025 computes the bits without a table. Gemini's own hash is not public.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::convolution::correlations;
use super::mersenne::TorchGenerator;
use super::philox::{key_words, philox};
use super::{KeyScore, Site, TokenScheme, Window};
use crate::forensics::evidence::NullLaw;

/// Number of entries of the table.
const TABLE: usize = 65_536;

/// `accumulate_hash`: one step of a linear congruential generator.
const fn accumulate(hash: u64, value: u64) -> u64 {
    hash.wrapping_add(value).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)
}

/// One key per layer (`keys`), as 64-bit integers in two's complement.
#[derive(Clone)]
pub struct LayerKeys(Vec<u64>);

impl LayerKeys {
    /// Keys as the configuration lists them.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = i64>) -> Self {
        Self(keys.into_iter().map(|key| key as u64).collect())
    }

    /// Number of layers.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.0.len()
    }

    fn derived(bytes: &[u8; 32], layers: usize) -> Self {
        let mut stream = vec![0; layers * 8];
        blake3::Hasher::new_keyed(bytes).finalize_xof().fill(&mut stream);
        Self(stream.chunks_exact(8).map(little_endian).collect())
    }
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

impl std::fmt::Debug for LayerKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("LayerKeys").finish_non_exhaustive()
    }
}

/// Where the table was drawn, which is where the model ran: PyTorch draws other numbers from the same
/// seed on each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// PyTorch's generator for processors.
    Cpu,
    /// PyTorch's generator for CUDA, as every card with 32 multiprocessors or more uses it.
    #[default]
    Cuda,
}

/// SynthID-Text with the table of `transformers` and `synthid-text` 0.2.1.
#[derive(Clone)]
pub struct SynthIdTable {
    layers: usize,
    ngram: u8,
    table: Vec<u8>,
}

impl SynthIdTable {
    /// `ngram_len`, the number of `keys`, and `sampling_table_seed`, of a table of 65,536 entries
    /// (`sampling_table_size`, the default, and the only size for which a layer is a shift), drawn on
    /// this device.
    #[must_use]
    pub fn new(ngram_len: u8, layers: usize, table_seed: u64, drawn_on: Device) -> Self {
        let table = match drawn_on {
            Device::Cpu => {
                let mut generator = TorchGenerator::new(table_seed);
                (0..TABLE).map(|_| u8::from(generator.next_u32() % 2 == 1)).collect()
            }
            // One thread for each entry, with a subsequence of its own.
            Device::Cuda => {
                let bit = |entry: u16| {
                    let [first, ..] = philox([0, 0, entry.into(), 0], key_words(table_seed));
                    u8::from(first % 2 == 1)
                };
                (0..=u16::MAX).map(bit).collect()
            }
        };
        Self { layers, ngram: ngram_len, table }
    }

    /// The table: `torch.randint(0, 2, (65536,))`.
    #[must_use]
    pub fn table(&self) -> &[u8] {
        &self.table
    }

    /// The bits of an n-gram, one per layer: `compute_g_values`.
    #[must_use]
    pub fn bits(&self, keys: &LayerKeys, ngram: &[u32]) -> Vec<u8> {
        let hash = ngram.iter().fold(1, |hash, token| accumulate(hash, u64::from(*token)));
        let bit = |key: &u64| self.table.get(place(accumulate(hash, *key))).copied().unwrap_or(0);
        keys.0.iter().map(bit).collect()
    }
}

impl std::fmt::Debug for SynthIdTable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { layers, ngram, table: _ } = self;
        formatter
            .debug_struct("SynthIdTable")
            .field("layers", layers)
            .field("ngram", ngram)
            .finish_non_exhaustive()
    }
}

/// The low 16 bits, which index the table.
fn place(hash: u64) -> usize {
    usize::try_from(hash & 0xffff).unwrap_or(0)
}

/// What one layer scores under each of the 65,536 keys that its table can tell apart.
#[derive(Debug)]
pub struct LayerScores {
    ones: Vec<u32>,
    ngrams: u32,
}

impl TokenScheme for SynthIdTable {
    type Key = LayerKeys;
    type Prepared = LayerScores;

    fn window(&self) -> Window {
        Window { tokens: self.ngram.saturating_sub(1) }
    }

    /// N-grams that the table cannot tell apart count once.
    fn prepare(&self, sites: &mut dyn Iterator<Item = Site<'_>>) -> LayerScores {
        let mut seen = vec![0_u32; TABLE];
        for site in sites {
            let ngram = site.context.iter().chain(std::iter::once(&site.token));
            let hash = ngram.fold(1, |hash, token| accumulate(hash, u64::from(*token)));
            if let Some(slot) = seen.get_mut(place(hash)) {
                *slot = 1;
            }
        }
        let ngrams = seen.iter().sum();
        // Bit of n-gram h under key k: table[(h + k) * A + 1], a function of the sum alone.
        let shifted: Vec<u32> = (0..TABLE as u64)
            .map(|sum| self.table.get(place(accumulate(sum, 0))).copied().unwrap_or(0).into())
            .collect();
        LayerScores { ones: correlations(&seen, &shifted), ngrams }
    }

    fn score(&self, key: &LayerKeys, prepared: &LayerScores) -> KeyScore {
        let ones = |key: &u64| prepared.ones.get(place(*key)).copied().unwrap_or(0);
        let total = key.0.iter().map(|key| f64::from(ones(key))).sum();
        KeyScore { total, trials: u64::from(prepared.ngrams) }
    }

    fn null(&self, prepared: &LayerScores, _: u64) -> NullLaw {
        NullLaw::layers(&prepared.ones, self.layers)
    }

    /// Of a layer's key the table tells 16 bits apart.
    fn key_bits(&self) -> u32 {
        u32::try_from(self.layers).unwrap_or(16).min(16) * 16
    }

    fn key(&self, bytes: &[u8; 32]) -> LayerKeys {
        LayerKeys::derived(bytes, self.layers)
    }
}

impl LayerScores {
    /// Distinct n-grams, as far as the table can tell.
    #[must_use]
    pub fn ngrams(&self) -> u32 {
        self.ngrams
    }
}

/// SynthID-Text with the hash of the `main` branch of google-deepmind/synthid-text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SynthIdMain {
    /// Number of `keys`.
    pub layers: usize,
    /// `ngram_len`.
    pub ngram_len: u8,
}

impl SynthIdMain {
    /// The initial hash: SHA-256 of the keys as little-endian 64-bit integers, read big-endian,
    /// modulo 2⁶³ − 1.
    #[must_use]
    pub fn initial(keys: &LayerKeys) -> u64 {
        const MODULUS: u128 = (1 << 63) - 1;
        let bytes: Vec<u8> = keys.0.iter().flat_map(|key| key.to_le_bytes()).collect();
        let remainder = Sha256::digest(bytes)
            .iter()
            .fold(0, |value: u128, byte| ((value << 8) | u128::from(*byte)) % MODULUS);
        u64::try_from(remainder).unwrap_or(0)
    }

    /// The bits of an n-gram, one per layer: `compute_g_values`.
    pub fn bits<'a>(
        keys: &'a LayerKeys,
        initial: u64,
        ngram: &[u32],
    ) -> impl Iterator<Item = u8> + use<'a> {
        let hash = ngram.iter().fold(initial, |hash, token| accumulate(hash, u64::from(*token)));
        keys.0.iter().map(move |key| {
            let mut mixed = accumulate(hash, *key);
            for _ in 0..12 {
                mixed = (accumulate(mixed, 1) as i64 >> 5) as u64; // an arithmetic shift
            }
            u8::from(mixed >> 30 & 1 == 1)
        })
    }
}

/// Sites as they are, for schemes of which nothing can be worked out without the key.
#[derive(Debug)]
pub struct Ngrams {
    rows: Vec<u32>,
    width: usize,
}

impl TokenScheme for SynthIdMain {
    type Key = LayerKeys;
    type Prepared = Ngrams;

    fn window(&self) -> Window {
        Window { tokens: self.ngram_len.saturating_sub(1) }
    }

    fn prepare(&self, sites: &mut dyn Iterator<Item = Site<'_>>) -> Ngrams {
        let mut rows = Vec::new();
        for site in sites {
            rows.extend_from_slice(site.context);
            rows.push(site.token);
        }
        Ngrams { rows, width: usize::from(self.ngram_len.max(1)) }
    }

    fn score(&self, key: &LayerKeys, prepared: &Ngrams) -> KeyScore {
        let initial = Self::initial(key);
        let ones = prepared
            .rows
            .chunks_exact(prepared.width)
            .map(|ngram| Self::bits(key, initial, ngram).map(u64::from).sum::<u64>());
        let ngrams = prepared.rows.len() / prepared.width;
        KeyScore { total: ones.sum::<u64>() as f64, trials: (ngrams * self.layers) as u64 }
    }

    fn null(&self, _: &Ngrams, trials: u64) -> NullLaw {
        NullLaw::Binomial { trials, probability: 0.5 }
    }

    fn key_bits(&self) -> u32 {
        u32::try_from(self.layers).unwrap_or(4).min(4) * 64
    }

    fn key(&self, bytes: &[u8; 32]) -> LayerKeys {
        LayerKeys::derived(bytes, self.layers)
    }
}
