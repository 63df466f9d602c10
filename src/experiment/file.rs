//! The experiment file, field by field, as serde reads it and `schemars` describes it.
//!
//! Every field is optional here, so that one that is missing or wrong does not hide the others;
//! [`compile`](super::compile) asks for what must be there.

use std::num::NonZeroU64;

use serde::Deserialize;

use super::metric::{Better, Role, Rows, Scale};
use super::settings::OnMismatch;
use crate::audit::Population;
use crate::policy::value::{At, DurationText, TimeValue};

/// A guilloche experiment: which units meet which policy, and what decides between them.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Experiment"))]
#[serde(deny_unknown_fields)]
pub(super) struct ExperimentFile {
    /// The version of this format: 1.
    #[cfg_attr(feature = "schema", schemars(required, range(min = 1, max = 1)))]
    pub(super) version: Option<At<i64>>,
    /// The experiment's name, in audit records and metrics: lowercase letters, digits, `-` and `_`.
    #[cfg_attr(feature = "schema", schemars(required, regex(pattern = "^[a-z0-9_-]{1,64}$")))]
    pub(super) name: Option<At<String>>,
    /// Told into every assignment. Change it when an experiment is begun again, or units carry over
    /// what they have met before.
    #[cfg_attr(feature = "schema", schemars(required, length(min = 1, max = 64)))]
    pub(super) salt: Option<At<String>>,
    /// From when units are assigned: a date, or a date and time with its offset.
    #[cfg_attr(feature = "schema", schemars(required))]
    pub(super) start: Option<At<TimeValue>>,
    /// Until when.
    #[cfg_attr(feature = "schema", schemars(required))]
    pub(super) end: Option<At<TimeValue>>,
    /// What is assigned to an arm. Default: `cluster`.
    pub(super) unit: Option<At<UnitName>>,
    /// How time is cut, where the unit is a `slot`.
    pub(super) switchback: Option<At<SwitchbackTable>>,
    /// Experiments of the same layer exclude each other. Default: this one excludes none.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[a-z0-9_-]{1,64}$")))]
    pub(super) layer: Option<At<String>>,
    /// The share of the layer's units that it takes, above 0 and up to 1. Default: 1.
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0, "maximum" = 1)))]
    pub(super) share: Option<At<f64>>,
    /// The share of its units that stay with the control arm and are in no comparison, from 0 and
    /// below 1: what the world is like without. Default: 0.
    #[cfg_attr(feature = "schema", schemars(extend("minimum" = 0, "exclusiveMaximum" = 1)))]
    pub(super) holdout: Option<At<f64>>,
    /// Who is studied as what, by the score at which a unit is first seen.
    pub(super) eligibility: Option<At<EligibilityTable>>,
    /// The chance of a finding where there is none, above 0 and below 0.5. Default: 0.05.
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 0.5)))]
    pub(super) alpha: Option<At<f64>>,
    /// How often the result may be looked at before and at the end. Default: 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1000)))]
    pub(super) looks: Option<At<u32>>,
    /// The least units of each arm, in each population, without which nothing is concluded.
    /// Default: 10.
    #[cfg_attr(feature = "schema", schemars(range(min = 2)))]
    pub(super) least_units: Option<At<u32>>,
    /// What follows when the arms are not filled as they were to be. Default: `hold`.
    pub(super) on_mismatch: Option<OnMismatch>,
    /// The policies that are compared: two or more, one of them the control.
    #[cfg_attr(feature = "schema", schemars(required, length(min = 2, max = 16)))]
    pub(super) arm: Option<Vec<At<ArmTable>>>,
    /// What they are compared by.
    #[cfg_attr(feature = "schema", schemars(required, length(min = 1)))]
    pub(super) metric: Option<Vec<At<MetricTable>>>,
}

/// What is assigned to an arm.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Unit"))]
#[serde(rename_all = "lowercase")]
pub(super) enum UnitName {
    /// The cluster that the detector names, or else the account.
    Cluster,
    /// Always the account. Harvesters open many: those of one cluster meet every arm.
    Account,
    /// A slot of time, for what all callers share.
    Slot,
}

