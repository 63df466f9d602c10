//! How much of a text follows a key that keeps the law of its writer, and how much would have been found.

use std::collections::HashMap;

use super::coins::Strengths;
use super::effect::Effect;
use super::law_likelihood::{STEPS, Sites, cells, habit, scores, widths};
use super::law_weights::{CellScores, LawWeights};
use super::share::Choices;
use crate::forensics::detect::LawCounts;
use crate::mark::cell::{Cell, MarkKey};
use crate::mark::law::{self, BUCKETS, sigmoid};

/// Sites of one place in one group: cell, log-odds, group, and how often each variant stands there.
type Place = (u32, i16, u8, [u32; 2]);

/// The log-odds of habits differ between cells by a deviation of ½: a rate by that of the rate.
fn weight(drawn: f64, sites_of_cell: f64) -> f64 {
    let variance = drawn * (1.0 - drawn);
    1.0 / (variance * (1.0 + sites_of_cell * variance / 4.0))
}

impl Effect {
    /// The share of its choices in which a text follows a key beyond its habits: 1 where it follows the key
    /// in every cell that passes. Of cells that not all marked answers carried, nothing is counted. None where
    /// there is no choice.
    #[must_use]
    pub fn of_law(
        counts: &LawCounts,
        key: &MarkKey,
        strengths: &Strengths,
        keep: impl Fn(usize) -> bool,
    ) -> Option<Self> {
        // Coins stand elsewhere: a stream for each keeps both in rising order.
        let (mut uniforms, mut coins) = (key.stream(), key.stream());
        let places = counts.places();
        let mut choices = Vec::new();
        for class in places.chunk_by(|left, right| left.0 / BUCKETS == right.0 / BUCKETS) {
            let habits = Habits::new(class);
            for cell in class.chunk_by(|left, right| left.0 == right.0) {
                let Some((number, ..)) = cell.first() else { continue };
                let of_cell = Cell::from_number(*number);
                if !keep(*number as usize) {
                    continue;
                }
                // Where strengths differed, some answers carried nothing in a cell of this coin.
                let carried = LawWeights::carried(strengths, law::coin(&mut coins, of_cell));
                if carried < 1.0 {
                    continue;
                }
                let uniform = law::uniform(&mut uniforms, of_cell);
                let habit = habits.without(cell);
                let sites: f64 = cell.iter().map(|(.., counts)| sum(*counts)).sum();
                choices.extend(cell.iter().map(|(_, log_odds, group, stand)| {
                    let threshold = law::threshold(*log_odds);
                    let drawn = f64::from(threshold) / 2.0_f64.powi(32);
                    Choices {
                        cell: *number,
                        group: usize::from(*group),
                        stand: stand.map(f64::from),
                        usual: sigmoid(f64::from(*log_odds) / 100.0 + habit),
                        drawn,
                        follows: uniform < threshold,
                        weight: weight(drawn, sites),
                    }
                }));
            }
        }
        Self::of_choices(&choices)
    }
}

fn sum([zeros, ones]: [u32; 2]) -> f64 {
    f64::from(zeros) + f64::from(ones)
}

/// What stands in a class, by log-odds: what habits are fitted to.
struct Habits {
    /// Log-odds, ascending, with how often each variant stands there.
    of_class: Vec<(i16, [f64; 2])>,
    whole: f64,
}

impl Habits {
    fn new(class: &[Place]) -> Self {
        let of_class = by_log_odds(class);
        let whole = habit(of_class.iter().copied(), 0.0, STEPS);
        Self { of_class, whole }
    }

    /// `α` of the class, of all cells but this one.
    fn without(&self, cell: &[Place]) -> f64 {
        let mut others = self.of_class.clone();
        for (log_odds, [zeros, ones]) in by_log_odds(cell) {
            if let Ok(place) = others.binary_search_by_key(&log_odds, |(own, _)| *own) {
                if let Some((_, [first, second])) = others.get_mut(place) {
                    (*first, *second) = (*first - zeros, *second - ones);
                }
            }
        }
        habit(others.iter().copied(), self.whole, STEPS / 3)
    }
}

fn by_log_odds(places: &[Place]) -> Vec<(i16, [f64; 2])> {
    let mut sorted: Vec<(i16, [f64; 2])> =
        places.iter().map(|(_, log_odds, _, counts)| (*log_odds, counts.map(f64::from))).collect();
    sorted.sort_unstable_by_key(|(log_odds, _)| *log_odds);
    let same = |left: &(i16, [f64; 2]), right: &(i16, [f64; 2])| left.0 == right.0;
    let add = |chunk: &[(i16, [f64; 2])]| {
        let sums = chunk.iter().fold([0.0; 2], |[a, b], (_, [zeros, ones])| [a + zeros, b + ones]);
        chunk.first().map(|(log_odds, _)| (*log_odds, sums))
    };
    sorted.chunk_by(same).filter_map(add).collect()
}

impl LawWeights {
    /// The least share of choices that would have to follow a key for the p-value to come below a level as often
    /// as not, in the cells that these weights have; none where even a text that follows the key everywhere would not do.
    ///
    /// If a share `q` follows, the key of a cell has the density `L(u; q) / ∫ L` given what stands there: so
    /// the totals to be expected are sums over the same intervals as the test's own.
    #[must_use]
    pub fn least_share(&self, counts: &LawCounts, key: &MarkKey, level: f64) -> Option<f64> {
        let needed = self.score(key).needed(level);
        let of_cell: HashMap<Cell, Vec<Sites>> = cells(counts).into_iter().collect();
        let carrying: Vec<(f64, &CellScores, &[Sites])> = self
            .carrying(key)
            .into_iter()
            .filter_map(|(share, scored)| {
                Some((share, scored, of_cell.get(&scored.cell)?.as_slice()))
            })
            .collect();
        let is_found = |share: f64| {
            let mut totals = [0.0; 3];
            for (carried, scored, sites) in &carrying {
                let ln_density = scores(sites, share * carried);
                for (total, scores) in totals.iter_mut().zip(&scored.scores) {
                    let intervals = widths(&scored.ends).zip(&ln_density).zip(scores);
                    *total +=
                        intervals.map(|((width, ln), score)| width * ln.exp() * score).sum::<f64>();
                }
            }
            totals.iter().zip(needed).any(|(total, needed)| *total >= needed)
        };
        least(is_found)
    }
}

/// Nearly all choices follow: at 1 a text with a single slip would be impossible.
const ALL: f64 = 0.995;

/// The least share at which something is found, to three digits.
pub(super) fn least(is_found: impl Fn(f64) -> bool) -> Option<f64> {
    if !is_found(ALL) {
        return None;
    }
    let (mut low, mut high) = (0.0, ALL);
    while high - low > (0.0005 * high).max(1e-9) {
        let middle = f64::midpoint(low, high);
        if is_found(middle) { high = middle } else { low = middle }
    }
    Some(high)
}
