//! The audit record of an exchange, as it begins.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::audit::{self, AuditKey, Exempt, Outcome, Record};
use crate::policy::{Decision, Reason};
use crate::risk::{Assessment, Principal, Risk};
use crate::wire::Protocol;

/// What can be recorded before anything is done. Until the exchange ends otherwise it counts as
/// cancelled.
pub(super) fn begun(
    key: &AuditKey,
    decision: &Decision,
    assessment: &Assessment,
    protocol: Option<&'static dyn Protocol>,
    now: Timestamp,
) -> Record {
    let Assessment { principal, risk } = assessment;
    Record {
        time: now,
        decision: audit::DecisionName(decision.id.to_string()),
        principal: hashes(key, principal),
        risk: audited(risk),
        grade: decision.grade.as_ref().map(|grade| grade.name.to_string()).unwrap_or_default(),
        exempt: exempt(decision),
        arm: decision.arm.as_ref().map(|arm| arm.arm.clone()),
        policy: audit::PolicyIdentity {
            name: decision.policy.name.clone(),
            revision: decision.policy.revision.to_string(),
        },
        protocol: protocol.map_or("unknown", |it| it.id().name()).into(),
        stream: false,
        mode: decision.mode,
        applied: Vec::new(),
        observed: Vec::new(),
        other_arms: BTreeMap::new(),
        dry_run: None,
        outcome: Outcome::Cancelled,
        status: None,
        durations: audit::Durations::default(),
    }
}

fn exempt(decision: &Decision) -> Option<Exempt> {
    let reasons = [(Reason::Exempt, Exempt::Whole), (Reason::PartlyExempt, Exempt::Part)];
    reasons
        .into_iter()
        .find_map(|(reason, exempt)| decision.reasons.contains(reason).then_some(exempt))
}

pub(super) fn hashes(key: &AuditKey, principal: &Principal) -> audit::PrincipalHashes {
    let Principal { account, cluster, tenant } = principal;
    let cluster = cluster.as_ref().map(|cluster| cluster.as_str());
    let tenant = tenant.as_ref().map(|tenant| tenant.as_str());
    key.principal(account.as_str(), cluster, tenant)
}

fn audited(risk: &Risk) -> audit::Risk {
    match risk {
        Risk::Known(score) | Risk::Contested { score: Some(score), .. } => audit::Risk::Known {
            score: score.value(),
            model: score.model().map(str::to_owned),
            confidence: score.confidence(),
        },
        Risk::Unknown(reason) | Risk::Contested { score: None, reason } => {
            audit::Risk::Unknown { reason: reason.name().into() }
        }
    }
}
