//! A token rate that all streams of a subject share.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Subject;
use super::gcra::{Bucket, Terms};
use super::table::{Occupancy, State, Table};

/// The scope under which subjects share an overflow entry when the table is full.
const OVERFLOW: &str = "pace";

/// Tells streams how long to hold their next tokens back. Clones share the state.
///
/// The rate belongs to the subject: two streams together get it, not each. Tokens go out in the
/// order they were asked for, so streams that ask for small runs in turn get equal shares.
#[derive(Clone)]
pub struct Pacer {
    table: Arc<Table<Bucket>>,
    burst: Duration,
}

impl State for Bucket {
    fn is_idle(&self, now: u64) -> bool {
        Self::is_idle(self, now)
    }
}

impl Pacer {
    /// A pacer for at most `max_subjects` subjects that lets out at once what a rate gives in
    /// `burst` (a second or less keeps a stream even). Past the bound, new subjects share a rate.
    #[must_use]
    pub fn new(max_subjects: usize, burst: Duration, epoch: Instant) -> Self {
        Self { table: Arc::new(Table::new(max_subjects, epoch)), burst }
    }

    /// Takes so many tokens from a subject's rate and gives the wait before they may go out.
    ///
    /// The tokens are taken at once, as debt where need be: a stream asks once per run of
    /// tokens, waits, and sends it. What it asked for and did not send stays taken.
    #[must_use = "the tokens may go out only after this wait"]
    pub fn acquire(
        &self,
        subject: Subject,
        tokens_per_second: NonZeroU32,
        tokens: u64,
        now: Instant,
    ) -> Duration {
        let terms = Terms::per_second(tokens_per_second, self.burst);
        let mut locked = self.table.lock(std::iter::once(subject), now);
        let now = locked.now;
        let Some((_, bucket)) = locked.enter(subject, OVERFLOW) else { return Duration::ZERO };
        let wait = bucket.wait(&terms, tokens, now);
        bucket.charge(&terms, tokens, now);
        wait
    }

    /// How full the table is.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        self.table.occupancy()
    }
}

impl fmt::Debug for Pacer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, burst } = self;
        formatter
            .debug_struct("Pacer")
            .field("occupancy", &table.occupancy())
            .field("burst", burst)
            .finish()
    }
}
