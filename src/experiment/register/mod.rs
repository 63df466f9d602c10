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
    /// Units of callers of whom no detector said anything. They take half of the room at most, so that
    /// nobody fills it with credentials that they make up.
    unscored: AtomicUsize,
}

opaque_debug!(Register);

/// A unit that is to be added: where it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct New {
    /// Its arm; `None` if it is held out.
    pub(super) arm: Option<usize>,
    pub(super) population: Option<Population>,
    pub(super) now: Timestamp,
    /// No detector has said anything of them: whoever sends another credential is another one.
    pub(super) unscored: bool,
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
pub(super) struct Admitted {
    /// The unit that they belong to.
    pub(super) unit: Known,
    /// Another, that it has taken in just now.
    pub(super) taken_in: Option<Known>,
    /// Units of several arms have come together in it just now.
    pub(super) contaminated: bool,
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
            unscored: AtomicUsize::new(0),
        }
    }

    /// Whether an account, a cluster or a slot of time is known.
    pub(super) fn knows(&self, name: UnitName) -> bool {
        self.remembered(name).is_some()
    }

    /// The unit of a caller: the account, or the slot of time, and the cluster that is named beside it.
    pub(super) fn find(&self, account: UnitName, cluster: Option<UnitName>) -> Found {
        let own = self.remembered(account);
        match (own, cluster.map(|cluster| self.remembered(cluster))) {
            (Some(at), None) => self.known(at).map_or(Found::Unknown, Found::Known),
            (None, None | Some(None)) => Found::Unknown,
            (Some(own), Some(Some(of))) => match (self.known(own), self.known(of)) {
                (Some(own), Some(of)) if own.at == of.at => Found::Known(own),
                _ => Found::Linked,
            },
            _ => Found::Linked,
        }
    }

    /// Takes in a caller whose unit was not [found](Self::find): as a `new` unit, or as a part of the
    /// one that was seen first of those that are known. What is remembered is told to `write`. `None` if
    /// there is no room for another unit.
    pub(super) fn admit(
        &self,
        account: UnitName,
        cluster: Option<UnitName>,
        new: New,
        mut write: impl FnMut(Entry),
    ) -> Option<Admitted> {
        let mut stages = self.changing();
        let (own, of) = (self.member(account), cluster.and_then(|it| self.member(it)));
        let (mut contaminated, mut taken_in) = (false, None);
        let at = match (own, of) {
            (None, None) => {
                let named = cluster.unwrap_or(account);
                let at = self.add(named, new)?;
                stages.count(new.arm, new.now);
                let New { arm, population, now: first_seen, unscored } = new;
                write(Entry::Seen(Seen { unit: named, arm, population, first_seen, unscored }));
                at
            }
            (Some(at), None) | (None, Some(at)) => at,
            (Some(own), Some(of)) if own == of => own,
            (Some(own), Some(of)) => {
                let (first, other) = self.in_order(own, of);
                contaminated = self.absorb(first, other);
                taken_in = self.at(other);
                first
            }
        };
        let unit = self.at(at)?;
        for member in [Some(account), cluster].into_iter().flatten() {
            if self.point(member, at) && member != unit.name {
                write(Entry::Joined(Joined { member, unit: unit.name }));
            }
        }
        let taken = taken_in
            .map(|it| it.name)
            .filter(|name| ![Some(account), cluster].contains(&Some(*name)));
        taken.into_iter().for_each(|member| {
            write(Entry::Joined(Joined { member, unit: unit.name }));
        });
        Some(Admitted { unit, taken_in, contaminated })
    }

    /// Takes over what was written; `false` if it does not fit what was written before.
    pub(super) fn replay(&self, entry: Entry) -> bool {
        let mut stages = self.changing();
        match entry {
            Entry::Seen(Seen { unit, arm, population, first_seen, unscored }) => {
                if self.member(unit).is_some() {
                    return true;
                }
                let new = New { arm, population, now: first_seen, unscored };
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

    /// What is known of a unit, or of the one that has taken it in.
    pub(super) fn known(&self, at: UnitAt) -> Option<Known> {
        let units = self.units.lock(at.part());
        let member = units.get(at.index())?;
        match member.into() {
            None => Some(member.known(at)),
            Some(into) => {
                drop(units);
                self.at(self.whole(into))
            }
        }
    }

    /// What is known of a unit as it was, even if another has taken it in.
    pub(super) fn at(&self, at: UnitAt) -> Option<Known> {
        let units = self.units.lock(at.part());
        units.get(at.index()).map(|member| member.known(at))
    }

    /// The unit that a unit has become a part of.
    fn whole(&self, mut at: UnitAt) -> UnitAt {
        // It was seen before the one that it has taken in, so this ends.
        while let Some(into) = self.units.lock(at.part()).get(at.index()).and_then(Member::into) {
            at = into;
        }
        at
    }

    /// The unit that a member was remembered to belong to; another may have taken that in.
    fn remembered(&self, name: UnitName) -> Option<UnitAt> {
        self.members.lock(self.members.place(name.number())).get(&name).copied()
    }

    fn member(&self, name: UnitName) -> Option<UnitAt> {
        self.remembered(name).map(|at| self.whole(at))
    }

    fn add(&self, name: UnitName, new: New) -> Option<UnitAt> {
        let unscored = self.unscored.load(Ordering::Relaxed);
        if self.len() >= self.most || new.unscored && unscored >= self.most.div_ceil(2) {
            return None;
        }
        self.unscored.fetch_add(usize::from(new.unscored), Ordering::Relaxed);
        let part = self.units.place(name.number());
        let mut units = self.units.lock(part);
        let at = UnitAt::new(part, units.len())?;
        units.push(Member::new(name, new));
        drop(units);
        self.point(name, at);
        Some(at)
    }

    /// Has a member belong to a unit; whether it did not. Without room it is not remembered.
    fn point(&self, member: UnitName, at: UnitAt) -> bool {
        let mut members = self.members.lock(self.members.place(member.number()));
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

    /// Has a unit take in another; whether it has become contaminated.
    fn absorb(&self, first: UnitAt, other: UnitAt) -> bool {
        let Some(taken_in) = self.at(other) else { return false };
        let mut units = self.units.lock(first.part());
        let contaminated =
            units.get_mut(first.index()).is_some_and(|member| member.absorb(taken_in.arms));
        drop(units);
        let arms = self.at(first).map(|first| first.arms).unwrap_or_default();
        let mut units = self.units.lock(other.part());
        units.get_mut(other.index()).into_iter().for_each(|member| member.give(first, arms));
        contaminated
    }
}
