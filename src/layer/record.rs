//! The audit record of an exchange, as it begins.

use jiff::Timestamp;

use super::builder::{Settings, Shared};
use crate::audit::{self, Applied, Counter, Counts, Outcome, Record};
use crate::policy::plan::{Mode, Plan};
use crate::policy::{Countermeasure, Decision};
use crate::risk::{Assessment, Principal, Risk};
use crate::wire::Protocol;

/// What can be recorded before anything is done. Until the exchange ends otherwise it counts as
/// cancelled.
pub(super) fn begun(
    shared: &Shared,
    settings: &Settings,
    decision: &Decision,
    assessment: &Assessment,
    protocol: Option<&'static dyn Protocol>,
    now: Timestamp,
) -> Record {
    let Assessment { principal, risk } = assessment;
    Record {
        time: now,
        decision: audit::DecisionId(decision.id.to_string()),
        principal: hashes(shared, principal),
        risk: audited(risk),
        grade: decision.grade.as_ref().map(|grade| grade.name.to_string()).unwrap_or_default(),
        arm: decision.arm.as_ref().map(ToString::to_string),
        policy: audit::PolicyIdentity {
            name: settings.policy.name.clone(),
            revision: decision.revision.to_string(),
        },
        protocol: protocol.map_or("unknown", |it| it.id().name()).into(),
        stream: false,
        mode: decision.mode,
        applied: Vec::new(),
        observed: Vec::new(),
        dry_run: None,
        outcome: Outcome::Cancelled,
        status: None,
        durations: audit::Durations::default(),
    }
}

/// Adds to a countermeasure's count, listing it if it was not.
pub(super) fn note(list: &mut Vec<Applied>, countermeasure: Countermeasure, counter: Counter) {
    let listed = list.iter().position(|applied| applied.countermeasure == countermeasure);
    let place = listed.unwrap_or(list.len());
    if listed.is_none() {
        list.push(Applied::new(countermeasure, Counts::default()));
    }
    if let Some(applied) = list.get_mut(place) {
        applied.counts.add(counter, 1);
    }
}

/// Adds what a dry run of `plan` did to the list of what is only observed, and leaves out what is
/// carried out: that has done it.
pub(super) fn observe(list: &mut Vec<Applied>, plan: &Plan, tried: Vec<Applied>) {
    for row in tried.into_iter().filter(|row| is_observed(plan, row.countermeasure)) {
        match list.iter_mut().find(|listed| listed.countermeasure == row.countermeasure) {
            Some(listed) => {
                let Applied { counts, carrier, members, dialects, .. } = row;
                listed.counts.add_all(&counts);
                listed.carrier = carrier;
                (listed.members, listed.dialects) = (members, dialects);
            }
            None => list.push(row),
        }
    }
}

fn is_observed(plan: &Plan, countermeasure: Countermeasure) -> bool {
    // Whoever withholds reasoning or asks a weaker model closes members as well.
    let through: &[_] = match countermeasure {
        Countermeasure::SideChannels => {
            &[Countermeasure::SideChannels, Countermeasure::Reasoning, Countermeasure::Downgrade]
        }
        _ => &[countermeasure],
    };
    through.iter().find_map(|named| named.mode_in(plan)) == Some(Mode::Observe)
}

fn hashes(shared: &Shared, principal: &Principal) -> audit::PrincipalHashes {
    let Principal { account, cluster, tenant } = principal;
    let cluster = cluster.as_ref().map(|cluster| cluster.as_str());
    let tenant = tenant.as_ref().map(|tenant| tenant.as_str());
    shared.keys.audit.principal(account.as_str(), cluster, tenant)
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
