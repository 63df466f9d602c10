//! Which arm decides about a request, and what the others would decide.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;

use super::{Counted, HELD, ROLLED_BACK, RUNS, Running};
use crate::audit::{
    ArmDecision, AuditKey, DecisionName, ExperimentName, Exposure, KeyedHash, Population,
    PrincipalHashes, UnitName,
};
use crate::experiment::assignment::{Place, Unit};
use crate::experiment::register::{Admitted, Found, Known, New};
use crate::experiment::settings::{Arm, Eligibility, Switchback, UnitKind};
use crate::experiment::strictness::by_strictness;
use crate::policy::plan::Mode;
use crate::policy::{Countermeasure, Decision, DecisionId, Policy};
use crate::risk::{Assessment, Principal, Risk, UnknownReason};

/// An experiment that a request is part of.
#[derive(Debug)]
pub(crate) struct Choice<'r> {
    running: &'r Arc<Running>,
    met: Meets,
}

/// Whose policy a request meets.
#[derive(Debug)]
enum Meets {
    /// That of the unit's arm.
    Unit { known: Known, population: Option<Population>, burns_in: bool },
    /// The control arm's, which every unit has been sent to.
    RolledBack,
    /// The control arm's: no unit that is new is assigned.
    Held,
}

/// What was decided about a request.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) decision: Decision,
    /// The share of exchanges that are tried out, of the policy that decided.
    pub(crate) observe_sample: f64,
    /// That policy governs some models only.
    pub(crate) is_scoped_by_model: bool,
    /// Where the arms decide differently.
    pub(crate) exposed: Option<Box<Exposed>>,
    /// The request counts for its unit.
    pub(crate) counted: Option<Counted>,
}

/// A request about which the arms decide differently.
#[derive(Debug)]
pub(crate) struct Exposed {
    experiment: ExperimentName,
    unit: UnitName,
    arm: Arc<str>,
    carried_out: Arc<str>,
    population: Option<Population>,
    /// What the arms decide of which nothing is carried out.
    pub(crate) others: Vec<(Arc<str>, Decision)>,
}

impl Running {
    /// Whether a request is part of the experiment; a unit that is new is taken in.
    pub(in crate::experiment) fn choose(
        self: &Arc<Self>,
        Assessment { principal, risk }: &Assessment,
        names: &Names<'_>,
        now: Timestamp,
    ) -> Option<Choice<'_>> {
        let kind = self.experiment.unit;
        let (account, cluster) = match Unit::of(kind, principal, now) {
            Unit::Slot(number) => (UnitName::Slot(number), None),
            _ if kind == UnitKind::Cluster => (names.account, names.cluster()),
            _ => (names.account, None),
        };
        let state = self.state.load(Ordering::Relaxed);
        let found = self.register.find(account, cluster);
        let known = match found {
            Found::Known(known) => known,
            Found::Linked | Found::Unknown => {
                let new = match self.assignment.place(Unit::of(kind, principal, now)) {
                    Place::Outside if matches!(found, Found::Unknown) => return None,
                    Place::Outside | Place::HeldOut => None,
                    Place::Arm(arm) => Some(arm),
                };
                if state != RUNS && matches!(found, Found::Unknown) {
                    let met = if state == HELD { Meets::Held } else { Meets::RolledBack };
                    return Some(Choice { running: self, met });
                }
                let population = population(risk, self.experiment.eligibility);
                let slot = matches!(kind, UnitKind::Slot(_));
                let unscored = !slot && is_unscored(risk);
                self.admit(account, cluster, New { arm: new, population, now, unscored })?
            }
        };
        if state == ROLLED_BACK {
            return Some(Choice { running: self, met: Meets::RolledBack });
        }
        // Whoever asks in a slot of time is of the population that they are now.
        let (population, burns_in) = match kind {
            UnitKind::Slot(cut) => {
                (population(risk, self.experiment.eligibility), is_burn_in(cut, now))
            }
            _ => (known.population, false),
        };
        let met = Meets::Unit { known, population, burns_in };
        Some(Choice { running: self, met })
    }

    fn admit(&self, account: UnitName, cluster: Option<UnitName>, new: New) -> Option<Known> {
        let experiment = self.name.name.as_str();
        let admitted = self.register.admit(account, cluster, new, |entry| self.note(entry));
        let Some(Admitted { unit, taken_in, contaminated }) = admitted else {
            if self.without_room.fetch_add(1, Ordering::Relaxed) == 0 {
                tracing::warn!(experiment, "no room: units that are new are left outside");
            }
            return None;
        };
        if let Some(part) = taken_in {
            self.guards().forget(&part);
            self.tell_joined(part.name, unit.name);
        }
        if contaminated {
            self.contaminated.fetch_add(1, Ordering::Relaxed);
            let unit = match unit.name {
                UnitName::Cluster(hash) | UnitName::Account(hash) => hash.to_string(),
                UnitName::Slot(number) => number.to_string(),
            };
            tracing::warn!(
                experiment,
                unit,
                "contaminated: linked accounts were in several arms; the stricter one holds"
            );
        }
        Some(unit)
    }

    /// Whether a caller is known by the account, and by the cluster.
    pub(in crate::experiment) fn knows(
        &self,
        principal: &Principal,
        names: &Names<'_>,
        now: Timestamp,
    ) -> (bool, bool) {
        let kind = self.experiment.unit;
        match Unit::of(kind, principal, now) {
            Unit::Slot(number) => (self.register.knows(UnitName::Slot(number)), false),
            _ => {
                let cluster = names.cluster().filter(|_| kind == UnitKind::Cluster);
                let by_cluster = cluster.is_some_and(|it| self.register.knows(it));
                (self.register.knows(names.account), by_cluster)
            }
        }
    }

    fn arm(&self, index: usize) -> Option<&Arm> {
        self.experiment.arms.get(index)
    }
}

