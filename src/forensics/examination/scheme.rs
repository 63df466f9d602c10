//! What a scheme of marking brings to a verdict: its tests, before any adjustment.

use super::level::Part;
use super::verdict::{ControlTest, Issued, Material};
use crate::forensics::evidence::{CopyEvidence, Effect, Evidence, LnP};

/// All tests of one scheme.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemeTests {
    /// What was read, and by which rules. [`Material::scheme`] names the scheme.
    pub material: Material,
    /// Of the deployment, for each tenant and epoch.
    pub deployments: Vec<Deployment>,
    /// Of clusters.
    pub clusters: Vec<IdScore>,
    /// Of arms of experiments.
    pub arms: Vec<IdScore>,
    /// Of accounts.
    pub accounts: Vec<IdScore>,
    /// Tests that must find nothing. `rejected` is filled in by [`conclude`](super::conclude).
    pub controls: Vec<ControlTest>,
}

/// Ids of a level whose tests are shown in more detail.
const STRONGEST: usize = 8;

impl SchemeTests {
    /// The ids of the clusters and accounts with the least p-values, some of each.
    #[must_use]
    pub fn strongest(&self) -> Vec<&str> {
        let levels = [&self.clusters, &self.accounts].into_iter();
        let scores = levels
            .flat_map(|scores| strongest(scores).into_iter().filter_map(|place| scores.get(place)));
        scores.map(|score| score.id.as_str()).collect()
    }
}

/// The places of the scores with the least p-values.
pub(super) fn strongest(scores: &[IdScore]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..scores.len()).collect();
    places.sort_by(|left, right| {
        let ln_p = |place: &usize| scores.get(*place).map_or(0.0, |score| score.ln_p);
        ln_p(left).total_cmp(&ln_p(right))
    });
    places.truncate(STRONGEST);
    places
}

/// One tenant in one epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// The tenant; empty in a deployment of one.
    pub tenant: String,
    /// The epoch of the keys.
    pub epoch: u32,
    /// What was issued.
    pub issued: Issued,
    /// The test of the key that all of it carries. A scheme without such a key has none: its
    /// accounts then pass no gate, and their adjustment alone bears the error rate.
    pub evidence: Option<DeploymentEvidence>,
}

/// The test of a deployment's key.
#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentEvidence {
    /// The test.
    pub evidence: Evidence,
    /// Of a test with a baseline from controls: its p-value with the suspect's own rates in their
    /// place, which no choice of controls can move.
    pub ln_p_without_controls: Option<LnP>,
    /// The share of its choices in which the text follows the key.
    pub effect: Option<Effect>,
    /// The least share that this much text shows as often as not; none where even all choices would not do, or
    /// where it was not worked out.
    pub least_effect: Option<f64>,
    /// Whether the text holds answers as they were sent, where there are canaries.
    pub copies: Option<CopyEvidence>,
    /// Sites that the test counts.
    pub sites: u64,
    /// Independent terms that they make: cells, or distinct sites.
    pub terms: u64,
}

/// The test of an account, a cluster or an arm in one epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct IdScore {
    /// The account, cluster or arm.
    pub id: String,
    /// The place of its tenant and epoch in [`SchemeTests::deployments`].
    pub deployment: usize,
    /// Of an account: the place of its cluster in [`SchemeTests::clusters`], whose gate it has to
    /// pass in place of the deployment's. None if membership was not fixed before.
    pub cluster: Option<usize>,
    /// What was issued to it in the epoch.
    pub issued: Issued,
    /// The score in standard deviations.
    pub standardized: f64,
    /// The tail of the score's law, by which ids are compared.
    pub ln_tail: LnP,
    /// Its p-value or a bound of it, without adjustment: the tail, but not below what the number of
    /// keys allows.
    pub ln_p: LnP,
    /// The share of sites in which the text follows its key, where that was worked out.
    pub effect: Option<Effect>,
    /// The tests that this one is made of, if there are several.
    pub parts: Vec<Part>,
}
