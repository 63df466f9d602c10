//! What guardrails have found so far, as it outlives the process.
//!
//! A sequence that is valid at any time may not begin anew whenever the proxy does: each beginning
//! would be another chance to err.

use std::num::NonZeroU64;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::Population;
use crate::experiment::metric::{Metric, Scale};
use crate::stats::Moments;

/// What has been found of units whose windows are over.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Seconds that each was watched.
    pub(super) window: i64,
    /// The arms, each with the revision of its policy.
    pub(super) arms: Vec<(String, String)>,
    /// When the experiment was resumed last: what was found before counts for nothing.
    pub(super) resumed: Option<Timestamp>,
    /// When windows were last closed, in seconds since the epoch.
    pub(super) closed: i64,
    pub(super) guards: Vec<KeptGuard>,
}

/// One guardrail, and what its values are.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptGuard {
    metric: String,
    population: Population,
    scale: Scale,
    cap: Option<NonZeroU64>,
    /// Of each arm.
    values: Vec<Values>,
}

/// Units, their mean, and the sum of squares about it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Values(u64, f64, f64);

impl KeptGuard {
    pub(super) fn of(metric: &Metric, arms: &[Moments]) -> Self {
        let values = arms.iter().map(|it| Values(it.count(), it.mean(), it.sum_of_squares()));
        Self {
            metric: metric.name.clone(),
            population: metric.population,
            scale: metric.scale,
            cap: metric.cap,
            values: values.collect(),
        }
    }

    /// The moments of each arm, if these are values of `metric`.
    pub(super) fn moments(&self, metric: &Metric) -> Option<Vec<Moments>> {
        let Self { metric: name, population, scale, cap, values } = self;
        let same = (name, population, scale, cap)
            == (&metric.name, &metric.population, &metric.scale, &metric.cap);
        let moments = values
            .iter()
            .map(|Values(count, mean, squares)| Moments::from_parts(*count, *mean, *squares).ok());
        moments.collect::<Option<_>>().filter(|_| same)
    }
}
