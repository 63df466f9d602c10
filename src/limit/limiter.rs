//! Admitting over several subjects and dimensions, all or nothing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::demand::{Demand, Denied, Enforcement};
use super::gcra::Terms;
use super::reservation::{Hold, Reservation};
use super::state::{Shared, SubjectState};
use super::store::{Admission, Advertised, Granted, Refused, Store};
use super::table::{Locked, Occupancy, Slot, Table};
use super::{Amounts, Dimension, Limits, Quota, QuotaState, Subject};
use crate::ready::MaybeReady;

/// Rates and requests in flight per subject, in memory. Clones share the state.
#[derive(Clone)]
pub struct Limiter {
    shared: Arc<Shared>,
}

impl Limiter {
    /// A limiter that keeps at most `max_subjects` subjects, and counts time from `epoch`, which
    /// must not be later than any time it is given.
    #[must_use]
    pub fn new(max_subjects: usize, epoch: Instant) -> Self {
        Self { shared: Arc::new(Shared::new(Table::new(max_subjects, epoch))) }
    }

    /// Keeps at most so many subjects from now on.
    pub fn bound(&self, max_subjects: usize) {
        self.shared.table.bound(max_subjects);
    }

    /// Admits a request if every enforced demand allows it, and charges all demands; charges none
    /// otherwise. A subject that is named twice is charged twice.
    ///
    /// # Errors
    ///
    /// [`Denied`] names the limit with the longest wait among the enforced demands.
    pub fn reserve(&self, demands: &[Demand], now: Instant) -> Result<Reservation, Denied> {
        let subjects = demands.iter().map(|demand| demand.subject);
        let mut admission = Admitting {
            locked: self.shared.table.lock(subjects, now),
            entered: Vec::with_capacity(demands.len()),
        };
        admission.enter(demands);

        let (enforced, denied) = admission.charge(Enforcement::Enforce);
        if let Some(denied) = denied {
            admission.leave(|_| true);
            self.shared.count(denied.dimension);
            return Err(denied);
        }
        let (advertised, _) = admission.charge(Enforcement::Advertise);
        // Last, because taking these back restores what the states were before them.
        let (observed, would_deny) = admission.charge(Enforcement::Observe);
        if would_deny.is_some() {
            admission.leave(|enforcement| enforcement == Enforcement::Observe);
        }
        drop(admission);

        let mut holds = enforced;
        holds.extend(advertised);
        holds.extend(observed);
        let requests = demands.iter().map(|demand| demand.estimate.requests).max().unwrap_or(0);
        Ok(Reservation::new(Arc::clone(&self.shared), holds, requests, would_deny))
    }

    /// What is left of a quota; the whole of it for a subject that is not known, and for one that
    /// is counted in an overflow entry. Reads only.
    #[must_use]
    pub fn state(
        &self,
        subject: Subject,
        dimension: Dimension,
        quota: Quota,
        now: Instant,
    ) -> QuotaState {
        let terms = Terms::of(quota);
        let (state, now) = self.shared.table.peek(subject, now);
        let bucket = state.buckets.get(dimension).copied().unwrap_or_default();
        QuotaState {
            remaining: bucket.remaining(&terms, now),
            reset: bucket.time_to_full(&terms, now),
        }
    }

    /// What is left of each quota of a subject's limits, as [`state`](Self::state) tells of one.
    #[must_use]
    pub fn states(&self, subject: Subject, limits: &Limits, now: Instant) -> Advertised {
        let (state, now) = self.shared.table.peek(subject, now);
        let quotas = limits.quotas();
        let mut states = Advertised::default();
        for dimension in Dimension::METERED {
            let quota = quotas.get(dimension).copied().flatten();
            let Some((quota, told)) = quota.zip(states.get_mut(dimension)) else { continue };
            let bucket = state.buckets.get(dimension).copied().unwrap_or_default();
            let terms = Terms::of(quota);
            let (remaining, reset) =
                (bucket.remaining(&terms, now), bucket.time_to_full(&terms, now));
            *told = Some(QuotaState { remaining, reset });
        }
        states
    }

    /// Requests of a subject that are in flight, other than in an overflow entry.
    #[must_use]
    pub fn in_flight(&self, subject: Subject, now: Instant) -> u32 {
        self.shared.table.peek(subject, now).0.in_flight
    }

    /// How full the table is.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        self.shared.table.occupancy()
    }

    /// Requests refused so far for a dimension. Requests that were only observed do not count.
    #[must_use]
    pub fn denied(&self, dimension: Dimension) -> u64 {
        self.shared.counter(dimension).load(Ordering::Relaxed)
    }
}

