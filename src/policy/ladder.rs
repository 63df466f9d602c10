//! A compiled policy, and how it decides.

use std::sync::Arc;

use jiff::Timestamp;

use super::Pattern;
use super::countermeasure::{Countermeasure, Countermeasures};
use super::decision::{
    Decision, DecisionId, DecisionIds, GradeReached, NoTextRoutes, PolicyId, Reason, Reasons,
    RequestFacts, Revision, Unhandled,
};
use super::exemption::Exemption;
use super::plan::{Measure, Mode, Plan, Refuse};
use super::problem::Notice;
use crate::risk::{Assessment, Principal, Risk, RiskScore};
use crate::wire::ProtocolId;

/// A policy, compiled and checked. It does not change: a reload makes another.
#[derive(Debug)]
#[non_exhaustive]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Which file it was made from.
    pub revision: Revision,
    /// Its mode; a countermeasure's own may be weaker.
    pub mode: Mode,
    /// Which requests it governs.
    pub scope: RequestScope,
    /// What graded callers get on paths that the layer does not know.
    pub unknown_routes: Unhandled,
    /// What graded callers get when the layer cannot read a response.
    pub on_opaque: Unhandled,
    /// What becomes of graded callers' embeddings, moderations and counts of tokens.
    pub no_text_routes: NoTextRoutes,
    /// The share of the observed exchanges in which it is tried out, on a copy, what would have been
    /// done.
    pub observe_sample: f64,
    /// The ladder, mildest grade first.
    pub grades: Vec<Grade>,
    /// Who is spared.
    pub exemptions: Vec<Exemption>,
    pub(super) id: Arc<PolicyId>,
    pub(super) notices: Vec<Notice>,
    /// The first line that has answers marked.
    pub(super) marks_at: Option<usize>,
    /// The first line that has reasoning condensed.
    pub(super) sums_up_at: Option<usize>,
    pub(super) untouched: Arc<Plan>,
    pub(super) unknown_route: RefusalPlans,
    pub(super) contested: RefusalPlans,
    pub(super) ids: DecisionIds,
}

/// Which requests a policy governs. A list that is absent does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestScope {
    /// Paths, of those whose protocol the layer knows.
    pub routes: Option<Vec<Pattern>>,
    /// Protocols.
    pub protocols: Option<Vec<ProtocolId>>,
    /// Models, by the name the client asks for.
    pub models: Option<Arc<[Pattern]>>,
}

impl RequestScope {
    /// Whether the policy governs `protocol`.
    #[must_use]
    pub fn covers_protocol(&self, protocol: ProtocolId) -> bool {
        self.protocols.as_ref().is_none_or(|protocols| protocols.contains(&protocol))
    }

    /// Whether the policy governs `path`.
    #[must_use]
    pub fn covers_route(&self, path: &str) -> bool {
        self.routes.as_ref().is_none_or(|routes| routes.iter().any(|route| route.matches(path)))
    }
}

/// One step of the ladder.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Grade {
    /// Its name.
    pub name: Arc<str>,
    /// The lowest score that reaches it.
    pub at: f64,
    /// The lowest confidence with which a score reaches it.
    pub min_confidence: f64,
    /// What it does.
    pub plan: Arc<Plan>,
}

impl Grade {
    /// A step that scores of `at` and more reach, whatever their confidence.
    #[must_use]
    pub fn new(name: &str, at: f64, plan: Plan) -> Self {
        Self { name: name.into(), at, min_confidence: 0.0, plan: Arc::new(plan) }
    }

    /// The same step, which scores of less confidence do not reach.
    #[must_use]
    pub fn with_min_confidence(self, min_confidence: f64) -> Self {
        Self { min_confidence, ..self }
    }

    fn is_reached_by(&self, score: &RiskScore) -> bool {
        score.value() >= self.at
            && score.confidence().is_none_or(|confidence| confidence >= self.min_confidence)
    }
}

/// Refusals that stand in for a grade's plan, made once.
#[derive(Debug)]
pub(super) struct RefusalPlans {
    observed: Arc<Plan>,
    enforced: Arc<Plan>,
}

impl RefusalPlans {
    pub(super) fn new(message: &str) -> Self {
        let plan = |mode| {
            let settings = Refuse { message: message.to_owned() };
            Arc::new(Plan { refuse: Some(Measure { mode, settings }), ..Plan::default() })
        };
        Self { observed: plan(Mode::Observe), enforced: plan(Mode::Enforce) }
    }

    /// The refusal, in the mode of what it stands in for.
    fn in_place_of(&self, carried_out: bool) -> Arc<Plan> {
        Arc::clone(if carried_out { &self.enforced } else { &self.observed })
    }
}

impl Policy {
    /// The line of the file at which a grade first has answers marked, so that keys are needed.
    #[must_use]
    pub fn marks_at(&self) -> Option<usize> {
        self.marks_at
    }

