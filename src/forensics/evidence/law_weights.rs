//! The test for marks that keep the law of their writer: what each cell's uniform would say.
//!
//! The text is given and the key is random, so that each cell has a uniform of its own. For a share `q` of
//! sites that follow the key, a cell `c` says of its uniform `u`
//!
//! ```text
//! L(u) = E_ε Π_i [(1 − q) · P_b(x_i) + q · 1{x_i = variant(u < p'_i)}]     S(u) = ln L(u) − ln ∫ L
//! ```
//!
//! where `x_i` stands at site `i`, `p'_i` is what a writer would have drawn by, `b_i` what the text's own
//! habits make of it (the log-odds of the place with `α` of the class, fitted to the class's total with a
//! normal prior of deviation 1), and `ε`, for cells of several sites, a normal error of the cell's log-odds
//! of deviation ½. `S` is constant between the thresholds of the sites, so all integrals are finite sums, and
//!
//! ```text
//! P(Σ S(u_c) ≥ T) ≤ e^(−λT) Π_c ∫ e^(λ S_c(u)) du        for every λ ≥ 0
//! ```
//!
//! holds for any text. The least over `q` is taken times three. Rates that are wrong cost power and
//! never validity.

use super::coins::Strengths;
use super::decoys::Decoys;
use super::law::NullLaw;
use super::law_likelihood::{Sites, cells, scores, widths};
use super::tail::LnP;
use super::test::Evidence;
use crate::forensics::detect::LawCounts;
use crate::mark::cell::{Cell, MarkKey};
use crate::mark::law::{self, BUCKETS};

/// Shares of sites that follow the key: of marked text itself, diluted, and of a student.
const SHARES: [f64; 3] = [0.9, 0.3, 0.08];

/// Tilts at which the bound is looked for: neighbours differ by a fifth, where it loses 1 %.
const TILTS: usize = 26;

pub(super) fn tilt(number: usize) -> f64 {
    0.04 * 1.2_f64.powi(i32::try_from(number).unwrap_or(0))
}

/// What one cell says, for each share, by the interval that its uniform falls into.
#[derive(Clone, Debug)]
pub(super) struct CellScores {
    pub(super) cell: Cell,
    /// Where intervals end, ascending; the last ends at 2³².
    pub(super) ends: Vec<u32>,
    pub(super) scores: [Vec<f64>; 3],
    cumulants: [[f64; TILTS]; 3],
    /// Mean and variance of the score that is compared.
    moments: (f64, f64),
}

impl CellScores {
    fn new(cell: Cell, sites: &[Sites], carrying: f64) -> Self {
        let ends: Vec<u32> = sites.iter().map(|site| site.threshold).collect();
        let scores = SHARES.map(|share| scores(sites, share * carrying));
        let mut cumulants = [[0.0; TILTS]; 3];
        for (cumulants, scores) in cumulants.iter_mut().zip(&scores) {
            for (number, cumulant) in cumulants.iter_mut().enumerate() {
                let tilt = tilt(number);
                let pairs = widths(&ends).zip(scores);
                *cumulant =
                    pairs.map(|(width, score)| width * (tilt * score).exp()).sum::<f64>().ln();
            }
        }
        let mut cell = Self { cell, ends, scores, cumulants, moments: (0.0, 0.0) };
        let law = cell.law(COMPARED);
        let mean: f64 = law.iter().map(|(width, score)| width * score).sum();
        let square: f64 = law.iter().map(|(width, score)| width * score * score).sum();
        cell.moments = (mean, square - mean * mean);
        cell
    }

    fn at(&self, uniform: u32) -> [f64; 3] {
        let interval = self.ends.partition_point(|end| *end <= uniform);
        self.scores.each_ref().map(|scores| scores.get(interval).copied().unwrap_or(0.0))
    }

    /// Widths and scores for one share.
    fn law(&self, share: usize) -> Vec<(f64, f64)> {
        let scores = self.scores.get(share).map(Vec::as_slice).unwrap_or_default();
        widths(&self.ends).zip(scores.iter().copied()).collect()
    }
}

/// The share whose score is compared with those of decoys.
const COMPARED: usize = 1;

