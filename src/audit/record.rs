//! The record of one decided request. Its JSON form is documented in `docs/configuration.md`.

mod mode;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Counter, Counts, PrincipalHashes};
use crate::countermeasure::watermark::Carrier;
use crate::policy::Countermeasure;
use crate::policy::plan::Mode;

/// One decided request: who asked, what was decided, what was done, how it ended.
///
/// Serialized in the order of the fields. Names come from policies and from enums of this crate,
/// never from a request or an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When the decision was taken (RFC 3339, UTC).
    pub time: Timestamp,
    /// The decision, as the client was told it.
    pub decision: DecisionName,
    /// Who asked.
    pub principal: PrincipalHashes,
    /// What the detector said of them.
    pub risk: Risk,
    /// The grade that was reached; empty for none.
    pub grade: String,
    /// What of the grade's plan an exemption has spared the principal, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exempt: Option<Exempt>,
    /// The arm of an experiment that the principal is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// The policy that was pinned to the request.
    pub policy: PolicyIdentity,
    /// The protocol, by the name that the wire gives it.
    pub protocol: Cow<'static, str>,
    /// Whether the answer was a stream.
    pub stream: bool,
    /// The mode of the decision as a whole.
    #[serde(with = "mode")]
    pub mode: Mode,
    /// What was done.
    pub applied: Vec<Applied>,
    /// What would have been done, had it been enforced.
    pub observed: Vec<Applied>,
    /// What the other arms of an experiment would have done, by name, where it is not the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_arms: BTreeMap<String, Vec<Applied>>,
    /// How far that was tried out on a copy of the exchange, so that it has counts; absent where
    /// there was nothing to try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<DryRun>,
    /// How the exchange ended.
    pub outcome: Outcome,
    /// The status that the client got; absent when it left before there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took.
    pub durations: Durations,
}

/// What refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedBy {
    /// Its grade, or the rule of what contradicts the detector's word.
    Policy,
    /// A limit, or a pace.
    Limit,
    /// Its grade's plan has to read what cannot be read.
    Unread,
}

impl RefusedBy {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Policy, Self::Limit, Self::Unread];

    /// The name in reports and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Limit => "limit",
            Self::Unread => "unread",
        }
    }
}

impl Record {
    /// What refused the request, if it was refused.
    #[must_use]
    pub fn refused_by(&self) -> Option<RefusedBy> {
        let refused = |it: &&Applied| it.counts.get(Counter::RequestsRefused) > 0;
        match self.applied.iter().find(refused).map(|it| it.countermeasure) {
            Some(Countermeasure::Refuse) => Some(RefusedBy::Policy),
            Some(_) => Some(RefusedBy::Limit),
            None => (self.outcome == Outcome::Refused).then_some(RefusedBy::Unread),
        }
    }
}

/// The name of one decision. Also the type under which a response carries it in its extensions, so
/// that the access log can name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DecisionName(pub String);

impl fmt::Display for DecisionName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What was known of the risk. Unknown is a state of its own, never a low score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Risk {
    /// A score from 0 to 1; higher is riskier.
    Known {
        /// The score.
        score: f64,
        /// The model of the detector that gave it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        /// The detector's confidence, from 0 to 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confidence: Option<f64>,
    },
    /// No score, and why.
    Unknown {
        /// The reason, by the name of its enum variant: `missing`, `expired`, `bad_signature`, …
        reason: Cow<'static, str>,
    },
}

/// How much of what a grade names an exemption covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exempt {
    /// All of it: nothing is done.
    Whole,
    /// Some of it.
    Part,
}

/// A policy and its revision.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PolicyIdentity {
    /// The name that the file gives.
    pub name: String,
    /// The fingerprint of the files it was compiled from.
    pub revision: String,
}

/// One countermeasure and what it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Which.
    pub countermeasure: Countermeasure,
    /// By what the answer carries the mark; absent for other countermeasures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Carrier>,
    /// How much of what.
    pub counts: Counts,
    /// Which members of request and answer were closed: names that servers are known to use, and
    /// `other` for all that a client or an upstream may have made up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Cow<'static, str>>,
    /// How the reasoning was set apart that stood in the answer's text, by the names that this
    /// crate gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dialects: Vec<Cow<'static, str>>,
}

impl Applied {
    /// A countermeasure that carries no mark.
    #[must_use]
    pub fn new(countermeasure: Countermeasure, counts: Counts) -> Self {
        Self { countermeasure, carrier: None, counts, members: Vec::new(), dialects: Vec::new() }
    }
}

