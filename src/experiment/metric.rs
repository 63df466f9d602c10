//! What arms are compared by.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::audit::{Population, UnitSums};
use crate::stats::LabelQuality;

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
    /// Of an outcome, what several rows of one unit are.
    pub rows: Rows,
    /// Of an outcome that is a label, how often the label is right.
    pub label: Option<LabelQuality>,
}

impl Metric {
    /// What the proxy measures of each unit.
    pub const MEASURED: [&str; 11] = [
        "requests",
        "refused_share",
        "limited_share",
        "failed_share",
        "cancelled_share",
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

    /// The value of a unit that met so much, before cap and scale; `None` where it has none, or the
    /// metric is not one that the proxy measures.
    #[must_use]
    pub fn value(&self, met: &UnitSums) -> Option<f64> {
        let share = |of: u64| (met.requests > 0).then(|| of as f64 / met.requests as f64);
        match self.name.as_str() {
            "requests" => Some(met.requests as f64),
            "refused_share" => share(met.refused),
            "limited_share" => share(met.limited),
            "failed_share" => share(met.failed),
            "cancelled_share" => share(met.cancelled),
            "first_byte_ms" => met.first_byte.mean(),
            "token_ms" => met.per_thousand_tokens.mean().map(|it| it / 1000.0),
            "output_tokens" => Some(met.output_tokens as f64),
            "reasoning_tokens" => Some(met.reasoning_tokens as f64),
            "words_withheld" => Some(met.words_withheld as f64),
            "sites_marked" => Some(met.sites_marked as f64),
            _ => None,
        }
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
    /// The natural logarithm, so that a few of great weight do not decide. A value below one counts as
    /// one: whoever has none would have a ratio to nobody.
    Log,
}

/// What several rows of one unit in an outcome file are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Rows {
    /// They add up, and a unit without one has zero: complaints.
    #[default]
    Sum,
    /// They are averaged, and a unit without one is left out: scores, labels.
    Mean,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_measured_has_a_value_and_shares_need_a_request() {
        let mut met = UnitSums { requests: 4, refused: 1, ..UnitSums::default() };
        met.first_byte.add(30);
        met.per_thousand_tokens.add(500);
        let value = |name: &str, met| {
            let name = name.to_owned();
            let (role, population) = (Role::Guardrail, Population::Legitimate);
            let (better, scale) = (Better::Lower, Scale::Linear);
            let metric = Metric {
                name,
                role,
                population,
                better,
                margin: None,
                cap: None,
                scale,
                decides: false,
                rows: Rows::Sum,
                label: None,
            };
            metric.value(met)
        };
        assert!(Metric::MEASURED.iter().all(|name| value(name, &met).is_some()));
        assert_eq!(
            (value("refused_share", &met), value("token_ms", &met)),
            (Some(0.25), Some(0.5))
        );
        assert_eq!(
            (value("refused_share", &UnitSums::default()), value("complaints", &met)),
            (None, None)
        );
    }
}
