//! Which units have been seen, and in which arm each stands.
//!
//! The keyed hash says where a unit begins. What it cannot say again is remembered here: which unit
//! an account belonged to when it was first seen, at what score that was, and which accounts the
//! detector has linked since. So the first unit of an account stands: a cluster takes over the unit
//! of the account or cluster that was seen first, and where the units that came together were in
//! several arms, the one that is left is contaminated, and says in which.
//!
//! Memory has a bound, past which a unit that is new is none of the experiment's. Looking up takes
//! one lock of many for a moment; what is new, or has been linked, passes one by one.

mod journal;
#[cfg(test)]
mod tests;
mod unit;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

pub use journal::JournalError;
pub(super) use journal::{Entry, Event, Journal};
use journal::{Joined, Seen};
use unit::Member;
pub(super) use unit::{Known, UnitAt};

use super::running::Stages;
use crate::audit::{Population, UnitName};
use crate::secret::opaque_debug;
use crate::shards::Shards;

/// The most accounts and clusters that are known, unless another number is said.
pub(super) const MOST_MEMBERS: usize = 1_000_000;

/// Parts that are locked by themselves; a power of two, which [`UnitAt`] has bits for.
pub(super) const PARTS: usize = 64;

/// Units, and the accounts and clusters that are parts of them.
pub(super) struct Register {
    /// Accounts and clusters, with the unit that each belongs to.
    members: Shards<HashMap<UnitName, UnitAt>>,
    units: Shards<Vec<Member>>,
    /// What changes passes here one by one; it also holds how many units came into each arm.
    changing: Mutex<Stages>,
    known: AtomicUsize,
    most: usize,
}

opaque_debug!(Register);

/// A unit that is to be added: where it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct New {
    /// Its arm; `None` if it is held out.
    pub(super) arm: Option<usize>,
    pub(super) population: Option<Population>,
    pub(super) now: Timestamp,
}

/// What is known of a caller.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    /// The unit that they belong to.
    Known(Known),
    /// The account or the cluster, and not that one belongs to the other.
    Linked,
    /// Nothing.
    Unknown,
}

/// What became of a caller whose unit was not known, or not this one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Admitted {
    /// They belong to this unit.
    To(Known),
    /// The same, and units of several arms have come together in it just now.
    Contaminated(Known),
    /// There is no room for another unit.
    Full,
}

impl Register {
    /// With room for so many accounts and clusters, and the arms' weights as they have been so far.
    pub(super) fn new(most: usize, stages: Stages) -> Self {
        Self {
            members: Shards::new(PARTS, HashMap::new),
            units: Shards::new(PARTS, Vec::new),
            changing: Mutex::new(stages),
            known: AtomicUsize::new(0),
            most,
        }
    }

    /// The unit of a caller: the account, or the slot of time, and the cluster that is named beside it.
    pub(super) fn find(&self, account: UnitName, cluster: Option<UnitName>) -> Found {
        let own = self.member(account);
        let of = cluster.map(|cluster| self.member(cluster));
        match (own, of) {
            (Some(at), None) => self.known(at).map_or(Found::Unknown, Found::Known),
            (Some(own), Some(of)) if of == Some(own) => {
                self.known(own).map_or(Found::Unknown, Found::Known)
            }
            (None, None | Some(None)) => Found::Unknown,
            _ => Found::Linked,
        }
    }

