//! Outcomes that somebody else has measured, per unit and metric.

use std::ops::RangeBounds;

use jiff::Timestamp;

use crate::audit::UnitName;
use crate::experiment::{Metric, Rows};
use crate::secret::opaque_debug;

/// One row of an outcome file.
#[derive(Clone, PartialEq)]
pub struct Outcome {
    /// Of whom. An account's outcomes are those of its cluster where that is the unit.
    pub unit: UnitName,
    /// When it was, or was known.
    pub time: Timestamp,
    /// Which metric.
    pub metric: String,
    /// How much.
    pub value: Value,
}

opaque_debug!(Outcome);

/// A value whose sums are the same in any order: a whole number of 2⁻⁵⁰.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(i128);

/// A value is no number, or too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a value is a number of at most 1e12 in size")]
pub struct ValueError;

/// The sums of one unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcomes(Vec<Sum>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sum {
    metric: u16,
    period: u16,
    sum: i128,
    rows: u64,
}

impl Value {
    /// So many make one.
    const ONE: f64 = (1_u64 << 50) as f64;

    /// The value nearest to a number.
    ///
    /// # Errors
    /// A number that is not finite, or larger than 1e12 in size.
    pub fn new(number: f64) -> Result<Self, ValueError> {
        // Not `>`: what is no number fails every comparison.
        if number.abs() <= 1e12 {
            Ok(Self((number * Self::ONE).round() as i128))
        } else {
            Err(ValueError)
        }
    }
}

impl Outcomes {
    /// The period of what was measured before the experiment.
    pub(super) const BEFORE: u16 = u16::MAX;

    pub(super) fn add(&mut self, metric: u16, period: u16, Value(value): Value) {
        self.add_sum(Sum { metric, period, sum: value, rows: 1 });
    }

    fn add_sum(&mut self, other: Sum) {
        let key = |it: &Sum| (it.metric, it.period);
        match self.0.binary_search_by_key(&key(&other), key) {
            Ok(place) => {
                if let Some(own) = self.0.get_mut(place) {
                    own.sum = own.sum.saturating_add(other.sum);
                    own.rows = own.rows.saturating_add(other.rows);
                }
            }
            Err(place) => self.0.insert(place, other),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|sum| self.add_sum(*sum));
    }

    /// Rows of all metrics.
    pub(super) fn rows(&self) -> u64 {
        self.0.iter().map(|sum| sum.rows).sum()
    }

    /// The value of a metric in periods; `None` where there is no row and a mean is asked for.
    pub(super) fn value(
        &self,
        number: u16,
        metric: &Metric,
        periods: impl RangeBounds<u16>,
    ) -> Option<f64> {
        let of = |it: &&Sum| it.metric == number && periods.contains(&it.period);
        let (sum, rows) = self.0.iter().filter(of).fold((0_i128, 0_u64), |(sum, rows), it| {
            (sum.saturating_add(it.sum), rows.saturating_add(it.rows))
        });
        let sum = sum as f64 / Value::ONE;
        match metric.rows {
            Rows::Sum => Some(sum),
            Rows::Mean => (rows > 0).then(|| sum / rows as f64),
        }
    }

    /// The value of a metric before the experiment; `None` where there is no row.
    pub(super) fn before(&self, number: u16, metric: &Metric) -> Option<f64> {
        let known = self.0.iter().any(|it| it.metric == number && it.period == Self::BEFORE);
        known.then(|| self.value(number, metric, Self::BEFORE..=Self::BEFORE)).flatten()
    }
}
