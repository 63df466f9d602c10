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
mod part;
#[cfg(test)]
mod tests;
mod unit;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

pub use journal::JournalError;
pub(super) use journal::{Entry, Event, Journal};
use journal::{Joined, Seen};
pub(super) use part::Key;
use part::Part;
use unit::Member;
pub(super) use unit::{Known, UnitAt};

use super::running::Stages;
use crate::audit::{Population, UnitName, UnitSums};
use crate::secret::opaque_debug;
use crate::shards::Shards;

/// The most accounts and clusters that are known, unless another number is said.
pub(super) const MOST_MEMBERS: usize = 1_000_000;

/// Parts that are locked by themselves; a power of two, which [`UnitAt`] has bits for.
pub(super) const PARTS: usize = 64;

/// Units, and the accounts and clusters that are parts of them.
pub(super) struct Register {
    parts: Shards<Part>,
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
            parts: Shards::new(PARTS, Part::default),
            changing: Mutex::new(stages),
            known: AtomicUsize::new(0),
            most,
            unscored: AtomicUsize::new(0),
        }
    }

    /// Whether an account, a cluster or a slot of time is known.
    pub(super) fn knows(&self, name: UnitName) -> bool {
        self.unit_of(name).is_some()
    }

    /// The unit of a caller: the account, or the slot of time, and the cluster that is named beside it.
    #[inline]
    pub(super) fn find(&self, account: UnitName, cluster: Option<UnitName>) -> Found {
        match (self.unit_of(account), cluster.map(|cluster| self.unit_of(cluster))) {
            (Some(own), None) => Found::Known(own),
            (None, None | Some(None)) => Found::Unknown,
            (Some(own), Some(Some(of))) if own.at == of.at => Found::Known(own),
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
        if let Some(taken_in) = taken_in {
            write(Entry::Joined(Joined { member: taken_in.name, unit: unit.name }));
        }
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

    /// Adds to the sums of a unit. What is given back has to be written now.
    pub(super) fn add_to(&self, key: Key, met: impl FnOnce(&mut UnitSums)) -> Vec<(Key, UnitSums)> {
        self.parts.lock(key.0.part()).add(key, met)
    }

    /// Takes the sums that wait in one of the [`PARTS`].
    pub(super) fn take(&self, part: usize) -> Vec<(Key, UnitSums)> {
        self.parts.lock(part).take()
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
        self.at(self.whole(at))
    }

    /// What is known of a unit as it was, even if another has taken it in.
    fn at(&self, at: UnitAt) -> Option<Known> {
        self.parts.lock(at.part()).get(at.index()).map(|member| member.known(at))
    }

    /// The unit that a unit has become a part of.
    fn whole(&self, mut at: UnitAt) -> UnitAt {
        // It was seen before the one that it has taken in, so this ends.
        let into = |at: UnitAt| self.parts.lock(at.part()).get(at.index()).and_then(Member::into);
        while let Some(into) = into(at) {
            at = into;
        }
        at
    }

    /// What is known of the unit that an account, a cluster or a slot of time belongs to.
    #[inline]
    fn unit_of(&self, name: UnitName) -> Option<Known> {
        let place = self.parts.place(name.number());
        let part = self.parts.lock(place);
        let (index, member) = part.find(name)?;
        match member.into() {
            None => Some(member.known(UnitAt::new(place, index)?)),
            Some(into) => {
                drop(part);
                self.known(into)
            }
        }
    }

    fn member(&self, name: UnitName) -> Option<UnitAt> {
        self.unit_of(name).map(|unit| unit.at)
    }

    fn add(&self, name: UnitName, new: New) -> Option<UnitAt> {
        let unscored = self.unscored.load(Ordering::Relaxed);
        if new.unscored && unscored >= self.most.div_ceil(2) {
            return None;
        }
        let at = self.remember(Member::new(name, new))?;
        self.unscored.fetch_add(usize::from(new.unscored), Ordering::Relaxed);
        Some(at)
    }

    /// Remembers a name that is not known, if there is room.
    fn remember(&self, member: Member) -> Option<UnitAt> {
        if self.len() >= self.most {
            return None;
        }
        let place = self.parts.place(member.name.number());
        let mut part = self.parts.lock(place);
        let at = UnitAt::new(place, part.len())?;
        part.push(member);
        self.known.fetch_add(1, Ordering::Relaxed);
        Some(at)
    }

    /// Has a member belong to a unit; whether it did not. Without room it is not remembered.
    fn point(&self, name: UnitName, at: UnitAt) -> bool {
        let place = self.parts.place(name.number());
        let mut part = self.parts.lock(place);
        let Some((index, _)) = part.find(name) else {
            drop(part);
            return self.remember(Member::part_of(name, at)).is_some();
        };
        let is_unit = UnitAt::new(place, index) == Some(at);
        let member = part.get_mut(index).filter(|_| !is_unit);
        member.is_some_and(|member| member.point(at))
    }

    /// The one that was seen first, and the other; of two at one moment always the same.
    fn in_order(&self, own: UnitAt, of: UnitAt) -> (UnitAt, UnitAt) {
        let seen = |at| (self.known(at).map(|known| known.first_seen), at);
        if seen(own) < seen(of) { (own, of) } else { (of, own) }
    }

    /// Has a unit take in another; whether it has become contaminated.
    fn absorb(&self, first: UnitAt, other: UnitAt) -> bool {
        let Some(taken_in) = self.at(other) else { return false };
        let change = |at: UnitAt, change: &mut dyn FnMut(&mut Member)| {
            self.parts.lock(at.part()).get_mut(at.index()).map(change)
        };
        let mut contaminated = false;
        change(first, &mut |member| contaminated = member.absorb(taken_in.arms));
        let arms = self.at(first).map(|first| first.arms).unwrap_or_default();
        change(other, &mut |member| member.give(first, arms));
        contaminated
    }
}
