//! What one text has chosen so far, and what that makes of its next site.

use std::collections::{BTreeMap, BTreeSet};

use super::rates::{ClassRate, Rates};
use super::{BucketKey, NEARLY_FORCED};
use crate::mark::cell::{Cell, ClassId};
use crate::secret::opaque_debug;

/// What is to become of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The key chooses.
    Free {
        /// The cell whose uniform decides.
        cell: Cell,
        /// The log-odds of the second variant, in hundredths.
        log_odds: i16,
    },
    /// The text has chosen before, and keeps to this variant.
    Follows(bool),
    /// The author's word stays.
    Author,
}

/// The choices of one text so far. Writer and reader keep the same, so that the reader knows from the
/// text alone with what probability each of its words was chosen.
#[derive(Debug, Default)]
pub struct Answer {
    classes: BTreeMap<u16, Habit>,
    kinds: BTreeMap<u8, Habit>,
    seen: BTreeSet<u32>,
    /// The first variant of each class that keeps to it.
    kept: BTreeMap<u16, bool>,
}

opaque_debug!(Habit);

/// How often a text has chosen, and by how much it chose the second variant oftener than usual.
#[derive(Clone, Copy, Default)]
struct Habit {
    excess: f64,
    sites: f64,
}

impl Habit {
    fn note(&mut self, excess: f64) {
        self.excess += excess;
        self.sites += 1.0;
    }

    /// Drawn towards nothing as if by so many more sites.
    fn lean(self, prior: f64) -> f64 {
        self.excess / (self.sites + prior)
    }
}

impl Answer {
    /// What is to become of the next site. Whatever then stands there goes to [`Answer::note`].
    pub fn reach(
        &mut self,
        rates: &Rates,
        buckets: &BucketKey,
        class: ClassId,
        previous: &str,
    ) -> Place {
        let Some(rate) = rates.class(class) else { return Place::Author };
        if rate.keeps {
            if let Some(first) = self.kept.get(&class.0) {
                return Place::Follows(*first);
            }
        }
        let cell = buckets.cell(class, previous);
        let log_odds = self.log_odds(rates, rate, class, previous);
        let first = self.seen.insert(cell.index());
        if first && log_odds.unsigned_abs() <= NEARLY_FORCED.unsigned_abs() {
            Place::Free { cell, log_odds }
        } else {
            Place::Author
        }
    }

    /// The variant that stands at the site that was reached last.
    pub fn note(&mut self, rates: &Rates, class: ClassId, variant: bool) {
        let Some(rate) = rates.class(class) else { return };
        let excess = f64::from(u8::from(variant)) - rate.rate;
        self.classes.entry(class.0).or_default().note(excess);
        self.kinds.entry(rate.kind).or_default().note(excess);
        if rate.keeps {
            self.kept.entry(class.0).or_insert(variant);
        }
    }

    /// Memory that it takes, about.
    pub(crate) fn allocated(&self) -> usize {
        // The nodes of a tree are half full at least.
        let habits = self.classes.len() + self.kinds.len();
        2 * (habits * size_of::<(u16, Habit)>() + (self.seen.len() + self.kept.len()) * 8)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
    fn log_odds(&self, rates: &Rates, rate: &ClassRate, class: ClassId, previous: &str) -> i16 {
        let [c0, c1, c2, c3, c4] = rates.constants(rate.kind);
        let usual = f64::from(rate.log_odds) / 100.0;
        let here = f64::from(rate.behind(previous)) / 100.0;
        let of_class = self.classes.get(&class.0).copied().unwrap_or_default();
        let of_kind = self.kinds.get(&rate.kind).copied().unwrap_or_default();
        let log_odds = c0
            + c1 * usual
            + c2 * (here - usual)
            + c3 * of_class.lean(2.0)
            + c4 * of_kind.lean(5.0);
        (log_odds * 100.0).round() as i16
    }
}
