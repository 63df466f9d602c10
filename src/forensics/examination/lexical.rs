//! The tests of the lexical mark: the deployment's key, clusters and accounts, and controls.

use super::PValue;
use super::level::Part;
use super::roster::Issuance;
use super::scheme::{Deployment, DeploymentEvidence, IdScore, SchemeTests, strongest};
use super::verdict::{ControlKind, ControlTest, Issued, Material};
use crate::forensics::detect::CellCounts;
use crate::forensics::evidence::{Decoys, Effect, LnP, Weights, least_of, test_signs};
use crate::forensics::tracing::{ACCUSATION_LEVEL, Account, Score, Trace, is_deployments};
use crate::mark::cell::{Bits, MarkKey, Role, Roles};
use crate::mark::keys::Keys;

/// Counts of a text, with what was read.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// Its name.
    pub name: &'a str,
    /// The counts.
    pub counts: &'a CellCounts,
    /// What was read.
    pub material: &'a Material,
}

/// Tests a suspect's counts for everybody in the rosters, and the controls for the same.
///
/// Controls are texts that cannot be marked; they are also the baseline of the suspect's habits.
/// Ids that were never issued are a further control, as many as there are accounts.
#[must_use]
pub fn test_lexical<'i>(
    keys: &Keys,
    issuances: impl IntoIterator<Item = &'i Issuance>,
    suspect: Sample<'_>,
    controls: &[Sample<'_>],
    decoys: &Decoys,
) -> SchemeTests {
    let issuances: &[&Issuance] = &issuances.into_iter().collect::<Vec<_>>();
    let roles = Roles::new(keys.master(), suspect.counts.cells());
    let baseline: Vec<&CellCounts> = controls.iter().map(|control| control.counts).collect();
    let case = Case {
        suspect: suspect.counts,
        weights: Weights::from_counts(suspect.counts, &baseline),
        without_controls: Weights::from_counts(suspect.counts, &[]),
        baseline,
        roles,
        decoys,
    };
    let traces: Vec<Trace> = issuances
        .iter()
        .map(|issuance| Trace::new(&case.weights, &case.roles, &issuance.roster, decoys))
        .collect();
    let mut tests = SchemeTests {
        material: suspect.material.clone(),
        deployments: issuances
            .iter()
            .map(|issuance| case.deployment(issuance, issuances.len()))
            .collect(),
        clusters: Vec::new(),
        arms: Vec::new(),
        accounts: Vec::new(),
        controls: case.controls(issuances, controls),
    };
    if issuances.iter().any(|issuance| !issuance.roster.accounts.is_empty()) {
        let ln_p: Vec<LnP> = traces.iter().map(|trace| trace.never_issued.ln_p).collect();
        let name = "ids that were never issued".to_owned();
        tests.controls.push(control(name, ControlKind::NeverIssued, least_of(&ln_p), None));
    }
    for (place, (issuance, trace)) in issuances.iter().zip(&traces).enumerate() {
        enter(&mut tests, place, issuance, trace);
    }
    effects(&mut tests, issuances, &case.roles, |_, key, keep| case.effect(key, keep));
    tests
}

/// The scores of one roster, with places that hold over all rosters.
pub(super) fn enter(
    tests: &mut SchemeTests,
    deployment: usize,
    issuance: &Issuance,
    trace: &Trace,
) {
    let first = tests.clusters.len();
    let Issuance { roster, accounts, clusters, arms, .. } = issuance;
    for ((arm, score), issued) in roster.arms.iter().zip(&trace.arms).zip(arms) {
        tests.arms.push(id_score(&arm.name, deployment, None, *issued, *score));
    }
    for ((cluster, score), issued) in roster.clusters.iter().zip(&trace.clusters).zip(clusters) {
        let part = |name: &str, score: &Score| Part {
            name: name.to_owned(),
            standardized: score.standardized,
            p: PValue::from_ln(score.ln_p),
        };
        let mut parts = vec![part("shared key", &score.shared_key)];
        parts.extend(score.members.as_ref().map(|score| part("members", score)));
        tests.clusters.push(IdScore {
            parts,
            ..id_score(&cluster.name, deployment, None, *issued, score.whole)
        });
    }
    for ((account, score), issued) in roster.accounts.iter().zip(&trace.accounts).zip(accounts) {
        let fixed = account.cluster.filter(|_| roster.membership_fixed);
        let cluster = fixed.map(|place| first + place);
        tests.accounts.push(id_score(&account.name, deployment, cluster, *issued, *score));
    }
}

fn id_score(
    id: &str,
    deployment: usize,
    cluster: Option<usize>,
    issued: Issued,
    score: Score,
) -> IdScore {
    let Score { standardized, ln_p, ln_p_adjusted: _ } = score;
    IdScore {
        id: id.to_owned(),
        deployment,
        cluster,
        issued,
        standardized,
        ln_tail: ln_p,
        ln_p,
        effect: None,
        parts: Vec::new(),
    }
}

pub(super) fn control(
    name: String,
    kind: ControlKind,
    ln_p: LnP,
    material: Option<Material>,
) -> ControlTest {
    let p = PValue::from_ln(ln_p);
    let scheme = "lexical".to_owned();
    ControlTest { name, kind, scheme, p, rejected: false, material }
}

