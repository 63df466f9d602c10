//! What is known of each principal, in memory that does not grow with their number.
//!
//! Principals are kept one by one up to a cap. Past it every second one is forgotten, by their hash, and
//! from then on those like them are passed over; past it again every second of those that are left. So
//! what remains is all that is known of a share of the principals, who were drawn by a keyed hash that
//! nobody chooses, whatever the order in which they came; a count over them, divided by the share, is
//! that of all, to within an error that is known (M. Wegman's adaptive sampling; P. Flajolet, Computing
//! 43, 1990).

use std::collections::HashMap;
use std::hash::Hash;

use crate::audit::KeyedHash;

/// What is kept for a principal, who may have several entries.
pub(super) trait Of: Copy + Eq + Hash {
    fn principal(&self) -> KeyedHash;
}

impl Of for KeyedHash {
    fn principal(&self) -> KeyedHash {
        *self
    }
}

/// Values by what they are kept for.
#[derive(Debug)]
pub(super) struct Sample<K, V> {
    kept: HashMap<K, V>,
    most: usize,
    /// Who is kept has a hash that begins with so many zeros.
    zeros: u32,
}

impl<K: Of, V: Default> Sample<K, V> {
    /// A sample of at most so many values.
    pub(super) fn new(most: usize) -> Self {
        Self { kept: HashMap::new(), most, zeros: 0 }
    }

    /// The value of `key`, to be added to; `None` if nothing is kept of its principal.
    pub(super) fn of(&mut self, key: K) -> Option<&mut V> {
        while self.keeps(key.principal()) && !self.kept.contains_key(&key) {
            if self.kept.len() < self.most {
                break;
            }
            self.zeros += 1;
            let zeros = self.zeros;
            self.kept.retain(|key, _| key.principal().number().leading_zeros() >= zeros);
        }
        self.keeps(key.principal()).then(|| self.kept.entry(key).or_default())
    }

    fn keeps(&self, principal: KeyedHash) -> bool {
        // Past 64 nobody is: such hashes were made up.
        principal.number().leading_zeros() >= self.zeros && self.zeros <= u64::BITS
    }

    /// The share of principals of whom something is kept.
    pub(super) fn share(&self) -> f64 {
        0.5_f64.powi(i32::try_from(self.zeros).unwrap_or(i32::MAX))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.kept.iter()
    }

    /// So many of those that are kept, as a number of all.
    pub(super) fn scaled(&self, kept: u64) -> u64 {
        (kept as f64 / self.share()).round() as u64
    }

    /// How many there are of all.
    pub(super) fn count(&self) -> u64 {
        self.scaled(self.kept.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditKey;

    fn hash(number: u32) -> KeyedHash {
        AuditKey::new([7; 32]).principal(&number.to_string(), None, None).account
    }

    fn filled(numbers: impl Iterator<Item = u32>) -> Sample<KeyedHash, u64> {
        let mut sample = Sample::new(4_000);
        for number in numbers {
            if let Some(count) = sample.of(hash(number)) {
                *count += 1;
            }
        }
        sample
    }

    #[test]
    fn up_to_the_cap_everybody_is_counted_exactly() {
        let sample = filled((0..4_000).chain(0..4_000));
        assert_eq!((sample.share(), sample.count()), (1.0, 4_000));
        assert!(sample.iter().all(|(_, count)| *count == 2));
    }

    #[test]
    fn past_the_cap_a_share_stands_for_all_in_whatever_order_they_came() {
        let sample = filled((0..100_000).chain(0..100_000));
        assert!(sample.iter().count() <= 4_000 && sample.share() < 0.05);
        assert!(sample.iter().all(|(_, count)| *count == 2), "of those that are kept all is known");
        // Six standard errors, 1/√n each, of n that are kept.
        let error = sample.count().abs_diff(100_000) as f64 / 100_000.0;
        assert!(error < 6.0 / (sample.iter().count() as f64).sqrt(), "{error}");
        let backwards = filled((0..100_000).rev());
        assert_eq!(sample.share(), backwards.share());
        assert!(sample.iter().all(|(hash, _)| backwards.kept.contains_key(hash)));
    }

    #[test]
    fn hashes_that_were_made_up_take_no_more_room() {
        let made_up = |number: u32| format!("{:0>32x}", number).parse().unwrap();
        let mut sample = Sample::<KeyedHash, u64>::new(100);
        for number in 0..1_000 {
            let _ = sample.of(made_up(number));
        }
        assert!(sample.iter().count() <= 100);
    }
}
