//! Durations as counts of sizes, so that a million of them take no memory and those of two replicas
//! add up.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

/// Durations by their size: each bucket is a quarter wider than the one before, so that a quantile is
/// known within a tenth. Sketches add up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LatencySketch {
    /// How many there were.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// How many of each size, by the number of the bucket.
    #[serde(skip_serializing_if = "Buckets::is_empty")]
    buckets: Buckets,
}

/// Buckets that hold something, in their order. What one caller meets between two summaries is of a
/// few sizes, and has its place here without memory of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Buckets(SmallVec<[(u8, u64); 3]>);

impl LatencySketch {
    /// Adds a duration.
    pub fn add(&mut self, duration: u64) {
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(duration);
        self.buckets.add(Self::bucket(duration), 1);
    }

    /// Whether there were none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The mean; `None` where there were none.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The duration that such a share of them does not exceed, to within an eighth; `None` where there
    /// were none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let rank = (self.count as f64 * share).ceil().max(1.0);
        let mut below = 0_u64;
        let reached = |(_, count): &(u8, u64)| {
            below = below.saturating_add(*count);
            below as f64 >= rank
        };
        let (bucket, _) = self.buckets().find(reached)?;
        // The middle of a bucket, as its sizes grow.
        Some(((f64::from(bucket) + 0.5) / 3.0).exp2() as u64 - 1)
    }

    /// How many there were of each size, by the number of the bucket, from the shortest up; sizes of
    /// which there were none are left out.
    pub fn buckets(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        self.buckets.0.iter().copied()
    }

    /// The bucket of a duration: for each doubling there are three.
    #[must_use]
    pub fn bucket(duration: u64) -> u8 {
        /// 2^(1/3) and 2^(2/3), of 2^63.
        const THIRDS: [u64; 2] = [0xa145_17cc_6b94_5712, 0xcb2f_f529_eb71_e416];
        let Some(number) = duration.checked_add(1) else { return 192 };
        let doublings = number.ilog2() as u8;
        let mantissa = number << (63 - doublings);
        let thirds = THIRDS.iter().filter(|third| mantissa >= **third).count() as u8;
        3 * doublings + thirds
    }
}

impl AddAssign<&LatencySketch> for LatencySketch {
    fn add_assign(&mut self, other: &LatencySketch) {
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        other.buckets().for_each(|(bucket, count)| self.buckets.add(bucket, count));
    }
}

impl Buckets {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, bucket: u8, count: u64) {
        let at = self.0.partition_point(|(other, _)| *other < bucket);
        match self.0.get_mut(at).filter(|(other, _)| *other == bucket) {
            Some((_, own)) => *own = own.saturating_add(count),
            None => self.0.insert(at, (bucket, count)),
        }
    }
}

impl Serialize for Buckets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

impl<'de> Deserialize<'de> for Buckets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let buckets = BTreeMap::deserialize(deserializer)?;
        Ok(Self(buckets.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sketches_tell_sizes_apart_by_a_quarter_and_add_up_in_any_order() {
        let mut sketch = LatencySketch::default();
        assert_eq!((sketch.mean(), LatencySketch::bucket(0)), (None, 0));
        [1_000, u64::MAX, 13, 10].into_iter().for_each(|it| sketch.add(it));
        assert_eq!(sketch.buckets().map(|(it, _)| it).collect::<Vec<_>>(), [10, 11, 29, 192]);
        let mut other = LatencySketch::default();
        other.add(10);
        let (mut one, mut two) = (sketch.clone(), other.clone());
        one += &other;
        two += &sketch;
        assert_eq!(one, two);
        assert_eq!((one.count, one.buckets().next()), (5, Some((10, 2))));
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<LatencySketch>(&text).unwrap(), one);
    }

    #[test]
    fn a_quantile_is_within_an_eighth_of_what_it_stands_for() {
        let mut sketch = LatencySketch::default();
        assert_eq!(sketch.quantile(0.5), None);
        (0..100_000).for_each(|it| sketch.add(it));
        for (share, exact) in [(0.01, 999.0), (0.5, 49_999.0), (0.95, 94_999.0), (0.99, 98_999.0)] {
            let found = sketch.quantile(share).unwrap() as f64;
            assert!((found / exact).ln().abs() < 0.125, "{share}: {found}");
        }
        assert_eq!(LatencySketch { count: 1, ..LatencySketch::default() }.quantile(0.5), None);
    }

    // The oracle is the logarithm.
    #[test]
    fn a_bucket_is_three_times_the_logarithm_rounded_down() {
        let near = |number: u64| number.saturating_sub(2)..number.saturating_add(3);
        let powers = (0..63).flat_map(|power| near(1 << power));
        let thirds = (0..156).flat_map(|third| near((f64::from(third) / 3.0).exp2() as u64));
        for duration in (0..100_000).chain(powers).chain(thirds).filter(|it| *it < 1 << 40) {
            let logarithm = (duration as f64 + 1.0).log2() * 3.0;
            // Whole where it is whole, whichever way it was rounded.
            let whole =
                if (duration + 1).is_power_of_two() { logarithm.round() } else { logarithm };
            assert_eq!(f64::from(LatencySketch::bucket(duration)), whole.floor(), "{duration}");
        }
    }
}
