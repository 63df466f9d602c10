//! Guardrails that the proxy measures itself, watched while requests are served.
//!
//! A sequence that is valid at any time is fed with values that are final, in the order of entry. So
//! a unit is watched for a window of fixed length from when it was first seen, the same in every arm,
//! and counts once, when that is over.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::guard::Guard;
use super::kept::{Kept, KeptGuard};
use crate::audit::{Population, UnitName, UnitSums};
use crate::experiment::metric::{Metric, Role};
use crate::experiment::register::{Key, Known};
use crate::experiment::settings::{Arm, Experiment, Switchback, UnitKind};
use crate::stats::Level;

/// The most units that are watched at one time. Past it others are not, whatever their arm.
const MOST_WATCHED: usize = 1 << 17;

/// What is watched of an experiment.
#[derive(Debug)]
pub(super) struct Guards {
    guards: Vec<Guard>,
    watched: HashMap<Key, Watched>,
    /// Seconds that a unit is watched.
    window: i64,
    /// From when on units count that are new, in seconds since the epoch.
    since: i64,
    /// When windows were last closed, in seconds since the epoch: those that were over then are over.
    closed: i64,
    /// Without so many units in each arm nothing is concluded.
    least_units: u64,
    /// `None` if there is no such level, so that nothing is concluded.
    level: Option<Level>,
    /// The arms, each with the revision of its policy.
    arms: Vec<(String, String)>,
    /// Of each arm but the control, how many of the units of both are in it.
    chances: Vec<f64>,
    /// Seconds of a slot of time, where those are the units.
    slot: Option<i64>,
}

#[derive(Debug)]
pub(super) struct Watched {
    pub(super) met: UnitSums,
    pub(super) arm: usize,
    pub(super) population: Population,
    /// The end of its window.
    pub(super) until: i64,
}

/// What is known of a guardrail in an arm.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) metric: String,
    pub(super) arm: String,
    /// Units of the control arm and of this one.
    pub(super) units: (u64, u64),
    /// Harm beyond the margin, and what it is at least, at any time.
    pub(super) excess: Option<(f64, f64)>,
}

impl Guards {
    pub(super) fn new(experiment: &Experiment, window: Duration, now: Timestamp) -> Self {
        let arms = experiment.arms.iter();
        let arms = arms.map(|arm| (arm.name.to_string(), arm.policy.revision.to_string()));
        let arms: Vec<_> = arms.collect();
        let slot = match experiment.unit {
            UnitKind::Slot(Switchback { slot, .. }) => i64::try_from(slot.as_secs()).ok(),
            _ => None,
        };
        let is_watched = |it: &&Metric| it.role == Role::Guardrail && !it.is_outcome();
        let guards: Vec<Guard> = experiment
            .metrics
            .iter()
            .filter(is_watched)
            .map(|metric| Guard::new(metric, arms.len()))
            .collect();
        // Those of whom it counts are new, so that they came by these weights.
        let weight = |arm: &Arm| if arm.closed { 0.0 } else { f64::from(arm.weight) };
        let control = experiment.arms.first().map_or(0.0, weight);
        let chance = |arm: &Arm| weight(arm) / (weight(arm) + control);
        let chances = experiment.arms.iter().skip(1).map(chance).collect();
        // Alpha is shared among the guardrails, in every arm that has them.
        let statements = guards.len() * arms.len().saturating_sub(1);
        let statements = u32::try_from(statements.max(1)).unwrap_or(u32::MAX);
        let level = Level::new(experiment.alpha).ok();
        Self {
            guards,
            watched: HashMap::new(),
            window: i64::try_from(window.as_secs()).unwrap_or(i64::MAX),
            since: now.as_second(),
            closed: now.as_second(),
            least_units: experiment.least_units.into(),
            level: level.map(|it| it.shared_among(statements)),
            arms,
            chances,
            slot,
        }
    }

    /// What was found so far counts for nothing.
    pub(super) fn begin_anew(&mut self, now: Timestamp) {
        self.watched.clear();
        (self.since, self.closed) = (now.as_second(), now.as_second());
        for guard in &mut self.guards {
            *guard = Guard::new(&guard.metric, guard.arms.len());
        }
    }

