//! What an experiment shows, in numbers and words.

mod comparison;

pub use comparison::{
    Comparison, Effect, Estimate, Finding, GuardrailReport, GuardrailState, Method, Moment, Range,
    SecondaryRatio, Side, TrueDifference,
};
use jiff::Timestamp;
use serde::Serialize;

use super::calendar::Look;
use super::history::RolledBack;
use crate::audit::{ExperimentName, Population};

/// The report on an experiment. Its JSON form is that of its fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Of this form: 1.
    pub version: u32,
    /// The experiment.
    pub experiment: ExperimentName,
    /// What was assigned: `cluster`, `account` or `slot`.
    pub unit: &'static str,
    /// The arm that the others are compared with.
    pub control: String,
    /// From when units were assigned.
    pub start: Timestamp,
    /// Until when.
    pub end: Timestamp,
    /// Which planned look this is.
    pub look: Look,
    /// What all looks may err with together.
    pub alpha: f64,
    /// What this look may err with, and its intervals miss with.
    pub level: f64,
    /// What to do.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<String>,
    /// The same of each arm beside the control.
    pub arms: Vec<ArmVerdict>,
    /// What has to hold before anything is compared.
    pub checks: Vec<Check>,
    /// Harvesters and legitimate callers, which are never pooled.
    pub populations: Vec<PopulationReport>,
    /// What was read.
    pub data: Data,
    /// That a proxy has rolled the experiment back, where its state tells.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rolled_back: Vec<RolledBack>,
}

impl Report {
    /// Whether the experiment itself is broken, for all arms.
    pub(in crate::experiment) fn is_broken(&self) -> bool {
        self.failed().next().is_some()
    }

    /// The checks that fail for all arms.
    pub(in crate::experiment) fn failed(&self) -> impl Iterator<Item = &Check> {
        let failed = |check: &&Check| check.state == CheckState::Failed && check.arm.is_none();
        self.checks.iter().filter(failed)
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Give everybody the arm's policy.
    Ship,
    /// Give everybody the control arm's policy.
    Rollback,
    /// Neither is shown: go on, or, where the experiment is over, keep the control arm's policy.
    Continue,
    /// The experiment itself is broken, and no number of it means anything; or a metric that matters
    /// cannot be told.
    Invalid,
}

impl Verdict {
    /// The verdict in a word, as its JSON form has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ship => "ship",
            Self::Rollback => "rollback",
            Self::Continue => "continue",
            Self::Invalid => "invalid",
        }
    }
}

/// What to do about one arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ArmVerdict {
    /// The arm.
    pub arm: String,
    /// What to do.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<String>,
}

/// Something that has to hold before anything is compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// What is checked.
    pub name: &'static str,
    /// Of whom, where it is of one population.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub population: Option<Population>,
    /// Of which arm beside the control, where it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// Whether it holds.
    pub state: CheckState,
    /// What was found.
    pub message: String,
}

/// Whether a check holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// It does.
    Passed,
    /// It does, and somebody should know what was found; or too little is there.
    Warned,
    /// It does not. The experiment is invalid; or, where it is of one arm, a metric of it that matters.
    Failed,
}

/// One population.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PopulationReport {
    /// Who.
    pub population: Population,
    /// Its arms, the control first.
    pub arms: Vec<ArmUnits>,
    /// Units that are held out.
    pub held_out: u64,
    /// Whether the arms were filled as they were to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_ratio: Option<Ratio>,
    /// The units of which it is, by the weights that held when they were first seen.
    pub stages: Vec<StageUnits>,
    /// The comparisons, metric by metric and arm by arm.
    pub comparisons: Vec<Comparison>,
}

/// Whether the arms were filled as they were to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Ratio {
    /// Pearson's χ².
    pub chi_squared: f64,
    /// Of it, at one look.
    pub p: f64,
    /// Valid at any number of looks.
    pub anytime_p: f64,
    /// The least units that an arm was to have; of few, p is rough.
    pub least_expected: f64,
}

/// Units that were first seen while the same weights held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StageUnits {
    /// Since when.
    pub since: Timestamp,
    /// By arm, the control first; 0 of a closed one.
    pub weights: Vec<u32>,
    /// Units, likewise.
    pub units: Vec<u64>,
}

/// One arm's units in a population.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ArmUnits {
    /// The arm.
    pub arm: String,
    /// Its weight.
    pub weight: u32,
    /// It takes no new units.
    pub closed: bool,
    /// Its units.
    pub units: u64,
    /// Of them, those for which the arms ever decided differently.
    pub exposed: u64,
    /// Of them, those that hold accounts of another arm.
    pub contaminated: u64,
    /// Of them, those that lines put into more than one arm.
    pub moved: u64,
    /// Their requests.
    pub requests: u64,
    /// Requests about which the arms decided differently, by period.
    pub exposures: Vec<u64>,
}

/// What was read, and what of it was of no use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Data {
    /// Summaries of units.
    pub summaries: u64,
    /// Requests about which the arms decided differently.
    pub exposures: u64,
    /// Of them, those that met another arm's policy than their unit's.
    pub carried_out_otherwise: u64,
    /// Units that became parts of others, and count with those.
    pub joined: u64,
    /// Rows of outcomes.
    pub outcomes: u64,
    /// Rows of outcomes of nobody who is a unit.
    pub outcomes_of_none: u64,
    /// Rows of metrics that the experiment does not have.
    pub other_metrics: u64,
    /// Lines of other experiments, or of another salt.
    pub of_others: u64,
    /// Summaries of arms that the experiment does not have.
    pub of_no_arm: u64,
    /// Lines that the proxies had no room for.
    pub lost: u64,
    /// Lines that could not be read.
    pub unread: u64,
    /// Rows of outcomes that could not be read.
    pub unread_outcomes: u64,
    /// Files that could not be read to their end.
    pub cut: u64,
}
