//! Numbers of a report: p-values, effects, and what decoy keys scored.

use std::f64::consts::LN_10;
use std::fmt;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::forensics::evidence::{DecoyScores, Effect, Evidence, LnP};

/// The least logarithm that is written: JSON knows no infinity.
const LEAST: f64 = -1e9;

/// A probability, or an upper bound of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PValue {
    /// The value; 2.2e-308, which is more, where it is less than that.
    pub p: f64,
    /// Its decimal logarithm, which tells how much less.
    pub log10: f64,
}

impl PValue {
    /// Of a natural logarithm.
    #[must_use]
    pub fn from_ln(ln_p: LnP) -> Self {
        Self { p: ln_p.exp().max(f64::MIN_POSITIVE), log10: (ln_p / LN_10).clamp(LEAST, 0.0) }
    }

    /// Whether it is below a level.
    #[must_use]
    pub fn is_below(self, level: f64) -> bool {
        self.log10 < level.log10()
    }
}

/// `0.31`, `0.0042`, `3.1e-17`, rounded up: a p-value is never shown smaller than it is.
impl fmt::Display for PValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.log10 > -3.0 {
            let digits = if self.p < 0.01 { 4 } else { 2 };
            let scale = 10_f64.powi(digits);
            let places = if digits == 4 { 4 } else { 2 };
            return write!(formatter, "{:.places$}", (self.p * scale).ceil().min(scale) / scale);
        }
        let mut exponent = self.log10.floor();
        let mut mantissa = (10_f64.powf(self.log10 - exponent) * 10.0).ceil() / 10.0;
        if mantissa >= 10.0 {
            (mantissa, exponent) = (1.0, exponent + 1.0);
        }
        write!(formatter, "{mantissa:.1}e{exponent:.0}")
    }
}

/// The size of an effect, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectSize {
    /// The estimate.
    pub estimate: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl From<Effect> for EffectSize {
    fn from(Effect { estimate, low, high }: Effect) -> Self {
        Self { estimate, low, high }
    }
}

/// Where a score stands among those of decoy keys, and how these are spread: enough for a
/// quantile plot and a histogram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecoySummary {
    /// Number of keys.
    pub count: u64,
    /// `(1 + decoys that score at least as high) / (1 + decoys)`: never below the reciprocal of
    /// their number.
    pub p: PValue,
    /// The mean of their standardized scores; 0 is expected.
    pub mean: f64,
    /// Their standard deviation; 1 is expected.
    pub deviation: f64,
    /// Scores by the share of decoys below them, ascending; the ten at either end are all here.
    pub quantiles: Vec<Quantile>,
    /// How many fall where.
    pub histogram: Histogram,
}

/// A point of an empirical distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// `(rank - 1/2) / count`.
    pub probability: f64,
    /// The standardized score of that rank.
    pub score: f64,
    /// The decimal logarithm of the p-value that this score would have been given, by the same
    /// law as the suspect's; for the tests that a report plots.
    #[serde(default)]
    pub log10_p: Option<f64>,
}

/// Counts in bins of one width; what lies outside is in the first or the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Where the first bin begins.
    pub from: f64,
    /// The width of a bin.
    pub width: f64,
    /// Scores in each bin.
    pub counts: Vec<u32>,
}

/// Points at either end that a summary keeps.
const ENDS: usize = 10;
/// Points in all that it keeps at most.
const POINTS: usize = 201;

/// From -5 to 5 deviations.
const BINS: usize = 50;
const BIN: f64 = 0.2;

impl From<&DecoyScores> for DecoySummary {
    fn from(decoys: &DecoyScores) -> Self {
        let scores = decoys.sorted();
        let last = scores.len().saturating_sub(1);
        let mut ranks: Vec<usize> = (0..POINTS).map(|point| point * last / (POINTS - 1)).collect();
        ranks.extend((0..ENDS.min(scores.len())).flat_map(|rank| [rank, last - rank]));
        ranks.sort_unstable();
        ranks.dedup();
        let quantile = |rank: usize| {
            let probability = (rank as f64 + 0.5) / scores.len() as f64;
            Some(Quantile { probability, score: *scores.get(rank)?, log10_p: None })
        };
        Self {
            count: scores.len() as u64,
            p: PValue::from_ln(decoys.ln_p()),
            mean: decoys.mean(),
            deviation: decoys.deviation(),
            quantiles: ranks.into_iter().filter_map(quantile).collect(),
            histogram: Histogram::new(scores),
        }
    }
}

