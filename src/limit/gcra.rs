//! The generic cell rate algorithm (ITU-T I.371, annex A) in exact integers.
//!
//! A bucket is one number, its theoretical arrival time (TAT): the moment at which all that was
//! charged is paid for by the passing of time. A unit costs `period / amount` nanoseconds, which
//! is seldom whole, so the TAT is kept in units of `1 / amount` nanosecond: nothing is rounded
//! and no error adds up. Times are nanoseconds since the epoch of the table; 128 bits hold any
//! product of two 64-bit numbers, and what lies past 584 years saturates.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use super::Quota;

/// A quota in the algorithm's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// Nanoseconds in which `amount` units are paid for; what one unit costs, when scaled.
    period: NonZeroU64,
    /// Units per period, and the number of parts that a nanosecond is divided into.
    amount: NonZeroU64,
    /// How far the TAT may run ahead of the clock, scaled.
    tolerance: u128,
}

impl Terms {
    pub(super) fn of(quota: Quota) -> Self {
        let period = NonZeroU64::new(nanos(quota.period)).unwrap_or(NonZeroU64::MIN);
        let tolerance = u128::from(quota.burst.get()) * u128::from(period.get());
        Self { period, amount: quota.amount, tolerance }
    }

    /// So many units per second, with what the rate gives in `burst` at once.
    pub(super) fn per_second(rate: NonZeroU32, burst: Duration) -> Self {
        const SECOND: NonZeroU64 = NonZeroU64::MIN.saturating_add(999_999_999);
        let tolerance = u128::from(nanos(burst)) * u128::from(rate.get());
        Self { period: SECOND, amount: rate.into(), tolerance }
    }

    /// The most units that can be admitted at once.
    pub(super) fn burst(&self) -> u64 {
        saturate(self.tolerance / u128::from(self.period.get()))
    }

    fn cost(&self, units: u64) -> u128 {
        u128::from(units) * u128::from(self.period.get())
    }

    fn scale(&self, now: u64) -> u128 {
        u128::from(now) * u128::from(self.amount.get())
    }

    /// Rounds up: a caller who waits this long has waited enough.
    fn duration(&self, scaled: u128) -> Duration {
        Duration::from_nanos(saturate(scaled.div_ceil(u128::from(self.amount.get()))))
    }
}

/// The state of one rate of one subject.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    /// Theoretical arrival time, in parts of a nanosecond.
    tat: u128,
    /// Parts per nanosecond.
    parts: NonZeroU64,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { tat: 0, parts: NonZeroU64::MIN }
    }
}

impl Bucket {
    /// The TAT under these terms. A change of terms keeps the time that is owed, rounded up to a
    /// whole nanosecond, and not the units: it neither forgives nor multiplies what was charged.
    fn tat(&self, terms: &Terms) -> u128 {
        if self.parts == terms.amount {
            self.tat
        } else {
            let whole = self.tat.div_ceil(u128::from(self.parts.get()));
            whole.saturating_mul(u128::from(terms.amount.get()))
        }
    }

    /// How far the TAT is ahead of the clock, scaled.
    fn backlog(&self, terms: &Terms, now: u64) -> u128 {
        self.tat(terms).saturating_sub(terms.scale(now))
    }

    fn set_backlog(&mut self, terms: &Terms, now: u64, backlog: u128) {
        self.tat = terms.scale(now).saturating_add(backlog);
        self.parts = terms.amount;
    }

    /// How long to wait until so many units conform; zero when they do now.
    pub(super) fn wait(&self, terms: &Terms, units: u64, now: u64) -> Duration {
        let backlog = self.backlog(terms, now).saturating_add(terms.cost(units));
        terms.duration(backlog.saturating_sub(terms.tolerance))
    }

    /// Charges units whether or not they conform; past the burst they are debt.
    pub(super) fn charge(&mut self, terms: &Terms, units: u64, now: u64) {
        let backlog = self.backlog(terms, now).saturating_add(terms.cost(units));
        self.set_backlog(terms, now, backlog);
    }

    /// Charges units as far as the burst goes, and forgets the rest.
    pub(super) fn charge_to_brim(&mut self, terms: &Terms, units: u64, now: u64) {
        let before = self.backlog(terms, now);
        let after = before.saturating_add(terms.cost(units)).min(terms.tolerance);
        self.set_backlog(terms, now, after.max(before));
    }

    /// Gives units back. The TAT never moves behind the clock, so a refund creates no tokens
    /// beyond the burst.
    pub(super) fn refund(&mut self, terms: &Terms, units: u64, now: u64) {
        let backlog = self.backlog(terms, now).saturating_sub(terms.cost(units));
        self.set_backlog(terms, now, backlog);
    }

    /// Units that conform now.
    pub(super) fn remaining(&self, terms: &Terms, now: u64) -> u64 {
        let free = terms.tolerance.saturating_sub(self.backlog(terms, now));
        saturate(free / u128::from(terms.period.get()))
    }

    /// Time until the whole burst is available again.
    pub(super) fn time_to_full(&self, terms: &Terms, now: u64) -> Duration {
        terms.duration(self.backlog(terms, now))
    }

    /// How far past the burst the bucket has been charged, in time.
    pub(super) fn overdrawn(&self, terms: &Terms, now: u64) -> Duration {
        self.wait(terms, 0, now)
    }

    /// Whether the bucket is as a fresh one.
    pub(super) fn is_idle(&self, now: u64) -> bool {
        self.tat <= u128::from(now) * u128::from(self.parts.get())
    }
}

/// Whole nanoseconds, at most 584 years of them.
pub(super) fn nanos(duration: Duration) -> u64 {
    saturate(duration.as_nanos())
}

fn saturate(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
