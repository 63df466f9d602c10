//! The values of the units of an arm.

use std::collections::HashMap;

use super::Known;
use super::calendar::Look;
use super::joined::Joined;
use super::outcome::Outcomes;
use super::part::Unit;
use super::sums::ratio;
use super::units::Units;
use crate::audit::{Population, UnitName};
use crate::experiment::{Experiment, Metric, Scale};

/// The units of a population, in an order that does not depend on that of the lines.
pub(super) struct Studied<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) units: &'a Units,
    pub(super) before: Option<&'a Units>,
    pub(super) outcomes: &'a HashMap<UnitName, Outcomes>,
    pub(super) look: Look,
    members: Vec<(UnitName, &'a Unit)>,
}

/// The values of one arm.
#[derive(Debug, Default)]
pub(super) struct Sample {
    pub(super) values: Vec<f64>,
    /// Whether each is of a unit that nothing is wrong with.
    pub(super) clean: Vec<bool>,
    /// Each unit's value before the experiment, where it is known.
    pub(super) before: Vec<Option<f64>>,
    /// Numerators and denominators of the ratio per request.
    pub(super) ratios: Vec<(f64, f64)>,
    /// Units without a value.
    pub(super) without: u64,
    /// Units whose value counts as one on a scale of logarithms, and is less.
    pub(super) below_one: u64,
}

/// What a comparison is of.
#[derive(Clone, Copy)]
pub(super) struct Compared<'a> {
    /// The metric's number in the file.
    pub(super) number: u16,
    pub(super) metric: &'a Metric,
}

impl<'a> Studied<'a> {
    pub(super) fn new(
        experiment: &'a Experiment,
        (units, joined): (&'a Units, &'a Joined),
        known: Known<'a>,
        outcomes: &'a HashMap<UnitName, Outcomes>,
        look: Look,
        population: Population,
    ) -> Self {
        let mut members: Vec<(UnitName, &Unit)> = joined
            .iter(units)
            .filter(|(_, unit)| unit.population == Some(population))
            .filter(|(_, unit)| unit.first_seen <= look.until && unit.known_in < look.periods)
            .filter(|(_, unit)| known.since.is_none_or(|since| unit.first_seen >= since))
            .map(|((name, _), unit)| (*name, unit))
            .collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        Self { experiment, units, before: known.before, outcomes, look, members }
    }

    /// The units of an arm; `None` for those that are held out.
    pub(super) fn of_arm(&self, arm: Option<u8>) -> impl Iterator<Item = (UnitName, &'a Unit)> {
        self.members.iter().copied().filter(move |(_, unit)| unit.arm == arm)
    }

    /// The units of an arm beside another, with the period in which each was first seen: of a closed
    /// arm's rivals only those count that were there before it was closed, since later ones could not
    /// have come into it.
    pub(super) fn beside(
        &self,
        arm: u8,
        rival: u8,
    ) -> impl Iterator<Item = (UnitName, &'a Unit, u16)> {
        let closed = self.experiment.arms.get(usize::from(rival)).is_some_and(|arm| arm.closed);
        let last = if closed {
            self.of_arm(Some(rival)).map(|(_, unit)| unit.first_seen).max()
        } else {
            None
        };
        let calendar = *self.units.calendar();
        self.of_arm(Some(arm))
            .filter(move |(_, unit)| last.is_none_or(|last| unit.first_seen <= last))
            .map(move |(name, unit)| (name, unit, calendar.period(unit.first_seen)))
    }

    /// The values of an arm beside another, up to the look.
    pub(super) fn sample(&self, of: Compared<'_>, arm: u8, rival: u8) -> Sample {
        let periods = self.look.periods;
        let mut sample = Sample::default();
        for (name, unit, _) in self.beside(arm, rival).filter(|(_, _, seen)| *seen < periods) {
            let met = (!of.metric.is_outcome()).then(|| self.units.met(unit, 0..periods));
            let value = match &met {
                Some(met) => of.metric.value(met),
                None => self.outcome(of, name, 0..periods),
            };
            let Some(value) = value else {
                sample.without += 1;
                continue;
            };
            sample.below_one += u64::from(of.metric.scale == Scale::Log && value < 1.0);
            sample.values.push(scaled(of.metric, value));
            let clean = !unit.is_contaminated(periods) && !unit.has_moved(periods);
            sample.clean.push(clean);
            sample.before.push(self.value_before(of, name).map(|it| scaled(of.metric, it)));
            sample.ratios.extend(met.and_then(|met| ratio(of.metric, &met)));
        }
        sample
    }

    /// What somebody else has measured of a unit in periods.
    pub(super) fn outcome(
        &self,
        of: Compared<'_>,
        name: UnitName,
        periods: std::ops::Range<u16>,
    ) -> Option<f64> {
        let none = Outcomes::default();
        self.outcomes.get(&name).unwrap_or(&none).value(of.number, of.metric, periods)
    }

    fn value_before(&self, of: Compared<'_>, name: UnitName) -> Option<f64> {
        if of.metric.is_outcome() {
            self.outcomes.get(&name)?.before(of.number, of.metric)
        } else {
            let before = self.before?;
            let unit = before.unit((name, None))?;
            of.metric.value(&before.met(unit, 0..u16::MAX))
        }
    }
}

/// A unit's value on the scale on which units are averaged.
pub(in crate::experiment) fn scaled(metric: &Metric, value: f64) -> f64 {
    let value = metric.cap.map_or(value, |cap| value.min(cap.get() as f64));
    match metric.scale {
        Scale::Linear => value,
        Scale::Log => value.max(1.0).ln(),
    }
}

/// The least and the largest value, where they are known beforehand.
pub(in crate::experiment) fn bounds(metric: &Metric) -> Option<(f64, f64)> {
    let highest = match metric.cap {
        Some(cap) => cap.get() as f64,
        None if metric.name.ends_with("_share") && !metric.is_outcome() => 1.0,
        None if metric.label.is_some() => 1.0,
        None => return None,
    };
    Some((0.0, scaled(metric, highest)))
}

impl Sample {
    /// Those that nothing is wrong with.
    pub(super) fn clean_values(&self) -> Vec<f64> {
        let clean = self.values.iter().zip(&self.clean).filter(|(_, clean)| **clean);
        clean.map(|(value, _)| *value).collect()
    }
}
