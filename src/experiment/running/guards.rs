//! Guardrails that the proxy measures itself, watched while requests are served.
//!
//! A sequence that is valid at any time is fed with values that are final, in the order of entry. So
//! a unit is watched for a window of fixed length from when it was first seen, the same in every arm,
//! and counts once, when that is over.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::kept::{Kept, KeptGuard};
use crate::audit::{Population, UnitName, UnitSums};
use crate::experiment::analysis::{bounds, margin_on_scale, scaled};
use crate::experiment::metric::{Better, Metric, Role, Scale};
use crate::experiment::register::{Key, Known};
use crate::experiment::settings::{Experiment, Switchback, UnitKind};
use crate::stats::{
    Alternative, AsymptoticSequence, BoundedSequence, Guardrail, Harm, LEAST_UNITS, Level, Margin,
    Moments, StatsError,
};

/// The most units that are watched at one time. Past it others are not, whatever their arm.
const MOST_WATCHED: usize = 1 << 17;

/// Units for which a sequence is about narrowest.
const INTENDED_UNITS: f64 = 1_000.0;

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
    /// Seconds of a slot of time, where those are the units.
    slot: Option<i64>,
}

/// One guardrail, with what is known of each arm.
#[derive(Debug)]
struct Guard {
    metric: Metric,
    arms: Vec<Moments>,
}

#[derive(Debug)]
struct Watched {
    met: UnitSums,
    arm: usize,
    population: Population,
    /// The end of its window.
    until: i64,
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
            .map(|metric| Guard {
                metric: metric.clone(),
                arms: vec![Moments::default(); arms.len()],
            })
            .collect();
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
            slot,
        }
    }

    /// What was found so far counts for nothing.
    pub(super) fn begin_anew(&mut self, now: Timestamp) {
        self.watched.clear();
        (self.since, self.closed) = (now.as_second(), now.as_second());
        for guard in &mut self.guards {
            guard.arms.fill(Moments::default());
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
        let of = |(guard, kept): (&Guard, &KeptGuard)| {
            kept.moments(&guard.metric).filter(|arms| arms.len() == self.arms.len())
        };
        let Some(found) = self.guards.iter().zip(&kept.guards).map(of).collect::<Option<Vec<_>>>()
        else {
            return false;
        };
        self.guards.iter_mut().zip(found).for_each(|(guard, arms)| guard.arms = arms);
        true
    }

    /// What has been found so far.
    pub(super) fn kept(&self, resumed: Option<Timestamp>) -> Kept {
        let guards = self.guards.iter().map(|it| KeptGuard::of(&it.metric, &it.arms)).collect();
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
        let guards = &mut self.guards;
        self.watched.retain(|_, watched| {
            let is_open = watched.until > now;
            if !is_open {
                guards.iter_mut().for_each(|guard| guard.take(watched));
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
            for ((arm, _), treated) in self.arms.iter().skip(1).zip(others) {
                let units = (control.count(), treated.count());
                let enough = units.0.min(units.1) >= self.least_units.max(2);
                let level = self.level.filter(|_| enough);
                let excess = level.and_then(|it| guard.excess(control, treated, it).ok());
                let (metric, arm) = (guard.metric.name.clone(), arm.clone());
                found.push(Found { metric, arm, units, excess });
            }
        }
        found
    }
}

impl Guard {
    /// Takes the value of a unit whose window is over.
    fn take(&mut self, watched: &Watched) {
        if watched.population != self.metric.population {
            return;
        }
        let Some(value) = self.metric.value(&watched.met) else { return };
        let taken = scaled(&self.metric, value);
        if let Some(arm) = self.arms.get_mut(watched.arm) {
            // What cannot be summed is left out.
            let _summed = arm.push(taken);
        }
    }

    /// Harm beyond the margin, and what it is at least.
    fn excess(
        &self,
        control: &Moments,
        treated: &Moments,
        level: Level,
    ) -> Result<(f64, f64), StatsError> {
        let metric = &self.metric;
        let harm = match metric.better {
            Better::Lower => Harm::Increase,
            Better::Higher => Harm::Decrease,
        };
        let (share, mean) = (metric.margin.unwrap_or_default(), control.mean());
        let margin = match metric.scale {
            // It is not known either.
            Scale::Linear if mean > 0.0 => Margin::Relative(share),
            _ => Margin::Absolute(margin_on_scale(metric, share, mean)),
        };
        let guardrail = Guardrail::new(harm, margin)?;
        let range = bounds(metric);
        // Where both kinds of sequence can be had, each may err half as often.
        let level = level.shared_among(if range.is_some() { 2 } else { 1 });
        let bounded = range.map(|(low, high)| -> Result<_, StatsError> {
            let sequence = BoundedSequence::new(low, high, level.shared_among(2))?;
            let within =
                guardrail.excess_within(&sequence.mean(control)?, &sequence.mean(treated)?);
            Ok((f64::midpoint(within.low, within.high), within.low))
        });
        let many = control.count().min(treated.count()) >= LEAST_UNITS;
        let asymptotic = many.then(|| -> Result<_, StatsError> {
            let excess = guardrail.excess(control, treated)?;
            let sequence =
                AsymptoticSequence::tuned_for(INTENDED_UNITS, Alternative::Greater, level)?;
            let found = sequence.at(&excess)?;
            Ok((found.estimate, found.interval.low))
        });
        // The one that knows more; values that are all alike have no variance to go by.
        match (asymptotic, bounded) {
            (Some(Ok(one)), Some(Ok(other))) => Ok((one.0, one.1.max(other.1))),
            (Some(Ok(one)), _) | (_, Some(Ok(one))) => Ok(one),
            (Some(error), _) | (None, Some(error)) => error,
            (None, None) => Err(StatsError::TooFewUnits {
                method: "a guardrail whose values have no bound",
                needed: LEAST_UNITS,
                found: control.count().min(treated.count()),
            }),
        }
    }
}
