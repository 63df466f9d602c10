//! What a corpus scores under the key of an account.

use crate::forensics::detect::{CellCounts, KeyScore, TokenScheme, TokenSites};
use crate::forensics::evidence::{Effect, LnP, SignSums, Tilts, Weights};
use crate::mark::cell::{Bits, MarkKey};

/// A score, before any adjustment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scored {
    pub(super) standardized: f64,
    /// The tail of the law, by which scores are compared.
    pub(super) ln_tail: LnP,
    /// The p-value: not below that of one key in all there are.
    pub(super) ln_p: LnP,
}

/// Scores of one corpus under keys of 256 bits.
pub(super) trait Scores: Sync {
    /// The score with its p-value.
    fn score(&self, key: &[u8; 32]) -> Scored;

    /// The score alone.
    fn standardized(&self, key: &[u8; 32]) -> f64;

    /// The size of the effect.
    fn effect(&self, key: &[u8; 32], seed: [u8; 32]) -> Option<Effect>;

    /// Whether there is nothing to score.
    fn is_empty(&self) -> bool;
}

/// Of tokens behind contexts.
pub(super) struct TokenScores<'a, S: TokenScheme> {
    scheme: &'a S,
    sites: &'a TokenSites,
    prepared: S::Prepared,
}

impl<'a, S: TokenScheme> TokenScores<'a, S> {
    pub(super) fn new(scheme: &'a S, sites: &'a TokenSites) -> Self {
        let prepared = scheme.prepare(&mut sites.iter().map(|(site, _)| site));
        Self { scheme, sites, prepared }
    }

    /// The score under a key in the scheme's own form, and its trials.
    pub(super) fn of(&self, key: &S::Key) -> (Scored, u64) {
        let KeyScore { total, trials } = self.scheme.score(key, &self.prepared);
        let law = self.scheme.null(&self.prepared, trials);
        let (standardized, ln_tail) = (law.standardized(total), law.ln_tail(total));
        let ln_p = ln_tail.max(self.scheme.least_ln_p());
        (Scored { standardized, ln_tail, ln_p }, trials)
    }
}

impl<S: TokenScheme> Scores for TokenScores<'_, S>
where
    S::Prepared: Sync,
{
    fn score(&self, key: &[u8; 32]) -> Scored {
        self.of(&self.scheme.key(key)).0
    }

    fn standardized(&self, key: &[u8; 32]) -> f64 {
        let KeyScore { total, trials } = self.scheme.score(&self.scheme.key(key), &self.prepared);
        self.scheme.null(&self.prepared, trials).standardized(total)
    }

    fn effect(&self, key: &[u8; 32], seed: [u8; 32]) -> Option<Effect> {
        Some(Effect::of_tokens(self.scheme, &self.scheme.key(key), self.sites, seed))
    }

    fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }
}

/// Of variants of pairs.
pub(super) struct PairScores<'a> {
    counts: &'a CellCounts,
    baseline: Vec<&'a CellCounts>,
    sums: SignSums,
    tilts: Tilts<1>,
}

impl<'a> PairScores<'a> {
    /// With these controls for the rates of a model without a mark.
    pub(super) fn new(counts: &'a CellCounts, baseline: Vec<&'a CellCounts>) -> Self {
        let weights = Weights::from_counts(counts, &baseline);
        let sums = SignSums::new(weights.units());
        let tilts = Tilts::new([weights.units()], 1);
        Self { counts, baseline, sums, tilts }
    }

    fn total(&self, key: &[u8; 32]) -> f64 {
        self.sums.total(&MarkKey::from_bytes(*key)) as f64
    }
}

impl Scores for PairScores<'_> {
    fn score(&self, key: &[u8; 32]) -> Scored {
        let ln_p = self.tilts.ln_p(self.total(key), [1]);
        Scored { standardized: self.standardized(key), ln_tail: ln_p, ln_p }
    }

    fn standardized(&self, key: &[u8; 32]) -> f64 {
        let deviation = self.tilts.variance([1]).sqrt();
        if deviation > 0.0 { self.total(key) / deviation } else { 0.0 }
    }

    fn effect(&self, key: &[u8; 32], _: [u8; 32]) -> Option<Effect> {
        let bits = Bits::new(&MarkKey::from_bytes(*key), self.counts.cells());
        Effect::of_signs(self.counts, &self.baseline, &bits, |_| true)
    }

    fn is_empty(&self) -> bool {
        self.tilts.variance([1]) <= 0.0
    }
}
