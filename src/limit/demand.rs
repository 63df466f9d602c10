//! What is asked of the limiter, and its refusal.

use std::time::Duration;

use super::gcra::{Bucket, Terms};
use super::state::SubjectState;
use super::{Amounts, Dimension, Limits, Subject};

/// A refusal for concurrency cannot know when a stream will end; this is the wait it names.
const CONCURRENCY_WAIT: Duration = Duration::from_secs(1);
/// The longest wait, in seconds, for which client libraries wait by themselves.
const LONGEST_RETRY: u64 = 60;

/// What one request asks of one subject.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Whose state is charged.
    pub subject: Subject,
    /// What the subject is (`account`, `cluster`): a label of refusals, and what shares an
    /// overflow entry when the table is full. Use a few fixed names.
    pub scope: &'static str,
    /// The limits of the subject.
    pub limits: Limits,
    /// What the request is expected to use. An estimate above a burst counts as the burst: the
    /// request is admitted when the bucket is full.
    pub estimate: Amounts,
    /// What becomes of a request that exceeds the limits.
    pub enforcement: Enforcement,
}

/// What becomes of a request that exceeds a demand's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// It is refused, and nothing is charged.
    Enforce,
    /// It is admitted, and [`Reservation::would_deny`](super::Reservation::would_deny) tells so.
    /// Its observed demands are not charged, since enforcement would have refused it: what is
    /// observed is what enforcing would have done.
    Observe,
    /// It is admitted and charged as far as the burst goes. For limits that only the `RateLimit`
    /// header fields show.
    Advertise,
}

/// A request was refused: the limit that has to be waited for longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {} limit of the {scope} is exceeded; retry after {retry_after:?}", dimension.name())]
pub struct Denied {
    /// What is exceeded.
    pub dimension: Dimension,
    /// The scope of the demand.
    pub scope: &'static str,
    /// The exact wait; one second, nominally, for concurrency.
    pub retry_after: Duration,
    subject: Subject,
}

impl Denied {
    /// A refusal of a demand on `subject`.
    #[must_use]
    pub fn new(
        dimension: Dimension,
        scope: &'static str,
        retry_after: Duration,
        subject: Subject,
    ) -> Self {
        Self { dimension, scope, retry_after, subject }
    }

    /// The value of a `Retry-After` header field (RFC 9110, section 10.2.3).
    #[must_use]
    pub fn retry_after_seconds(&self) -> u64 {
        retry_after_seconds(self.retry_after, self.subject)
    }

    /// Whether the limit lets the request in within a minute, so that trying again is of use.
    #[must_use]
    pub fn passes_within_a_minute(&self) -> bool {
        self.retry_after <= Duration::from_secs(LONGEST_RETRY)
    }

    pub(super) fn longer(self, other: Option<Self>) -> Self {
        other.filter(|other| other.retry_after >= self.retry_after).unwrap_or(self)
    }
}

/// A wait as whole seconds for `Retry-After`, at least 1.
///
/// Up to a quarter is added, and no more than a minute, always the same for the same subject, so that
/// callers refused together do not come back together. What passes within a minute stays within it:
/// client libraries pass over a longer wait.
#[must_use]
pub fn retry_after_seconds(wait: Duration, subject: Subject) -> u64 {
    let whole = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
    let seconds = whole.max(1);
    let spread = seconds.div_ceil(4).min(LONGEST_RETRY);
    let spread = match LONGEST_RETRY.checked_sub(seconds) {
        Some(left) => spread.min(left),
        None => spread,
    };
    seconds.saturating_add(subject.below(spread + 1))
}

impl Demand {
    /// The longest of the refusals that the state calls for, its own request already in flight.
    pub(super) fn denied(&self, state: &SubjectState, now: u64) -> Option<Denied> {
        let refusal = |dimension, retry_after| Denied {
            dimension,
            scope: self.scope,
            retry_after,
            subject: self.subject,
        };
        let mut longest: Option<Denied> = None;
        self.each(|dimension, terms, units| {
            let wait = state.buckets.get(dimension).map(|bucket| bucket.wait(&terms, units, now));
            if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
                longest = Some(refusal(dimension, wait).longer(longest));
            }
        });
        if self.limits.concurrency.is_some_and(|most| state.in_flight > most.get()) {
            longest = Some(refusal(Dimension::Concurrency, CONCURRENCY_WAIT).longer(longest));
        }
        longest
    }

    /// Charges the estimate and gives what was charged, by dimension.
    pub(super) fn charge(
        &self,
        state: &mut SubjectState,
        now: u64,
    ) -> super::Metered<Option<Paid>> {
        let mut paid = super::Metered::default();
        self.each(|dimension, terms, units| {
            if let Some((bucket, paid)) =
                state.buckets.get_mut(dimension).zip(paid.get_mut(dimension))
            {
                self.enforcement.charge(bucket, &terms, units, now);
                *paid = Some(Paid { terms, units });
            }
        });
        paid
    }

    /// Calls back with each limited dimension, its terms and the estimate, at most the burst.
    fn each(&self, mut visit: impl FnMut(Dimension, Terms, u64)) {
        let quotas = self.limits.quotas();
        for dimension in Dimension::METERED {
            let quota = quotas.get(dimension).copied().flatten();
            if let Some((quota, &estimate)) = quota.zip(self.estimate.get(dimension)) {
                let terms = Terms::of(quota);
                visit(dimension, terms, estimate.min(terms.burst()));
            }
        }
    }
}

/// Units that a bucket has been charged, under the terms they were charged at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paid {
    pub(super) terms: Terms,
    pub(super) units: u64,
}

impl Enforcement {
    pub(super) fn charge(self, bucket: &mut Bucket, terms: &Terms, units: u64, now: u64) {
        match self {
            Self::Enforce | Self::Observe => bucket.charge(terms, units, now),
            Self::Advertise => bucket.charge_to_brim(terms, units, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn retry_after_is_at_most_a_quarter_and_a_minute_longer_and_spread_over_subjects() {
        for wait in [0, 1, 7, 30, 59, 60, 61, 3600, 100_000] {
            let wait = Duration::from_millis(wait * 1000 - u64::from(wait > 0));
            let whole = wait.as_secs() + 1;
            let seen: HashSet<u64> = (0..1000u32)
                .map(|n| Subject::derive(&[7; 32], "account", &n.to_le_bytes()))
                .map(|subject| retry_after_seconds(wait, subject))
                .collect();
            assert_eq!(seen.len() > 1, whole != 60, "{wait:?} gave {seen:?}");
            assert_eq!(seen.iter().min(), Some(&whole));
            let most = whole + whole.div_ceil(4).min(60);
            assert!(seen.iter().all(|&s| s <= most && (s <= 60 || whole > 60)), "{seen:?}");
        }
        let subject = Subject::from_hash(u128::MAX);
        let wait = Duration::from_secs(20);
        assert_eq!(retry_after_seconds(wait, subject), retry_after_seconds(wait, subject));
        assert_eq!(retry_after_seconds(Duration::MAX, subject), u64::MAX);
    }
}