impl Choice<'_> {
    /// Whether the request of a caller who reaches no grade of any arm counts for its unit. `None` where
    /// a decision has to be taken all the same: answers to harvesters are read, whatever their score has
    /// become, since what they get is a result of the arm.
    pub(crate) fn unreached(self) -> Option<Option<Counted>> {
        let Meets::Unit { known, population, burns_in: false } = self.met else {
            return Some(None);
        };
        let reads = population == Some(Population::Harvesters) && known.arm.is_some();
        let (running, key) = (self.running, (known.at, population));
        let counted = || Counted { running: Arc::clone(running), key, exposed: false, reads };
        (!reads).then(|| Some(counted()))
    }

    /// Decides by the policy of the unit's arm, or, where units of several arms have come together, by
    /// the stricter one's; `None` only where the experiment has no arm.
    pub(crate) fn decide(self, decide: impl Fn(&Policy, DecisionId) -> Decision) -> Option<Chosen> {
        let Self { running, met } = self;
        let control = running.experiment.control()?;
        let id = control.policy.new_id();
        let (known, population, burns_in) = match met {
            Meets::Unit { known, population, burns_in } => (known, population, burns_in),
            Meets::RolledBack => {
                let mut chosen = chosen(control, decide(&control.policy, id));
                chosen.decision.arm = Some(Arc::clone(&control.mark));
                return Some(chosen);
            }
            Meets::Held => return Some(chosen(control, decide(&control.policy, id))),
        };
        let own = known.arm.and_then(|arm| running.arm(arm));
        let mut carried_out = own.unwrap_or(control);
        let mut decision = decide(&carried_out.policy, id);
        if known.arms.are_several() {
            for arm in known.arms.met().filter_map(|arm| running.arm(arm)) {
                let other = decide(&arm.policy, id);
                if by_strictness(&other, &decision).is_gt() {
                    (carried_out, decision) = (arm, other);
                }
            }
        }
        let mut chosen = chosen(carried_out, decision);
        let key = (known.at, population);
        let running = Arc::clone(running);
        let Some(own) = own else {
            // Held out: counted, and in no comparison.
            let counted = Counted { running, key, exposed: false, reads: false };
            chosen.counted = (!burns_in).then_some(counted);
            return Some(chosen);
        };
        chosen.decision.arm = Some(Arc::clone(&own.mark));
        if burns_in {
            return Some(chosen);
        }
        let arms = &running.experiment.arms;
        let others = || arms.iter().filter(|arm| !Arc::ptr_eq(&arm.name, &carried_out.name));
        let differs = |arm: &Arm| differ(&decide(&arm.policy, id), &chosen.decision);
        let is_exposed = others().any(differs);
        // What harvesters get is counted whatever their score has become.
        let counts_tokens = is_exposed || population == Some(Population::Harvesters);
        // The same share of exchanges is read in every arm.
        let sample = arms.iter().map(|arm| arm.policy.observe_sample).fold(1.0, f64::min);
        let reads = counts_tokens && id.is_within(sample);
        if is_exposed {
            chosen.exposed = Some(Box::new(Exposed {
                experiment: running.name.clone(),
                unit: known.name,
                arm: Arc::clone(&own.name),
                carried_out: Arc::clone(&carried_out.name),
                population,
                others: others()
                    .map(|arm| (Arc::clone(&arm.name), decide(&arm.policy, id)))
                    .collect(),
            }));
        }
        chosen.counted = Some(Counted { running, key, exposed: is_exposed, reads });
        Some(chosen)
    }
}

