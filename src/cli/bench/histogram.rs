//! Latencies, counted in bounded memory.

use std::time::Duration;

/// Steps per doubling: a quantile is at most 1/64 too low.
const STEPS: u64 = 64;
/// Up to 2³² µs, more than an hour.
const DOUBLINGS: u64 = 26;

/// How many exchanges took how long, to within 1.6 %.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    counts: Vec<u32>,
    total: u64,
}

impl Histogram {
    pub(super) fn new() -> Self {
        let length = usize::try_from(STEPS * (DOUBLINGS + 1)).unwrap_or_default();
        Self { counts: vec![0; length], total: 0 }
    }

    pub(super) fn add(&mut self, latency: Duration) {
        let place = place(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        let last = self.counts.len().saturating_sub(1);
        if let Some(count) = self.counts.get_mut(place.min(last)) {
            *count += 1;
            self.total += 1;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The latency in µs that a share of the exchanges did not exceed; `None` if there was none.
    pub(super) fn quantile(&self, share: f64) -> Option<u64> {
        let rank = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut passed = 0;
        let reached = self.counts.iter().position(|count| {
            passed += u64::from(*count);
            passed >= rank
        })?;
        Some(lower_bound(reached as u64))
    }
}

/// Exact below two times [`STEPS`], then that many steps for each doubling.
fn place(microseconds: u64) -> usize {
    let shift = u64::from((microseconds / STEPS).max(1).ilog2());
    usize::try_from(shift * STEPS + (microseconds >> shift)).unwrap_or(usize::MAX)
}

fn lower_bound(place: u64) -> u64 {
    let shift = (place / STEPS).saturating_sub(1);
    (place - shift * STEPS) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_is_found_again_to_within_a_64th() {
        for microseconds in (0..5_000).chain([70_000, 1_234_567, 3_600_000_000]) {
            let found = lower_bound(place(microseconds) as u64);
            assert!(found <= microseconds, "{found} {microseconds}");
            assert!(microseconds - found <= microseconds / 64, "{found} {microseconds}");
        }
    }

    #[test]
    fn a_quantile_is_the_latency_at_its_rank() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.quantile(0.5), None);
        (1..=100).for_each(|millis| histogram.add(Duration::from_micros(millis)));
        assert_eq!(histogram.quantile(0.5), Some(50));
        assert_eq!(histogram.quantile(0.99), Some(99));
        assert_eq!(histogram.quantile(1.0), Some(100));
        assert_eq!(histogram.total(), 100);
    }
}
