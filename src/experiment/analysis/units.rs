//! What is known of each unit, put together from lines in any order.
//!
//! Everything here adds up: of two lines, or of two shards, neither comes first. Sums are integers,
//! also those of outcomes, so that not even rounding depends on the order. What two lines disagree
//! about is settled by the earlier first sight.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::Timestamp;

use super::calendar::Calendar;
use super::outcome::{Outcome, Outcomes};
use super::seen::Seen;
use super::sums::{Columns, Met};
use crate::audit::{
    ExperimentName, Exposure, KeyedHash, Population, UnitName, UnitSummary, UnitSums,
};
use crate::experiment::{Experiment, Metric};
use crate::secret::opaque_debug;

/// All units of an experiment, with what they met.
pub struct Units {
    of: Option<ExperimentName>,
    arms: Vec<String>,
    metrics: Vec<String>,
    pub(super) calendar: Calendar,
    pub(super) columns: Columns,
    pub(super) units: HashMap<Key, Unit>,
    pub(super) outcomes: HashMap<UnitName, Outcomes>,
    /// Which unit an account belonged to when it was first exposed.
    members: HashMap<KeyedHash, (Timestamp, UnitName)>,
    pub(super) seen: Seen,
}

opaque_debug!(Units);

/// A unit, as one of its population where it may be in two: a slot of time is used by everybody.
pub(super) type Key = (UnitName, Option<Population>);

/// One unit.
#[derive(Debug)]
pub(super) struct Unit {
    /// Its arm, by its number; `None` for one that is held out.
    pub(super) arm: Option<u8>,
    pub(super) population: Option<Population>,
    pub(super) first_seen: Timestamp,
    pub(super) contaminated: bool,
    /// Lines of it name more than one arm.
    pub(super) moved: bool,
    pub(super) periods: Vec<Met>,
}

impl Units {
    /// None yet, of an experiment.
    #[must_use]
    pub fn of(experiment: &Experiment) -> Self {
        let Experiment { name, salt, arms, metrics, .. } = experiment;
        Self {
            of: Some(ExperimentName { name: name.clone(), salt: salt.clone() }),
            arms: arms.iter().map(|arm| arm.name.to_string()).collect(),
            ..Self::with(metrics, Calendar::of(experiment))
        }
    }

    /// None yet, of the time before an experiment: whoever was there, whatever policy they met.
    #[must_use]
    pub fn before(experiment: &Experiment) -> Self {
        Self::with(&experiment.metrics, Calendar::days())
    }

    fn with(metrics: &[Metric], calendar: Calendar) -> Self {
        Self {
            of: None,
            arms: Vec::new(),
            metrics: metrics.iter().map(|metric| metric.name.clone()).collect(),
            calendar,
            columns: Columns::of(metrics),
            units: HashMap::new(),
            outcomes: HashMap::new(),
            members: HashMap::new(),
            seen: Seen::default(),
        }
    }