    /// The line of the file at which a grade first has reasoning condensed, so that a summarizer is
    /// needed.
    #[must_use]
    pub fn sums_up_at(&self) -> Option<usize> {
        self.sums_up_at
    }

    /// What the policy's author may not have meant, at `now`.
    #[must_use]
    pub fn notices(&self, now: Timestamp) -> Vec<Notice> {
        let expired = self.exemptions.iter().filter(|exemption| exemption.has_expired(now));
        let mut notices = self.notices.clone();
        notices.extend(expired.map(|exemption| exemption.notice.clone()));
        notices.sort_by_key(|notice| (notice.line, notice.column));
        notices
    }

    /// Decides about a request. The highest grade that the score reaches counts, with the scope
    /// and the exemptions taken into account; unknown risk reaches none.
    ///
    /// The model is not known yet: call [`Decision::for_model`] as soon as it is.
    #[must_use]
    pub fn decide(
        &self,
        assessment: &Assessment,
        facts: RequestFacts<'_>,
        now: Timestamp,
    ) -> Decision {
        self.decide_as(self.new_id(), assessment, facts, now)
    }

    /// A name for a decision.
    pub(crate) fn new_id(&self) -> DecisionId {
        self.ids.next()
    }

    /// The same under a name that is given: what one request is to several policies is one decision.
    pub(crate) fn decide_as(
        &self,
        id: DecisionId,
        assessment: &Assessment,
        facts: RequestFacts<'_>,
        now: Timestamp,
    ) -> Decision {
        let unread = match self.unknown_routes {
            Unhandled::Pass => Reason::UnknownRoutePassed,
            Unhandled::Refuse => Reason::UnknownRouteRefused,
        };
        self.decide_about(id, assessment, facts, now, unread)
    }

    /// Decides about a request to `path`, which is known to return a model's text in a way that is not
    /// read: graded callers are refused, whatever is done with unknown paths.
    #[must_use]
    pub fn decide_way_round(
        &self,
        assessment: &Assessment,
        path: &str,
        now: Timestamp,
    ) -> Decision {
        self.decide_way_round_as(self.new_id(), assessment, path, now)
    }

    /// The same under a name that is given.
    pub(crate) fn decide_way_round_as(
        &self,
        id: DecisionId,
        assessment: &Assessment,
        path: &str,
        now: Timestamp,
    ) -> Decision {
        let facts = RequestFacts { path, protocol: None };
        self.decide_about(id, assessment, facts, now, Reason::WayRoundRefused)
    }

    /// Decides, `unread` being what becomes of paths that are not read.
    fn decide_about(
        &self,
        id: DecisionId,
        assessment: &Assessment,
        facts: RequestFacts<'_>,
        now: Timestamp,
        unread: Reason,
    ) -> Decision {
        let mut reasons = Reasons::default();
        let grade = self.grade_of(&assessment.risk, &mut reasons);
        let mut plan = Arc::clone(&self.untouched);
        let contested = matches!(assessment.risk, Risk::Contested { .. });
        if contested {
            if self.governs(facts, &mut reasons) {
                plan = self.on_contested_risk(&mut reasons);
            }
        } else if let Some((_, grade)) = grade {
            if self.governs(facts, &mut reasons) {
                plan = self.spare(&grade.plan, &assessment.principal, now, &mut reasons);
            }
            if facts.protocol.is_none() && !plan.is_empty() {
                reasons.insert(unread);
                plan = match unread {
                    Reason::UnknownRoutePassed => Arc::clone(&self.untouched),
                    _ => self.unknown_route.in_place_of(carries_out(&plan)),
                };
            }
        }
        let models = if plan.is_empty() || contested || facts.protocol.is_none() {
            None
        } else {
            self.scope.models.clone()
        };
        Decision { models, ..self.decision(id, grade, plan, reasons) }
    }

    /// Decides about a request to `path`, which is known to answer without a model's text, but at a
    /// cost: embeddings, moderations, counts of tokens.
    #[must_use]
    pub fn decide_without_text(
        &self,
        assessment: &Assessment,
        path: &str,
        now: Timestamp,
    ) -> Decision {
        self.decide_without_text_as(self.new_id(), assessment, path, now)
    }

    /// The same under a name that is given.
    pub(crate) fn decide_without_text_as(
        &self,
        id: DecisionId,
        assessment: &Assessment,
        path: &str,
        now: Timestamp,
    ) -> Decision {
        let mut reasons = Reasons::default();
        let mut plan = Arc::clone(&self.untouched);
        reasons.insert(Reason::NoTextRoute);
        if self.no_text_routes == NoTextRoutes::Pass {
            return self.decision(id, None, plan, reasons);
        }
        let grade = self.grade_of(&assessment.risk, &mut reasons);
        if !self.scope.covers_route(path) {
            reasons.insert(Reason::RouteOutOfScope);
        } else if matches!(assessment.risk, Risk::Contested { .. }) {
            plan = self.on_contested_risk(&mut reasons);
        } else if let Some((_, grade)) = grade {
            let spared = self.spare(&grade.plan, &assessment.principal, now, &mut reasons);
            let Plan { refuse, rate, .. } = &*spared;
            let (refuse, rate) = (refuse.clone(), rate.clone());
            plan = Arc::new(Plan { refuse, rate, ..Plan::default() });
        }
        self.decision(id, grade, plan, reasons)
    }

