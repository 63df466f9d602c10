//! One bound on what all exchanges together hold.
//!
//! Each buffer has a cap of its own. A thousand callers who each fill one to its cap would still take
//! all memory, so what is held is also counted in one place, in all and for each caller, so that no
//! caller takes what the others need.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limit::{BySubject, Subject};

/// In what steps bytes are counted: so seldom that an event of usual size costs nothing.
const STEP: usize = 16 << 10;

/// From here on it counts that a buffer which grows is moved, and that what it took before is not given
/// back to the system at once.
const MOVED: usize = 512 << 10;

/// What a buffer takes that has grown piece by piece to this capacity.
pub(super) fn grown(capacity: usize) -> usize {
    if capacity < MOVED { capacity } else { capacity.saturating_add(capacity / 2) }
}

/// What may be held, and what is.
#[derive(Debug)]
pub(super) struct Budget {
    held: Mutex<Holdings>,
}

#[derive(Debug, Default)]
struct Holdings {
    most: usize,
    most_of_each: usize,
    all: usize,
    /// Callers who hold something.
    each: HashMap<Subject, usize, BySubject>,
    refused: u64,
}

/// There is no room for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoRoom {
    /// Not now: what others hold will be given back.
    #[error("too much is held of other requests and answers")]
    Now,
    /// Not if nothing else were held: to try again is of no use.
    #[error("the message is longer than what may be held of one caller's")]
    Ever,
}

impl Budget {
    /// So many bytes in all, and so many of one caller's.
    pub(super) fn new(all: usize, each: usize) -> Self {
        let holdings = Holdings { most: all, most_of_each: each, ..Holdings::default() };
        Self { held: Mutex::new(holdings) }
    }

    /// Other bounds from now on. What is held past them stays held.
    pub(super) fn bound(&self, all: usize, each: usize) {
        let mut held = self.held();
        (held.most, held.most_of_each) = (all, each);
    }

    /// Bytes held, and how often there was no room.
    pub(super) fn occupancy(&self) -> (usize, u64) {
        let held = self.held();
        (held.all, held.refused)
    }

    fn held(&self) -> MutexGuard<'_, Holdings> {
        // Nothing panics while it is held.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where what is held of one caller's is counted, for whoever holds something outside of an exchange.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    budget: Arc<Budget>,
    caller: Subject,
}

impl Room {
    pub(super) fn new(budget: Arc<Budget>, caller: Subject) -> Self {
        Self { budget, caller }
    }

    /// Room in which nothing is held yet.
    pub(crate) fn take(&self) -> Held {
        Held::new(Arc::clone(&self.budget), self.caller)
    }

    /// So many bytes, for a test.
    #[cfg(all(test, feature = "proxy"))]
    pub(crate) fn of(bytes: usize) -> Self {
        let caller = Subject::derive(&[1; 32], "account", b"a");
        Self::new(Arc::new(Budget::new(bytes, bytes)), caller)
    }
}

/// What one exchange holds; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Arc<Budget>,
    caller: Subject,
    bytes: usize,
    /// It can be done without: it leaves half of the room to what cannot, and is not missed.
    dispensable: bool,
}

impl Held {
    pub(super) fn new(budget: Arc<Budget>, caller: Subject) -> Self {
        Self { budget, caller, bytes: 0, dispensable: false }
    }

    /// For what can be done without.
    pub(super) fn dispensable(budget: Arc<Budget>, caller: Subject) -> Self {
        Self { budget, caller, bytes: 0, dispensable: true }
    }

    /// From now on so many bytes are held.
    pub(crate) fn resize(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let bytes = bytes.div_ceil(STEP).saturating_mul(STEP);
        if bytes == self.bytes {
            return Ok(());
        }
        let Self { budget, caller, bytes: before, dispensable } = self;
        let share = if *dispensable { 2 } else { 1 };
        let mut held = budget.held();
        let Holdings { most, most_of_each, all, each, refused } = &mut *held;
        let caller_before = each.get(caller).copied().unwrap_or_default();
        let of_caller = (caller_before - *before).saturating_add(bytes);
        let of_all = (*all - *before).saturating_add(bytes);
        if bytes > *before && (of_all > *most / share || of_caller > *most_of_each / share) {
            *refused += u64::from(!*dispensable);
            let ever = bytes > (*most).min(*most_of_each);
            return Err(if ever { NoRoom::Ever } else { NoRoom::Now });
        }
        *all = of_all;
        if of_caller == 0 {
            each.remove(caller);
        } else {
            each.insert(*caller, of_caller);
        }
        *before = bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Less is always room enough.
        let _ = self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str) -> Subject {
        Subject::derive(&[1; 32], "account", name.as_bytes())
    }

    #[test]
    fn what_is_held_is_bounded_for_each_caller_and_for_all_and_given_back() {
        let budget = Arc::new(Budget::new(10 * STEP, 4 * STEP));
        let held = |name| Held::new(Arc::clone(&budget), caller(name));
        let (mut a, mut b) = (held("a"), held("a"));
        assert_eq!(a.resize(3 * STEP), Ok(()));
        assert_eq!(b.resize(2 * STEP), Err(NoRoom::Now));
        assert_eq!(b.resize(STEP), Ok(()));
        // Another caller has what this one does not get.
        let mut others: Vec<Held> = ["b", "c"].map(held).into();
        assert_eq!(others[0].resize(4 * STEP), Ok(()));
        assert_eq!(others[1].resize(3 * STEP), Err(NoRoom::Now));
        assert_eq!(others[1].resize(2 * STEP), Ok(()));
        assert_eq!(budget.occupancy(), (10 * STEP, 2));
        a.resize(1).unwrap();
        assert_eq!(others[1].resize(4 * STEP), Ok(()));
        drop((a, b, others));
        assert_eq!(budget.occupancy(), (0, 2));
        assert!(budget.held().each.is_empty());
    }

    #[test]
    fn what_was_refused_leaves_what_was_held() {
        let budget = Arc::new(Budget::new(2 * STEP, 2 * STEP));
        let mut held = Held::new(Arc::clone(&budget), caller("a"));
        held.resize(STEP).unwrap();
        assert_eq!(held.resize(usize::MAX), Err(NoRoom::Ever));
        assert_eq!(budget.occupancy(), (STEP, 1));
    }
}