/// What all cells of a text say: functions of the text, never of a key.
#[derive(Clone, Debug)]
pub struct LawWeights {
    /// For each share of answers in which a cell may have carried the mark, by the strengths that were
    /// issued; one, all, if all were at full strength.
    levels: Vec<Vec<CellScores>>,
    /// The share of each level.
    shares: Vec<f64>,
    /// The level of each coin; none carries nothing.
    level_of: Vec<Option<u8>>,
    /// The law of the score of any key, if coins have no part in it.
    law: Option<LawScore>,
}

/// A score with the law that it has under a random key. Of independent keys, scores add.
#[derive(Clone, Debug)]
pub struct LawScore {
    totals: [f64; 3],
    cumulants: [[f64; TILTS]; 3],
    mean: f64,
    variance: f64,
}

impl Default for LawScore {
    fn default() -> Self {
        Self { totals: [0.0; 3], cumulants: [[0.0; TILTS]; 3], mean: 0.0, variance: 0.0 }
    }
}

impl LawScore {
    fn enter_total(&mut self, cell: &CellScores, uniform: u32) {
        for (total, score) in self.totals.iter_mut().zip(cell.at(uniform)) {
            *total += score;
        }
    }

    /// Without a total: the law alone.
    fn enter_law(&mut self, cell: &CellScores) {
        for (sums, cumulants) in self.cumulants.iter_mut().zip(&cell.cumulants) {
            for (sum, cumulant) in sums.iter_mut().zip(cumulants) {
                *sum += cumulant;
            }
        }
        let (mean, variance) = cell.moments;
        self.mean += mean;
        self.variance += variance;
    }

    /// Adds the score of another key.
    pub fn add(&mut self, other: &Self) {
        for (total, more) in self.totals.iter_mut().zip(other.totals) {
            *total += more;
        }
        for (sums, more) in self.cumulants.iter_mut().zip(other.cumulants) {
            for (sum, more) in sums.iter_mut().zip(more) {
                *sum += more;
            }
        }
        self.mean += other.mean;
        self.variance += other.variance;
    }

    /// A bound of the p-value: the least over the shares, times their number.
    #[must_use]
    pub fn ln_p(&self) -> LnP {
        let mut least = 0.0_f64;
        for (total, cumulants) in self.totals.iter().zip(&self.cumulants) {
            for (number, cumulant) in cumulants.iter().enumerate() {
                least = least.min(cumulant - tilt(number) * total);
            }
        }
        (least + 3.0_f64.ln()).min(0.0)
    }

    /// The same where a text was read in two ways, which gave this score and another: the lesser, times two.
    #[must_use]
    pub fn ln_p_of_either(&self, other: &Self) -> LnP {
        (self.ln_p().min(other.ln_p()) + 2.0_f64.ln()).min(0.0)
    }

    /// For each share, the total from which on the p-value is below a level.
    pub(super) fn needed(&self, level: f64) -> [f64; 3] {
        let ln_level = level.ln() - 3.0_f64.ln();
        self.cumulants.map(|cumulants| {
            let needed = cumulants
                .iter()
                .enumerate()
                .map(|(number, cumulant)| (cumulant - ln_level) / tilt(number));
            needed.fold(f64::INFINITY, f64::min)
        })
    }

    /// The score at a share of 0.3, in standard deviations; to compare, not a p-value.
    #[must_use]
    pub fn standardized(&self) -> f64 {
        let [_, total, _] = self.totals;
        if self.variance > 0.0 { (total - self.mean) / self.variance.sqrt() } else { 0.0 }
    }

    /// The scores at shares of 0.9, 0.3 and 0.08 of the sites.
    #[must_use]
    pub fn totals(&self) -> [f64; 3] {
        self.totals
    }
}

impl LawWeights {
    /// What a text says, if marks were issued at these strengths.
    #[must_use]
    pub fn new(counts: &LawCounts, strengths: &Strengths) -> Self {
        Self::of_cells(&cells(counts), strengths)
    }

    pub(super) fn of_cells(cells: &[(Cell, Vec<Sites>)], strengths: &Strengths) -> Self {
        let mut shares: Vec<f64> = Vec::new();
        let level_of = (0..=u8::MAX)
            .map(|coin| {
                let share = Self::carried(strengths, coin);
                if share <= 0.0 {
                    return None;
                }
                let known = shares.iter().position(|known| known.total_cmp(&share).is_eq());
                let place = known.unwrap_or_else(|| {
                    shares.push(share);
                    shares.len() - 1
                });
                u8::try_from(place).ok()
            })
            .collect();
        let level = |share: &f64| {
            cells.iter().map(|(cell, sites)| CellScores::new(*cell, sites, *share)).collect()
        };
        let levels = shares.iter().map(level).collect();
        Self { levels, shares, level_of, law: None }.with_law()
    }

