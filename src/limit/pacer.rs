//! A token rate that all streams of a subject share.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::gcra::{Bucket, Terms};
use super::table::{Occupancy, State, Table};
use super::{Denied, Dimension, Subject};

/// The most that a subject may owe when a request of its is let in: about as long as clients and the
/// proxies before them wait for the first piece of an answer.
const MOST_OWED: Duration = Duration::from_secs(60);

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

    /// Whether a request of the subject is let in, at the rate that its answer will be paced by.
    ///
    /// Waits are bounded here, by refusing, and never by forgetting what is owed: else whoever asks
    /// for enough at once would get the rest for nothing.
    ///
    /// # Errors
    /// [`Denied`] while the subject owes more than a minute of its rate; waiting pays it off.
    pub fn admit(
        &self,
        subject: Subject,
        tokens_per_second: NonZeroU32,
        now: Instant,
    ) -> Result<(), Denied> {
        let terms = Terms::per_second(tokens_per_second, self.burst);
        let mut locked = self.table.lock(std::iter::once(subject), now);
        let now = locked.now;
        let Some((_, bucket)) = locked.enter(subject, OVERFLOW) else { return Ok(()) };
        match bucket.overdrawn(&terms, now).checked_sub(MOST_OWED) {
            None | Some(Duration::ZERO) => Ok(()),
            Some(wait) => Err(Denied::new(Dimension::OutputTokens, OVERFLOW, wait, subject)),
        }
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

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use super::*;

    /// Lets streams send runs of tokens as soon as they may, until `end`; the tokens each sent.
    fn simulate(streams: usize, run: u64, rate: u32, burst: Duration, end: Duration) -> Vec<u64> {
        let start = Instant::now();
        let pacer = Pacer::new(100, burst, start);
        let subject = Subject::derive(&[7; 32], "cluster", b"hydra");
        let rate = NonZeroU32::new(rate).unwrap();
        let mut sent = vec![0; streams];
        let ask = |now| now + pacer.acquire(subject, rate, run, start + now);
        let mut due: BinaryHeap<_> =
            (0..streams).map(|stream| Reverse((ask(Duration::ZERO), stream))).collect();
        while let Some(Reverse((now, stream))) = due.pop().filter(|Reverse((now, _))| *now <= end) {
            sent[stream] += run;
            due.push(Reverse((ask(now), stream)));
        }
        sent
    }

    #[test]
    fn streams_together_get_the_rate_and_equal_shares_of_it() {
        for streams in [1, 2, 5, 16] {
            for run in [1, 4] {
                let end = Duration::from_secs(60);
                let sent = simulate(streams, run, 100, Duration::from_millis(500), end);
                let (total, burst) = (sent.iter().sum::<u64>(), 50);
                assert!(total <= 6000 + burst, "{streams} streams sent {total}");
                assert!(total + burst >= 6000, "{streams} streams sent {total}");
                let (least, most) = (sent.iter().min().unwrap(), sent.iter().max().unwrap());
                assert!(most - least <= burst, "shares {sent:?}");
            }
        }
    }

    /// Fails when what is owed past a minute is forgotten: fifty answers at once went out at twenty
    /// times the rate.
    #[test]
    fn answers_asked_for_at_once_get_the_rate_together_and_the_next_is_refused_until_they_have() {
        let start = Instant::now();
        let pacer = Pacer::new(100, Duration::from_millis(250), start);
        let subject = Subject::derive(&[7; 32], "cluster", b"hydra");
        let rate = NonZeroU32::new(100).unwrap();
        assert_eq!(pacer.admit(subject, rate, start), Ok(()));
        let waits = (0..50).map(|_| pacer.acquire(subject, rate, 2_000, start).as_secs_f64());
        for (answer, wait) in waits.enumerate() {
            let exact = (answer + 1) as f64 * 20.0 - 0.25;
            assert!((wait - exact).abs() < 1e-6, "answer {answer} after {wait} s");
        }
        let at = |seconds| pacer.admit(subject, rate, start + Duration::from_secs(seconds));
        let denied = at(0).unwrap_err();
        assert_eq!(denied.retry_after, Duration::from_millis(1_000_000 - 60_000 - 250));
        assert!(at(939).is_err());
        assert_eq!(at(940), Ok(()));
    }

    #[test]
    fn a_run_longer_than_the_burst_waits_for_the_rest_of_it() {
        let start = Instant::now();
        let pacer = Pacer::new(100, Duration::from_secs(1), start);
        let subject = Subject::derive(&[7; 32], "account", b"alice");
        let ten = NonZeroU32::new(10).unwrap();
        assert_eq!(pacer.acquire(subject, ten, 30, start), Duration::from_secs(2));
        assert_eq!(pacer.acquire(subject, ten, 10, start), Duration::from_secs(3));
        let other = Subject::derive(&[7; 32], "account", b"bob");
        assert_eq!(pacer.acquire(other, ten, 10, start), Duration::ZERO);
        assert_eq!(pacer.occupancy().subjects, 2);
    }
}