struct Case<'a> {
    suspect: &'a CellCounts,
    baseline: Vec<&'a CellCounts>,
    weights: Weights,
    /// What the weights would be if nobody had chosen a control.
    without_controls: Weights,
    roles: Roles,
    decoys: &'a Decoys,
}

impl Case<'_> {
    fn deployment(&self, issuance: &Issuance, deployments: usize) -> Deployment {
        let key = &issuance.roster.global;
        let is_global = |cell: usize| is_deployments(&issuance.roster, &self.roles, cell);
        let weights = self.weights.only(is_global);
        let none = Decoys::new([0; 32], 0);
        let totals = self.suspect.totals();
        let counted = totals.iter().enumerate().filter(|(cell, _)| is_global(*cell));
        let sites = counted.map(|(_, [zeros, ones])| u64::from(*zeros) + u64::from(*ones)).sum();
        Deployment {
            tenant: issuance.tenant.clone(),
            epoch: issuance.epoch,
            issued: issuance.issued,
            evidence: Some(DeploymentEvidence {
                evidence: test_signs(&weights, key, self.decoys),
                ln_p_without_controls: Some(
                    test_signs(&self.without_controls.only(is_global), key, &none).ln_p,
                ),
                effect: self.effect(key, is_global),
                least_effect: weights.least_share(ACCUSATION_LEVEL / deployments.max(1) as f64),
                copies: None,
                sites,
                terms: weights.cells() as u64,
            }),
        }
    }

    fn effect(&self, key: &MarkKey, keep: impl Fn(usize) -> bool) -> Option<Effect> {
        let bits = Bits::new(key, self.suspect.cells());
        Effect::of_signs(self.suspect, &self.baseline, &bits, keep)
    }

    /// Tests every text that cannot be marked for everybody; the other controls are its baseline.
    ///
    /// On both sides: a text that leans against a key was not found by chance either, and as a
    /// baseline it would make the suspect seem to lean towards it.
    fn controls(&self, issuances: &[&Issuance], controls: &[Sample<'_>]) -> Vec<ControlTest> {
        let test = |(place, sample): (usize, &Sample<'_>)| {
            let others: Vec<&CellCounts> = controls
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != place)
                .map(|(_, control)| control.counts)
                .collect();
            let weights = Weights::from_counts(sample.counts, &others);
            let sides = [&weights, &weights.reversed()].map(|side| self.least(issuances, side));
            let ln_p = least_of(&sides);
            let material = Some(sample.material.clone());
            control(sample.name.to_owned(), ControlKind::Text, ln_p, material)
        };
        controls.iter().enumerate().map(test).collect()
    }

    /// The least p-value of anybody, adjusted for all there are.
    fn least(&self, issuances: &[&Issuance], weights: &Weights) -> LnP {
        let (mut deployments, mut clusters, mut accounts) = (vec![], vec![], vec![]);
        let mut arms = vec![];
        for issuance in issuances {
            // The ids that were never issued are tested with the suspect.
            let none = Decoys::new([0; 32], 0);
            let trace = Trace::new(weights, &self.roles, &issuance.roster, &none);
            deployments.push(trace.global.ln_p);
            clusters.extend(trace.clusters.iter().map(|cluster| cluster.whole.ln_p));
            arms.extend(trace.arms.iter().map(|arm| arm.ln_p));
            accounts.extend(trace.accounts.iter().map(|account| account.ln_p));
        }
        let levels = [deployments, clusters, accounts, arms];
        let tested: Vec<LnP> =
            levels.iter().filter(|level| !level.is_empty()).map(|level| least_of(level)).collect();
        least_of(&tested)
    }
}

/// Works out the effects of the strongest clusters and accounts.
pub(super) fn effects(
    tests: &mut SchemeTests,
    issuances: &[&Issuance],
    roles: &Roles,
    effect: impl Fn(&Issuance, &MarkKey, &dyn Fn(usize) -> bool) -> Option<Effect>,
) {
    let has_role = |cell: usize, role: Role| roles.as_slice().get(cell) == Some(&role);
    let offsets: Vec<(usize, usize)> = issuances
        .iter()
        .scan((0, 0), |(clusters, accounts), issuance| {
            let first = (*clusters, *accounts);
            *clusters += issuance.roster.clusters.len();
            *accounts += issuance.roster.accounts.len();
            Some(first)
        })
        .collect();
    for place in strongest(&tests.clusters) {
        let Some(score) = tests.clusters.get_mut(place) else { continue };
        let first = offsets.get(score.deployment).map_or(0, |(clusters, _)| *clusters);
        let Some(issuance) = issuances.get(score.deployment) else { continue };
        let cluster = issuance.roster.clusters.get(place - first);
        score.effect = cluster.and_then(|cluster| {
            effect(issuance, &cluster.key, &|cell| has_role(cell, Role::Cluster))
        });
    }
    for place in strongest(&tests.accounts) {
        let Some(score) = tests.accounts.get_mut(place) else { continue };
        let first = offsets.get(score.deployment).map_or(0, |(_, accounts)| *accounts);
        let Some(issuance) = issuances.get(score.deployment) else { continue };
        let account = issuance.roster.accounts.get(place - first);
        score.effect = account.and_then(|Account { key, cluster, marked_alone, .. }| {
            let alone = cluster.is_none() || *marked_alone;
            effect(issuance, key, &|cell| {
                has_role(cell, Role::Account) || alone && has_role(cell, Role::Cluster)
            })
        });
    }
}