    /// In what share of the marked answers a cell with this coin carried the mark, in whole sixteenths.
    #[must_use]
    pub fn carried(strengths: &Strengths, coin: u8) -> f64 {
        (strengths.share(coin) * 16.0).round() / 16.0
    }

    fn with_law(self) -> Self {
        let coins = self.levels.len() > 1 || self.level_of.iter().any(Option::is_none);
        let law = (!coins).then(|| {
            let mut law = LawScore::default();
            self.of_first_level().iter().for_each(|cell| law.enter_law(cell));
            law
        });
        Self { law, ..self }
    }

    /// The cells that pass.
    #[must_use]
    pub fn only(&self, keep: impl Fn(usize) -> bool) -> Self {
        let kept = |cells: &Vec<CellScores>| {
            let keep = |scores: &&CellScores| keep(scores.cell.index() as usize);
            cells.iter().filter(keep).cloned().collect()
        };
        let levels = self.levels.iter().map(kept).collect();
        let (shares, level_of) = (self.shares.clone(), self.level_of.clone());
        Self { levels, shares, level_of, law: None }.with_law()
    }

    /// Cells that say anything.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    /// Their scores, were all at full strength: for the law of a test without coins.
    fn of_first_level(&self) -> &[CellScores] {
        self.levels.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// The cells that carry anything under a key, each with the share of marked answers in which it did.
    pub(super) fn carrying(&self, key: &MarkKey) -> Vec<(f64, &CellScores)> {
        let mut stream = key.stream();
        let of_coins = self.law.is_none();
        let carrying = self.of_first_level().iter().enumerate().filter_map(|(place, first)| {
            let coin = if of_coins { law::coin(&mut stream, first.cell) } else { 0 };
            let level = usize::from(self.level_of.get(usize::from(coin)).copied().flatten()?);
            Some((*self.shares.get(level)?, self.levels.get(level)?.get(place)?))
        });
        carrying.collect()
    }

    /// What they say of a key.
    #[must_use]
    pub fn score(&self, key: &MarkKey) -> LawScore {
        let mut uniforms = key.stream();
        self.score_by(key, |class, words| uniforms.fill_from(class * BUCKETS, words))
    }

    /// What they say of the uniforms that are drawn for the cells of each class, with the coins of a key.
    pub(super) fn score_by(
        &self,
        key: &MarkKey,
        mut draw: impl FnMut(u32, &mut [u32]),
    ) -> LawScore {
        let mut sum = self.law.clone().unwrap_or_default();
        let mut coins = key.stream();
        let mut words = [0; BUCKETS as usize];
        let mut class = u32::MAX;
        for (place, first) in self.of_first_level().iter().enumerate() {
            let (of, bucket) = (first.cell.index() / BUCKETS, first.cell.index() % BUCKETS);
            if of != class {
                class = of;
                draw(class, &mut words);
            }
            let uniform = words.get(bucket as usize).copied().unwrap_or(0);
            if self.law.is_some() {
                sum.enter_total(first, uniform);
                continue;
            }
            let coin = usize::from(law::coin(&mut coins, first.cell));
            let level = self.level_of.get(coin).copied().flatten().map(usize::from);
            if let Some(scores) = level.and_then(|level| self.levels.get(level)?.get(place)) {
                sum.enter_total(scores, uniform);
                sum.enter_law(scores);
            }
        }
        sum
    }

    /// Tests whether cells say that a text follows a key.
    #[must_use]
    pub fn test(&self, key: &MarkKey, decoys: &Decoys) -> Evidence {
        let score = self.score(key);
        let compared = decoys.compare(score.standardized(), |key| {
            self.score(&MarkKey::from_bytes(*key)).standardized()
        });
        let cells = self.of_first_level().iter().map(|cell| cell.law(COMPARED)).collect();
        let [_, total, _] = score.totals;
        Evidence {
            total,
            standardized: score.standardized(),
            ln_p: score.ln_p(),
            exact: false,
            ln_p_hoeffding: None,
            dispersion: compared.deviation(),
            decoys: compared,
            law: NullLaw::Uniforms { cells },
        }
    }
}
