//! How much the sign of each cell counts: functions of the text and of controls, never of a key.

use super::law_effect::least;
use super::tilts::Tilts;
use crate::forensics::detect::CellCounts;

/// The greatest weight, in units: sums of 2³⁹ of them fit 64 bits, of eight fit 32.
const UNITS: f64 = 16_777_216.0;

/// The difference between the rates of two honest models in one cell, if controls do not tell.
const DEFAULT_SPREAD: f64 = 0.1;

/// A weight for the sign of each cell, in whole units.
///
/// Whole units make a score the same on every machine and in every order of summation. Weights do
/// not depend on the key, so rounding them costs nothing but power.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    units: Vec<i32>,
    /// Per cell: how much more a site that follows the key moves the score the one way than the other, for all
    /// its sites.
    leans: Vec<f64>,
    /// Score per unit.
    unit: f64,
}

impl Weights {
    /// From a weight for each cell, and how much more the key's second variant moves it than its first.
    #[must_use]
    pub fn new(terms: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let (values, leans): (Vec<f64>, Vec<f64>) = terms
            .into_iter()
            .map(|(weight, leans)| if weight.is_finite() { (weight, leans) } else { (0.0, 0.0) })
            .unzip();
        let greatest = values.iter().fold(0.0_f64, |greatest, value| greatest.max(value.abs()));
        let unit = if greatest > 0.0 { greatest / UNITS } else { 1.0 };
        let units = values.iter().map(|value| rounded(value / unit)).collect();
        Self { units, leans, unit }
    }

    /// The weights of a suspect's cells: `u (a - n b)`, with `b` the baseline and
    /// `u = 1 / (b (1 - b) + n τ²)`, the least-variance weight if honest models differ by `τ`.
    ///
    /// The baseline is the rate in the controls, drawn towards that of its class where there are
    /// few sites, and shifted by what the suspect's class differs from the controls' on the whole.
    /// Without controls it is the suspect's own class. A wrong baseline costs power, not validity.
    #[must_use]
    pub fn from_counts(suspect: &CellCounts, controls: &[&CellCounts]) -> Self {
        let model = Baseline::new(suspect, controls);
        Self::new(model.cells.iter().zip(suspect.totals()).map(|(baseline, [zeros, ones])| {
            let n = f64::from(zeros) + f64::from(ones);
            let useful = baseline.usefulness(n);
            (useful * (f64::from(ones) - n * baseline.rate), useful * n * (baseline.rate - 0.5))
        }))
    }

    /// For each cell the rate of its second variant, told from the suspect's other cells and the controls
    /// alone, and how much a site of it says.
    pub(super) fn usual_of_others(
        suspect: &CellCounts,
        controls: &[&CellCounts],
    ) -> Vec<(f64, f64)> {
        let model = Baseline::new(suspect, controls);
        let usual = model.cells.iter().zip(suspect.totals()).map(|(baseline, [zeros, ones])| {
            let without =
                CellBaseline { rate: baseline.of_others, spread: baseline.spread, ..*baseline };
            (without.rate, without.usefulness(f64::from(zeros) + f64::from(ones)))
        });
        usual.collect()
    }

    /// The weights of the test whether cells lean *against* a key.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self { units: self.units.iter().map(|unit| -unit).collect(), ..self.clone() }
    }

    /// The weights of the cells that pass; the others' are zero.
    #[must_use]
    pub fn only(&self, keep: impl Fn(usize) -> bool) -> Self {
        let mut kept = self.clone();
        for (cell, (unit, leans)) in kept.units.iter_mut().zip(&mut kept.leans).enumerate() {
            if !keep(cell) {
                (*unit, *leans) = (0, 0.0);
            }
        }
        kept
    }

    /// Each weight, and its lean, times a factor from 0 to 1 that does not depend on the key.
    pub(super) fn times(&self, factor: impl Fn(usize) -> f64) -> Self {
        let mut scaled = self.clone();
        for (cell, (unit, leans)) in scaled.units.iter_mut().zip(&mut scaled.leans).enumerate() {
            let factor = factor(cell).clamp(0.0, 1.0);
            (*unit, *leans) = (rounded(f64::from(*unit) * factor), *leans * factor);
        }
        scaled
    }

    /// The weights, in units.
    #[must_use]
    pub fn units(&self) -> &[i32] {
        &self.units
    }

    /// What one unit is worth.
    #[must_use]
    pub fn unit(&self) -> f64 {
        self.unit
    }

    /// Cells whose sign counts.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.units.iter().filter(|unit| **unit != 0).count()
    }

    /// The least share of sites that would have to follow a key for Chernoff's bound to come below a level as
    /// often as not; none where even all of them would not do.
    ///
    /// If a share `q` of `n` sites follows, a deviation `d` is normal around `q n (±½ + ½ − b)` with the variance `n / u`, so
    /// that the sign that the key has is `tanh(½ q u (d + q n (b − ½)))` on average, given what stands there.
    #[must_use]
    pub fn least_share(&self, level: f64) -> Option<f64> {
        let needed = Tilts::new([&self.units], 1).needed(level, [1]) * self.unit;
        let is_found = |share: f64| {
            let cells = self.units.iter().zip(&self.leans).filter(|(unit, _)| **unit != 0);
            let expected = |(unit, leans): (&i32, &f64)| {
                let score = f64::from(*unit) * self.unit;
                score * (share / 2.0 * (score + share * leans)).tanh()
            };
            needed > 0.0 && cells.map(expected).sum::<f64>() >= needed
        };
        least(is_found)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "at most 2^24 by construction")]
