//! Tests of the keys of accounts and clusters.

use rayon::prelude::*;

use super::scores::{Scored, Scores};
use super::{TokenSample, pairs};
use crate::forensics::detect::CellCounts;
use crate::forensics::evidence::{DecoyScores, Decoys, LnP, least_of};
use crate::forensics::examination::PValue;
use crate::forensics::examination::level::Part;
use crate::forensics::examination::roster::Issuance;
use crate::forensics::examination::scheme::{Deployment, IdScore, SchemeTests};
use crate::forensics::examination::verdict::{
    ControlKind, ControlTest, Issued, Material, Refused, RefusedBy,
};
use crate::forensics::tracing::Account;

/// Ids of which the effect and the place among decoys are worked out, at each level.
const DETAILED: usize = 20;

/// Whom to test, and on what.
pub(super) struct Ids<'a> {
    pub(super) scheme: &'static str,
    pub(super) issuances: &'a [Issuance],
    pub(super) suspect: TokenSample<'a>,
    pub(super) controls: &'a [TokenSample<'a>],
    pub(super) decoys: &'a Decoys,
}

pub(super) fn control(
    scheme: &str,
    name: &str,
    kind: ControlKind,
    ln_p: LnP,
    material: Option<Material>,
) -> ControlTest {
    let p = PValue::from_ln(ln_p);
    let (name, scheme) = (name.to_owned(), scheme.to_owned());
    ControlTest { name, kind, scheme, p, rejected: false, material }
}

impl<'a> Ids<'a> {
    /// Tests everybody in the rosters. `scores` makes the scores of a sample, given the others that
    /// cannot be marked.
    pub(super) fn test(
        &self,
        scores: impl Fn(&TokenSample<'a>, Vec<&'a CellCounts>) -> Box<dyn Scores + 'a>,
    ) -> (SchemeTests, Vec<Refused>) {
        let others = |except: Option<usize>| {
            let places = (0..).zip(self.controls).filter(|(place, _)| Some(*place) != except);
            places.map(|(_, sample)| pairs(sample)).collect()
        };
        let suspect = scores(&self.suspect, others(None));
        let mut tests = SchemeTests {
            material: self.suspect.material.clone(),
            deployments: Vec::new(),
            clusters: Vec::new(),
            arms: Vec::new(),
            accounts: Vec::new(),
            controls: Vec::new(),
        };
        for issuance in self.issuances {
            self.enter(&mut tests, issuance, &*suspect);
        }
        for (place, sample) in self.controls.iter().enumerate() {
            let scores = scores(sample, others(Some(place)));
            let least = least_of(&self.everybody(&*scores));
            let material = Some(sample.material.clone());
            tests.controls.push(control(
                self.scheme,
                sample.name,
                ControlKind::Text,
                least,
                material,
            ));
        }
        let nobody = least_of(&self.nobody(&*suspect, tests.accounts.len()));
        let name = "ids that were never issued";
        tests.controls.push(control(self.scheme, name, ControlKind::NeverIssued, nobody, None));
        let refusals = self.detail(&mut tests, &*suspect);
        (tests, refusals)
    }

    fn enter(&self, tests: &mut SchemeTests, issuance: &Issuance, scores: &dyn Scores) {
        let Issuance { tenant, epoch, issued, roster, accounts, clusters, arms: _, strengths: _ } =
            issuance;
        let (deployment, first) = (tests.deployments.len(), tests.clusters.len());
        tests.deployments.push(Deployment {
            tenant: tenant.clone(),
            epoch: *epoch,
            issued: *issued,
            // No one key is in all of it.
            evidence: None,
        });
        let own: Vec<Scored> = roster
            .accounts
            .par_iter()
            .map(|account| scores.score(account.key.as_bytes()))
            .collect();
        for ((place, cluster), issued) in (0..).zip(&roster.clusters).zip(clusters) {
            let shared = scores.score(cluster.key.as_bytes());
            let members: Vec<Scored> = roster
                .accounts
                .iter()
                .zip(&own)
                .filter(|(account, _)| roster.membership_fixed && account.cluster == Some(place))
                .map(|(_, score)| *score)
                .collect();
            tests.clusters.push(cluster_score(
                &cluster.name,
                deployment,
                *issued,
                shared,
                &members,
            ));
        }
        for ((Account { name, cluster, .. }, score), issued) in
            roster.accounts.iter().zip(&own).zip(accounts)
        {
            let cluster = cluster.filter(|_| roster.membership_fixed).map(|place| first + place);
            tests.accounts.push(id_score(name, deployment, cluster, *issued, *score));
        }
    }

