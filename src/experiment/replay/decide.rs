//! What a policy makes of one record.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::names::Names;
use crate::audit::{
    self, Applied, Counter, DryRun, Outcome, PolicyIdentity, PrincipalHashes, Record,
};
use crate::policy::plan::Mode;
use crate::policy::{Countermeasure, Policy, Reason, RequestFacts};
use crate::risk::{Assessment, Risk, RiskScore, UnknownReason, Validity};
use crate::secret::opaque_debug;
use crate::wire::ProtocolId;

/// Who asked, as far as it bears on whom a policy should spare. Each request is of one kind: the
/// first that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// An exemption of the policy names them, and covers something of what they would meet.
    Exempt,
    /// There is no score that may be relied on.
    Unknown,
    /// The score is low.
    LowRisk,
    /// The score is higher.
    Suspected,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Exempt, Self::Unknown, Self::LowRisk, Self::Suspected];

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Exempt => "exempt",
            Self::Unknown => "unknown risk",
            Self::LowRisk => "low risk",
            Self::Suspected => "suspected",
        }
    }
}

/// A count of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    Count(u64),
    /// The record does not mention what is counted: nothing was done, or nothing was to be.
    Silent,
    /// Nobody counted.
    Unknown,
}

/// What the policy does with a request of a record, and what the record has of it.
pub struct Seen {
    pub(super) time: Timestamp,
    pub(super) principal: PrincipalHashes,
    pub(super) score: Option<f64>,
    /// The grade and the policy of the record.
    pub(super) old: (String, PolicyIdentity),
    /// The grade of the new policy, from 1; 0 where none is reached.
    pub(super) new: usize,
    pub(super) kind: Kind,
    pub(super) effect: Effect,
    pub(super) was_refused: bool,
    pub(super) was_limited: bool,
    /// Nothing of it is known but the grade: the path may have been any.
    pub(super) path_unknown: bool,
    pub(super) words: Recorded,
    pub(super) reasoning_tokens: Recorded,
    pub(super) sites: Recorded,
}

opaque_debug!(Seen);

/// What a plan does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) touches: bool,
    pub(super) refuses: bool,
    pub(super) limits: bool,
    pub(super) withholds: bool,
    pub(super) marks: bool,
}

/// Decides about records as a policy would have, had it been in force.
#[derive(Debug)]
pub(super) struct Decider {
    pub(super) policy: Policy,
    names: Names,
    low_risk: f64,
}

impl Decider {
    pub(super) fn new(mut policy: Policy, names: Names, low_risk: f64) -> Self {
        // A record has no path: it is taken to be one that the policy governs.
        policy.scope.routes = None;
        Self { policy, names, low_risk }
    }

    pub(super) fn decide(&self, record: Record) -> Seen {
        let Record { time, principal, risk, protocol, applied, .. } = &record;
        let refused = requests_refused(applied, Countermeasure::Refuse);
        let protocol = ProtocolId::ALL.into_iter().find(|id| id.name() == protocol);
        let assessment = Assessment {
            principal: self.names.of(principal),
            risk: assessed(risk, *time, refused || is_observed(&record, Countermeasure::Refuse)),
        };
        let path_unknown = protocol.is_none();
        // Of an unknown path the grade is told and nothing else; any protocol tells that.
        let protocol = protocol.or(Some(ProtocolId::Chat));
        let decision = self.policy.decide(&assessment, RequestFacts { path: "", protocol }, *time);
        let score = match risk {
            audit::Risk::Known { score, .. } => Some(*score),
            audit::Risk::Unknown { .. } => None,
        };
        let spared = [Reason::Exempt, Reason::PartlyExempt];
        let kind = match score {
            _ if spared.iter().any(|reason| decision.reasons.contains(*reason)) => Kind::Exempt,
            None => Kind::Unknown,
            Some(score) if score < self.low_risk => Kind::LowRisk,
            Some(_) => Kind::Suspected,
        };
        // A policy that only observes is asked what it would do.
        let observes = self.policy.mode == Mode::Observe;
        let does = |named: Countermeasure| match named.mode_in(&decision.plan) {
            Some(Mode::Enforce) => true,
            Some(Mode::Observe) => observes,
            None => false,
        };
        let refuses = does(Countermeasure::Refuse);
        let effect = if path_unknown {
            Effect::default()
        } else {
            Effect {
                touches: Countermeasure::ALL.into_iter().any(does),
                refuses,
                limits: !refuses && does(Countermeasure::Rate),
                withholds: !refuses && does(Countermeasure::Reasoning),
                marks: !refuses && does(Countermeasure::Watermark),
            }
        };
        let asked = !matches!(record.outcome, Outcome::Refused | Outcome::Overloaded);
        let count =
            |named, counter| if asked { count(&record, named, counter) } else { Recorded::Unknown };
        Seen {
            time: *time,
            principal: *principal,
            score,
            new: decision.grade.as_ref().map_or(0, |grade| grade.index + 1),
            kind,
            effect,
            was_refused: refused,
            was_limited: requests_refused(applied, Countermeasure::Rate),
            path_unknown,
            words: count(Countermeasure::Reasoning, Counter::WordsRemoved),
            reasoning_tokens: if asked { reasoning_tokens(&record) } else { Recorded::Unknown },
            sites: count(Countermeasure::Watermark, Counter::Sites),
            old: (record.grade, record.policy),
        }
    }
}

/// The risk as it was. Who was refused without a score has contradicted a detector: nobody else is.
fn assessed(risk: &audit::Risk, time: Timestamp, refused: bool) -> Risk {
    let audit::Risk::Known { score, confidence, .. } = risk else {
        let reason = UnknownReason::Absent;
        return if refused {
            Risk::Contested { score: None, reason }
        } else {
            Risk::Unknown(reason)
        };
    };
    let validity = Validity { issued: time, ttl: Duration::MAX };
    let score = RiskScore::new(*score, validity).and_then(|score| match confidence {
        Some(confidence) => score.with_confidence(*confidence),
        None => Ok(score),
    });
    score.map_or(Risk::Unknown(UnknownReason::Malformed), Risk::Known)
}

fn requests_refused(list: &[Applied], named: Countermeasure) -> bool {
    find(list, named).is_some_and(|it| it.counts.get(Counter::RequestsRefused) > 0)
}

fn is_observed(record: &Record, named: Countermeasure) -> bool {
    find(&record.observed, named).is_some()
}

fn find(list: &[Applied], named: Countermeasure) -> Option<&Applied> {
    list.iter().find(|it| it.countermeasure == named)
}

fn count(record: &Record, named: Countermeasure, counter: Counter) -> Recorded {
    if let Some(applied) = find(&record.applied, named) {
        return Recorded::Count(applied.counts.get(counter));
    }
    let Some(observed) = find(&record.observed, named) else { return Recorded::Silent };
    match record.dry_run {
        // What was tried out to its end; or there was nothing to try.
        Some(DryRun::Complete) | None => Recorded::Count(observed.counts.get(counter)),
        Some(_) => Recorded::Unknown,
    }
}

/// Tokens of reasoning are counted where tokens are limited.
fn reasoning_tokens(record: &Record) -> Recorded {
    let lists = [&record.applied, &record.observed];
    let counted = lists.into_iter().filter_map(|list| find(list, Countermeasure::Rate));
    let counted = counted.map(|it| &it.counts).find(|counts| counts.get(Counter::TokensOut) > 0);
    counted
        .map_or(Recorded::Unknown, |counts| Recorded::Count(counts.get(Counter::TokensReasoning)))
}