    fn decision(
        &self,
        id: DecisionId,
        grade: Option<(usize, &Grade)>,
        plan: Arc<Plan>,
        mut reasons: Reasons,
    ) -> Decision {
        if !plan.is_empty() && !carries_out(&plan) {
            reasons.insert(Reason::ObserveOnly);
        }
        Decision {
            id,
            grade: grade.map(|(index, grade)| GradeReached { index, name: grade.name.clone() }),
            plan,
            mode: self.mode,
            on_opaque: self.on_opaque,
            arm: None,
            reasons,
            policy: Arc::clone(&self.id),
            models: None,
        }
    }

    /// Whether a caller at this risk reaches no grade, so that whatever they ask nothing is done.
    pub(crate) fn reaches_none(&self, risk: &Risk) -> bool {
        match risk {
            Risk::Known(score) => !self.grades.iter().any(|grade| grade.is_reached_by(score)),
            Risk::Contested { .. } => false,
            Risk::Unknown(_) => true,
        }
    }

    fn grade_of(&self, risk: &Risk, reasons: &mut Reasons) -> Option<(usize, &Grade)> {
        let score = match risk {
            Risk::Known(score) => score,
            Risk::Contested { score, .. } => {
                reasons.insert(Reason::RiskContested);
                score.as_ref()?
            }
            Risk::Unknown(_) => {
                reasons.insert(Reason::RiskUnknown);
                return None;
            }
        };
        let mut from_the_top = self.grades.iter().enumerate().rev();
        let grade = from_the_top.find(|(_, grade)| {
            let reached = grade.is_reached_by(score);
            if !reached && score.value() >= grade.at {
                reasons.insert(Reason::ConfidenceTooLow);
            }
            reached
        });
        match grade {
            Some((_, grade)) if grade.plan.is_empty() => {
                reasons.insert(Reason::GradeReached);
                reasons.insert(Reason::GradeUntouched);
            }
            Some(_) => reasons.insert(Reason::GradeReached),
            None if reasons.contains(Reason::ConfidenceTooLow) => {}
            None => reasons.insert(Reason::BelowFirstGrade),
        }
        grade
    }

    /// Whether the scope has the request. Unknown paths are always in it: a path that the layer
    /// does not know may lead to the same text.
    fn governs(&self, facts: RequestFacts<'_>, reasons: &mut Reasons) -> bool {
        let Some(protocol) = facts.protocol else { return true };
        let protocol = self.scope.covers_protocol(protocol);
        let route = self.scope.covers_route(facts.path);
        if !protocol {
            reasons.insert(Reason::ProtocolOutOfScope);
        }
        if !route {
            reasons.insert(Reason::RouteOutOfScope);
        }
        protocol && route
    }

    fn spare(
        &self,
        plan: &Arc<Plan>,
        principal: &Principal,
        now: Timestamp,
        reasons: &mut Reasons,
    ) -> Arc<Plan> {
        let mut covered = Countermeasures::default();
        let naming = self.exemptions.iter().filter(|exemption| exemption.names(principal));
        for exemption in naming {
            if !exemption.covers.touch(plan) {
                continue;
            }
            if exemption.has_expired(now) {
                reasons.insert(Reason::ExemptionExpired);
            } else {
                covered = covered.union(exemption.covers);
            }
        }
        if !covered.touch(plan) {
            Arc::clone(plan)
        } else if covered.cover(plan) {
            reasons.insert(Reason::Exempt);
            Arc::clone(&self.untouched)
        } else {
            reasons.insert(Reason::PartlyExempt);
            Arc::new(covered.removed_from(plan))
        }
    }

    /// It is not known whose request it is, so neither grade nor exemption says what to do: it is
    /// refused if anything is done to anyone. Who would be graded could otherwise show the detector
    /// one account's credential and the upstream another's.
    fn on_contested_risk(&self, reasons: &mut Reasons) -> Arc<Plan> {
        reasons.insert(Reason::RiskContested);
        self.contested.in_place_of(self.grades.iter().any(|grade| carries_out(&grade.plan)))
    }
}

/// Whether anything in `plan` is carried out.
fn carries_out(plan: &Plan) -> bool {
    Countermeasure::ALL.into_iter().any(|named| named.mode_in(plan) == Some(Mode::Enforce))
}
