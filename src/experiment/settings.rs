//! A compiled experiment.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::metric::{Metric, Role};
use crate::mark::keys::ArmMark;
use crate::policy::{Notice, Policy, Revision};

/// An experiment, compiled and checked. It does not change: a reload makes another.
#[derive(Debug)]
#[non_exhaustive]
pub struct Experiment {
    /// Its name.
    pub name: String,
    /// Told into every assignment: another salt assigns everybody anew.
    pub salt: String,
    /// From when units are assigned.
    pub start: Timestamp,
    /// Until when.
    pub end: Timestamp,
    /// What is assigned.
    pub unit: UnitKind,
    /// Experiments of one layer exclude each other.
    pub layer: Option<String>,
    /// The share of the layer's units that this experiment takes, from 0 to 1.
    pub share: f64,
    /// The share of its units that stay with the control arm and are in no comparison, from 0 to 1.
    pub holdout: f64,
    /// The arms, the control first.
    pub arms: Vec<Arm>,
    /// Who is studied as what, by the score at first sight.
    pub eligibility: Eligibility,
    /// What is compared.
    pub metrics: Vec<Metric>,
    /// The chance, from 0 to 1, that a comparison is taken for a difference that is none.
    pub alpha: f64,
    /// How often the result may be looked at.
    pub looks: u32,
    /// The least units of each arm without which nothing is concluded.
    pub least_units: u32,
    /// What follows when the arms are not filled as they were to be.
    pub on_mismatch: OnMismatch,
    pub(super) notices: Vec<Notice>,
    /// Of the file and of every arm's policy together.
    pub(super) revision: Revision,
}

/// What is assigned to an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    /// The cluster that the detector names, or else the account.
    Cluster,
    /// Always the account.
    Account,
    /// A slot of time: whoever asks in it is in its arm. For what all callers share, such as the
    /// capacity that shaping frees.
    Slot(Switchback),
}

/// How time is cut into slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switchback {
    /// The length of a slot.
    pub slot: Duration,
    /// The beginning of a slot that is left out, in which the one before may still be felt.
    pub burn_in: Duration,
}

/// One of the policies that are compared.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Arm {
    /// Its name.
    pub name: Arc<str>,
    /// What its units' marks tell of it.
    pub mark: Arc<ArmMark>,
    /// What its units meet.
    pub policy: Arc<Policy>,
    /// Its share of the units, beside the other arms' weights.
    pub weight: u32,
    /// It takes no new units; those that it has stay with it.
    pub closed: bool,
}

/// Who is studied as what. It is fixed by the score at which a unit is first seen: a later score is
/// a result of the experiment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Eligibility {
    /// Units of at least this score are studied as harvesters.
    pub harvester: f64,
    /// Units below this score, or of unknown risk, are studied as legitimate callers.
    pub legitimate: f64,
}

/// What follows when the arms are not filled as they were to be (a sample-ratio mismatch).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnMismatch {
    /// No unit that is new is assigned: it meets the control arm's policy and is not counted.
    #[default]
    Hold,
    /// Every unit goes to the control arm.
    Rollback,
    /// It is told, and nothing else.
    Warn,
}

impl Switchback {
    /// The number of the slot in which a moment lies, counted from 1970.
    #[must_use]
    pub fn slot_of(&self, now: Timestamp) -> i64 {
        let length = i64::try_from(self.slot.as_secs()).unwrap_or(i64::MAX).max(1);
        now.as_second().div_euclid(length)
    }
}

impl Experiment {
    /// The most assignments that a randomization test draws: at a level below this no p-value is.
    pub(super) const MOST_DRAWS: u32 = 1_000_000;

    /// How many comparisons of success metrics are adjusted together: of the metric that decides, or of
    /// all others.
    pub(super) fn adjusted_together(&self, decides: bool) -> u32 {
        adjusted_together(&self.arms, &self.metrics, decides)
    }

    /// The control arm.
    #[must_use]
    pub fn control(&self) -> Option<&Arm> {
        self.arms.first()
    }

    /// What the experiment's author may not have meant.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Whether units are assigned at `now`.
    #[must_use]
    pub fn runs(&self, now: Timestamp) -> bool {
        (self.start..self.end).contains(&now)
    }
}

/// The same of arms and metrics that are no experiment yet.
pub(super) fn adjusted_together(arms: &[Arm], metrics: &[Metric], decides: bool) -> u32 {
    let of_kind = |it: &&Metric| it.role == Role::Success && it.decides == decides;
    let compared = metrics.iter().filter(of_kind).count() * arms.len().saturating_sub(1);
    u32::try_from(compared).unwrap_or(u32::MAX).max(1)
}
