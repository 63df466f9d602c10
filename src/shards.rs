//! Values behind several locks, so that those who need different ones seldom wait for each other.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// At least one value, each behind its own lock.
#[derive(Debug)]
pub(crate) struct Shards<T> {
    first: Mutex<T>,
    others: Vec<Mutex<T>>,
}

impl<T> Shards<T> {
    /// So many values, at least one.
    pub(crate) fn new(count: usize, mut make: impl FnMut() -> T) -> Self {
        let first = Mutex::new(make());
        Self { first, others: (1..count).map(|_| Mutex::new(make())).collect() }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// The place of the value for a hash, which must be uniform.
    pub(crate) fn place(&self, hash: u64) -> usize {
        let place = (u128::from(hash) * self.count() as u128) >> 64;
        usize::try_from(place).unwrap_or(0)
    }

    /// The value in a place.
    pub(crate) fn lock(&self, place: usize) -> MutexGuard<'_, T> {
        let other = place.checked_sub(1).and_then(|place| self.others.get(place));
        lock(other.unwrap_or(&self.first))
    }

    /// All values, one lock at a time.
    pub(crate) fn each(&self) -> impl Iterator<Item = MutexGuard<'_, T>> {
        std::iter::once(&self.first).chain(&self.others).map(lock)
    }
}

/// Nothing panics under these locks, so a poisoned one guards a sound value.
fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hash_has_a_place_and_every_place_a_value_of_its_own() {
        for count in [0, 1, 2, 7, 64] {
            let shards = Shards::new(count, || 0);
            assert_eq!(shards.count(), count.max(1));
            for place in 0..shards.count() {
                *shards.lock(place) += 1;
            }
            assert!(shards.each().all(|value| *value == 1));
            assert_eq!((shards.place(0), shards.place(u64::MAX)), (0, shards.count() - 1));
        }
    }
}
