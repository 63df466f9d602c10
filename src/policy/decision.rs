//! What was decided about one request, and why.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::Pattern;
use super::plan::{Mode, Plan};
use crate::mark::keys::ArmMark;
use crate::secret::{NoRandomness, Secret};
use crate::wire::ProtocolId;

/// The outcome for one request. What it carries is shared with the policy, not copied.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Decision {
    /// Names this decision to the client and in the audit.
    pub id: DecisionId,
    /// The grade that the caller's score reached, whether or not anything comes of it.
    pub grade: Option<GradeReached>,
    /// What is done. A measure in it that is only observed has that mode.
    pub plan: Arc<Plan>,
    /// The policy's own mode.
    pub mode: Mode,
    /// What becomes of a response that the layer cannot read, if the plan edits responses.
    pub on_opaque: Unhandled,
    /// The arm of an experiment that the caller is in, where one runs.
    pub arm: Option<Arc<ArmMark>>,
    /// Why.
    pub reasons: Reasons,
    /// The policy that decided.
    pub policy: Arc<PolicyId>,
    /// The models that the policy governs, while it matters.
    pub(super) models: Option<Arc<[Pattern]>>,
}

impl Decision {
    /// Whether there is nothing to do to this caller and nothing to record: no grade was reached.
    #[must_use]
    pub fn concerns_nobody(&self) -> bool {
        self.plan.is_empty() && self.grade.is_none()
    }

    /// Whether it depends on the models that the request names, which are not known yet.
    pub(crate) fn depends_on_models(&self) -> bool {
        self.models.is_some()
    }

    /// Whether both hold for the same models.
    #[cfg(feature = "experiments")]
    pub(crate) fn governs_as(&self, other: &Self) -> bool {
        self.models == other.models
    }

    /// The decision once the requested model is known: a model outside the policy's scope empties
    /// the plan.
    #[must_use]
    pub fn for_model(self, model: &str) -> Self {
        self.for_models(&[model])
    }

    /// The decision for a request that names several models, in its path and in its body. It is in
    /// scope if any of them is, or if there is none: which one answers is the server's choice.
    #[must_use]
    pub fn for_models(self, named: &[&str]) -> Self {
        self.for_request(named, |_| false)
    }

    /// The same of a request that may mention models elsewhere: whether one of a pattern's is.
    #[must_use]
    pub fn for_request(mut self, named: &[&str], mentions: impl Fn(&Pattern) -> bool) -> Self {
        let Some(models) = self.models.take() else { return self };
        let covered = |name: &&str| models.iter().any(|pattern| pattern.covers_model(name));
        let mentioned = || models.iter().any(mentions);
        if !named.is_empty() && !named.iter().any(covered) && !mentioned() {
            self.plan = Arc::default();
            self.reasons.insert(Reason::ModelOutOfScope);
        }
        self
    }
}

/// A grade by its place on the ladder and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GradeReached {
    /// Its place among the policy's grades, from 0.
    pub index: usize,
    /// Its name.
    pub name: Arc<str>,
}

/// Names a decision without telling anything about it: safe to show to the client.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecisionId(u128);

impl DecisionId {
    /// An id for an answer of our own where nothing was decided. Its shape is that of any other, so
    /// that a failure does not tell a caller whether they have reached a grade.
    #[must_use]
    pub fn undecided() -> Self {
        // A process to which the system gives no randomness has not come to serve anyone.
        let random = Secret::random().ok();
        let bytes = random.as_ref().and_then(|it| it.expose().first_chunk()).copied();
        Self(u128::from_le_bytes(bytes.unwrap_or_default()))
    }
}

impl DecisionId {
    /// Whether it is among this share of all ids, which are uniform and which no client can choose.
    #[must_use]
    pub fn is_within(self, share: f64) -> bool {
        // The upper half: `f64` has no room for all of it.
        ((self.0 >> 64) as u64 as f64) < share * (u64::MAX as f64 + 1.0)
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "gd_{:032x}", self.0)
    }
}

impl fmt::Debug for DecisionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Makes decision ids: a keyed hash of a counter, so that ids neither repeat nor tell how many
/// there have been.
pub(super) struct DecisionIds {
    key: Secret,
    next: AtomicU64,
}

impl DecisionIds {
    pub(super) fn new() -> Result<Self, NoRandomness> {
        Ok(Self { key: Secret::random()?, next: AtomicU64::new(0) })
    }

    pub(super) fn next(&self) -> DecisionId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let hash = blake3::keyed_hash(self.key.expose(), &number.to_le_bytes());
        let bytes = hash.as_bytes().first_chunk().copied().unwrap_or_default();
        DecisionId(u128::from_le_bytes(bytes))
    }
}

impl fmt::Debug for DecisionIds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DecisionIds").finish_non_exhaustive()
    }
}

/// Which policy: its name, and which file of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PolicyId {
    /// The name that the file gives.
    pub name: String,
    /// The fingerprint of the file.
    pub revision: Revision,
}

/// The first 48 bits of the BLAKE3 hash of a policy file, as 12 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision([u8; 6]);

