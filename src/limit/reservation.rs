//! What an admitted request holds until its stream ends.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::demand::{Denied, Enforcement, Paid};
use super::state::Shared;
use super::store::Lease;
use super::table::Slot;
use super::{Amounts, Dimension, Metered};
use crate::ready::MaybeReady;

/// An admitted request's charges and leases.
///
/// While the answer streams, [`charge`](Self::charge) counts what it uses: first against what was
/// reserved, then as debt that delays the next admissions. [`settle`](Self::settle) replaces the
/// estimate by what was used. A reservation that is dropped (the stream was cancelled) settles
/// with what was charged so far; the request itself counts as used from the start. Either way the
/// leases are released once.
#[must_use = "a dropped reservation gives back what was reserved"]
pub struct Reservation {
    shared: Arc<Shared>,
    holds: Vec<Hold>,
    charged: Amounts,
    would_deny: Option<Denied>,
}

/// What is held of one subject.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) slot: Slot,
    pub(super) enforcement: Enforcement,
    pub(super) paid: Metered<Option<Paid>>,
}

impl Reservation {
    pub(super) fn new(
        shared: Arc<Shared>,
        holds: Vec<Hold>,
        requests: u64,
        would_deny: Option<Denied>,
    ) -> Self {
        Self { shared, holds, charged: Amounts { requests, ..Amounts::default() }, would_deny }
    }

    /// The refusal that the observed demands would have caused.
    #[must_use]
    pub fn would_deny(&self) -> Option<&Denied> {
        self.would_deny.as_ref()
    }

    /// What was charged so far.
    #[must_use]
    pub fn charged(&self) -> Amounts {
        self.charged
    }

    /// Counts units as they are used. Concurrency has no units: charging it does nothing.
    pub fn charge(&mut self, dimension: Dimension, units: u64, now: Instant) {
        let Some(charged) = self.charged.get_mut(dimension) else { return };
        *charged = charged.saturating_add(units);
        let charged = *charged;
        for hold in &mut self.holds {
            let Some(paid) = hold.paid.get_mut(dimension).and_then(Option::as_mut) else {
                continue;
            };
            let excess = charged.saturating_sub(paid.units);
            if excess == 0 {
                continue;
            }
            let mut locked = self.shared.table.lock_slot(hold.slot, now);
            let now = locked.now;
            let state = locked.state(hold.slot);
            if let Some(bucket) = state.and_then(|state| state.buckets.get_mut(dimension)) {
                hold.enforcement.charge(bucket, &paid.terms, excess, now);
                paid.units = charged;
            }
        }
    }

    /// How far the worst of the buckets is past its burst, in time: the wait before a request
    /// of no units would be admitted. Observed and advertised demands do not count.
    #[must_use]
    pub fn overdrawn(&self, now: Instant) -> Duration {
        let mut worst = Duration::ZERO;
        for hold in self.holds.iter().filter(|hold| hold.enforcement == Enforcement::Enforce) {
            let mut locked = self.shared.table.lock_slot(hold.slot, now);
            let now = locked.now;
            let Some(state) = locked.state(hold.slot) else { continue };
            for dimension in Dimension::METERED {
                let paid = hold.paid.get(dimension).and_then(Option::as_ref);
                if let Some((paid, bucket)) = paid.zip(state.buckets.get(dimension)) {
                    worst = worst.max(bucket.overdrawn(&paid.terms, now));
                }
            }
        }
        worst
    }

    /// Replaces what was reserved and charged by what was used: the rest is refunded, or becomes
    /// debt. Releases the leases.
    pub fn settle(mut self, actual: Amounts, now: Instant) {
        self.close(actual, now);
    }

    fn close(&mut self, actual: Amounts, now: Instant) {
        for hold in self.holds.drain(..) {
            let mut locked = self.shared.table.lock_slot(hold.slot, now);
            let now = locked.now;
            let Some(state) = locked.state(hold.slot) else { continue };
            state.in_flight = state.in_flight.saturating_sub(1);
            for dimension in Dimension::METERED {
                let paid = hold.paid.get(dimension).and_then(Option::as_ref);
                let bucket = state.buckets.get_mut(dimension);
                let Some(((paid, bucket), &used)) = paid.zip(bucket).zip(actual.get(dimension))
                else {
                    continue;
                };
                if used > paid.units {
                    hold.enforcement.charge(bucket, &paid.terms, used - paid.units, now);
                } else {
                    bucket.refund(&paid.terms, paid.units - used, now);
                }
            }
        }
    }
}

/// Its clock is that of the runtime, and nothing is waited for.
impl Lease for Reservation {
    fn would_deny(&self) -> Option<&Denied> {
        Self::would_deny(self)
    }

    fn charge(&mut self, dimension: Dimension, units: u64) -> MaybeReady<()> {
        Self::charge(self, dimension, units, Instant::now());
        MaybeReady::Ready(())
    }

    fn settle(self: Box<Self>, used: Amounts) -> MaybeReady<()> {
        Self::settle(*self, used, Instant::now());
        MaybeReady::Ready(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.holds.is_empty() {
            self.close(self.charged, Instant::now());
        }
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shared: _, holds, charged, would_deny } = self;
        formatter
            .debug_struct("Reservation")
            .field("holds", holds)
            .field("charged", charged)
            .field("would_deny", would_deny)
            .finish()
    }
}
