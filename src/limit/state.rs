//! What is known of subjects, and how often they were refused.

use std::sync::atomic::{AtomicU64, Ordering};

use super::gcra::Bucket;
use super::table::{State, Table};
use super::{Dimension, Metered};

/// What all clones of a limiter share.
pub(super) struct Shared {
    pub(super) table: Table<SubjectState>,
    denied: Metered<AtomicU64>,
    denied_concurrency: AtomicU64,
}

/// All that is known of a subject.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SubjectState {
    pub(super) buckets: Metered<Bucket>,
    /// Reservations not yet settled: the concurrency leases, and what keeps the entry.
    pub(super) in_flight: u32,
}

impl State for SubjectState {
    fn is_idle(&self, now: u64) -> bool {
        let Metered { requests, input_tokens, output_tokens, reasoning_tokens } = &self.buckets;
        self.in_flight == 0
            && [requests, input_tokens, output_tokens, reasoning_tokens]
                .into_iter()
                .all(|bucket| bucket.is_idle(now))
    }
}

impl Shared {
    pub(super) fn new(table: Table<SubjectState>) -> Self {
        Self { table, denied: Metered::default(), denied_concurrency: AtomicU64::new(0) }
    }

    pub(super) fn counter(&self, dimension: Dimension) -> &AtomicU64 {
        self.denied.get(dimension).unwrap_or(&self.denied_concurrency)
    }

    pub(super) fn count(&self, dimension: Dimension) {
        self.counter(dimension).fetch_add(1, Ordering::Relaxed);
    }
}
