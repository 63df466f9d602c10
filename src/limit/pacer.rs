//! A token rate that all streams of a subject share.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::gcra::{Bucket, Terms};
use super::table::{Occupancy, Slot, State, Table};
use super::{Denied, Dimension, Subject};

/// The most that a subject's answers may come to when another is let in: about as long as clients and
/// the proxies before them wait for the first piece of an answer.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The most of it that a request takes up when it is let in, however much it may answer: else a long
/// answer would be let in only where there is no other.
const LARGEST_SHARE: u64 = 2;

/// The scope under which subjects share an overflow entry when the table is full.
const OVERFLOW: &str = "pace";

/// Lets requests in as long as their answers do not wait for too long, and tells their streams how
/// long to hold their next tokens back. Clones share the state.
///
/// The rate belongs to the subject: two streams together get it, not each. Tokens go out in the
/// order they were asked for, so streams that ask for small runs in turn get equal shares.
#[derive(Clone)]
pub struct Pacer {
    table: Arc<Table<Line>>,
    burst: Duration,
}

/// What is owed to a subject's rate.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    /// What was taken.
    bucket: Bucket,
    /// What the requests that were let in are expected to take besides, in tokens.
    expected: u64,
    /// How many of those there are.
    requests: u32,
}

impl State for Line {
    fn is_idle(&self, now: u64) -> bool {
        self.requests == 0 && self.bucket.is_idle(now)
    }
}

/// What the answer to a request will come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// No more than so many tokens.
    AtMost(u64),
    /// About so many. One that goes on is expected to go on as long again.
    About(u64),
}

/// The place of one request that was let in. It is left when this is dropped.
#[must_use = "the request has its place as long as this lives"]
pub struct Turn {
    pacer: Pacer,
    slot: Slot,
    terms: Terms,
    /// What is left of what was expected.
    left: u64,
    /// What is expected when nothing is left.
    again: u64,
}

impl Pacer {
    /// A pacer for at most `max_subjects` subjects that lets out at once what a rate gives in
    /// `burst` (a second or less keeps a stream even). Past the bound, new subjects share a rate.
    #[must_use]
    pub fn new(max_subjects: usize, burst: Duration, epoch: Instant) -> Self {
        Self { table: Arc::new(Table::new(max_subjects, epoch)), burst }
    }

    /// Keeps at most so many subjects from now on.
    pub fn bound(&self, max_subjects: usize) {
        self.table.bound(max_subjects);
    }

    /// Lets a request of the subject in, at the rate that its answer will be paced by.
    ///
    /// Waits are bounded here, by refusing, and never by forgetting what is owed: else whoever asks
    /// for enough at once would get the rest for nothing.
    ///
    /// # Errors
    /// [`Denied`] while the subject's answers, this one included, would take more than a minute, with
    /// the time after which they will not. Half a minute of a longer answer counts, so that one alone
    /// is always let in.
    pub fn admit(
        &self,
        subject: Subject,
        tokens_per_second: NonZeroU32,
        expected: Expected,
        now: Instant,
    ) -> Result<Turn, Denied> {
        let terms = Terms::per_second(tokens_per_second, self.burst);
        let minute = u64::from(tokens_per_second.get()) * LONGEST_WAIT.as_secs();
        let (left, again) = match expected {
            Expected::AtMost(tokens) => (tokens, 0),
            Expected::About(tokens) => (tokens, tokens),
        };
        let mut locked = self.table.lock(std::iter::once(subject), now);
        let now = locked.now;
        let denied = |wait| Denied::new(Dimension::OutputTokens, OVERFLOW, wait, subject);
        let Some((slot, line)) = locked.enter(subject, OVERFLOW) else {
            return Err(denied(LONGEST_WAIT));
        };
        let share = left.min(minute / LARGEST_SHARE);
        let wait = line.bucket.wait(&terms, line.expected.saturating_add(share), now);
        match wait.checked_sub(LONGEST_WAIT) {
            None | Some(Duration::ZERO) => {
                line.expected = line.expected.saturating_add(left);
                line.requests = line.requests.saturating_add(1);
                Ok(Turn { pacer: self.clone(), slot, terms, left, again })
            }
            Some(wait) => Err(denied(wait)),
        }
    }

    /// How full the table is.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        self.table.occupancy()
    }
}

impl Turn {
    /// Takes so many tokens from the subject's rate and gives the wait before they may go out.
    ///
    /// The tokens are taken at once, as debt where need be: a stream asks once per run of
    /// tokens, waits, and sends it. What it asked for and did not send stays taken.
    #[must_use = "the tokens may go out only after this wait"]
    pub fn acquire(&mut self, tokens: u64, now: Instant) -> Duration {
        let Self { pacer, slot, terms, left, again } = self;
        let mut locked = pacer.table.lock_slot(*slot, now);
        let now = locked.now;
        let Some(line) = locked.state(*slot) else { return Duration::ZERO };
        let wait = line.bucket.wait(terms, tokens, now);
        line.bucket.charge(terms, tokens, now);
        let before = *left;
        *left = match before.checked_sub(tokens) {
            None | Some(0) => *again,
            Some(left) => left,
        };
        line.expected = line.expected.saturating_sub(before).saturating_add(*left);
        wait
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut locked = self.pacer.table.lock_slot(self.slot, Instant::now());
        if let Some(line) = locked.state(self.slot) {
            line.expected = line.expected.saturating_sub(self.left);
            line.requests = line.requests.saturating_sub(1);
        }
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pacer: _, slot, terms, left, again } = self;
        formatter
            .debug_struct("Turn")
            .field("slot", slot)
            .field("terms", terms)
            .field("left", left)
            .field("again", again)
            .finish()
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

