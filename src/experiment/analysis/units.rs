//! What is known of each unit, put together from lines in any order.
//!
//! Everything here adds up: of two lines, or of two shards, neither comes first. Sums are integers,
//! also those of outcomes, so that not even rounding depends on the order. What two lines disagree
//! about is settled by the one that was written first, and by the earlier first sight. So several threads may add lines at once, each to the
//! part that a line's unit is in, and whichever comes first the result is the same.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::calendar::Calendar;
use super::joined::Joined;
use super::outcome::{Outcome, Outcomes};
use super::part::{Key, Part, Terms, Unit, key};
use super::seen::Seen;
use super::sums::Columns;
use crate::audit::{
    ExperimentName, Exposure, Population, UnitJoined, UnitName, UnitSummary, UnitSums,
};
use crate::experiment::{Experiment, Metric};
use crate::secret::opaque_debug;

/// Parts of the units: so many that two threads seldom need the same.
const PARTS: usize = 64;

/// All units of an experiment, with what they met.
pub struct Units {
    terms: Terms,
    parts: Vec<Part>,
    pub(super) outcomes: HashMap<UnitName, Outcomes>,
    /// What was read of outcomes.
    seen: Seen,
}

opaque_debug!(Units);

/// Units to which lines are added, by any number of threads.
pub struct Filling<'u> {
    terms: &'u Terms,
    parts: Vec<Mutex<&'u mut Part>>,
}

opaque_debug!(Filling<'_>);

impl Units {
    /// None yet, of an experiment.
    #[must_use]
    pub fn of(experiment: &Experiment) -> Self {
        let Experiment { name, salt, arms, .. } = experiment;
        Self::with(Terms {
            of: Some(ExperimentName { name: name.clone(), salt: salt.clone() }),
            arms: arms.iter().map(|arm| arm.name.to_string()).collect(),
            ..terms(&experiment.metrics, Calendar::of(experiment))
        })
    }

    /// None yet, of the time before an experiment: whoever was there, whatever policy they met.
    #[must_use]
    pub fn before(experiment: &Experiment) -> Self {
        Self::with(terms(&experiment.metrics, Calendar::days(experiment)))
    }

    fn with(terms: Terms) -> Self {
        let parts = (0..PARTS).map(|_| Part::default()).collect();
        Self { terms, parts, outcomes: HashMap::new(), seen: Seen::default() }
    }

    /// None yet, of the same experiment: another shard's, to be merged.
    #[must_use]
    pub fn empty(&self) -> Self {
        Self::with(self.terms.clone())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.units.len()).sum()
    }

    /// To add lines to.
    #[must_use]
    pub fn filling(&mut self) -> Filling<'_> {
        Filling { terms: &self.terms, parts: self.parts.iter_mut().map(Mutex::new).collect() }
    }

    /// Adds an outcome that somebody else has measured.
    pub fn add_outcome(&mut self, outcome: &Outcome, experiment: &Experiment) {
        let Some(metric) = self.terms.metrics.iter().position(|it| *it == outcome.metric) else {
            self.seen.other_metrics += 1;
            return;
        };
        self.seen.outcomes += 1;
        // What comes late belongs to the last period; what came before, to none.
        let period = if outcome.time < experiment.start {
            Outcomes::BEFORE
        } else {
            self.terms.calendar.period(outcome.time)
        };
        // A file's metrics are a few.
        let metric = metric as u16;
        self.outcomes.entry(outcome.unit).or_default().add(metric, period, outcome.value);
    }

    /// Adds what another shard had.
    pub fn merge(&mut self, other: Self) {
        let Self { parts, outcomes, seen, .. } = other;
        for (own, part) in self.parts.iter_mut().zip(parts) {
            own.merge(&self.terms, part);
        }
        for (name, outcomes) in outcomes {
            self.outcomes.entry(name).or_default().merge(&outcomes);
        }
        self.seen.merge(seen);
    }

    /// Units that have become parts of others, as it was known after so many periods.
    pub(super) fn joined(&self, periods: u16) -> Joined {
        let all = self.parts.iter().flat_map(|part| &part.joined);
        let known = all.filter(|(_, period)| **period < periods);
        Joined::of(self, known.map(|(pair, _)| pair))
    }

    /// Until when something was seen by all clocks but those of one unit in a thousand, and of one more:
    /// a line whose clock is wrong brings no look about.
    pub(super) fn seen_until(&self) -> Option<Timestamp> {
        let mut last: Vec<i64> = self.iter().map(|(_, unit)| unit.last_seen).collect();
        let wrong = (last.len() / 1_000 + 1).min(last.len().checked_sub(1)?);
        let (_, until, _) = last.select_nth_unstable_by(wrong, |one, other| other.cmp(one));
        Timestamp::from_second(*until).ok()
    }

    /// Adds what one unit met to another.
    pub(super) fn add_rows(&self, to: &mut Unit, of: &Unit) {
        to.rows.merge(&of.rows, self.terms.columns.count());
    }

    /// Outcomes by the unit that they are of, and how many rows are of none.
    pub(super) fn outcomes_by_unit(&self, joined: &Joined) -> (HashMap<UnitName, Outcomes>, u64) {
        let mut found: HashMap<UnitName, Outcomes> = HashMap::new();
        let mut of_none = 0;
        let is_unit = |name: &UnitName| {
            [None, Some(Population::Harvesters), Some(Population::Legitimate)]
                .into_iter()
                .any(|population| self.unit((*name, population)).is_some())
        };
        for (name, outcomes) in &self.outcomes {
            let cluster = || match name {
                UnitName::Account(account) => self.part(*name)?.unit_of(*account),
                _ => None,
            };
            let unit = Some(*name).filter(is_unit).or_else(|| cluster().filter(is_unit));
            match unit {
                Some(unit) => found.entry(joined.whole(unit)).or_default().merge(outcomes),
                None => of_none += outcomes.rows(),
            }
        }
        (found, of_none)
    }

    /// Every unit, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Unit)> {
        self.parts.iter().flat_map(|part| &part.units)
    }

    pub(super) fn unit(&self, key: Key) -> Option<&Unit> {
        self.part(key.0)?.units.get(&key)
    }

    fn part(&self, name: UnitName) -> Option<&Part> {
        self.parts.get(place(name))
    }

    pub(super) fn calendar(&self) -> &Calendar {
        &self.terms.calendar
    }

    /// What was read, and what of it could not be used.
    pub(super) fn seen(&self) -> Seen {
        let mut seen = self.seen;
        self.parts.iter().for_each(|part| seen.merge(part.seen));
        seen
    }

    /// What a unit met in periods.
    pub(super) fn met(&self, unit: &Unit, periods: Range<u16>) -> UnitSums {
        let mut met = UnitSums::default();
        for (period, sums) in unit.rows.iter().take_while(|(period, _)| *period < periods.end) {
            if period >= periods.start {
                self.terms.columns.add_to(&mut met, &sums);
            }
        }
        met
    }

    /// What a unit met in each period in which it was there.
    pub(super) fn by_period(&self, unit: &Unit) -> impl Iterator<Item = (u16, UnitSums)> {
        unit.rows.iter().map(|(period, sums)| {
            let mut met = UnitSums::default();
            self.terms.columns.add_to(&mut met, &sums);
            (period, met)
        })
    }
}

