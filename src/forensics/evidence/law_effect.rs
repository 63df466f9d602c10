//! How much of a text follows a key that keeps the law of its writer.

use super::effect::Effect;
use super::law_weights::habit;
use crate::forensics::detect::{GROUPS, LawCounts};
use crate::mark::cell::{Cell, MarkKey};
use crate::mark::law::{self, BUCKETS, sigmoid};

/// Per site: what the key would have there, less what was to be expected of it, with the weight of the
/// text's deviation from its habits.
struct Term {
    cell: Cell,
    group: usize,
    /// `Σ (x - b)` and number of the sites.
    deviation: f64,
    sites: f64,
    /// `b` and `p'`.
    usual: f64,
    drawn: f64,
    threshold: u32,
}

fn terms(counts: &LawCounts, keep: impl Fn(usize) -> bool) -> Vec<Term> {
    let places = counts.places();
    let mut terms = Vec::new();
    for class in places.chunk_by(|left, right| left.0 / BUCKETS == right.0 / BUCKETS) {
        let habit = habit(class.iter().map(|(_, log_odds, _, counts)| (*log_odds, *counts)));
        for (cell, log_odds, group, [zeros, ones]) in class {
            if !keep(*cell as usize) {
                continue;
            }
            let threshold = law::threshold(*log_odds);
            let usual = sigmoid(f64::from(*log_odds) / 100.0 + habit);
            let sites = f64::from(*zeros) + f64::from(*ones);
            terms.push(Term {
                cell: Cell::from_number(*cell),
                group: usize::from(*group),
                deviation: f64::from(*ones) - sites * usual,
                sites,
                usual,
                drawn: f64::from(threshold) / 2.0_f64.powi(32),
                threshold,
            });
        }
    }
    terms
}

impl Effect {
    /// The share of sites at which a text follows a key beyond its habits: 1 where it follows the key in
    /// every cell that passes.
    ///
    /// `Σ (x - b)(f - p') / Σ (f - b)(f - p')`, where `f` is what the key would have at a site: under a key
    /// that the text does not know the numerator's mean is 0, whatever the habits.
    #[must_use]
    pub fn of_law(
        counts: &LawCounts,
        key: &MarkKey,
        keep: impl Fn(usize) -> bool,
        seed: [u8; 32],
    ) -> Self {
        let mut stream = key.stream();
        let mut groups = vec![(0.0, 0.0); usize::from(GROUPS)];
        for term in terms(counts, keep) {
            let follows = law::uniform(&mut stream, term.cell) < term.threshold;
            let followed = f64::from(u8::from(follows));
            let surprise = followed - term.drawn;
            if let Some((score, exposure)) = groups.get_mut(term.group) {
                *score += surprise * term.deviation;
                *exposure += surprise * term.sites * (followed - term.usual);
            }
        }
        Self::of_ratio(&groups, seed)
    }

    /// The share that would have to follow a key for this p-value, by the normal law.
    #[must_use]
    pub(in crate::forensics) fn least_of_law(
        counts: &LawCounts,
        keep: impl Fn(usize) -> bool,
        level: f64,
    ) -> Option<f64> {
        let (mut variance, mut exposure) = (0.0, 0.0);
        let terms = terms(counts, keep);
        for cell in terms.chunk_by(|left, right| left.cell == right.cell) {
            // The sites of a cell have one uniform: their surprises go together.
            let spread: f64 = cell
                .iter()
                .map(|term| term.deviation.abs() * (term.drawn * (1.0 - term.drawn)).sqrt())
                .sum();
            variance += spread * spread;
            let each = cell.iter().map(|term| term.sites * term.drawn * (1.0 - term.drawn));
            exposure += each.sum::<f64>();
        }
        (exposure > 0.0).then(|| (-2.0 * level.ln() * variance).sqrt() / exposure)
    }
}
