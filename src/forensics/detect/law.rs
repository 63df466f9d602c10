//! Counts of the places at which a key that keeps the law of its writer has chosen, if it has.

use std::collections::HashMap;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use super::groups::{GROUPS, Group};
use super::sites::MergeError;
use crate::mark::law::{BUCKETS, CountingKey, NEARLY_FORCED, PASSAGE_GROUPS};

/// Combinations of cell, log-odds and group that are kept; some 100 MB.
const CAPACITY: usize = 4_000_000;

/// How often each variant was seen at each place of one epoch: in a cell, where a writer would choose
/// the second variant with these log-odds, by group of documents.
///
/// All that the test needs of a text. Its size is bounded; places past the bound are counted and not
/// tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct LawCounts {
    epoch: u32,
    rules: String,
    counts: Places<Group>,
    /// Of those in passages that have a group: cell, log-odds in hundredths, and the passage's group.
    passages: Places<u8>,
    past_capacity: u64,
}

/// Cell, log-odds in hundredths, and group.
type Place = (u32, i16, Group);

/// How often each variant was seen, by cell, log-odds and group.
type Places<G> = HashMap<(u32, i16, G), [u32; 2]>;

/// The places of one document of one epoch: cell, log-odds, the variant that stands there, and the group
/// of its passage where there are canaries.
pub type LawDocument = Vec<(u32, i16, bool, Option<u8>)>;

impl LawCounts {
    /// No counts yet, of the epoch of this key.
    #[must_use]
    pub fn new(key: &CountingKey) -> Self {
        let (epoch, rules) = (key.epoch, key.rules());
        let (counts, passages) = Default::default();
        Self { epoch, rules, counts, passages, past_capacity: 0 }
    }

    /// The epoch.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// What the counts depend on.
    #[must_use]
    pub fn rules(&self) -> &str {
        &self.rules
    }

    /// Adds a document of this group.
    pub fn add(&mut self, group: Group, document: &LawDocument) {
        for (cell, log_odds, variant, passage) in document {
            let counted = if *variant { [0, 1] } else { [1, 0] };
            self.count((*cell, *log_odds, group % GROUPS), counted);
            if let Some(passage) = passage {
                self.count_passage((*cell, *log_odds, passage % PASSAGE_GROUPS), counted);
            }
        }
    }

    fn count(&mut self, place: Place, counted: [u32; 2]) {
        if !enter(&mut self.counts, place, counted) {
            let [zeros, ones] = counted;
            self.past_capacity += u64::from(zeros) + u64::from(ones);
        }
    }

    /// What is past the bound here is counted all the same, and only not compared by passages.
    fn count_passage(&mut self, place: (u32, i16, u8), counted: [u32; 2]) {
        enter(&mut self.passages, place, counted);
    }

    /// The places in the order of cells and log-odds, with the counts of both variants by group.
    #[must_use]
    pub fn places(&self) -> Vec<(u32, i16, Group, [u32; 2])> {
        in_order(&self.counts)
    }

    /// The places in passages that have a group, in the order of cells, log-odds and groups, with the counts
    /// of both variants.
    #[must_use]
    pub fn in_passages(&self) -> Vec<(u32, i16, u8, [u32; 2])> {
        in_order(&self.passages)
    }

    /// Sites counted.
    #[must_use]
    pub fn sites(&self) -> u64 {
        self.counts.values().map(|[zeros, ones]| u64::from(*zeros) + u64::from(*ones)).sum()
    }

    /// Adds what another shard has counted.
    ///
    /// # Errors
    ///
    /// If it was counted by other rules or with another bucket key.
    pub fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        if (self.epoch, &self.rules) != (other.epoch, &other.rules) {
            return Err(MergeError::Rules(self.rules.clone(), other.rules.clone()));
        }
        for (cell, log_odds, group, counts) in other.places() {
            self.count((cell, log_odds, group), counts);
        }
        for (cell, log_odds, passage, counts) in other.in_passages() {
            self.count_passage((cell, log_odds, passage), counts);
        }
        self.past_capacity = self.past_capacity.saturating_add(other.past_capacity);
        Ok(())
    }
}

/// Adds what was counted at a place; false if there is no room for another one.
fn enter<P: Copy + Eq + Hash>(
    counts: &mut HashMap<P, [u32; 2]>,
    place: P,
    [zeros, ones]: [u32; 2],
) -> bool {
    if counts.len() >= CAPACITY && !counts.contains_key(&place) {
        return false;
    }
    let [zero, one] = counts.entry(place).or_default();
    *zero = zero.saturating_add(zeros);
    *one = one.saturating_add(ones);
    true
}

fn in_order(counts: &HashMap<Place, [u32; 2]>) -> Vec<(u32, i16, u8, [u32; 2])> {
    let mut places: Vec<_> = counts
        .iter()
        .map(|((cell, log_odds, group), counts)| (*cell, *log_odds, *group, *counts))
        .collect();
    places.sort_unstable();
    places
}

/// The serialized form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    epoch: u32,
    rules: String,
    /// Cell, log-odds, group, and how often each variant was seen.
    counts: Vec<(u32, i16, Group, u32, u32)>,
    /// Cell, log-odds, group of the passage, and how often each variant was seen, of those that have one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    passages: Vec<(u32, i16, u8, u32, u32)>,
    past_capacity: u64,
}

impl From<LawCounts> for Stored {
    fn from(counts: LawCounts) -> Self {
        let (places, passages) = (counts.places(), counts.in_passages());
        let LawCounts { epoch, rules, past_capacity, .. } = counts;
        let counts = places.into_iter();
        let counts =
            counts.map(|(cell, odds, group, [zeros, ones])| (cell, odds, group, zeros, ones));
        let passages = passages.into_iter();
        let passages =
            passages.map(|(cell, odds, passage, [zeros, ones])| (cell, odds, passage, zeros, ones));
        let (counts, passages) = (counts.collect(), passages.collect());
        Self { epoch, rules, counts, passages, past_capacity }
    }
}

/// The most cells that a file may speak of.
const MOST_CELLS: u32 = (1 << 13) * BUCKETS;

impl TryFrom<Stored> for LawCounts {
    type Error = MergeError;

    fn try_from(stored: Stored) -> Result<Self, MergeError> {
        let Stored { epoch, rules, counts, passages, past_capacity } = stored;
        let counts = read(counts, GROUPS)?;
        let passages = read(passages, PASSAGE_GROUPS)?;
        Ok(Self { epoch, rules, counts, passages, past_capacity })
    }
}

/// Rows of places, each with a group below so many.
fn read<G: Copy + Eq + Hash + PartialOrd>(
    rows: Vec<(u32, i16, G, u32, u32)>,
    groups: G,
) -> Result<Places<G>, MergeError> {
    if rows.len() > CAPACITY {
        return Err(MergeError::Damaged("more places than are kept"));
    }
    let mut read = HashMap::with_capacity(rows.len());
    for (cell, log_odds, group, zeros, ones) in rows {
        let possible = cell < MOST_CELLS
            && group < groups
            && (-NEARLY_FORCED..=NEARLY_FORCED).contains(&log_odds)
            && zeros.checked_add(ones).is_some();
        let before = read.insert((cell, log_odds, group), [zeros, ones]);
        if !possible || before.is_some() {
            return Err(MergeError::Damaged("a place that does not exist, or twice"));
        }
    }
    Ok(read)
}
