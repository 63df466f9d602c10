//! The units of one part, and what one more line makes of them.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use indexmap::map::Entry;
use jiff::Timestamp;

use super::calendar::Calendar;
use super::rows::Rows;
use super::seen::Seen;
use super::sums::Columns;
use crate::audit::{
    ExperimentName, Exposure, KeyedHash, Population, UnitJoined, UnitName, UnitSummary, UnitSums,
};

/// By what lines are understood.
#[derive(Clone)]
pub(super) struct Terms {
    /// Whose lines count; `None` if everybody's do.
    pub(super) of: Option<ExperimentName>,
    pub(super) arms: Vec<String>,
    pub(super) metrics: Vec<String>,
    pub(super) calendar: Calendar,
    pub(super) columns: Columns,
}

/// Some of the units, by their names.
#[derive(Default)]
pub(super) struct Part {
    /// Entries without free places between them, which would take as much memory again.
    pub(super) units: IndexMap<Key, Unit>,
    /// Which unit an account belonged to when it was first exposed.
    members: HashMap<KeyedHash, (Timestamp, UnitName)>,
    /// Units that have become a part of another, with that.
    pub(super) joined: HashSet<(UnitName, UnitName)>,
    pub(super) seen: Seen,
}

/// A unit, as one of its population where it may be in two: a slot of time is used by everybody.
pub(super) type Key = (UnitName, Option<Population>);

/// One unit.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// Its arm, by its number; `None` for one that is held out.
    pub(super) arm: Option<u8>,
    pub(super) population: Option<Population>,
    pub(super) first_seen: Timestamp,
    pub(super) contaminated: bool,
    /// Lines of it name more than one arm.
    pub(super) moved: bool,
    pub(super) rows: Rows,
}

impl Part {
    /// Adds what a unit met.
    pub(super) fn add(&mut self, terms: &Terms, summary: UnitSummary) {
        let UnitSummary { time, experiment, unit, arm, population, first_seen, .. } = summary;
        if terms.of.as_ref().is_some_and(|of| *of != experiment) {
            self.seen.of_others += 1;
            return;
        }
        let arm = match (&terms.of, arm) {
            (Some(_), Some(arm)) => {
                let Some(number) = terms.arms.iter().position(|it| *it == arm) else {
                    self.seen.of_no_arm += 1;
                    return;
                };
                // A file has at most 16 arms.
                Some(number as u8)
            }
            _ => None,
        };
        self.seen.summaries += 1;
        let unit = self.meet(
            terms,
            key(unit, population),
            (first_seen, arm, population),
            time,
            summary.met,
        );
        unit.contaminated |= summary.contaminated;
    }

    /// Adds what a unit met at a moment.
    pub(super) fn meet(
        &mut self,
        terms: &Terms,
        key: Key,
        first: (Timestamp, Option<u8>, Option<Population>),
        time: Timestamp,
        mut met: UnitSums,
    ) -> &mut Unit {
        self.seen.until = self.seen.until.max(Some(time));
        let unit = self.unit(key, first);
        let kept = terms.columns.of_met(&mut met);
        unit.rows.add(terms.calendar.period(time), terms.columns.count(), &kept);
        unit
    }

    /// Adds a request about which the arms decide differently.
    pub(super) fn expose(&mut self, terms: &Terms, exposure: &Exposure) {
        let Exposure { time, experiment, principal, unit, carried_out, .. } = exposure;
        if terms.of.as_ref().is_some_and(|of| of != experiment) {
            self.seen.of_others += 1;
            return;
        }
        self.seen.exposures += 1;
        self.seen.until = self.seen.until.max(Some(*time));
        self.seen.carried_out_otherwise += u64::from(carried_out.is_some());
        if let UnitName::Cluster(_) = unit {
            self.member(principal.account, (*time, *unit));
        }
    }

    /// A unit has become a part of another.
    pub(super) fn join(&mut self, terms: &Terms, joined: &UnitJoined) {
        let UnitJoined { time: _, experiment, part, unit } = joined;
        if terms.of.as_ref().is_some_and(|of| of != experiment) {
            self.seen.of_others += 1;
            return;
        }
        self.joined.insert((*part, *unit));
    }

    fn member(&mut self, account: KeyedHash, first: (Timestamp, UnitName)) {
        let known = self.members.entry(account).or_insert(first);
        *known = first.min(*known);
    }

    /// The unit that an account belonged to when it was first exposed.
    pub(super) fn unit_of(&self, account: KeyedHash) -> Option<UnitName> {
        self.members.get(&account).map(|(_, unit)| *unit)
    }

    /// Adds what the same part of another shard had.
    pub(super) fn merge(&mut self, terms: &Terms, other: Self) {
        let Self { units, members, joined, seen } = other;
        self.joined.extend(joined);
        for (key, unit) in units {
            let Unit { arm, population, first_seen, contaminated, moved, rows } = unit;
            let own = self.unit(key, (first_seen, arm, population));
            own.contaminated |= contaminated;
            own.moved |= moved;
            own.rows.merge(&rows, terms.columns.count());
        }
        for (account, first) in members {
            self.member(account, first);
        }
        self.seen.merge(seen);
    }

    /// The unit as it is known, with what one more line says of it.
    fn unit(&mut self, key: Key, first: (Timestamp, Option<u8>, Option<Population>)) -> &mut Unit {
        let (first_seen, arm, population) = first;
        match self.units.entry(key) {
            Entry::Vacant(vacant) => vacant.insert(Unit {
                arm,
                population,
                first_seen,
                contaminated: false,
                moved: false,
                rows: Rows::default(),
            }),
            Entry::Occupied(occupied) => {
                let unit = occupied.into_mut();
                unit.moved |= unit.arm != arm;
                if first < (unit.first_seen, unit.arm, unit.population) {
                    (unit.first_seen, unit.arm, unit.population) = first;
                }
                unit
            }
        }
    }
}

pub(super) fn key(name: UnitName, population: Option<Population>) -> Key {
    match name {
        UnitName::Slot(_) => (name, population),
        _ => (name, None),
    }
}