    /// Goes on from what was found before a restart: `false`, and nothing of it counts, if something
    /// else was watched then. Units whose windows were open are left out, whatever their arm.
    pub(super) fn take_up(&mut self, kept: &Kept, resumed: Option<Timestamp>) -> bool {
        // A clock that was set back meanwhile has no unit counted twice.
        self.since = self.since.max(kept.closed);
        self.closed = self.since;
        if kept.resumed != resumed {
            // It was resumed, and nothing has been found since.
            return true;
        }
        let same = kept.window == self.window && kept.arms == self.arms;
        if !same || kept.guards.len() != self.guards.len() {
            return false;
        }
        let of = |(guard, kept): (&Guard, &KeptGuard)| kept.found(&guard.metric, self.arms.len());
        let Some(found) = self.guards.iter().zip(&kept.guards).map(of).collect::<Option<Vec<_>>>()
        else {
            return false;
        };
        for (guard, (arms, bets)) in self.guards.iter_mut().zip(found) {
            (guard.arms, guard.bets) = (arms, bets);
        }
        true
    }

    /// What has been found so far.
    pub(super) fn kept(&self, resumed: Option<Timestamp>) -> Kept {
        let of = |it: &Guard| KeptGuard::of(&it.metric, &it.arms, &it.bets);
        let guards = self.guards.iter().map(of).collect();
        let (window, arms, closed) = (self.window, self.arms.clone(), self.closed);
        Kept { window, arms, resumed, closed, guards }
    }

    /// A unit met so much since the last time.
    pub(super) fn add(&mut self, key: Key, known: &Known, met: &UnitSums) {
        let (Some(arm), Some(population)) = (known.arm, key.1) else { return };
        let first_seen = known.first_seen.as_second();
        let until = match (known.name, self.slot) {
            // A slot is over when it is, whatever of its beginning is left out.
            (UnitName::Slot(number), Some(slot)) => number.saturating_add(1).saturating_mul(slot),
            _ => first_seen.saturating_add(self.window),
        };
        if self.guards.is_empty() || first_seen < self.since || until <= self.closed {
            return;
        }
        if let Some(watched) = self.watched.get_mut(&key) {
            watched.met += met;
        } else if self.watched.len() < MOST_WATCHED {
            self.watched.insert(key, Watched { met: met.clone(), arm, population, until });
        }
    }

    /// A unit has become a part of another, and is none of its own.
    pub(super) fn forget(&mut self, part: &Known) {
        self.watched.remove(&(part.at, part.population));
    }

    /// Closes the windows that are over; whether any was.
    pub(super) fn close(&mut self, now: Timestamp) -> bool {
        let now = now.as_second();
        self.closed = self.closed.max(now);
        let open = self.watched.len();
        let (guards, chances) = (&mut self.guards, &self.chances);
        self.watched.retain(|_, watched| {
            let is_open = watched.until > now;
            if !is_open {
                guards.iter_mut().for_each(|guard| guard.take(watched, chances));
            }
            is_open
        });
        self.watched.len() < open
    }

    /// The first guardrail that is broken.
    pub(super) fn broken(&self) -> Option<Found> {
        self.found().into_iter().find(|found| found.excess.is_some_and(|(_, least)| least > 0.0))
    }

    /// What is known of each guardrail in each arm.
    pub(super) fn found(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for guard in &self.guards {
            let Some((control, others)) = guard.arms.split_first() else { continue };
            let treated = others.iter().zip(&guard.bets);
            for ((arm, _), (treated, bets)) in self.arms.iter().skip(1).zip(treated) {
                let units = (control.count(), treated.count());
                let enough = units.0.min(units.1) >= self.least_units.max(2);
                let level = self.level.filter(|_| enough);
                let excess = level.and_then(|it| guard.excess((control, treated), bets, it).ok());
                let (metric, arm) = (guard.metric.name.clone(), arm.clone());
                found.push(Found { metric, arm, units, excess });
            }
        }
        found
    }
}