impl Revision {
    pub(crate) fn of(file: &[u8]) -> Self {
        Self(blake3::hash(file).as_bytes().first_chunk().copied().unwrap_or_default())
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(formatter, "{:012x}", u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// What becomes of something that the layer does not handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Unhandled {
    /// It is refused.
    Refuse,
    /// It is let through untouched.
    Pass,
}

/// What becomes of a graded caller's requests whose answers hold no text of a model: embeddings,
/// moderations, counts of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum NoTextRoutes {
    /// They count against the grade's rate, are refused where the grade refuses, and are recorded.
    Limit,
    /// They are let through untouched.
    Pass,
}

/// What is known of a request before its body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestFacts<'r> {
    /// The path, without the query.
    pub path: &'r str,
    /// The protocol that the path belongs to; `None` for a path that the layer does not know.
    pub protocol: Option<ProtocolId>,
}

/// One of the facts that led to a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The risk is unknown, and unknown risk reaches no grade.
    RiskUnknown,
    /// A detector's word is contradicted by what the client wrote beside it.
    RiskContested,
    /// The score reaches no grade's threshold.
    BelowFirstGrade,
    /// The score reaches the threshold of a grade above, but with too little confidence.
    ConfidenceTooLow,
    /// The score reached a grade.
    GradeReached,
    /// The grade names no countermeasure.
    GradeUntouched,
    /// The path is not in the policy's scope.
    RouteOutOfScope,
    /// The protocol is not in the policy's scope.
    ProtocolOutOfScope,
    /// The model is not in the policy's scope.
    ModelOutOfScope,
    /// An exemption would have applied, had it not expired.
    ExemptionExpired,
    /// Exemptions cover everything that the grade names.
    Exempt,
    /// Exemptions cover a part of what the grade names.
    PartlyExempt,
    /// The layer does not know the path, and the policy refuses such paths.
    UnknownRouteRefused,
    /// The layer does not know the path, and the policy lets such paths through.
    UnknownRoutePassed,
    /// The path is known to return a model's text in a way that is not read: it is refused.
    WayRoundRefused,
    /// The path answers without a model's text: only the rate and a refusal apply.
    NoTextRoute,
    /// Nothing in the plan is carried out: it is observed.
    ObserveOnly,
}

impl Reason {
    /// Every reason, in the order in which a decision comes upon them.
    pub const ALL: [Self; 17] = [
        Self::RiskUnknown,
        Self::RiskContested,
        Self::BelowFirstGrade,
        Self::ConfidenceTooLow,
        Self::GradeReached,
        Self::GradeUntouched,
        Self::RouteOutOfScope,
        Self::ProtocolOutOfScope,
        Self::ModelOutOfScope,
        Self::ExemptionExpired,
        Self::Exempt,
        Self::PartlyExempt,
        Self::UnknownRouteRefused,
        Self::UnknownRoutePassed,
        Self::WayRoundRefused,
        Self::NoTextRoute,
        Self::ObserveOnly,
    ];

    /// The name in audit records and metrics. It never changes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RiskUnknown => "risk_unknown",
            Self::RiskContested => "risk_contested",
            Self::BelowFirstGrade => "below_first_grade",
            Self::ConfidenceTooLow => "confidence_too_low",
            Self::GradeReached => "grade_reached",
            Self::GradeUntouched => "grade_untouched",
            Self::RouteOutOfScope => "route_out_of_scope",
            Self::ProtocolOutOfScope => "protocol_out_of_scope",
            Self::ModelOutOfScope => "model_out_of_scope",
            Self::ExemptionExpired => "exemption_expired",
            Self::Exempt => "exempt",
            Self::PartlyExempt => "partly_exempt",
            Self::UnknownRouteRefused => "unknown_route_refused",
            Self::UnknownRoutePassed => "unknown_route_passed",
            Self::WayRoundRefused => "way_round_refused",
            Self::NoTextRoute => "no_text_route",
            Self::ObserveOnly => "observe_only",
        }
    }
}

/// A set of reasons, kept without allocation.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Reasons(u32);

const _: () = assert!(Reason::ALL.len() <= u32::BITS as usize, "a reason has no bit");

impl Reasons {
    /// Whether `reason` is among them.
    #[must_use]
    pub fn contains(self, reason: Reason) -> bool {
        self.0 & (1 << reason as u32) != 0
    }

    /// The reasons, in the order of [`Reason::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |reason| self.contains(*reason))
    }

    pub(super) fn insert(&mut self, reason: Reason) {
        self.0 |= 1 << reason as u32;
    }
}

impl fmt::Debug for Reasons {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter().map(Reason::name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn reasons_keep_what_is_put_in_and_nothing_else() {
        for reason in Reason::ALL {
            let mut reasons = Reasons::default();
            reasons.insert(reason);
            assert_eq!(reasons.iter().collect::<Vec<_>>(), [reason]);
        }
        let names: HashSet<_> = Reason::ALL.into_iter().map(Reason::name).collect();
        assert_eq!(names.len(), Reason::ALL.len(), "each has its own name");
    }

    #[test]
    fn ids_do_not_repeat_within_or_across_policies() {
        let (one, other) = (DecisionIds::new().unwrap(), DecisionIds::new().unwrap());
        let ids: HashSet<_> = (0..1_000).flat_map(|_| [one.next(), other.next()]).collect();
        assert_eq!(ids.len(), 2_000);
        let text = one.next().to_string();
        assert_eq!((text.get(..3), text.len()), (Some("gd_"), 35));
    }

    #[test]
    fn a_revision_is_the_start_of_the_files_hash() {
        let hash = blake3::hash(b"version = 1\n").to_hex();
        let revision = Revision::of(b"version = 1\n").to_string();
        assert_eq!(Some(revision.as_str()), hash.get(..12));
    }
}