    /// The p-values of everybody on a text that cannot be marked.
    fn everybody(&self, scores: &dyn Scores) -> Vec<LnP> {
        let rosters = self.issuances.iter().map(|issuance| &issuance.roster);
        let keys: Vec<&[u8; 32]> = rosters
            .flat_map(|roster| {
                let clusters = roster.clusters.iter().map(|cluster| cluster.key.as_bytes());
                clusters.chain(roster.accounts.iter().map(|account| account.key.as_bytes()))
            })
            .collect();
        keys.par_iter().map(|key| scores.score(key).ln_p).collect()
    }

    /// The p-values of as many ids that were never issued.
    fn nobody(&self, scores: &dyn Scores, number: usize) -> Vec<LnP> {
        let number = u32::try_from(number.max(1)).unwrap_or(u32::MAX);
        // Keys behind those of the decoys.
        let keys = (0..number).map(|number| self.decoys.count().saturating_add(number));
        let keys: Vec<[u8; 32]> = keys.map(|number| self.decoys.key(number)).collect();
        keys.par_iter().map(|key| scores.score(key).ln_p).collect()
    }

    /// Works out, for the strongest of each level, effects and places among decoys; and says
    /// whether decoys scatter as they must.
    fn detail(&self, tests: &mut SchemeTests, scores: &dyn Scores) -> Vec<Refused> {
        if scores.is_empty() {
            return Vec::new();
        }
        let decoys = self.decoys.compare(0.0, |key| scores.standardized(key));
        let seed = self.decoys.derived_seed();
        let keys_of = |of: fn(&Issuance) -> Vec<&[u8; 32]>| {
            self.issuances.iter().flat_map(of).copied().collect::<Vec<[u8; 32]>>()
        };
        let clusters = keys_of(|issuance| {
            issuance.roster.clusters.iter().map(|cluster| cluster.key.as_bytes()).collect()
        });
        let accounts = keys_of(|issuance| {
            issuance.roster.accounts.iter().map(|account| account.key.as_bytes()).collect()
        });
        for (level, keys) in [(&mut tests.clusters, clusters), (&mut tests.accounts, accounts)] {
            for (place, key) in strongest(level, &keys) {
                let Some(id) = level.get_mut(place) else { continue };
                id.effect = scores.effect(&key, seed);
                id.parts.push(among(&decoys, scores.standardized(&key)));
            }
        }
        let Err(reason) = decoys.examine() else { return Vec::new() };
        vec![Refused { by: RefusedBy::Dispersion, reason: format!("{}: {reason}", self.scheme) }]
    }
}

/// Where a score stands among those of decoys.
fn among(decoys: &DecoyScores, standardized: f64) -> Part {
    let sorted = decoys.sorted();
    let at_least = sorted.len() - sorted.partition_point(|score| *score < standardized);
    let p = (at_least as f64 + 1.0) / (sorted.len() as f64 + 1.0);
    Part { name: "among decoy keys".to_owned(), standardized, p: PValue::from_ln(p.ln()) }
}

/// The places and keys of those with the least p-values.
fn strongest(scores: &[IdScore], keys: &[[u8; 32]]) -> Vec<(usize, [u8; 32])> {
    let mut order: Vec<(LnP, usize, [u8; 32])> = (0..)
        .zip(scores)
        .zip(keys)
        .map(|((place, score), key)| (score.ln_tail, place, *key))
        .collect();
    order.sort_by(|(left, ..), (right, ..)| left.total_cmp(right));
    order.into_iter().take(DETAILED).map(|(_, place, key)| (place, key)).collect()
}

fn id_score(
    id: &str,
    deployment: usize,
    cluster: Option<usize>,
    issued: Issued,
    Scored { standardized, ln_tail, ln_p }: Scored,
) -> IdScore {
    IdScore {
        id: id.to_owned(),
        deployment,
        cluster,
        issued,
        standardized,
        ln_tail,
        ln_p,
        effect: None,
        parts: Vec::new(),
    }
}

/// A cluster: its shared key, and the members' own, which marked before they were linked.
fn cluster_score(
    id: &str,
    deployment: usize,
    issued: Issued,
    shared: Scored,
    members: &[Scored],
) -> IdScore {
    let least = |of: fn(&Scored) -> LnP, scores: &[Scored]| {
        least_of(&scores.iter().map(of).collect::<Vec<_>>())
    };
    let of_all = |scores: &[Scored]| Scored {
        standardized: scores.iter().fold(0.0, |most, score| score.standardized.max(most)),
        ln_tail: least(|score| score.ln_tail, scores),
        ln_p: least(|score| score.ln_p, scores),
    };
    let own = of_all(members);
    let part = |name: &str, score: Scored| Part {
        name: name.to_owned(),
        standardized: score.standardized,
        p: PValue::from_ln(score.ln_p),
    };
    let whole = of_all(&[shared, own]);
    let parts = vec![part("shared key", shared), part("members", own)];
    IdScore { parts, ..id_score(id, deployment, None, issued, whole) }
}
