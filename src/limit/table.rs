//! State per subject, in bounded memory.
//!
//! Subjects are spread over shards by their hash, each behind its own lock. Entries that equal
//! a fresh one are forgotten a few at a time as new subjects arrive, so there is no pause to sweep
//! the table. An entry that still says something (debt, a request in flight) is never forgotten:
//! when a shard is full of those, its new subjects of one scope share one *overflow* entry, which
//! is counted.

use std::collections::HashMap;
use std::sync::MutexGuard;

use tokio::time::Instant;

use super::gcra::nanos;
use super::{BySubject, Subject};
use crate::shards::Shards;

/// Entries that an arrival looks at to shrink a table that has room.
const SWEPT_PER_ARRIVAL: usize = 2;
/// Entries that an arrival looks at to make room in a full shard.
const SWEPT_WHEN_FULL: usize = 32;
/// Subjects for which another shard is worth its lock.
const SUBJECTS_PER_SHARD: usize = 1024;
const MAX_SHARDS: usize = 64;

/// What a table holds for a subject.
pub(super) trait State: Copy + Default {
    /// Whether forgetting it loses nothing.
    fn is_idle(&self, now: u64) -> bool;
}

/// Where a subject's state lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    shard: usize,
    entry: Entry,
}

#[derive(Clone, Copy, Debug)]
enum Entry {
    Own(Subject),
    Overflow(&'static str),
}

#[derive(Debug)]
pub(super) struct Table<S> {
    shards: Shards<Shard<S>>,
    epoch: Instant,
}

/// How full a table is, and what its bound has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Subjects that have an entry.
    pub subjects: usize,
    /// Bytes allocated for entries, about.
    pub bytes: usize,
    /// Idle entries forgotten so far.
    pub evicted: u64,
    /// Times that a subject was counted in the shared overflow entry of its scope, because the
    /// table was full of entries that must not be forgotten.
    pub overflowed: u64,
}

impl<S: State> Table<S> {
    /// A table of at most `max_subjects` entries (at least one), beside one overflow entry per
    /// shard and scope.
    pub(super) fn new(max_subjects: usize, epoch: Instant) -> Self {
        let shards = (max_subjects / SUBJECTS_PER_SHARD).clamp(1, MAX_SHARDS);
        let capacity = (max_subjects / shards).max(1);
        Self { shards: Shards::new(shards, || Shard::new(capacity)), epoch }
    }

    /// Another bound from now on. Entries past it stay until they say nothing any more.
    pub(super) fn bound(&self, max_subjects: usize) {
        let capacity = (max_subjects / self.shards.count()).max(1);
        self.shards.each().for_each(|mut shard| shard.capacity = capacity);
    }

    fn nanos(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.epoch))
    }

    /// Locks the shards of all these subjects at once, in their order, so that two callers never
    /// wait for each other.
    pub(super) fn lock(
        &self,
        subjects: impl Iterator<Item = Subject>,
        now: Instant,
    ) -> Locked<'_, S> {
        let mut indexes: Vec<usize> =
            subjects.map(|subject| self.shards.place(subject.low())).collect();
        indexes.sort_unstable();
        indexes.dedup();
        self.lock_shards(&indexes, now)
    }

    /// Locks the shard of one slot.
    pub(super) fn lock_slot(&self, slot: Slot, now: Instant) -> Locked<'_, S> {
        self.lock_shards(&[slot.shard], now)
    }

    fn lock_shards(&self, indexes: &[usize], now: Instant) -> Locked<'_, S> {
        let mut shards: Vec<_> =
            indexes.iter().map(|&index| (index, self.shards.lock(index))).collect();
        // A clock that steps back stands still instead.
        let latest = shards.iter().map(|(_, shard)| shard.latest).max().unwrap_or(0);
        let now = self.nanos(now).max(latest);
        for (_, shard) in &mut shards {
            shard.latest = now;
        }
        Locked { shards, now, all: &self.shards }
    }

    /// The state of a subject, a fresh one if it has no entry of its own, and the time in
    /// nanoseconds since the epoch.
    pub(super) fn peek(&self, subject: Subject, now: Instant) -> (S, u64) {
        let now = self.nanos(now);
        let shard = self.shards.lock(self.shards.place(subject.low()));
        (shard.entries.get(&subject).copied().unwrap_or_default(), now.max(shard.latest))
    }

    pub(super) fn occupancy(&self) -> Occupancy {
        let mut sum = Occupancy::default();
        for shard in self.shards.each() {
            sum.subjects += shard.entries.len();
            sum.bytes += shard.bytes();
            sum.evicted += shard.evicted;
            sum.overflowed += shard.overflowed;
        }
        sum
    }
}