impl DecoySummary {
    /// The same with p-values, by the test's own law, of the decoys that scored highest and of
    /// ever fewer below them: as many as a logarithmic plot can show apart. Each takes up to some
    /// milliseconds.
    #[must_use]
    pub(super) fn with_p_values(evidence: &Evidence) -> Self {
        let mut summary = Self::from(&evidence.decoys);
        let mut before = 0.0;
        let (count, points) = (summary.count as f64, summary.quantiles.iter_mut().rev());
        let told: Vec<&mut Quantile> = points
            .filter(|quantile| {
                let rank = (1.0 - quantile.probability) * count + 0.5;
                let apart = rank < ENDS as f64 + 0.5 || rank >= before * 1.12;
                if apart {
                    before = rank;
                }
                apart
            })
            .collect();
        told.into_par_iter().for_each(|quantile| {
            let p = PValue::from_ln(evidence.law.ln_tail_at(quantile.score));
            quantile.log10_p = Some(p.log10);
        });
        summary
    }
}

impl Histogram {
    fn new(scores: &[f64]) -> Self {
        let from = -(BINS as f64) * BIN / 2.0;
        let mut counts = vec![0; BINS];
        for score in scores {
            // A cast from a float saturates, and is 0 for what is no number.
            let bin = ((score - from) / BIN) as usize;
            if let Some(count) = counts.get_mut(bin.min(BINS - 1)) {
                *count += 1;
            }
        }
        Self { from, width: BIN, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forensics::evidence::{Decoys, NullLaw};

    #[test]
    fn a_p_value_is_shown_and_never_smaller_than_it_is() {
        let shown = |p: f64| PValue::from_ln(p.ln()).to_string();
        assert_eq!(shown(1.0), "1.00");
        assert_eq!(shown(0.999), "1.00");
        assert_eq!(shown(0.3101), "0.32");
        assert_eq!(shown(0.00421), "0.0043");
        assert_eq!(shown(3.12e-17), "3.2e-17");
        assert_eq!(shown(9.99e-17), "1.0e-16");
        assert_eq!(PValue::from_ln(-2_000.0).to_string(), "2.6e-869");
        let certain = PValue::from_ln(f64::NEG_INFINITY);
        assert!(serde_json::to_string(&certain).unwrap().contains("-1000000000.0"));
        let small = PValue::from_ln(-1_011.0);
        assert!(small.p > 0.0 && (small.log10 + 439.07).abs() < 0.01, "{small:?}");
    }

    #[test]
    fn a_summary_of_decoys_keeps_both_ends_and_counts_everyone() {
        let scores = Decoys::new([1; 32], 5_000)
            .compare(2.0, |key| f64::from(key[0]) / 32.0 - 4.0 + f64::from(key[1]) / 8192.0);
        let summary = DecoySummary::from(&scores);
        let sorted = scores.sorted();
        assert_eq!(summary.quantiles.first().unwrap().score, sorted[0]);
        assert_eq!(summary.quantiles[9].score, sorted[9]);
        assert_eq!(summary.quantiles.last().unwrap().score, sorted[4_999]);
        assert!(summary.quantiles.len() <= 221);
        assert!(summary.quantiles.is_sorted_by(|a, b| a.probability < b.probability));
        assert_eq!(summary.histogram.counts.iter().sum::<u32>(), 5_000);
        let below = sorted.partition_point(|score| *score < -3.0) as u32;
        assert_eq!(summary.histogram.counts[..10].iter().sum::<u32>(), below);
    }

    #[test]
    fn the_highest_decoys_have_p_values_and_below_them_ever_fewer() {
        let (law, scores) =
            (NullLaw::Gamma { shape: 50 }, |key: &[u8; 32]| f64::from(key[0]) / 40.0);
        let decoys = Decoys::new([1; 32], 5_000).compare(2.0, scores);
        let (total, standardized, dispersion) = (0.0, 0.0, 1.0);
        let ln_p_hoeffding = None;
        let evidence = Evidence {
            total,
            standardized,
            ln_p: 0.0,
            exact: true,
            ln_p_hoeffding,
            decoys,
            dispersion,
            law,
        };
        let summary = DecoySummary::with_p_values(&evidence);
        let told: Vec<&Quantile> =
            summary.quantiles.iter().filter(|quantile| quantile.log10_p.is_some()).collect();
        assert!((40..70).contains(&told.len()), "{}", told.len());
        assert!(summary.quantiles.iter().rev().take(10).all(|quantile| quantile.log10_p.is_some()));
        for quantile in told {
            let expected = evidence.law.ln_tail_at(quantile.score) / LN_10;
            assert!((quantile.log10_p.unwrap() - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn a_summary_of_no_decoys_is_empty() {
        let summary = DecoySummary::from(&Decoys::new([1; 32], 0).compare(2.0, |_| 0.0));
        assert!(summary.quantiles.is_empty() && summary.count == 0);
    }
}