impl Filling<'_> {
    /// Adds what a unit met.
    pub fn add(&self, summary: UnitSummary) {
        self.with(summary.unit, |part| part.add(self.terms, summary));
    }

    /// Adds a request about which the arms decide differently. What the unit met is in its summary.
    pub fn add_exposure(&self, exposure: &Exposure) {
        let account = UnitName::Account(exposure.principal.account);
        self.with(account, |part| part.expose(self.terms, exposure));
    }

    /// Adds that a unit has become a part of another.
    pub fn add_joined(&self, joined: &UnitJoined) {
        self.with(joined.part, |part| part.join(self.terms, joined));
    }

    /// Adds what a unit met at a moment of the time before.
    pub(super) fn add_met(
        &self,
        unit: UnitName,
        population: Option<Population>,
        time: Timestamp,
        met: UnitSums,
    ) {
        self.with(unit, |part| {
            part.meet(self.terms, key(unit, population), (time, None, population), time, met);
        });
    }

    fn with(&self, name: UnitName, add: impl FnOnce(&mut Part)) {
        if let Some(part) = self.parts.get(place(name)) {
            // Nothing panics under it.
            add(&mut part.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

fn terms(metrics: &[Metric], calendar: Calendar) -> Terms {
    Terms {
        of: None,
        arms: Vec::new(),
        metrics: metrics.iter().map(|metric| metric.name.clone()).collect(),
        calendar,
        columns: Columns::of(metrics),
    }
}

/// The part that a unit is in.
fn place(name: UnitName) -> usize {
    (name.number() % PARTS as u64) as usize
}