impl Limiter {
    /// What is left of what these demands advertise.
    fn advertised(&self, demands: &[Demand], now: Instant) -> Advertised {
        let advertised = demands.iter().find(|it| it.enforcement == Enforcement::Advertise);
        advertised.map(|it| self.states(it.subject, &it.limits, now)).unwrap_or_default()
    }

    /// Whether a demand may lack what it asks for now.
    fn may_lack(&self, demand: &Demand, now: Instant) -> bool {
        let Demand { subject, limits, estimate, .. } = demand;
        let states = self.states(*subject, limits, now);
        let lacks = |dimension| {
            let state = states.get(dimension).copied().flatten();
            state.zip(estimate.get(dimension)).is_some_and(|(state, ask)| state.remaining < *ask)
        };
        Dimension::METERED.into_iter().any(lacks)
            || limits.concurrency.is_some_and(|most| self.in_flight(*subject, now) >= most.get())
    }
}

/// Its clock is that of the runtime.
impl Store for Limiter {
    fn reserve(&self, demands: Vec<Demand>) -> MaybeReady<Admission> {
        let now = Instant::now();
        let reserved = Self::reserve(self, &demands, now);
        let advertised = self.advertised(&demands, now);
        MaybeReady::Ready(match reserved {
            Ok(reservation) => Ok(Granted { lease: Box::new(reservation), advertised }),
            Err(denied) => Err(Refused { denied, advertised }),
        })
    }

    fn foresee(&self, demands: &[Demand]) -> Option<Refused> {
        let now = Instant::now();
        let enforced = |it: &&Demand| it.enforcement == Enforcement::Enforce;
        // Most have room: that is seen without being noted.
        if !demands.iter().filter(enforced).any(|demand| self.may_lack(demand, now)) {
            return None;
        }
        let enforced: Vec<Demand> = demands.iter().filter(enforced).copied().collect();
        match Self::reserve(self, &enforced, now) {
            // Nothing of it is used yet: all is given back.
            Ok(reserved) => reserved.settle(Amounts::default(), now),
            Err(denied) => {
                return Some(Refused { denied, advertised: self.advertised(demands, now) });
            }
        }
        None
    }

    fn bound(&self, max_subjects: usize) {
        Self::bound(self, max_subjects);
    }

    fn occupancy(&self) -> Occupancy {
        Self::occupancy(self)
    }

    fn denied(&self, dimension: Dimension) -> u64 {
        Self::denied(self, dimension)
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Limiter").field("occupancy", &self.occupancy()).finish()
    }
}

/// One request on its way in, with the locks of all its subjects.
struct Admitting<'t, 'd> {
    locked: Locked<'t, SubjectState>,
    entered: Vec<Entered<'d>>,
}

struct Entered<'d> {
    demand: &'d Demand,
    slot: Slot,
    /// The state before this demand was charged.
    before: Option<SubjectState>,
}

impl<'d> Admitting<'_, 'd> {
    /// Finds every subject's slot, and counts the request in flight there at once, so that the
    /// arrival of the next subject does not take the place of this one.
    fn enter(&mut self, demands: &'d [Demand]) {
        for demand in demands {
            if let Some((slot, state)) = self.locked.enter(demand.subject, demand.scope) {
                state.in_flight = state.in_flight.saturating_add(1);
                self.entered.push(Entered { demand, slot, before: None });
            }
        }
    }

    /// Charges the demands of one enforcement in turn, and gives the longest refusal among them.
    fn charge(&mut self, enforcement: Enforcement) -> (Vec<Hold>, Option<Denied>) {
        let now = self.locked.now;
        let mut holds = Vec::new();
        let mut longest = None;
        for entered in self.entered.iter_mut().filter(|e| e.demand.enforcement == enforcement) {
            let Some(state) = self.locked.state(entered.slot) else { continue };
            entered.before = Some(*state);
            match entered.demand.denied(state, now) {
                Some(denied) if enforcement != Enforcement::Advertise => {
                    longest = Some(denied.longer(longest));
                }
                _ => {
                    let paid = entered.demand.charge(state, now);
                    holds.push(Hold { slot: entered.slot, enforcement, paid });
                }
            }
        }
        if longest.is_some() {
            holds.clear();
        }
        (holds, longest)
    }

    /// Takes back the charges of these demands, the latest first, and then their requests in
    /// flight.
    fn leave(&mut self, which: impl Fn(Enforcement) -> bool) {
        let leaving = |entered: &&Entered<'_>| which(entered.demand.enforcement);
        for entered in self.entered.iter().rev().filter(leaving) {
            if let Some((state, before)) = self.locked.state(entered.slot).zip(entered.before) {
                *state = before;
            }
        }
        for entered in self.entered.iter().filter(leaving) {
            if let Some(state) = self.locked.state(entered.slot) {
                state.in_flight = state.in_flight.saturating_sub(1);
            }
        }
    }
}
