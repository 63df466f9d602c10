//! Green lists that an operator has dumped from the server that drew them: for lists that were
//! drawn on a GPU, by another library, or by a rule that is not public.
//!
//! A table is lines of JSON. The first is `{"version": 1, "vocabulary": V, "context_tokens": h,
//! "green_ratio": g}`; each further one is `{"context": [t, …], "green": "…"}`, where `green` is
//! base64 of a bitmap: token `n` is bit `n % 8`, from the low end, of byte `n / 8`. A list that
//! does not depend on the context (Unigram) has one line, with an empty context. The share of each list
//! is checked against the ratio, and the greatest is what a token is green with by chance.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use thiserror::Error;

use super::{KeyScore, Site, TokenScheme, Window};
use crate::forensics::evidence::NullLaw;
use crate::secret::opaque_debug;

/// Why a table cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GreenTableError {
    /// Reading failed.
    #[error("cannot read the green table")]
    Io(#[from] io::Error),
    /// A line is not what it must be.
    #[error("line {line} of the green table is not valid")]
    Json {
        /// Its number, from 1.
        line: usize,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// A line contradicts the first one or another.
    #[error("line {line} of the green table: {what}")]
    Content {
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// The most bytes of bitmaps that are held.
const MOST_BYTES: usize = 4 << 30;
/// The greatest vocabulary.
const MOST_TOKENS: u32 = 1 << 22;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    version: u32,
    vocabulary: u32,
    context_tokens: u8,
    green_ratio: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    context: Vec<u32>,
    green: String,
}

/// An operator's green lists.
pub struct GreenTable {
    context_tokens: u8,
    green_ratio: f64,
    lists: HashMap<Vec<u32>, Vec<u8>>,
}

impl std::fmt::Debug for GreenTable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("GreenTable")
            .field("lists", &self.lists.len())
            .finish_non_exhaustive()
    }
}

impl GreenTable {
    /// Reads a table.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is not of this form, or is larger than 4 GiB in memory.
    pub fn read(mut source: impl BufRead) -> Result<Self, GreenTableError> {
        let wrong = |line, what| GreenTableError::Content { line, what };
        let Some(first) = line(&mut source, 4096)? else { return Err(wrong(1, "no head")) };
        let head: Head = serde_json::from_slice(&first)
            .map_err(|source| GreenTableError::Json { line: 1, source })?;
        if head.version != 1 {
            return Err(wrong(1, "a version other than 1"));
        }
        if !(1..=MOST_TOKENS).contains(&head.vocabulary) {
            return Err(wrong(1, "a vocabulary that is empty or too large"));
        }
        if !(head.green_ratio > 0.0 && head.green_ratio < 1.0) {
            return Err(wrong(1, "a green ratio that is not between 0 and 1"));
        }
        let bytes = usize::try_from(head.vocabulary.div_ceil(8)).unwrap_or(usize::MAX);
        let longest = bytes / 3 * 4 + 4 + usize::from(head.context_tokens) * 24 + 256;
        let mut lists: HashMap<Vec<u32>, Vec<u8>> = HashMap::new();
        let (mut number, mut greatest) = (1, 0.0_f64);
        while let Some(text) = line(&mut source, longest)? {
            number += 1;
            let Line { context, green } = serde_json::from_slice(&text)
                .map_err(|source| GreenTableError::Json { line: number, source })?;
            if context.len() != usize::from(head.context_tokens) {
                return Err(wrong(number, "a context of another length"));
            }
            let bitmap =
                STANDARD.decode(green).map_err(|_| wrong(number, "a bitmap that is not base64"))?;
            if bitmap.len() != bytes {
                return Err(wrong(number, "a bitmap of another length than the vocabulary"));
            }
            if (lists.len() + 1).saturating_mul(bytes) > MOST_BYTES {
                return Err(wrong(number, "more lists than are held in memory"));
            }
            let ratio = green_share(&bitmap, head.vocabulary);
            let deviation =
                (head.green_ratio * (1.0 - head.green_ratio) / f64::from(head.vocabulary)).sqrt();
            if (ratio - head.green_ratio).abs()
                > 6.0 * deviation + f64::from(head.vocabulary).recip()
            {
                return Err(wrong(
                    number,
                    "a list whose share of the vocabulary is not green_ratio",
                ));
            }
            greatest = greatest.max(ratio);
            if lists.insert(context, bitmap).is_some() {
                return Err(wrong(number, "a context that came before"));
            }
        }
        // What was drawn counts, not what was declared; the greatest, so that no p-value is too low.
        let green_ratio = if lists.is_empty() { head.green_ratio } else { greatest };
        Ok(Self { context_tokens: head.context_tokens, green_ratio, lists })
    }

