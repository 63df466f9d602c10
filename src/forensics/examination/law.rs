//! The tests of the mark that keeps the law of its writer.

use super::lexical::{control, effects, enter};
use super::roster::Issuance;
use super::scheme::{Deployment, DeploymentEvidence, SchemeTests};
use super::verdict::{ControlKind, ControlTest, Material};
use crate::forensics::detect::LawCounts;
use crate::forensics::evidence::{
    CopyEvidence, Decoys, Effect, Evidence, LawScore, LawWeights, LnP, SentWeights, least_of,
};
use crate::forensics::tracing::{ACCUSATION_LEVEL, Roster, Score, Scoring, Trace, is_deployments};
use crate::mark::cell::{MarkKey, Role, Roles};
use crate::mark::keys::{Keys, Scheme};
use crate::mark::law::{BUCKETS, Canaries};
use crate::mark::lexicon::Lexicon;

/// Counts of a text in the cells of each epoch, with what was read.
#[derive(Clone, Copy, Debug)]
pub struct LawSample<'a> {
    /// Its name.
    pub name: &'a str,
    /// The counts, by epoch.
    pub counts: &'a [LawCounts],
    /// What was read.
    pub material: &'a Material,
}

impl LawSample<'_> {
    fn of_epoch(&self, epoch: u32) -> Option<&LawCounts> {
        self.counts.iter().find(|counts| counts.epoch() == epoch)
    }

    /// What was read, with the sites of the epoch that has most.
    fn material(&self) -> Material {
        let sites = self.counts.iter().map(LawCounts::sites).max().unwrap_or(0);
        let rules = self.counts.iter().map(LawCounts::rules).collect::<Vec<_>>().join("; ");
        Material { sites, rules, ..self.material.clone() }
    }
}

/// Tests a suspect's counts for everybody in the rosters, and the controls for the same.
///
/// Controls are texts that cannot be marked. They have no part in the suspect's baseline, which is its own
/// habits. Ids that were never issued are a further control, as many as there are accounts.
#[must_use]
pub fn test_law<'i>(
    keys: &Keys,
    issuances: impl IntoIterator<Item = &'i Issuance>,
    suspect: LawSample<'_>,
    controls: &[LawSample<'_>],
    decoys: &Decoys,
) -> SchemeTests {
    let counted = |issuance: &&Issuance| suspect.of_epoch(issuance.epoch).is_some();
    let issuances: &[&Issuance] = &issuances.into_iter().filter(counted).collect::<Vec<_>>();
    let roles = Roles::new(keys.master(), Lexicon::english().numbers() * BUCKETS);
    let mut tests = SchemeTests {
        material: suspect.material(),
        deployments: Vec::new(),
        clusters: Vec::new(),
        arms: Vec::new(),
        accounts: Vec::new(),
        controls: controls
            .iter()
            .map(|sample| text_control(keys, *sample, issuances, &roles))
            .collect(),
    };
    let mut never_issued: Vec<LnP> = Vec::new();
    for (place, issuance) in issuances.iter().enumerate() {
        let Some(counts) = suspect.of_epoch(issuance.epoch) else { continue };
        let uniforms = Uniforms::new(keys, issuance, counts, &roles);
        let copies = copies(keys, issuance, counts, &roles);
        let level = ACCUSATION_LEVEL / issuances.len().max(1) as f64;
        tests.deployments.push(deployment(
            issuance,
            (counts, &uniforms, &roles),
            level,
            decoys,
            copies,
        ));
        let trace = Trace::by(&uniforms, &issuance.roster, decoys);
        never_issued.push(trace.never_issued.ln_p);
        enter(&mut tests, place, issuance, &trace);
    }
    if issuances.iter().any(|issuance| !issuance.roster.accounts.is_empty()) {
        let name = "ids that were never issued".to_owned();
        let kind = ControlKind::NeverIssued;
        tests.controls.push(control(name, kind, least_of(&never_issued), None));
    }
    effects(&mut tests, issuances, &roles, |issuance, key, keep| {
        Effect::of_law(suspect.of_epoch(issuance.epoch)?, key, &issuance.strengths, keep)
    });
    tests
}

fn deployment(
    issuance: &Issuance,
    (counts, uniforms, roles): (&LawCounts, &Uniforms, &Roles),
    level: f64,
    decoys: &Decoys,
    copies: Option<CopyEvidence>,
) -> Deployment {
    let key = &issuance.roster.global;
    let is_global = |cell: usize| is_deployments(&issuance.roster, roles, cell);
    let counted = counts.places().into_iter().filter(|(cell, ..)| is_global(*cell as usize));
    let sites = counted.map(|(_, _, _, [zeros, ones])| u64::from(zeros) + u64::from(ones)).sum();
    let weights = &uniforms.deployment;
    let evidence = Evidence { ln_p: uniforms.ln_p(key), ..weights.test(key, decoys) };
    Deployment {
        tenant: issuance.tenant.clone(),
        epoch: issuance.epoch,
        issued: issuance.issued,
        evidence: Some(DeploymentEvidence {
            evidence,
            ln_p_without_controls: None,
            effect: Effect::of_law(counts, key, &issuance.strengths, is_global),
            least_effect: weights.least_share(counts, key, level / uniforms.readings()),
            copies,
            sites,
            terms: weights.cells() as u64,
        }),
    }
}

