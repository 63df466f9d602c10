//! One pass over everybody, and what comes of it.

use rayon::prelude::*;

use super::roster::{Roster, carries, has_role, is_deployments};
use crate::forensics::evidence::{
    Control, Decoys, LnP, Refusal, SignSums, Tilts, Weights, examine, gated, holm, least_of,
};
use crate::mark::cell::{MarkKey, Role, Roles};

/// What the text says of one account, one cluster, or the deployment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The score in standard deviations.
    pub standardized: f64,
    /// A bound of its p-value.
    pub ln_p: LnP,
    /// Adjusted for all tests of its level (Holm) and for the levels above.
    pub ln_p_adjusted: LnP,
}

impl Score {
    /// The standard deviations that the p-value amounts to, `√(-2 ln p)`: of tests with different
    /// numbers of terms p-values can be compared, and scores cannot.
    #[must_use]
    pub fn strength(&self) -> f64 {
        (-2.0 * self.ln_p.min(0.0)).sqrt()
    }
}

/// What the text says of a cluster, with the tests that it is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClusterScore {
    /// The test of the cluster's own key.
    pub shared_key: Score,
    /// The test of the sum of its members' codewords; none unless membership was fixed before.
    pub members: Option<Score>,
    /// The cluster as a whole: the least of these two and of the members' own tests, adjusted for
    /// being the least; that of the shared key alone unless membership was fixed before.
    pub whole: Score,
}

/// The scores of all.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Of the deployment.
    pub global: Score,
    /// Of the clusters, in the order of the roster.
    pub clusters: Vec<ClusterScore>,
    /// Of the arms, in the order of the roster.
    pub arms: Vec<Score>,
    /// Of the accounts, in the order of the roster.
    pub accounts: Vec<Score>,
    /// As many ids as there are accounts, that were never issued.
    pub never_issued: Control,
}

/// How a text is scored against the keys of a roster: by one scheme of marking.
pub(in crate::forensics) trait Scoring: Sync {
    /// The score of one key, or the sum of several.
    type Sum: Clone + Default + Send + Sync;

    /// The test of the deployment's key.
    fn deployment(&self, roster: &Roster) -> Score;
    /// The tests of arms, in the order of the roster.
    fn arms(&self, roster: &Roster) -> Vec<Score>;
    /// A key in the cells of accounts; `alone` if in those of clusters, too.
    fn account(&self, key: &MarkKey, alone: bool) -> Self::Sum;
    /// A key in the cells of clusters.
    fn cluster(&self, key: &MarkKey) -> Self::Sum;
    /// Adds the score of another key.
    fn add(sum: &mut Self::Sum, more: &Self::Sum);
    /// What a sum says, without adjustment.
    fn score(&self, sum: &Self::Sum) -> Score;
}

/// Scores by signs of cells: the cells of the account role, of the cluster role, and of both.
pub(in crate::forensics) struct Signs<'a> {
    weights: &'a Weights,
    roles: &'a Roles,
    tables: Tables,
}

impl<'a> Signs<'a> {
    /// With these weights, for a roster.
    pub(in crate::forensics) fn new(
        weights: &'a Weights,
        roles: &'a Roles,
        roster: &Roster,
    ) -> Self {
        let most = u32::try_from(roster.accounts.len()).unwrap_or(u32::MAX);
        Self { weights, roles, tables: Tables::new(weights, roles, most) }
    }
}

impl Scoring for Signs<'_> {
    type Sum = Sum;

    fn deployment(&self, roster: &Roster) -> Score {
        let weights = self.weights.only(|cell| is_deployments(roster, self.roles, cell));
        let tilts = Tilts::new([weights.units()], 1);
        score(&tilts, SignSums::new(weights.units()).total(&roster.global), [1])
    }

    fn arms(&self, roster: &Roster) -> Vec<Score> {
        if roster.arms.is_empty() {
            return Vec::new();
        }
        let weights = self.weights.only(|cell| self.roles.carries_arms(cell));
        let (tilts, sums) = (Tilts::new([weights.units()], 1), SignSums::new(weights.units()));
        roster.arms.iter().map(|arm| score(&tilts, sums.total(&arm.key), [1])).collect()
    }

    fn account(&self, key: &MarkKey, alone: bool) -> Sum {
        self.tables.account(key, alone)
    }

    fn cluster(&self, key: &MarkKey) -> Sum {
        Sum { total: self.tables.cluster.total(key), copies: [0, 1] }
    }

    fn add(sum: &mut Sum, more: &Sum) {
        sum.total += more.total;
        for (copies, more) in sum.copies.iter_mut().zip(more.copies) {
            *copies += more;
        }
    }

    fn score(&self, sum: &Sum) -> Score {
        score(&self.tables.tilts, sum.total, sum.copies)
    }
}

struct Tables {
    account: SignSums,
    both: SignSums,
    cluster: SignSums,
    tilts: Tilts<2>,
}

/// A score and the number of sums of account cells and of cluster cells that it is made of.
#[derive(Clone, Copy, Default)]
pub(in crate::forensics) struct Sum {
    total: i64,
    copies: [u32; 2],
}

impl Tables {
    fn new(weights: &Weights, roles: &Roles, most: u32) -> Self {
        let of = |role| weights.only(|cell| has_role(roles, cell, role));
        let (account, cluster) = (of(Role::Account), of(Role::Cluster));
        let both = weights.only(|cell| {
            has_role(roles, cell, Role::Account) || has_role(roles, cell, Role::Cluster)
        });
        Self {
            account: SignSums::new(account.units()),
            both: SignSums::new(both.units()),
            cluster: SignSums::new(cluster.units()),
            tilts: Tilts::new([account.units(), cluster.units()], most),
        }
    }

