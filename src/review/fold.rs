//! How many accounts met what: from the entries of each account to counts over all.

use std::collections::HashMap;
use std::hash::Hash;

use super::look::{Fate, Kind};
use super::tally::{AccountKey, Met, Tally, has, met};
use crate::audit::RefusedBy;
use crate::policy::Countermeasure;

/// Refusals, by whatever.
pub(super) const REFUSALS: [Fate; 3] = [
    Fate::Refused(RefusedBy::Policy),
    Fate::Refused(RefusedBy::Limit),
    Fate::Refused(RefusedBy::Unread),
];

/// Accounts by what they met, as far as they are kept.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    all: u64,
    spared: u64,
    kinds: HashMap<Kind, [u64; Fate::COUNT]>,
    grades: HashMap<u8, [u64; Fate::COUNT]>,
    days: HashMap<(i32, u8), [u64; Fate::COUNT]>,
    refused: HashMap<(i32, u8), u64>,
    measured: HashMap<Countermeasure, u64>,
}

impl Accounts {
    pub(super) fn of(tally: &Tally) -> Self {
        let mut entries: Vec<_> = tally.accounts.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| key.account);
        let mut accounts = Self::default();
        for of_one in entries.chunk_by(|(one, _), (other, _)| one.account == other.account) {
            accounts.add(of_one);
        }
        accounts
    }

    fn add(&mut self, entries: &[(&AccountKey, &Met)]) {
        self.all += 1;
        each(entries, |key| key.kind, |kind, met| note(&mut self.kinds, kind, met));
        each(entries, |key| key.grade, |grade, met| note(&mut self.grades, grade, met));
        each(
            entries,
            |key| (key.day, key.grade),
            |day, met| {
                note(&mut self.days, day, met);
                if REFUSALS.into_iter().any(|fate| has(met, fate)) {
                    *self.refused.entry(day).or_default() += 1;
                }
            },
        );
        each(
            entries,
            |_| (),
            |(), all| {
                for countermeasure in Countermeasure::ALL {
                    if met(all, countermeasure) {
                        *self.measured.entry(countermeasure).or_default() += 1;
                    }
                }
            },
        );
        let unspared = |(key, met): &(&AccountKey, &Met)| {
            key.kind.is_to_be_spared() && has(met, Fate::Touched)
        };
        self.spared += u64::from(entries.iter().any(unspared));
    }

    /// All.
    pub(super) fn all(&self) -> u64 {
        self.all
    }

    /// To whom something was done though nothing may be.
    pub(super) fn unspared(&self) -> u64 {
        self.spared
    }

    pub(super) fn of_kind(&self, kind: Kind, fate: Fate) -> u64 {
        of(&self.kinds, kind, fate)
    }

    pub(super) fn of_grade(&self, grade: u8, fate: Fate) -> u64 {
        of(&self.grades, grade, fate)
    }

    pub(super) fn of_day(&self, day: i32, grade: u8, fate: Fate) -> u64 {
        of(&self.days, (day, grade), fate)
    }

    pub(super) fn refused_on(&self, day: i32, grade: u8) -> u64 {
        self.refused.get(&(day, grade)).copied().unwrap_or_default()
    }

    pub(super) fn measured(&self, countermeasure: Countermeasure) -> u64 {
        self.measured.get(&countermeasure).copied().unwrap_or_default()
    }
}

/// What an account met in each of its groups.
fn each<G: Copy + Ord>(
    entries: &[(&AccountKey, &Met)],
    group: impl Fn(&AccountKey) -> G,
    mut tell: impl FnMut(G, &Met),
) {
    let mut groups: Vec<(G, Met)> = entries.iter().map(|(key, met)| (group(key), **met)).collect();
    // A file may have made up an account that was there on a million days.
    groups.sort_unstable_by_key(|(group, _)| *group);
    for of_one in groups.chunk_by(|(one, _), (other, _)| one == other) {
        let mut sum = Met::default();
        of_one.iter().for_each(|(_, met)| sum.add(met));
        of_one.first().into_iter().for_each(|(group, _)| tell(*group, &sum));
    }
}

fn note<G: Eq + Hash>(counts: &mut HashMap<G, [u64; Fate::COUNT]>, group: G, met: &Met) {
    let counts = counts.entry(group).or_default();
    for (place, count) in counts.iter_mut().enumerate() {
        *count += u64::from(met.bits >> place & 1);
    }
}

fn of<G: Eq + Hash>(counts: &HashMap<G, [u64; Fate::COUNT]>, group: G, fate: Fate) -> u64 {
    let counts = counts.get(&group).and_then(|counts| counts.get(fate.place()));
    counts.copied().unwrap_or_default()
}