/// The canaries of an epoch that has some.
pub(super) fn canaries(keys: &Keys, issuance: &Issuance) -> Option<Canaries> {
    let Issuance { tenant, epoch, .. } = issuance;
    let has_canaries = keys.scheme(*epoch) == Scheme::Canaries;
    has_canaries.then(|| Canaries::derive(keys.master(), tenant, *epoch))
}

/// Whether the text holds answers as they were sent; none in an epoch without canaries.
pub(super) fn copies(
    keys: &Keys,
    issuance: &Issuance,
    counts: &LawCounts,
    roles: &Roles,
) -> Option<CopyEvidence> {
    let Issuance { strengths, roster, .. } = issuance;
    let canaries = canaries(keys, issuance)?;
    Some(CopyEvidence::new(counts, &roster.global, &canaries, roles, strengths))
}

/// Tests a text that cannot be marked for everybody.
fn text_control(
    keys: &Keys,
    sample: LawSample<'_>,
    issuances: &[&Issuance],
    roles: &Roles,
) -> ControlTest {
    let mut levels: [Vec<LnP>; 4] = Default::default();
    for issuance in issuances {
        let Some(counts) = sample.of_epoch(issuance.epoch) else { continue };
        let uniforms = Uniforms::new(keys, issuance, counts, roles);
        // The ids that were never issued are tested with the suspect.
        let trace = Trace::by(&uniforms, &issuance.roster, &Decoys::new([0; 32], 0));
        let [deployments, clusters, arms, accounts] = &mut levels;
        deployments.push(trace.global.ln_p);
        clusters.extend(trace.clusters.iter().map(|cluster| cluster.whole.ln_p));
        arms.extend(trace.arms.iter().map(|arm| arm.ln_p));
        accounts.extend(trace.accounts.iter().map(|account| account.ln_p));
    }
    let tested: Vec<LnP> =
        levels.iter().filter(|level| !level.is_empty()).map(|level| least_of(level)).collect();
    let material = Some(sample.material());
    control(sample.name.to_owned(), ControlKind::Text, least_of(&tested), material)
}

/// Scores by the uniforms of cells.
struct Uniforms {
    deployment: LawWeights,
    /// The other reading of the deployment's, in an epoch with canaries.
    sent: Option<SentWeights>,
    arms: LawWeights,
    account: LawWeights,
    both: LawWeights,
    cluster: LawWeights,
}

impl Uniforms {
    fn new(keys: &Keys, issuance: &Issuance, counts: &LawCounts, roles: &Roles) -> Self {
        let Issuance { roster, strengths, .. } = issuance;
        let weights = LawWeights::new(counts, strengths);
        let has = |cell: usize, role| roles.as_slice().get(cell) == Some(&role);
        let is_global = |cell: usize| is_deployments(roster, roles, cell);
        let sent = canaries(keys, issuance);
        Self {
            deployment: weights.only(is_global),
            sent: sent.map(|canaries| {
                SentWeights::new(counts, strengths, &canaries, roles).only(is_global)
            }),
            arms: weights.only(|cell| roles.carries_arms(cell)),
            account: weights.only(|cell| has(cell, Role::Account)),
            both: weights.only(|cell| has(cell, Role::Account) || has(cell, Role::Cluster)),
            cluster: weights.only(|cell| has(cell, Role::Cluster)),
        }
    }

    /// In how many ways the text is read for the deployment's key.
    fn readings(&self) -> f64 {
        if self.sent.is_some() { 2.0 } else { 1.0 }
    }

    /// Of the deployment's key.
    fn ln_p(&self, key: &MarkKey) -> LnP {
        let score = self.deployment.score(key);
        let sent = self.sent.as_ref().map(|sent| score.ln_p_of_either(&sent.score(key)));
        sent.unwrap_or_else(|| score.ln_p())
    }
}

impl Scoring for Uniforms {
    type Sum = LawScore;

    fn deployment(&self, roster: &Roster) -> Score {
        let score = self.score(&self.deployment.score(&roster.global));
        let ln_p = self.ln_p(&roster.global);
        Score { ln_p, ln_p_adjusted: ln_p, ..score }
    }

    fn arms(&self, roster: &Roster) -> Vec<Score> {
        roster.arms.iter().map(|arm| self.score(&self.arms.score(&arm.key))).collect()
    }

    fn account(&self, key: &MarkKey, alone: bool) -> LawScore {
        if alone { self.both.score(key) } else { self.account.score(key) }
    }

    fn cluster(&self, key: &MarkKey) -> LawScore {
        self.cluster.score(key)
    }

    fn add(sum: &mut LawScore, more: &LawScore) {
        sum.add(more);
    }

    fn score(&self, sum: &LawScore) -> Score {
        let ln_p = sum.ln_p();
        Score { standardized: sum.standardized(), ln_p, ln_p_adjusted: ln_p }
    }
}
