//! Where rates and leases are kept: in this process, or where replicas share them.

use std::fmt;

use super::{Amounts, Demand, Denied, Dimension, Metered, Occupancy, QuotaState};
use crate::ready::MaybeReady;

/// Keeps the rates and leases of subjects. The [`Limiter`](super::Limiter) is the one in memory.
///
/// It has its own clock: two replicas agree on none, and one that asks a store somewhere else does not
/// know when it is read. What it answers at once costs no allocation and no turn of the scheduler.
///
/// A store that others share gives back by itself what a process took and did not settle, after a time
/// that no answer takes: processes die, and settlements are lost when too many wait
/// ([`Settlements`](super::Settlements)).
pub trait Store: fmt::Debug + Send + Sync {
    /// Admits a request if every enforced demand allows it, and charges all demands; charges none
    /// otherwise. Observed demands are charged only if all of them would have admitted it.
    ///
    /// The store sees to it that the wait is short, and says itself what becomes of a request while it
    /// cannot be asked. What is waited for is always waited for to the end, also when the client has left: what it took
    /// is given back then.
    fn reserve(&self, demands: Vec<Demand>) -> MaybeReady<Admission>;

    /// Whether the request is certain to be denied by one of its enforced demands, as far as that is
    /// known here. It is asked before a body is read, and charges nothing. A store that would have to
    /// ask elsewhere does not know.
    fn foresee(&self, demands: &[Demand]) -> Option<Refused> {
        let _ = demands;
        None
    }

    /// Keeps at most so many subjects from now on, if it keeps them here.
    fn bound(&self, max_subjects: usize) {
        let _ = max_subjects;
    }

    /// How full it is, as far as it is known here.
    fn occupancy(&self) -> Occupancy {
        Occupancy::default()
    }

    /// Requests of this process that were refused for a dimension.
    fn denied(&self, dimension: Dimension) -> u64 {
        let _ = dimension;
        0
    }
}

/// What becomes of a request.
pub type Admission = Result<Granted, Refused>;

/// What is left of each quota that is advertised.
pub type Advertised = Metered<Option<QuotaState>>;

/// A request was admitted.
#[derive(Debug)]
pub struct Granted {
    /// What it holds.
    pub lease: Box<dyn Lease>,
    /// What is left after it of what is advertised.
    pub advertised: Advertised,
}

/// A request was refused.
#[derive(Clone, Copy, Debug)]
pub struct Refused {
    /// The limit that has to be waited for longest.
    pub denied: Denied,
    /// What is left of what is advertised.
    pub advertised: Advertised,
}

/// An admitted request's charges and leases, until it is settled.
pub trait Lease: fmt::Debug + Send + Sync {
    /// The refusal that the observed demands would have caused.
    fn would_deny(&self) -> Option<&Denied>;

    /// Counts units as they are used, first against what was reserved. It may be waited for beside the
    /// settlement, and come after it: it is void then.
    fn charge(&mut self, dimension: Dimension, units: u64) -> MaybeReady<()>;

    /// Replaces what was reserved and charged by what was used: the rest is given back, or becomes
    /// debt. Releases the leases.
    fn settle(self: Box<Self>, used: Amounts) -> MaybeReady<()>;
}
