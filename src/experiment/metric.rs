//! What arms are compared by.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::audit::Population;

/// One comparison between the arms.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metric {
    /// One of [`Metric::MEASURED`], or of an outcome that somebody else measures.
    pub name: String,
    /// Whether it is wanted, or to be kept from harm.
    pub role: Role,
    /// Over whom.
    pub population: Population,
    /// Which way is better.
    pub better: Better,
    /// The harm that is borne, as a share of the control arm's mean; guardrails have one.
    pub margin: Option<f64>,
    /// A unit's value above this counts as this.
    pub cap: Option<NonZeroU64>,
    /// On what scale units are averaged.
    pub scale: Scale,
    /// The one by which the experiment is decided.
    pub decides: bool,
}

impl Metric {
    /// What the proxy measures of each unit.
    pub const MEASURED: [&str; 10] = [
        "requests",
        "refused_share",
        "limited_share",
        "failed_share",
        "first_byte_ms",
        "token_ms",
        "output_tokens",
        "reasoning_tokens",
        "words_withheld",
        "sites_marked",
    ];

    /// Whether somebody else measures it, so that it comes in outcome files.
    #[must_use]
    pub fn is_outcome(&self) -> bool {
        !Self::MEASURED.contains(&self.name.as_str())
    }
}

/// What a metric is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The change is wanted, and looked for.
    Success,
    /// No change for the worse beyond its margin is borne.
    Guardrail,
}

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Less of it.
    Lower,
    /// More of it.
    Higher,
}

/// On what scale the values of units are averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// As they are.
    #[default]
    Linear,
    /// The natural logarithm of one more, so that a few of great weight do not decide.
    Log,
}
