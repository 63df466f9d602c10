//! What the units of an experiment met: exposures, and sums over requests.
//!
//! Most callers of an experiment are never graded, and no record is written of them: what they meet is
//! summed up in memory and written from time to time. Each [`UnitSummary`] holds what came since the
//! one before, so that the summaries of a unit, whichever replica wrote them, add up in any order.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::latency::LatencySketch;
use super::record::DecisionName;
use super::{KeyedHash, PrincipalHashes};
use crate::policy::Countermeasure;

/// A unit of assignment, as experiments show it: the hash is that of the account or the cluster in
/// [`PrincipalHashes`], so that records, summaries and outcomes can be put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitName {
    /// Accounts that the detector has linked.
    Cluster(KeyedHash),
    /// One account.
    Account(KeyedHash),
    /// A slot of time, by its number.
    Slot(i64),
}

impl UnitName {
    /// What units are spread by: uniform, and nobody's choice.
    #[cfg(feature = "experiments")]
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Cluster(hash) | Self::Account(hash) => hash.number(),
            // A slot is followed by the next.
            Self::Slot(number) => (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15),
        }
    }
}

/// Who a unit is studied as. It is fixed by the score at which the unit is first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Population {
    /// Those whose score was high when they were first seen.
    Harvesters,
    /// Those whose score was low or unknown.
    Legitimate,
}

/// Which experiment: what is compared is of one name and one salt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExperimentName {
    /// The name that the file gives.
    pub name: String,
    /// Its salt.
    pub salt: String,
}

/// A request about which the arms of an experiment decide differently, written when it is decided,
/// before anything is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// When the decision was taken.
    pub time: Timestamp,
    /// The decision, by which the record of the exchange is found.
    pub decision: DecisionName,
    /// The experiment.
    pub experiment: ExperimentName,
    /// Who asked.
    pub principal: PrincipalHashes,
    /// The unit that they belong to.
    pub unit: UnitName,
    /// The arm that the unit is in.
    pub arm: String,
    /// The arm whose policy is carried out, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried_out: Option<String>,
    /// Who the unit is studied as; absent for those between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<Population>,
    /// What each arm does with the request, by its name.
    pub arms: BTreeMap<String, ArmDecision>,
}

/// What the policy of an arm does with a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmDecision {
    /// The grade that is reached; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub grade: String,
    /// What is carried out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enforced: Vec<Countermeasure>,
    /// What is only observed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed: Vec<Countermeasure>,
}

/// What a unit met since its summary before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitSummary {
    /// The end of the time that is summed up.
    pub time: Timestamp,
    /// The experiment.
    pub experiment: ExperimentName,
    /// The unit.
    pub unit: UnitName,
    /// The arm that it is in; absent for one that is held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// Who it is studied as; absent for those between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<Population>,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// It holds accounts that were in another arm before the detector linked them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contaminated: bool,
    /// The sums.
    pub met: UnitSums,
}

/// A unit has become a part of another that was seen before it: the detector has linked them. What each
/// met before stands in lines of its own; from now on there is the other alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitJoined {
    /// When.
    pub time: Timestamp,
    /// The experiment.
    pub experiment: ExperimentName,
    /// The unit that is none of its own any more.
    pub part: UnitName,
    /// The one that has taken it in.
    pub unit: UnitName,
}

/// Sums over the requests of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnitSums {
    /// Requests.
    #[serde(skip_serializing_if = "is_zero")]
    pub requests: u64,
    /// To the first byte of the answer, in milliseconds.
    #[serde(skip_serializing_if = "LatencySketch::is_empty")]
    pub first_byte: LatencySketch,
    /// Of them, those about which the arms decided differently.
    #[serde(skip_serializing_if = "is_zero")]
    pub exposed: u64,
    /// Refused by a grade, or because its plan has to read what it cannot.
    #[serde(skip_serializing_if = "is_zero")]
    pub refused: u64,
    /// Turned away at a limit.
    #[serde(skip_serializing_if = "is_zero")]
    pub limited: u64,
    /// Failed: the upstream did, or there was no room.
    #[serde(skip_serializing_if = "is_zero")]
    pub failed: u64,
    /// Left by the client before their end.
    #[serde(skip_serializing_if = "is_zero")]
    pub cancelled: u64,
    /// From the first byte to the last, in milliseconds per thousand tokens delivered.
    #[serde(skip_serializing_if = "LatencySketch::is_empty")]
    pub per_thousand_tokens: LatencySketch,
    /// Output tokens delivered, reasoning included, of answers that were read.
    #[serde(skip_serializing_if = "is_zero")]
    pub output_tokens: u64,
    /// Reasoning tokens delivered in full, of answers that were read.
    #[serde(skip_serializing_if = "is_zero")]
    pub reasoning_tokens: u64,
    /// Words that were withheld.
    #[serde(skip_serializing_if = "is_zero")]
    pub words_withheld: u64,
    /// Places that were marked.
    #[serde(skip_serializing_if = "is_zero")]
    pub sites_marked: u64,
}

impl AddAssign<&UnitSums> for UnitSums {
    fn add_assign(&mut self, other: &UnitSums) {
        let UnitSums {
            requests,
            exposed,
            refused,
            limited,
            failed,
            cancelled,
            first_byte,
            per_thousand_tokens,
            output_tokens,
            reasoning_tokens,
            words_withheld,
            sites_marked,
        } = other;
        for (own, other) in [
            (&mut self.requests, requests),
            (&mut self.exposed, exposed),
            (&mut self.refused, refused),
            (&mut self.limited, limited),
            (&mut self.failed, failed),
            (&mut self.cancelled, cancelled),
            (&mut self.output_tokens, output_tokens),
            (&mut self.reasoning_tokens, reasoning_tokens),
            (&mut self.words_withheld, words_withheld),
            (&mut self.sites_marked, sites_marked),
        ] {
            *own = own.saturating_add(*other);
        }
        self.first_byte += first_byte;
        self.per_thousand_tokens += per_thousand_tokens;
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{AuditKey, Line};

    #[test]
    fn the_json_form_is_the_documented_one_and_leaves_out_what_did_not_happen() {
        let unit =
            UnitName::Cluster(AuditKey::new([0; 32]).principal("a", Some("c"), None).account);
        let UnitName::Cluster(hash) = unit else { panic!("it is a cluster") };
        let mut met = UnitSums { requests: 2, ..UnitSums::default() };
        met.first_byte.add(12);
        let summary = UnitSummary {
            time: Timestamp::from_second(1_800_000_000).unwrap(),
            experiment: ExperimentName { name: "e".into(), salt: "s".into() },
            unit,
            arm: Some("control".into()),
            population: Some(Population::Legitimate),
            first_seen: Timestamp::from_second(1_799_999_000).unwrap(),
            contaminated: false,
            met,
        };
        let line = Line::Unit(Box::new(summary));
        let expected = format!(
            r#"{{"unit":{{"time":"2027-01-15T08:00:00Z","experiment":{{"name":"e","salt":"s"}},"unit":{{"cluster":"{hash}"}},"arm":"control","population":"legitimate","first_seen":"2027-01-15T07:43:20Z","met":{{"requests":2,"first_byte":{{"count":1,"sum":12,"buckets":{{"11":1}}}}}}}}}}"#
        );
        assert_eq!(serde_json::to_string(&line).unwrap(), expected);
        assert_eq!(serde_json::from_str::<Line>(&expected).unwrap(), line);
    }
}