    /// Takes in a caller whose unit was not [found](Self::find): as a `new` unit, or as a part of the
    /// one that was seen first of those that are known. What is remembered is told to `write`.
    pub(super) fn admit(
        &self,
        account: UnitName,
        cluster: Option<UnitName>,
        new: New,
        mut write: impl FnMut(Entry),
    ) -> Admitted {
        let mut stages = self.changing();
        let (own, of) = (self.member(account), cluster.and_then(|it| self.member(it)));
        let mut contaminated = false;
        let at = match (own, of) {
            (None, None) => {
                let named = cluster.unwrap_or(account);
                let Some(at) = self.add(named, new) else { return Admitted::Full };
                stages.count(new.arm, new.now);
                let (population, first_seen) = (new.population, new.now);
                write(Entry::Seen(Seen { unit: named, arm: new.arm, population, first_seen }));
                at
            }
            (Some(at), None) | (None, Some(at)) => at,
            (Some(own), Some(of)) if own == of => own,
            (Some(own), Some(of)) => {
                let (first, other) = self.in_order(own, of);
                contaminated = self.absorb(first, other);
                first
            }
        };
        let Some(known) = self.known(at) else { return Admitted::Full };
        for member in [Some(account), cluster].into_iter().flatten() {
            if self.point(member, at) && member != known.name {
                write(Entry::Joined(Joined { member, unit: known.name }));
            }
        }
        if contaminated { Admitted::Contaminated(known) } else { Admitted::To(known) }
    }

    /// Takes over what was written; `false` if it does not fit what was written before.
    pub(super) fn replay(&self, entry: Entry) -> bool {
        let mut stages = self.changing();
        match entry {
            Entry::Seen(Seen { unit, arm, population, first_seen }) => {
                if self.member(unit).is_some() {
                    return true;
                }
                let new = New { arm, population, now: first_seen };
                let added = self.add(unit, new).is_some();
                if added {
                    stages.count(arm, first_seen);
                }
                added
            }
            Entry::Joined(Joined { member, unit }) => {
                let Some(at) = self.member(unit) else { return false };
                if let Some(before) = self.member(member).filter(|before| *before != at) {
                    self.absorb(at, before);
                }
                self.point(member, at);
                true
            }
        }
    }

    /// How many accounts, clusters and slots are known.
    pub(super) fn len(&self) -> usize {
        self.known.load(Ordering::Relaxed)
    }

    /// How many units came into each arm, by the weights that there were.
    pub(super) fn changing(&self) -> MutexGuard<'_, Stages> {
        // Nothing panics under it.
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a unit.
    pub(super) fn known(&self, at: UnitAt) -> Option<Known> {
        let units = self.units.lock(at.part());
        units.get(at.index()).map(|member| member.known(at))
    }

    fn member(&self, name: UnitName) -> Option<UnitAt> {
        self.members.lock(self.members.place(number(name))).get(&name).copied()
    }

    fn add(&self, name: UnitName, new: New) -> Option<UnitAt> {
        if self.len() >= self.most {
            return None;
        }
        let part = self.units.place(number(name));
        let mut units = self.units.lock(part);
        let at = UnitAt::new(part, units.len())?;
        units.push(Member::new(name, new));
        drop(units);
        self.point(name, at);
        Some(at)
    }

    /// Has a member belong to a unit; whether it did not. Without room it is not remembered.
    fn point(&self, member: UnitName, at: UnitAt) -> bool {
        let mut members = self.members.lock(self.members.place(number(member)));
        if let Some(of) = members.get_mut(&member) {
            return std::mem::replace(of, at) != at;
        }
        if self.len() >= self.most {
            return false;
        }
        self.known.fetch_add(1, Ordering::Relaxed);
        members.insert(member, at);
        true
    }

    /// The one that was seen first, and the other; of two at one moment always the same.
    fn in_order(&self, own: UnitAt, of: UnitAt) -> (UnitAt, UnitAt) {
        let seen = |at| (self.known(at).map(|known| known.first_seen), at);
        if seen(own) < seen(of) { (own, of) } else { (of, own) }
    }

    /// Notes in a unit the arms of another that it takes in; whether it has become contaminated.
    fn absorb(&self, first: UnitAt, other: UnitAt) -> bool {
        let Some(other) = self.known(other) else { return false };
        let mut units = self.units.lock(first.part());
        units.get_mut(first.index()).is_some_and(|member| member.absorb(other.arms))
    }
}

/// What the parts are found by: uniform, and nobody's choice.
fn number(name: UnitName) -> u64 {
    match name {
        UnitName::Cluster(hash) | UnitName::Account(hash) => hash.number(),
        // A slot is followed by the next.
        UnitName::Slot(number) => (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15),
    }
}