    fn account(&self, key: &MarkKey, alone: bool) -> Sum {
        if alone {
            Sum { total: self.both.total(key), copies: [1, 1] }
        } else {
            Sum { total: self.account.total(key), copies: [1, 0] }
        }
    }
}

fn score<const SUMS: usize>(tilts: &Tilts<SUMS>, total: i64, copies: [u32; SUMS]) -> Score {
    let (total, deviation) = (total as f64, tilts.variance(copies).sqrt());
    let standardized = if deviation > 0.0 { total / deviation } else { 0.0 };
    let ln_p = tilts.ln_p(total, copies);
    Score { standardized, ln_p, ln_p_adjusted: ln_p }
}

impl Trace {
    /// Scores everybody in the roster against the weights of the suspect's cells, and as many ids
    /// that were never issued, whose keys the decoys give.
    #[must_use]
    pub fn new(weights: &Weights, roles: &Roles, roster: &Roster, decoys: &Decoys) -> Self {
        Self::by(&Signs::new(weights, roles, roster), roster, decoys)
    }

    /// The same by any scheme.
    pub(in crate::forensics) fn by<S: Scoring>(
        scoring: &S,
        roster: &Roster,
        decoys: &Decoys,
    ) -> Self {
        let global = scoring.deployment(roster);
        let mut arms = scoring.arms(roster);

        // Sums are needed again where they are added up to those of a cluster.
        let scored: Vec<(Score, Option<S::Sum>)> = roster
            .accounts
            .par_iter()
            .map(|account| {
                let sum = scoring.account(&account.key, carries(account, Role::Cluster));
                (scoring.score(&sum), account.cluster.map(|_| sum))
            })
            .collect();
        let (mut accounts, sums): (Vec<Score>, Vec<Option<S::Sum>>) = scored.into_iter().unzip();
        let mut clusters = clusters(scoring, roster, &sums, &accounts);

        adjust(clusters.iter_mut().map(|cluster| &mut cluster.whole).collect());
        adjust(accounts.iter_mut().collect());
        adjust(arms.iter_mut().collect());
        for arm in &mut arms {
            arm.ln_p_adjusted = gated(global.ln_p, arm.ln_p_adjusted);
        }
        for cluster in &mut clusters {
            cluster.whole.ln_p_adjusted = gated(global.ln_p, cluster.whole.ln_p_adjusted);
        }
        for (account, score) in roster.accounts.iter().zip(&mut accounts) {
            let cluster = account.cluster.filter(|_| roster.membership_fixed);
            let cluster = cluster.and_then(|cluster| clusters.get(cluster));
            let parent = cluster.map_or(global.ln_p, |cluster| cluster.whole.ln_p_adjusted);
            score.ln_p_adjusted = gated(parent, score.ln_p_adjusted);
        }
        let never_issued = never_issued(scoring, roster, decoys);
        Self { global, clusters, arms, accounts, never_issued }
    }

    /// Whether the controls, these and the ids that were never issued, allow a result.
    ///
    /// # Errors
    ///
    /// The reason why not.
    pub fn examine(&self, controls: &[Control]) -> Result<(), Refusal> {
        let mut all = controls.to_vec();
        all.push(self.never_issued.clone());
        examine(&all)
    }
}

fn clusters<S: Scoring>(
    scoring: &S,
    roster: &Roster,
    sums: &[Option<S::Sum>],
    accounts: &[Score],
) -> Vec<ClusterScore> {
    let mut members = vec![S::Sum::default(); roster.clusters.len()];
    let mut own: Vec<Vec<LnP>> = vec![Vec::new(); roster.clusters.len()];
    for ((account, sum), score) in roster.accounts.iter().zip(sums).zip(accounts) {
        let (Some(place), Some(sum)) = (account.cluster, sum) else { continue };
        if let (Some(members), Some(own)) = (members.get_mut(place), own.get_mut(place)) {
            S::add(members, sum);
            own.push(score.ln_p);
        }
    }
    roster
        .clusters
        .iter()
        .zip(members)
        .zip(own)
        .map(|((cluster, members), own)| {
            let shared_key = scoring.score(&scoring.cluster(&cluster.key));
            if !roster.membership_fixed {
                return ClusterScore { shared_key, members: None, whole: shared_key };
            }
            let members = scoring.score(&members);
            let ln_p = least_of(&[shared_key.ln_p, members.ln_p, least_of(&own)]);
            let standardized = shared_key.standardized.max(members.standardized);
            let whole = Score { standardized, ln_p, ln_p_adjusted: ln_p };
            ClusterScore { shared_key, members: Some(members), whole }
        })
        .collect()
}

/// Holm's adjustment over a level.
fn adjust(scores: Vec<&mut Score>) {
    let adjusted = holm(&scores.iter().map(|score| score.ln_p).collect::<Vec<_>>());
    for (score, adjusted) in scores.into_iter().zip(adjusted) {
        score.ln_p_adjusted = adjusted;
    }
}

fn never_issued<S: Scoring>(scoring: &S, roster: &Roster, decoys: &Decoys) -> Control {
    let ln_p: Vec<LnP> = (0_u32..)
        .zip(&roster.accounts)
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|(number, account)| {
            let key = MarkKey::from_bytes(decoys.key(number));
            scoring.score(&scoring.account(&key, carries(account, Role::Cluster))).ln_p
        })
        .collect();
    Control { name: "ids that were never issued".to_owned(), ln_p: least_of(&ln_p) }
}