/// Some shards of a table, locked together, at one time.
#[derive(Debug)]
pub(super) struct Locked<'a, S> {
    shards: Vec<(usize, MutexGuard<'a, Shard<S>>)>,
    /// Nanoseconds since the epoch of the table.
    pub(super) now: u64,
    all: &'a Shards<Shard<S>>,
}

impl<S: State> Locked<'_, S> {
    /// The slot of a subject and the state in it; a new subject is given one. An idle
    /// state may be forgotten at the next arrival, even before the lock is free.
    pub(super) fn enter(
        &mut self,
        subject: Subject,
        scope: &'static str,
    ) -> Option<(Slot, &mut S)> {
        let index = self.all.place(subject.low());
        let now = self.now;
        let shard = self.shard(index)?;
        let entry = shard.place(subject, scope, now);
        Some((Slot { shard: index, entry }, shard.state(entry)))
    }

    /// The state in a slot. `None` only for a slot whose shard was not locked.
    pub(super) fn state(&mut self, slot: Slot) -> Option<&mut S> {
        Some(self.shard(slot.shard)?.state(slot.entry))
    }

    fn shard(&mut self, index: usize) -> Option<&mut Shard<S>> {
        let found = self.shards.iter_mut().find(|(locked, _)| *locked == index);
        debug_assert!(found.is_some(), "the shard of every subject is locked before its use");
        found.map(|(_, shard)| &mut **shard)
    }
}

#[derive(Debug)]
struct Shard<S> {
    entries: HashMap<Subject, S, BySubject>,
    /// The subjects of `entries`, in no order; the hand goes round them to find idle ones.
    ring: Vec<Subject>,
    hand: usize,
    capacity: usize,
    overflow: HashMap<&'static str, S>,
    latest: u64,
    evicted: u64,
    overflowed: u64,
}

impl<S: State> Shard<S> {
    fn new(capacity: usize) -> Self {
        Self {
            entries: HashMap::default(),
            ring: Vec::new(),
            hand: 0,
            capacity,
            overflow: HashMap::new(),
            latest: 0,
            evicted: 0,
            overflowed: 0,
        }
    }

    fn place(&mut self, subject: Subject, scope: &'static str, now: u64) -> Entry {
        if self.entries.contains_key(&subject) {
            return Entry::Own(subject);
        }
        let full = self.entries.len() >= self.capacity;
        self.sweep(if full { SWEPT_WHEN_FULL } else { SWEPT_PER_ARRIVAL }, now);
        if self.entries.len() >= self.capacity {
            self.overflowed += 1;
            return Entry::Overflow(scope);
        }
        Entry::Own(subject)
    }

    fn state(&mut self, entry: Entry) -> &mut S {
        match entry {
            Entry::Own(subject) => self.entries.entry(subject).or_insert_with(|| {
                self.ring.push(subject);
                S::default()
            }),
            Entry::Overflow(scope) => self.overflow.entry(scope).or_default(),
        }
    }

    /// Looks at so many entries and forgets the first idle ones, two at most.
    fn sweep(&mut self, looks: usize, now: u64) {
        let mut evicted = 0;
        for _ in 0..looks.min(self.ring.len()) {
            if self.hand >= self.ring.len() {
                self.hand = 0;
            }
            let Some(&subject) = self.ring.get(self.hand) else { break };
            if self.entries.get(&subject).is_none_or(|state| state.is_idle(now)) {
                self.entries.remove(&subject);
                self.ring.swap_remove(self.hand);
                evicted += 1;
                if evicted == SWEPT_PER_ARRIVAL {
                    break;
                }
            } else {
                self.hand += 1;
            }
        }
        self.evicted += evicted as u64;
    }

    fn bytes(&self) -> usize {
        // One control byte per bucket of the hash table, and its load factor of 7/8.
        let buckets = self.entries.capacity() / 7 * 8;
        buckets * (size_of::<(Subject, S)>() + 1) + self.ring.capacity() * size_of::<Subject>()
    }
}