impl Exposed {
    /// The line of the audit.
    pub(crate) fn exposure(
        &self,
        decision: &Decision,
        principal: PrincipalHashes,
        time: Timestamp,
    ) -> Exposure {
        let mut arms: BTreeMap<String, ArmDecision> =
            self.others.iter().map(|(arm, it)| (arm.to_string(), arm_decision(it))).collect();
        arms.insert(self.carried_out.to_string(), arm_decision(decision));
        let other = self.carried_out != self.arm;
        Exposure {
            time,
            decision: DecisionName(decision.id.to_string()),
            experiment: self.experiment.clone(),
            principal,
            unit: self.unit,
            arm: self.arm.to_string(),
            carried_out: other.then(|| self.carried_out.to_string()),
            population: self.population,
            arms,
        }
    }
}

fn chosen(arm: &Arm, decision: Decision) -> Chosen {
    Chosen {
        decision,
        observe_sample: arm.policy.observe_sample,
        is_scoped_by_model: arm.policy.scope.models.is_some(),
        exposed: None,
        counted: None,
    }
}

fn arm_decision(decision: &Decision) -> ArmDecision {
    let in_mode = |mode| {
        let named = Countermeasure::ALL.into_iter();
        named.filter(|named| named.mode_in(&decision.plan) == Some(mode)).collect()
    };
    ArmDecision {
        grade: decision.grade.as_ref().map(|grade| grade.name.to_string()).unwrap_or_default(),
        enforced: in_mode(Mode::Enforce),
        observed: in_mode(Mode::Observe),
    }
}

/// Whether two decisions about one request do different things.
fn differ(one: &Decision, other: &Decision) -> bool {
    if one.plan.is_empty() && other.plan.is_empty() {
        return false;
    }
    one.plan != other.plan || one.on_opaque != other.on_opaque || !one.governs_as(other)
}

fn score(risk: &Risk) -> Option<f64> {
    match risk {
        Risk::Known(score) | Risk::Contested { score: Some(score), .. } => Some(score.value()),
        _ => None,
    }
}

/// Whether no detector has named the caller, so that a credential is all that is known.
fn is_unscored(risk: &Risk) -> bool {
    let named = matches!(risk, Risk::Unknown(UnknownReason::NotScored));
    score(risk).is_none() && !named
}

fn population(risk: &Risk, eligibility: Eligibility) -> Option<Population> {
    let Some(score) = score(risk) else { return Some(Population::Legitimate) };
    if score >= eligibility.harvester {
        Some(Population::Harvesters)
    } else {
        (score < eligibility.legitimate).then_some(Population::Legitimate)
    }
}

/// Whether `now` is in the beginning of a slot that is left out.
fn is_burn_in(Switchback { slot, burn_in }: Switchback, now: Timestamp) -> bool {
    let length = i64::try_from(slot.as_secs()).unwrap_or(i64::MAX).max(1);
    u64::try_from(now.as_second().rem_euclid(length)).unwrap_or_default() < burn_in.as_secs()
}

/// The names of a caller as experiments show them.
#[derive(Debug)]
pub(in crate::experiment) struct Names<'a> {
    key: &'a AuditKey,
    principal: &'a Principal,
    tenant: Option<KeyedHash>,
    account: UnitName,
}

impl<'a> Names<'a> {
    pub(in crate::experiment) fn new(key: &'a AuditKey, principal: &'a Principal) -> Self {
        let tenant = principal.tenant.as_ref().map(|tenant| key.tenant(tenant.as_str()));
        let account = UnitName::Account(key.account(principal.account.as_str(), tenant));
        Self { key, principal, tenant, account }
    }

    fn cluster(&self) -> Option<UnitName> {
        let cluster = self.principal.cluster.as_ref()?;
        Some(UnitName::Cluster(self.key.cluster(cluster.as_str(), self.tenant)))
    }
}