    const NOTHING: Expected = Expected::AtMost(0);

    /// Lets streams send runs of tokens as soon as they may, until `end`; the tokens each sent.
    fn simulate(streams: usize, run: u64, rate: u32, burst: Duration, end: Duration) -> Vec<u64> {
        let start = Instant::now();
        let pacer = Pacer::new(100, burst, start);
        let subject = Subject::derive(&[7; 32], "cluster", b"hydra");
        let rate = NonZeroU32::new(rate).unwrap();
        let mut sent = vec![0; streams];
        let turn = |_| pacer.admit(subject, rate, NOTHING, start).unwrap();
        let mut turns: Vec<Turn> = (0..streams).map(turn).collect();
        let mut ask = |stream: usize, now| now + turns[stream].acquire(run, start + now);
        let mut due: BinaryHeap<_> =
            (0..streams).map(|stream| Reverse((ask(stream, Duration::ZERO), stream))).collect();
        while let Some(Reverse((now, stream))) = due.pop().filter(|Reverse((now, _))| *now <= end) {
            sent[stream] += run;
            due.push(Reverse((ask(stream, now), stream)));
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

    fn hydra() -> (Instant, Pacer, Subject, NonZeroU32) {
        let start = Instant::now();
        let pacer = Pacer::new(100, Duration::from_millis(250), start);
        let subject = Subject::derive(&[7; 32], "cluster", b"hydra");
        (start, pacer, subject, NonZeroU32::new(100).unwrap())
    }

    /// Fails when what is owed past a minute is forgotten: fifty answers at once went out at twenty
    /// times the rate.
    #[test]
    fn what_is_taken_at_once_is_owed_until_the_rate_has_paid_for_it() {
        let (start, pacer, subject, rate) = hydra();
        let mut turn = pacer.admit(subject, rate, NOTHING, start).unwrap();
        let waits = (0..50).map(|_| turn.acquire(2_000, start).as_secs_f64());
        for (answer, wait) in waits.enumerate() {
            let exact = (answer + 1) as f64 * 20.0 - 0.25;
            assert!((wait - exact).abs() < 1e-6, "answer {answer} after {wait} s");
        }
        let at =
            |seconds| pacer.admit(subject, rate, NOTHING, start + Duration::from_secs(seconds));
        let denied = at(0).unwrap_err();
        assert_eq!(denied.retry_after, Duration::from_millis(1_000_000 - 60_000 - 250));
        assert!(at(939).is_err());
        assert!(at(940).is_ok());
    }

    /// Fails when only what was taken counts, and not what is expected.
    #[test]
    fn answers_that_would_take_more_than_a_minute_are_refused_until_they_would_not() {
        let (start, pacer, subject, rate) = hydra();
        let admit = |tokens, after| {
            let now = start + Duration::from_secs_f64(after);
            pacer.admit(subject, rate, Expected::AtMost(tokens), now)
        };
        let mut first = admit(2_000, 0.0).unwrap();
        let rest = (admit(2_000, 0.0).unwrap(), admit(2_000, 0.0).unwrap());
        let wait = |denied: Denied| denied.retry_after.as_secs_f64();
        assert!((wait(admit(2_000, 0.0).unwrap_err()) - 19.75).abs() < 1e-6);
        // What is taken is no longer expected: it is owed instead.
        assert_eq!(first.acquire(1_000, start).as_secs_f64(), 9.75);
        assert!((wait(admit(2_000, 5.0).unwrap_err()) - 14.75).abs() < 1e-6);
        // An answer that ends early leaves its place.
        drop(rest.0);
        assert!(admit(2_000, 5.0).is_ok());
        drop((first, rest.1));
    }

    #[test]
    fn one_answer_alone_is_let_in_however_long_it_may_be_and_its_length_counts_for_the_next() {
        let (start, pacer, subject, rate) = hydra();
        let long = pacer.admit(subject, rate, Expected::AtMost(u64::MAX), start).unwrap();
        assert!(pacer.admit(subject, rate, Expected::AtMost(1), start).is_err());
        drop(long);
        let mut guessed = pacer.admit(subject, rate, Expected::About(4_000), start).unwrap();
        assert!(pacer.admit(subject, rate, Expected::AtMost(2_500), start).is_err());
        // It goes on: as much again is expected of it, beside what it owes.
        let _ = guessed.acquire(4_000, start);
        let later = start + Duration::from_secs(40);
        assert!(pacer.admit(subject, rate, Expected::AtMost(2_500), later).is_err());
        assert!(pacer.admit(subject, rate, Expected::AtMost(2_000), later).is_ok());
    }

    #[test]
    fn a_run_longer_than_the_burst_waits_for_the_rest_of_it() {
        let start = Instant::now();
        let pacer = Pacer::new(100, Duration::from_secs(1), start);
        let subject = Subject::derive(&[7; 32], "account", b"alice");
        let ten = NonZeroU32::new(10).unwrap();
        let mut turn = pacer.admit(subject, ten, NOTHING, start).unwrap();
        assert_eq!(turn.acquire(30, start), Duration::from_secs(2));
        assert_eq!(turn.acquire(10, start), Duration::from_secs(3));
        let other = Subject::derive(&[7; 32], "account", b"bob");
        let mut other = pacer.admit(other, ten, NOTHING, start).unwrap();
        assert_eq!(other.acquire(10, start), Duration::ZERO);
        assert_eq!(pacer.occupancy().subjects, 2);
    }
}