fn rounded(value: f64) -> i32 {
    value.round() as i32
}

/// What the share of variant 1 would be in a cell without a mark.
struct CellBaseline {
    rate: f64,
    spread: f64,
    /// The same rate, told without this cell of the suspect.
    of_others: f64,
}

impl CellBaseline {
    fn usefulness(&self, sites: f64) -> f64 {
        if sites <= 0.0 {
            return 0.0;
        }
        1.0 / (self.rate * (1.0 - self.rate) + sites * self.spread * self.spread)
    }
}

struct Baseline {
    cells: Vec<CellBaseline>,
}

impl Baseline {
    fn new(suspect: &CellCounts, controls: &[&CellCounts]) -> Self {
        let width = usize::try_from(suspect.cells_per_class()).unwrap_or(1).max(1);
        let suspect = suspect.totals();
        let controls: Vec<Vec<[u32; 2]>> =
            controls.iter().map(|control| control.totals()).collect();
        let mut cells = Vec::with_capacity(suspect.len());
        for (class, suspects) in suspect.chunks(width).enumerate() {
            let of_class = |counts: &Vec<[u32; 2]>| -> Vec<[u32; 2]> {
                counts.iter().skip(class * width).take(width).copied().collect()
            };
            let controls: Vec<Vec<[u32; 2]>> = controls.iter().map(of_class).collect();
            cells.extend(class_baseline(suspects, &controls));
        }
        Self { cells }
    }
}

/// Sites of the class's rate that are added to each cell's own.
const SHRINKAGE: f64 = 8.0;

fn class_baseline(suspect: &[[u32; 2]], controls: &[Vec<[u32; 2]>]) -> Vec<CellBaseline> {
    let pooled = |cell: usize| {
        controls.iter().fold([0.0, 0.0], |[zeros, ones], control| {
            let [zero, one] = control.get(cell).copied().unwrap_or_default();
            [zeros + f64::from(zero), ones + f64::from(one)]
        })
    };
    let sum = |counts: &[[u32; 2]]| {
        counts.iter().fold([0.0, 0.0], |[zeros, ones], [zero, one]| {
            [zeros + f64::from(*zero), ones + f64::from(*one)]
        })
    };
    let own = smoothed(sum(suspect), 0.5, 1.0);
    let all = (0..suspect.len()).map(pooled).fold([0.0, 0.0], |[a, b], [c, d]| [a + c, b + d]);
    let class = if all == [0.0, 0.0] { own } else { smoothed(all, 0.5, 1.0) };
    let rates: Vec<f64> =
        (0..suspect.len()).map(|cell| smoothed(pooled(cell), class, SHRINKAGE)).collect();
    // What the suspect's class differs by on the whole says nothing of a mark.
    let [zeros, ones] = sum(suspect);
    let pairs = || suspect.iter().zip(&rates);
    let expected: f64 =
        pairs().map(|([zero, one], rate)| (f64::from(*zero) + f64::from(*one)) * rate).sum();
    let shift = if zeros + ones > 0.0 { (ones - expected) / (zeros + ones) } else { 0.0 };
    let spread = spread(controls).unwrap_or(DEFAULT_SPREAD);
    let clamped = |rate: f64| rate.clamp(0.005, 0.995);
    pairs()
        .map(|([zero, one], rate)| {
            let (zero, one) = (f64::from(*zero), f64::from(*one));
            let (others, others_ones) = (zeros + ones - zero - one, ones - one);
            let of_others = if all == [0.0, 0.0] {
                smoothed([others - others_ones, others_ones], 0.5, 1.0)
            } else {
                rate + (others_ones - (expected - (zero + one) * rate)) / (others + OTHERS)
            };
            CellBaseline { rate: clamped(rate + shift), spread, of_others: clamped(of_others) }
        })
        .collect()
}

/// Sites that lean as the controls do, added to those of other cells by which a class is shifted.
const OTHERS: f64 = 4.0;

/// The share of ones, with so many sites of a prior rate added.
fn smoothed([zeros, ones]: [f64; 2], prior: f64, weight: f64) -> f64 {
    (ones + prior * weight) / (zeros + ones + weight)
}

/// The deviation between controls within the cells of a class, beyond that of sampling; none
/// with fewer than two controls, or too few sites.
fn spread(controls: &[Vec<[u32; 2]>]) -> Option<f64> {
    let (first, others) = controls.split_first()?;
    let (mut excess, mut weight) = (0.0, 0.0);
    for other in others {
        for ([z0, o0], [z1, o1]) in first.iter().zip(other) {
            let [n, m] = [[z0, o0], [z1, o1]].map(|[z, o]| f64::from(*z) + f64::from(*o));
            if n < 2.0 || m < 2.0 {
                continue;
            }
            let (p, q) = (f64::from(*o0) / n, f64::from(*o1) / m);
            let sampling = p * (1.0 - p) / (n - 1.0) + q * (1.0 - q) / (m - 1.0);
            let precision = n * m / (n + m);
            // Two independent deviations make the difference.
            excess += precision * ((p - q) * (p - q) - sampling) / 2.0;
            weight += precision;
        }
    }
    (weight > 50.0).then(|| (excess / weight).max(1e-4).sqrt().clamp(0.01, 0.5))
}