/// How time is cut into slots.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Switchback"))]
#[serde(deny_unknown_fields)]
pub(super) struct SwitchbackTable {
    /// The length of a slot, in whole seconds: at least a minute.
    #[cfg_attr(feature = "schema", schemars(required))]
    pub(super) slot: Option<At<DurationText>>,
    /// The beginning of each slot that is left out. Default: none of it.
    pub(super) burn_in: Option<At<DurationText>>,
}

/// Who is studied as what.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Eligibility"))]
#[serde(deny_unknown_fields)]
pub(super) struct EligibilityTable {
    /// Units first seen at this score or above are studied as harvesters. Default: 0.5.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 1)))]
    pub(super) harvester: Option<At<f64>>,
    /// Units first seen below this score, or of unknown risk, are studied as legitimate callers.
    /// Default: 0.3.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 1)))]
    pub(super) legitimate: Option<At<f64>>,
}

/// One of the policies that are compared.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Arm"))]
#[serde(deny_unknown_fields)]
pub(super) struct ArmTable {
    /// The arm's name: lowercase letters, digits, `-` and `_`.
    #[cfg_attr(feature = "schema", schemars(required, regex(pattern = "^[a-z0-9_-]{1,64}$")))]
    pub(super) name: Option<At<String>>,
    /// The policy file that its units meet, from the folder of this file.
    #[cfg_attr(feature = "schema", schemars(required, length(min = 1)))]
    pub(super) policy: Option<At<String>>,
    /// Whether the others are compared with it. Default: false.
    pub(super) control: Option<At<bool>>,
    /// Its share of the units beside the other arms' weights. Default: 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1_000_000)))]
    pub(super) weight: Option<At<u32>>,
    /// It takes no new units, and keeps those that it has. Default: false.
    pub(super) closed: Option<At<bool>>,
}

/// One comparison.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Metric"))]
#[serde(deny_unknown_fields)]
pub(super) struct MetricTable {
    /// What is measured; a name that the proxy does not measure is one of your outcome files.
    #[cfg_attr(feature = "schema", schemars(required, regex(pattern = "^[a-z0-9_-]{1,64}$")))]
    pub(super) name: Option<At<String>>,
    /// What it is for.
    #[cfg_attr(feature = "schema", schemars(required))]
    pub(super) role: Option<Role>,
    /// Over whom. Default: harvesters for `success`, legitimate callers for a `guardrail`.
    pub(super) population: Option<Population>,
    /// Which way is better.
    #[cfg_attr(feature = "schema", schemars(required))]
    pub(super) better: Option<Better>,
    /// The harm that is borne, as a share of the control arm's mean. A guardrail must have one.
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0)))]
    pub(super) margin: Option<At<f64>>,
    /// A unit's value above this counts as this.
    pub(super) cap: Option<NonZeroU64>,
    /// On what scale units are averaged. Default: `linear`.
    pub(super) scale: Option<At<Scale>>,
    /// Whether the experiment is decided by it; one `success` metric is. Default: false.
    pub(super) decides: Option<At<bool>>,
    /// Of an outcome, what several rows of one unit are. Default: `sum`.
    pub(super) rows: Option<At<Rows>>,
    /// Of an outcome that is a label, such as confirmed hostility: how often it is right. Its rows are
    /// 0 or 1, and averaged.
    pub(super) label: Option<At<LabelTable>>,
}

/// How often a label is right, as somebody has found out before.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Label"))]
#[serde(deny_unknown_fields)]
pub(super) struct LabelTable {
    /// The share of true cases that are labelled so.
    #[cfg_attr(feature = "schema", schemars(required, range(min = 0, max = 1)))]
    pub(super) sensitivity: Option<f64>,
    /// From what to what it may be. Default: it is taken as known.
    pub(super) sensitivity_range: Option<[f64; 2]>,
    /// The share of other cases that are not labelled so.
    #[cfg_attr(feature = "schema", schemars(required, range(min = 0, max = 1)))]
    pub(super) specificity: Option<f64>,
    /// From what to what it may be. Default: it is taken as known.
    pub(super) specificity_range: Option<[f64; 2]>,
}
