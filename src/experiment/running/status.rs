//! What is told of an experiment that is run.

use std::sync::atomic::Ordering;

use jiff::Timestamp;
use serde::Serialize;

use super::{HELD, ROLLED_BACK, Running};
use crate::audit::ExperimentName;

/// The state of an experiment, as the proxy's `/status` tells it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// Which.
    #[serde(flatten)]
    pub name: ExperimentName,
    /// Whether units are assigned.
    pub state: State,
    /// Since when it is held or rolled back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// And why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The disk does not have that it was rolled back: a restart would forget it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unwritten: bool,
    /// The arms, the control first.
    pub arms: Vec<ArmStatus>,
    /// Accounts, clusters and slots that are known.
    pub known: usize,
    /// How often a unit came for which there was no room.
    pub without_room: u64,
    /// Units that have come together from several arms, since the start.
    pub contaminated: u64,
    /// Lines of its state that could not be written.
    pub lost: u64,
    /// The chance, at any number of looks, of such counts if the arms are filled by their weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_ratio_p: Option<f64>,
    /// The guardrails that the proxy watches.
    pub guardrails: Vec<GuardrailStatus>,
}

/// Whether an experiment assigns units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// It has not begun.
    Before,
    /// It does.
    Running,
    /// No unit that is new is assigned.
    Held,
    /// Every unit meets the control arm's policy.
    RolledBack,
    /// Its time is over.
    Over,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Before, Self::Running, Self::Held, Self::RolledBack, Self::Over];

    /// The name in metrics, which is that in `/status`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Running => "running",
            Self::Held => "held",
            Self::RolledBack => "rolled_back",
            Self::Over => "over",
        }
    }
}

/// An arm and its units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ArmStatus {
    /// Its name.
    pub name: String,
    /// The policy's name.
    pub policy: String,
    /// And revision.
    pub revision: String,
    /// Units that came into it.
    pub units: u64,
}

/// A guardrail in one arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GuardrailStatus {
    /// The metric.
    pub metric: String,
    /// The arm that is compared with the control arm.
    pub arm: String,
    /// Units whose window is over: of the control arm, and of this one.
    pub units: (u64, u64),
    /// Harm beyond the margin, on the metric's scale; absent while there are too few units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excess: Option<f64>,
    /// What it is at least, valid at any time: above zero the guardrail is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
}

impl Running {
    /// Whether units are assigned at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> State {
        match self.state.load(Ordering::SeqCst) {
            _ if now >= self.experiment.end => State::Over,
            ROLLED_BACK => State::RolledBack,
            _ if now < self.experiment.start => State::Before,
            HELD => State::Held,
            _ => State::Running,
        }
    }

    /// All that is told of it.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        let stages = self.register.changing();
        let (units, ratio) = (stages.units(), stages.ratio().ok());
        drop(stages);
        let arms = self.experiment.arms.iter().zip(units).map(|(arm, units)| ArmStatus {
            name: arm.name.to_string(),
            policy: arm.policy.name.clone(),
            revision: arm.policy.revision.to_string(),
            units,
        });
        let guardrails = self.guards().found();
        let guardrails = guardrails.into_iter().map(|found| GuardrailStatus {
            metric: found.metric,
            arm: found.arm,
            units: found.units,
            excess: found.excess.map(|(excess, _)| excess),
            at_least: found.excess.map(|(_, least)| least),
        });
        let stopped = self.stopped();
        let (stopped, unwritten) = (stopped.since.clone(), stopped.unwritten);
        Status {
            name: self.name.clone(),
            state: self.state(now),
            since: stopped.as_ref().map(|stop| stop.time),
            why: stopped.map(|stop| stop.why),
            unwritten,
            arms: arms.collect(),
            known: self.register.len(),
            without_room: self.without_room.load(Ordering::Relaxed),
            contaminated: self.contaminated.load(Ordering::Relaxed),
            lost: self.journal.as_ref().map_or(0, |journal| journal.lost().count()),
            sample_ratio_p: ratio.map(|ratio| ratio.anytime_p),
            guardrails: guardrails.collect(),
        }
    }
}