    /// None yet, of the same experiment: another shard's, to be merged.
    #[must_use]
    pub fn empty(&self) -> Self {
        Self {
            of: self.of.clone(),
            arms: self.arms.clone(),
            metrics: self.metrics.clone(),
            calendar: self.calendar,
            columns: self.columns.clone(),
            units: HashMap::new(),
            outcomes: HashMap::new(),
            members: HashMap::new(),
            seen: Seen::default(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Adds what a unit met.
    pub fn add(&mut self, summary: UnitSummary) {
        let UnitSummary { time, experiment, unit, arm, population, first_seen, .. } = summary;
        if self.of.as_ref().is_some_and(|of| *of != experiment) {
            self.seen.of_others += 1;
            return;
        }
        let arm = match (&self.of, arm) {
            (Some(_), Some(arm)) => {
                let Some(number) = self.arms.iter().position(|it| *it == arm) else {
                    self.seen.of_no_arm += 1;
                    return;
                };
                // A file has at most 16 arms.
                Some(number as u8)
            }
            _ => None,
        };
        let period = self.calendar.period(time);
        self.seen.summaries += 1;
        self.seen.until = self.seen.until.max(Some(time));
        let key = key(unit, population);
        let mut met = summary.met;
        let unit = unit_of(&mut self.units, key, arm, population, first_seen);
        unit.contaminated |= summary.contaminated;
        self.columns.add(&mut unit.periods, period, &mut met);
    }

    /// Adds what a unit met at a moment of the time before.
    pub(super) fn add_met(
        &mut self,
        unit: UnitName,
        population: Option<Population>,
        time: Timestamp,
        mut met: UnitSums,
    ) {
        let period = self.calendar.period(time);
        self.seen.until = self.seen.until.max(Some(time));
        let unit = unit_of(&mut self.units, key(unit, population), None, population, time);
        self.columns.add(&mut unit.periods, period, &mut met);
    }

    /// Adds a request about which the arms decide differently. What the unit met is in its summary.
    pub fn add_exposure(&mut self, exposure: &Exposure) {
        let Exposure { time, experiment, principal, unit, carried_out, .. } = exposure;
        if self.of.as_ref().is_some_and(|of| of != experiment) {
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

    fn member(&mut self, account: KeyedHash, first: (Timestamp, UnitName)) {
        let known = self.members.entry(account).or_insert(first);
        *known = first.min(*known);
    }

    /// Adds an outcome that somebody else has measured.
    pub fn add_outcome(&mut self, outcome: &Outcome, experiment: &Experiment) {
        let Some(metric) = self.metrics.iter().position(|it| *it == outcome.metric) else {
            self.seen.other_metrics += 1;
            return;
        };
        self.seen.outcomes += 1;
        // What comes late belongs to the last period; what came before, to none.
        let period = if outcome.time < experiment.start {
            Outcomes::BEFORE
        } else {
            self.calendar.period(outcome.time)
        };
        // A file's metrics are a few.
        let metric = metric as u16;
        self.outcomes.entry(outcome.unit).or_default().add(metric, period, outcome.value);
    }

    /// Adds what another shard had.
    pub fn merge(&mut self, other: Self) {
        let Self { units, outcomes, members, seen, .. } = other;
        for ((name, population), unit) in units {
            let Unit { arm, population: studied, first_seen, contaminated, moved, periods } = unit;
            let own = unit_of(&mut self.units, (name, population), arm, studied, first_seen);
            own.contaminated |= contaminated;
            own.moved |= moved;
            for met in &periods {
                self.columns.merge(&mut own.periods, met);
            }
        }
        for (name, outcomes) in outcomes {
            self.outcomes.entry(name).or_default().merge(&outcomes);
        }
        for (account, first) in members {
            self.member(account, first);
        }
        self.seen.merge(seen);
    }

    /// Outcomes by the unit that they are of, and how many rows are of none.
    pub(super) fn outcomes_by_unit(&self) -> (HashMap<UnitName, Outcomes>, u64) {
        let mut found: HashMap<UnitName, Outcomes> = HashMap::new();
        let mut of_none = 0;
        let is_unit = |name: &UnitName| {
            [None, Some(Population::Harvesters), Some(Population::Legitimate)]
                .into_iter()
                .any(|population| self.units.contains_key(&(*name, population)))
        };
        for (name, outcomes) in &self.outcomes {
            let cluster = || match name {
                UnitName::Account(account) => self.members.get(account).map(|(_, unit)| *unit),
                _ => None,
            };
            let unit = Some(*name).filter(is_unit).or_else(|| cluster().filter(is_unit));
            match unit {
                Some(unit) => found.entry(unit).or_default().merge(outcomes),
                None => of_none += outcomes.rows(),
            }
        }
        (found, of_none)
    }

    /// What a unit met in periods.
    pub(super) fn met(&self, unit: &Unit, periods: std::ops::Range<u16>) -> UnitSums {
        let mut met = UnitSums::default();
        for period in unit.periods.iter().filter(|it| periods.contains(&it.period)) {
            self.columns.add_to(&mut met, period);
        }
        met
    }
}

fn key(name: UnitName, population: Option<Population>) -> Key {
    match name {
        UnitName::Slot(_) => (name, population),
        _ => (name, None),
    }
}

/// The unit as it is known, with what one more line says of it.
fn unit_of(
    units: &mut HashMap<Key, Unit>,
    key: Key,
    arm: Option<u8>,
    population: Option<Population>,
    first_seen: Timestamp,
) -> &mut Unit {
    match units.entry(key) {
        Entry::Vacant(vacant) => vacant.insert(Unit {
            arm,
            population,
            first_seen,
            contaminated: false,
            moved: false,
            periods: Vec::new(),
        }),
        Entry::Occupied(occupied) => {
            let unit = occupied.into_mut();
            unit.moved |= unit.arm != arm;
            let other = (first_seen, arm, population);
            if other < (unit.first_seen, unit.arm, unit.population) {
                (unit.first_seen, unit.arm, unit.population) = other;
            }
            unit
        }
    }
}
