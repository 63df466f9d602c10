//! What units met and has not been written yet.

use std::collections::HashMap;

use crate::audit::{Population, UnitSums};
use crate::experiment::register::{PARTS, UnitAt};
use crate::secret::opaque_debug;
use crate::shards::Shards;

/// The most units whose sums wait to be written. Past it each one more has another written at once:
/// nothing is lost, and memory does not grow.
const MOST_WAITING: usize = 1 << 17;

/// A unit whose sums are kept; of a slot, those of one population.
pub(super) type Key = (UnitAt, Option<Population>);

/// Sums by unit, in as many parts as the register has.
pub(super) struct Sums(Shards<HashMap<Key, Box<UnitSums>>>);

opaque_debug!(Sums);

impl Sums {
    pub(super) fn new() -> Self {
        Self(Shards::new(PARTS, HashMap::new))
    }

    /// Adds to the sums of a unit. What is given back has to be written now.
    pub(super) fn add(&self, key: Key, met: impl FnOnce(&mut UnitSums)) -> Option<(Key, UnitSums)> {
        let mut part = self.0.lock(key.0.part());
        let mut given = None;
        if part.len() >= MOST_WAITING / PARTS && !part.contains_key(&key) {
            let other = part.keys().next().copied();
            given = other.and_then(|other| Some((other, *part.remove(&other)?)));
        }
        met(part.entry(key).or_default());
        given
    }

    /// Takes what waits in a part.
    pub(super) fn take(&self, part: usize) -> Vec<(Key, UnitSums)> {
        let waiting = std::mem::take(&mut *self.0.lock(part));
        waiting.into_iter().map(|(key, sums)| (key, *sums)).collect()
    }

    /// How many parts there are.
    pub(super) fn parts(&self) -> usize {
        self.0.count()
    }
}
