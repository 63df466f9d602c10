//! How units differed in the time before, and from day to day.

use std::collections::HashMap;

use super::PopulationBefore;
use crate::audit::{Population, UnitName};
use crate::experiment::Metric;
use crate::experiment::analysis::outcome::Outcomes;
use crate::experiment::analysis::part::Unit;
use crate::experiment::analysis::sample::scaled;
use crate::experiment::analysis::units::Units;
use crate::stats::{Moments, StatsError};

/// The units of a population in the time before.
pub(super) struct Baseline<'a> {
    units: &'a Units,
    outcomes: HashMap<UnitName, Outcomes>,
    members: Vec<(UnitName, &'a Unit)>,
    pub(super) told: PopulationBefore,
}

/// The values of a metric in the time before.
pub(super) struct Spread {
    pub(super) units: u64,
    pub(super) mean: f64,
    /// Of units' values over all of the time before.
    pub(super) variance: f64,
    /// What of it lies between units, however long they are watched.
    pub(super) between: f64,
    /// Of the value of one day about that.
    pub(super) per_day: f64,
}

impl<'a> Baseline<'a> {
    pub(super) fn of(units: &'a Units, population: Population) -> Self {
        let mut members: Vec<(UnitName, &Unit)> = units
            .iter()
            .filter(|(_, unit)| unit.population == Some(population))
            .map(|((name, _), unit)| (*name, unit))
            .collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        let first = |unit: &Unit| unit.rows.iter().next().map(|(day, _)| day);
        let last = |unit: &Unit| unit.rows.iter().last().map(|(day, _)| day);
        let begin = members.iter().filter_map(|(_, unit)| first(unit)).min().unwrap_or(0);
        let end = members.iter().filter_map(|(_, unit)| last(unit)).max().unwrap_or(0);
        let on_first_day = members.iter().filter(|(_, unit)| first(unit) == Some(begin)).count();
        let told = PopulationBefore {
            population,
            units: members.len() as u64,
            on_first_day: on_first_day as u64,
            days: u32::from(end - begin) + 1,
        };
        let (outcomes, _) = units.outcomes_by_unit(&units.joined(u16::MAX));
        Self { units, outcomes, members, told }
    }

    pub(super) fn spread(&self, number: u16, metric: &Metric) -> Result<Spread, StatsError> {
        let (mut values, mut within, mut days) = (Moments::default(), Moments::default(), 0.0);
        for (name, unit) in &self.members {
            let Some(value) = self.value(number, metric, *name, unit) else {
                continue;
            };
            values.push(scaled(metric, value))?;
            if !is_total(metric) {
                let mut daily = Moments::default();
                for (_, met) in self.units.by_period(unit) {
                    if let Some(value) = metric.value(&met) {
                        daily.push(scaled(metric, value))?;
                    }
                }
                days += daily.count() as f64;
                if let Some(variance) = daily.variance() {
                    within.push(variance)?;
                }
            }
        }
        let units = values.count();
        let Some(variance) = values.variance().filter(|_| units >= 3) else {
            let method = "a plan from the time before";
            return Err(StatsError::TooFewUnits { method, needed: 3, found: units });
        };
        if variance == 0.0 {
            return Err(StatsError::NoVariation { name: "the value in the time before" });
        }
        // What of the variance would be gone if units were watched for ever.
        let per_day = within.mean();
        let mean_days = (days / units as f64).max(1.0);
        let between = (variance - per_day / mean_days).max(variance * 0.01);
        Ok(Spread { units, mean: values.mean(), variance, between, per_day })
    }

    fn value(&self, number: u16, metric: &Metric, name: UnitName, unit: &Unit) -> Option<f64> {
        if metric.is_outcome() {
            let none = Outcomes::default();
            let outcomes = self.outcomes.get(&name).unwrap_or(&none);
            // Outcomes of the time before are not kept by the day.
            outcomes.value(number, metric, ..)
        } else {
            metric.value(&self.units.met(unit, 0..u16::MAX))
        }
    }
}

/// Whether a unit's value grows with time, so that it is of no day.
fn is_total(metric: &Metric) -> bool {
    let grows = !metric.name.ends_with("_share") && !metric.name.ends_with("_ms");
    grows || metric.is_outcome()
}
