//! The units of one part, and what one more line makes of them.

use std::collections::HashMap;

use indexmap::IndexMap;
use indexmap::map::Entry;
use jiff::Timestamp;

use super::calendar::Calendar;
use super::named::Named;
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
    /// Units that have become a part of another, with that, and the period in which it was told first.
    pub(super) joined: HashMap<(UnitName, UnitName), u16>,
    pub(super) seen: Seen,
}

/// A unit, as one of its population where it may be in two: a slot of time is used by everybody.
pub(super) type Key = (UnitName, Option<Population>);

/// One unit. Its arm, its population and its first sight are those of the line that was written first,
/// so that what is written after a look changes none of them; of lines of one period, those of the
/// earlier first sight.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// The period of that line.
    pub(super) known_in: u16,
    /// Its arm, by its number; `None` for one that is held out.
    pub(super) arm: Option<u8>,
    pub(super) population: Option<Population>,
    pub(super) first_seen: Timestamp,
    /// The end of the last time of which something is summed up, in seconds since the epoch.
    pub(super) last_seen: i64,
    /// The period in which it was first told that accounts of other arms belong to it.
    pub(super) contaminated_in: Option<u16>,
    /// The arms that lines of it name.
    pub(super) named: Named,
    pub(super) rows: Rows,
}

impl Unit {
    /// Whether it was known after so many periods that accounts of other arms belong to it: what is
    /// learnt later changes no look that has been.
    pub(super) fn is_contaminated(&self, periods: u16) -> bool {
        self.contaminated_in.is_some_and(|period| period < periods)
    }

    /// Whether lines of so many periods name more than one arm.
    pub(super) fn has_moved(&self, periods: u16) -> bool {
        self.named.several_in().is_some_and(|period| period < periods)
    }
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
        if summary.contaminated {
            unit.contaminated_in = earlier(unit.contaminated_in, Some(terms.calendar.period(time)));
        }
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
        let period = terms.calendar.period(time);
        let unit = self.unit(key, (period, first));
        unit.last_seen = unit.last_seen.max(time.as_second());
        unit.named.add(period, first.1);
        let kept = terms.columns.of_met(&mut met);
        unit.rows.add(period, terms.columns.count(), &kept);
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
        self.seen.carried_out_otherwise += u64::from(carried_out.is_some());
        if let UnitName::Cluster(_) = unit {
            self.member(principal.account, (*time, *unit));
        }
    }

    /// A unit has become a part of another.
    pub(super) fn join(&mut self, terms: &Terms, joined: &UnitJoined) {
        let UnitJoined { time, experiment, part, unit } = joined;
        if terms.of.as_ref().is_some_and(|of| of != experiment) {
            self.seen.of_others += 1;
            return;
        }
        self.join_in(terms.calendar.period(*time), (*part, *unit));
    }

    fn join_in(&mut self, period: u16, pair: (UnitName, UnitName)) {
        let known = self.joined.entry(pair).or_insert(period);
        *known = period.min(*known);
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
        for (pair, period) in joined {
            self.join_in(period, pair);
        }
        for (key, unit) in units {
            let Unit {
                known_in,
                arm,
                population,
                first_seen,
                last_seen,
                contaminated_in,
                named,
                rows,
            } = unit;
            let own = self.unit(key, (known_in, (first_seen, arm, population)));
            own.last_seen = own.last_seen.max(last_seen);
            own.contaminated_in = earlier(own.contaminated_in, contaminated_in);
            own.named.merge(named);
            own.rows.merge(&rows, terms.columns.count());
        }
        for (account, first) in members {
            self.member(account, first);
        }
        self.seen.merge(seen);
    }

    /// The unit as it is known, with what one more line says of it.
    fn unit(
        &mut self,
        key: Key,
        first: (u16, (Timestamp, Option<u8>, Option<Population>)),
    ) -> &mut Unit {
        let (known_in, (first_seen, arm, population)) = first;
        match self.units.entry(key) {
            Entry::Vacant(vacant) => vacant.insert(Unit {
                known_in,
                arm,
                population,
                first_seen,
                last_seen: i64::MIN,
                contaminated_in: None,
                named: Named::default(),
                rows: Rows::default(),
            }),
            Entry::Occupied(occupied) => {
                let unit = occupied.into_mut();
                if first < (unit.known_in, (unit.first_seen, unit.arm, unit.population)) {
                    unit.known_in = known_in;
                    (unit.first_seen, unit.arm, unit.population) = (first_seen, arm, population);
                }
                unit
            }
        }
    }
}

/// The earlier of two periods, where either is known.
pub(super) fn earlier(one: Option<u16>, other: Option<u16>) -> Option<u16> {
    one.into_iter().chain(other).min()
}

pub(super) fn key(name: UnitName, population: Option<Population>) -> Key {
    match name {
        UnitName::Slot(_) => (name, population),
        _ => (name, None),
    }
}
