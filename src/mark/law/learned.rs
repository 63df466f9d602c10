//! What a deployment learns of its own author: counts of what stood at each site before it was marked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::rates::Rates;
use super::sigmoid;
use crate::mark::cell::ClassId;
use crate::secret::opaque_debug;

/// Sites without which the author is not known well enough: some 70,000 words. Fewer are drawn to the table all the more.
pub const LEAST_SITES: u64 = 1_500;

/// Sites of the table's rates that are added to the author's own, of a class and behind a word.
const CLASS_WEIGHT: f64 = 8.0;
const WORD_WEIGHT: f64 = 15.0;

/// How often an author chose each variant, by class and behind the words that the table of rates has.
///
/// Its size is that of the table, whatever is counted.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuthorCounts(Vec<AuthorCount>);

/// Class, word before (empty for any), and how often each variant.
type AuthorCount = (u16, Box<str>, u64, u64);

opaque_debug!(AuthorCounts);

impl AuthorCounts {
    /// Sites counted.
    #[must_use]
    pub fn sites(&self) -> u64 {
        let any = self.0.iter().filter(|(_, word, ..)| word.is_empty());
        any.map(|(_, _, first, second)| first.saturating_add(*second)).fold(0, u64::saturating_add)
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds other counts.
    pub fn add(&mut self, more: &Self) {
        for (class, word, first, second) in &more.0 {
            self.count(*class, word, [*first, *second]);
        }
    }

    /// In pieces of at most so many rows, as a ledger has room for them.
    pub fn pieces(&self, rows: usize) -> impl Iterator<Item = Self> + '_ {
        self.0.chunks(rows.max(1)).map(|rows| Self(rows.to_vec()))
    }

    fn count(&mut self, class: u16, word: &str, [first, second]: [u64; 2]) {
        let found =
            self.0.binary_search_by(|(of, behind, ..)| (*of, &**behind).cmp(&(class, word)));
        match found {
            Ok(place) => {
                if let Some((_, _, firsts, seconds)) = self.0.get_mut(place) {
                    *firsts = firsts.saturating_add(first);
                    *seconds = seconds.saturating_add(second);
                }
            }
            Err(place) => self.0.insert(place, (class, word.into(), first, second)),
        }
    }

    /// The author's own rates where they differ from those of the table, drawn to these as if by some
    /// sites: none if too little was counted. The form is that of a key file.
    #[must_use]
    pub fn rates(&self, table: &Rates) -> Option<String> {
        if self.sites() < LEAST_SITES {
            return None;
        }
        let counts: BTreeMap<(u16, &str), [f64; 2]> = self
            .0
            .iter()
            .map(|(class, word, first, second)| {
                ((*class, &**word), [*first as f64, *second as f64])
            })
            .collect();
        let drawn = |[first, second]: [f64; 2], usual: f64, weight: f64| {
            let rate = (second + weight * sigmoid(usual)) / (first + second + weight);
            (rate / (1.0 - rate)).ln()
        };
        let mut text = String::new();
        let mut write = |name: &str, log_odds: f64, usual: i16| {
            let hundredths = (log_odds * 100.0).round();
            if (hundredths - f64::from(usual)).abs() >= 1.0 {
                let comma = if text.is_empty() { "" } else { "," };
                // Writing to a string does not fail.
                let _written = write!(text, "{comma}{name}={hundredths}");
            }
        };
        for (class, usual, behind) in table.rows() {
            let none = [0.0; 2];
            let at = |word: &str| counts.get(&(class, word)).copied().unwrap_or(none);
            let own = drawn(at(""), f64::from(usual) / 100.0, CLASS_WEIGHT);
            write(&class.to_string(), own, usual);
            for (word, odds) in behind {
                let here = own + (f64::from(odds) - f64::from(usual)) / 100.0;
                write(&format!("{class}/{word}"), drawn(at(word), here, WORD_WEIGHT), odds);
            }
        }
        Some(text)
    }
}

/// Counts that many answers add to.
#[derive(Debug, Default)]
pub(crate) struct Learned(Mutex<AuthorCounts>);

impl Learned {
    /// Adds what the author of one answer chose.
    pub(crate) fn add(&self, rates: &Rates, chosen: &[(ClassId, Box<str>, bool)]) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (class, word, variant) in chosen {
            let counted = if *variant { [0, 1] } else { [1, 0] };
            counts.count(class.0, "", counted);
            if rates.class(*class).is_some_and(|rate| rate.is_told_behind(word)) {
                counts.count(class.0, word, counted);
            }
        }
    }

    /// What was added since this was asked last.
    pub(crate) fn take(&self) -> AuthorCounts {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What one answer's author chose, on its way to the others' choices.
pub(crate) struct Observed {
    learned: Arc<Learned>,
    rates: Arc<Rates>,
    chosen: Vec<(ClassId, Box<str>, bool)>,
}

opaque_debug!(Observed);

/// Sites of one class in one answer that are learned from: who has a model repeat itself does not teach
/// its habits.
const MOST_OF_CLASS: usize = 5;

/// Sites of one answer that are learned from.
const MOST_OF_ANSWER: usize = 200;

impl Observed {
    pub(crate) fn new(learned: Arc<Learned>, rates: Arc<Rates>) -> Self {
        Self { learned, rates, chosen: Vec::new() }
    }

    pub(crate) fn note(&mut self, class: ClassId, previous: &str, variant: bool) {
        let told = self.rates.class(class).is_some() && self.chosen.len() < MOST_OF_ANSWER;
        let before = || self.chosen.iter().filter(|(other, ..)| *other == class).count();
        if told && before() < MOST_OF_CLASS {
            self.chosen.push((class, previous.into(), variant));
        }
    }

    /// Memory that it takes, about.
    pub(crate) fn allocated(&self) -> usize {
        let words = self.chosen.iter().map(|(_, word, _)| word.len());
        self.chosen.capacity() * size_of::<(ClassId, Box<str>, bool)>() + words.sum::<usize>()
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.learned.add(&self.rates, &self.chosen);
    }
}