    fn is_green(&self, context: &[u32], token: u32) -> Option<bool> {
        let byte = usize::try_from(token / 8).ok()?;
        Some(self.lists.get(context)?.get(byte)? >> (token % 8) & 1 == 1)
    }
}

/// The share of a vocabulary that a bitmap has.
fn green_share(bitmap: &[u8], vocabulary: u32) -> f64 {
    let whole = usize::try_from(vocabulary / 8).unwrap_or(usize::MAX);
    let ones = |(place, byte): (usize, &u8)| match place.cmp(&whole) {
        Ordering::Less => byte.count_ones(),
        Ordering::Equal => (byte & ((1 << (vocabulary % 8)) - 1)).count_ones(),
        Ordering::Greater => 0,
    };
    f64::from(bitmap.iter().enumerate().map(ones).sum::<u32>()) / f64::from(vocabulary)
}

/// The next line, without its end; an error if it is longer than `most`.
fn line(source: &mut impl BufRead, most: usize) -> io::Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    source.take(most).read_until(b'\n', &mut text)?;
    if text.is_empty() {
        return Ok(None);
    }
    if text.last() != Some(&b'\n') && text.len() as u64 == most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a line that is too long"));
    }
    Ok(Some(text))
}

/// Whose lists a score is computed with.
#[derive(Clone, Copy)]
pub enum GreenKey {
    /// Those of the table.
    Table,
    /// Lists that these bytes draw, of the same ratio: a decoy.
    Decoy([u8; 32]),
}

impl std::fmt::Debug for GreenKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Table => "Table",
            Self::Decoy(_) => "Decoy(..)",
        })
    }
}

/// The sites whose contexts the table knows.
pub struct ListedSites {
    /// Bytes of each site, for decoys; and whether the table has it green.
    sites: Vec<(Vec<u8>, bool)>,
}

opaque_debug!(ListedSites);

impl TokenScheme for GreenTable {
    type Key = GreenKey;
    type Prepared = ListedSites;

    fn window(&self) -> Window {
        Window { tokens: self.context_tokens }
    }

    fn prepare(&self, sites: &mut dyn Iterator<Item = Site<'_>>) -> ListedSites {
        let listed = sites.filter_map(|Site { context, token }| {
            let green = self.is_green(context, token)?;
            let words = context.iter().chain(std::iter::once(&token));
            Some((words.flat_map(|word| word.to_le_bytes()).collect(), green))
        });
        ListedSites { sites: listed.collect() }
    }

    fn score(&self, key: &GreenKey, prepared: &ListedSites) -> KeyScore {
        let green = prepared.sites.iter().filter(|(site, green)| match key {
            GreenKey::Table => *green,
            GreenKey::Decoy(bytes) => {
                let [a, b, c, d, ..] = *blake3::keyed_hash(bytes, site).as_bytes();
                let uniform = f64::from(u32::from_le_bytes([a, b, c, d])) / 4_294_967_296.0;
                uniform < self.green_ratio
            }
        });
        KeyScore { total: green.count() as f64, trials: prepared.sites.len() as u64 }
    }

    /// Lists have a fixed length, so that hits within one are, if anything, less spread than this.
    fn null(&self, _: &ListedSites, trials: u64) -> NullLaw {
        NullLaw::Binomial { trials, probability: self.green_ratio }
    }

    /// What drew the lists is not known; no generator of a server takes a longer seed.
    fn key_bits(&self) -> u32 {
        64
    }

    fn key(&self, bytes: &[u8; 32]) -> GreenKey {
        GreenKey::Decoy(*bytes)
    }
}
