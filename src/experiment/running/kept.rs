//! What guardrails have found so far, as it outlives the process.
//!
//! A sequence that is valid at any time may not begin anew whenever the proxy does: each beginning
//! would be another chance to err.

use std::num::NonZeroU64;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::Population;
use crate::experiment::metric::{Better, Metric, Scale};
use crate::stats::{Moments, RandomizationSequence};

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
    /// What is bet on depends on these.
    #[serde(default)]
    better: Option<Better>,
    #[serde(default)]
    margin: Option<f64>,
    /// Of each arm.
    values: Vec<Values>,
    /// Of each arm but the control.
    #[serde(default)]
    bets: Vec<Bets>,
}

/// Units, their mean, and the sum of squares about it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Values(u64, f64, f64);

/// The values of the last units, what gamblers have, and the most that they had together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Bets(Vec<f64>, [f64; 5], f64);

impl KeptGuard {
    pub(super) fn of(metric: &Metric, arms: &[Moments], bets: &[RandomizationSequence]) -> Self {
        let values = arms.iter().map(|it| Values(it.count(), it.mean(), it.sum_of_squares()));
        Self {
            metric: metric.name.clone(),
            population: metric.population,
            scale: metric.scale,
            cap: metric.cap,
            better: Some(metric.better),
            margin: metric.margin,
            values: values.collect(),
            bets: bets
                .iter()
                .map(|it| Bets(it.earlier().collect(), it.ln_capitals(), it.ln_most()))
                .collect(),
        }
    }

    /// The moments of so many arms and the bets on all but the first, if these are values of `metric`.
    pub(super) fn found(
        &self,
        metric: &Metric,
        arms: usize,
    ) -> Option<(Vec<Moments>, Vec<RandomizationSequence>)> {
        let Self { metric: name, population, scale, cap, better, margin, values, bets } = self;
        let same = (name, population, scale, cap, better)
            == (&metric.name, &metric.population, &metric.scale, &metric.cap, &Some(metric.better));
        // A number in a file may come back with another last digit.
        let near = |(kept, own): (&f64, f64)| (kept - own).abs() <= 1e-12 * own;
        let same = same && margin.as_ref().zip(metric.margin).is_some_and(near);
        if !same || values.len() != arms || bets.len() != arms.saturating_sub(1) {
            return None;
        }
        let moments = values
            .iter()
            .map(|Values(count, mean, squares)| Moments::from_parts(*count, *mean, *squares).ok());
        let bets = bets.iter().map(|Bets(earlier, capitals, most)| {
            RandomizationSequence::from_parts(earlier, *capitals, *most).ok()
        });
        Some((moments.collect::<Option<_>>()?, bets.collect::<Option<_>>()?))
    }
}