/// How far a dry run came: whether the counts of what is only observed are those that it would have
/// had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DryRun {
    /// As far as the exchange itself.
    Complete,
    /// There was none: the exchange was not drawn.
    NotSampled,
    /// There was none: the exchange ended before its request was whole, or that could not be copied.
    RequestUnread,
    /// To where the answer could no longer be read: it is compressed or of another type, or something
    /// in it would have broken the answer off.
    AnswerUnread,
    /// To where more would have been held than there is room for.
    NoRoom,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The client got the whole answer.
    Complete,
    /// The answer was ended early on purpose, the way the protocol ends one.
    Stopped,
    /// The client left first.
    Cancelled,
    /// The upstream failed, or was too slow; the client got an error, not an end.
    UpstreamError,
    /// The upstream was not asked.
    Refused,
    /// There was no room to hold the request or its answer.
    Overloaded,
}

impl Outcome {
    /// Every way.
    pub const ALL: [Self; 6] = [
        Self::Complete,
        Self::Stopped,
        Self::Cancelled,
        Self::UpstreamError,
        Self::Refused,
        Self::Overloaded,
    ];

    /// The name in records, logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
            Self::UpstreamError => "upstream_error",
            Self::Refused => "refused",
            Self::Overloaded => "overloaded",
        }
    }
}

/// Times from the arrival of the request's head, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durations {
    /// To the first byte of the answer's body; absent when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_ms: Option<u64>,
    /// To the end of the exchange.
    pub total_ms: u64,
}

/// The name of a mode in records and metrics.
#[must_use]
pub fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Observe => "observe",
        Mode::Enforce => "enforce",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditKey;

    fn record() -> Record {
        let mut counts = Counts::default();
        counts.add(Counter::BytesRemoved, 90);
        counts.add(Counter::WordsRemoved, 12);
        Record {
            time: Timestamp::from_second(1_800_000_000).unwrap(),
            decision: DecisionName("d-1".into()),
            principal: AuditKey::new([0; 32]).principal("a", None, None),
            risk: Risk::Known { score: 0.75, model: Some("det-3".into()), confidence: None },
            grade: "withhold".into(),
            exempt: None,
            arm: None,
            policy: PolicyIdentity { name: "ladder".into(), revision: "3f".into() },
            protocol: "chat".into(),
            stream: true,
            mode: Mode::Enforce,
            applied: vec![Applied::new(Countermeasure::Reasoning, counts)],
            observed: Vec::new(),
            other_arms: BTreeMap::new(),
            dry_run: None,
            outcome: Outcome::Complete,
            status: Some(200),
            durations: Durations { first_byte_ms: Some(3), total_ms: 80 },
        }
    }

    #[test]
    fn the_json_form_is_the_documented_one() {
        let account = record().principal.account;
        let expected = format!(
            r#"{{"time":"2027-01-15T08:00:00Z","decision":"d-1","principal":{{"account":"{account}"}},"risk":{{"known":{{"score":0.75,"model":"det-3"}}}},"grade":"withhold","policy":{{"name":"ladder","revision":"3f"}},"protocol":"chat","stream":true,"mode":"enforce","applied":[{{"countermeasure":"reasoning","counts":{{"words_removed":12,"bytes_removed":90}}}}],"observed":[],"outcome":"complete","status":200,"durations":{{"first_byte_ms":3,"total_ms":80}}}}"#
        );
        assert_eq!(serde_json::to_string(&record()).unwrap(), expected);
        assert_eq!(serde_json::from_str::<Record>(&expected).unwrap(), record());
    }

    #[test]
    fn what_refused_a_request_is_told_by_what_was_done_before_its_outcome() {
        let mut record = record();
        assert_eq!(record.refused_by(), None);
        record.outcome = Outcome::Refused;
        assert_eq!(record.refused_by(), Some(RefusedBy::Unread));
        let mut refused = Counts::default();
        refused.add(Counter::RequestsRefused, 1);
        for (by, named) in [
            (RefusedBy::Limit, Countermeasure::Pace),
            (RefusedBy::Limit, Countermeasure::Rate),
            (RefusedBy::Policy, Countermeasure::Refuse),
        ] {
            record.applied.insert(0, Applied::new(named, refused.clone()));
            assert_eq!(record.refused_by(), Some(by));
        }
    }

    #[test]
    fn names_in_metrics_are_the_names_in_records() {
        for (name, json) in [
            (Countermeasure::SideChannels.name(), serde_json::json!(Countermeasure::SideChannels)),
            (Countermeasure::Pace.name(), serde_json::json!(Countermeasure::Pace)),
            (Outcome::UpstreamError.name(), serde_json::json!(Outcome::UpstreamError)),
            (RefusedBy::Unread.name(), serde_json::json!(RefusedBy::Unread)),
        ] {
            assert_eq!(json, name);
        }
        for outcome in Outcome::ALL {
            assert_eq!(serde_json::json!(outcome), outcome.name());
        }
    }
}
