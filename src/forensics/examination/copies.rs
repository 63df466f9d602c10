//! What a verdict says of copies: whether the text holds answers as they were sent.

use std::f64::consts::LN_10;

use serde::{Deserialize, Serialize};

use super::measured::PValue;
use super::sentence::{Said, words};
use super::verdict::{DeploymentTest, Outcome, Verdict};
use crate::forensics::evidence::{CopyEvidence, Differing, LnP, holm};
use crate::page::words::counted;

/// The test of canary cells: whether the text holds answers as they were sent. It names nobody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CopyTest {
    /// Places in passages of active groups.
    pub active: CopyPlaces,
    /// Those in passages of other groups.
    pub others: CopyPlaces,
    /// The p-value, exact.
    pub p: PValue,
    /// `p`, adjusted for all tenants and epochs that were tested so.
    pub p_adjusted: PValue,
    /// What `p` would be if all these places were as they were sent.
    pub p_of_copy: PValue,
    /// What it comes to; none where the deployment's mark was not found, or an answer is refused.
    pub finding: Option<CopyFinding>,
}

/// Places at which a copy differs by whether the passage is of an active group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyPlaces {
    /// Those that have what a copy has there.
    pub as_sent: u64,
    /// Those that have the other variant.
    pub otherwise: u64,
}

impl CopyPlaces {
    /// All of them.
    #[must_use]
    pub fn all(self) -> u64 {
        self.as_sent.saturating_add(self.otherwise)
    }
}

/// What the test of canary cells comes to, where the mark was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CopyFinding {
    /// The text holds answers as they were sent.
    Sent,
    /// Nothing shows that, where a whole copy of as many places would have.
    NotShown,
    /// There are too few places for even a whole copy to show it.
    TooFew,
}

/// Whoever says that a text holds copies needs an adjusted p-value below this. Nobody is accused by it.
const COPY_LEVEL: f64 = 1e-3;

impl From<&CopyEvidence> for CopyTest {
    fn from(evidence: &CopyEvidence) -> Self {
        let CopyEvidence { active, others, ln_p, ln_p_of_copy } = *evidence;
        let places = |as_sent, otherwise| CopyPlaces { as_sent, otherwise };
        let Differing { canary, ordinary } = active;
        Self {
            active: places(canary, ordinary),
            others: places(others.ordinary, others.canary),
            p: PValue::from_ln(ln_p),
            p_adjusted: PValue::from_ln(ln_p),
            p_of_copy: PValue::from_ln(ln_p_of_copy),
            finding: None,
        }
    }
}

impl CopyTest {
    /// Places of both kinds.
    #[must_use]
    pub fn places(&self) -> u64 {
        self.active.all().saturating_add(self.others.all())
    }
}

/// Adjusts the tests for one another.
pub(super) fn adjust(tests: &mut [DeploymentTest]) {
    let mut copies: Vec<&mut CopyTest> =
        tests.iter_mut().filter_map(|test| test.copies.as_mut()).collect();
    let raw: Vec<LnP> = copies.iter().map(|test| test.p.log10 * LN_10).collect();
    for (test, adjusted) in copies.iter_mut().zip(holm(&raw)) {
        test.p_adjusted = PValue::from_ln(adjusted);
    }
}

/// Says what each test comes to, where the mark was found.
pub(super) fn judge(verdict: &mut Verdict) {
    if verdict.outcome != Outcome::Exposed {
        return;
    }
    let level = verdict.accusation_level;
    let tests = verdict.deployments.iter().filter(|test| test.copies.is_some()).count() as f64;
    let answered: Vec<bool> =
        verdict.deployments.iter().map(|test| verdict.answers(&test.scheme)).collect();
    for (test, answered) in verdict.deployments.iter_mut().zip(answered) {
        let found = answered && test.p_adjusted.is_below(level);
        let Some(copies) = test.copies.as_mut().filter(|_| found) else { continue };
        copies.finding = Some(if copies.p_adjusted.is_below(COPY_LEVEL) {
            CopyFinding::Sent
        } else if copies.p_of_copy.is_below(COPY_LEVEL / tests) {
            CopyFinding::NotShown
        } else {
            CopyFinding::TooFew
        });
    }
}

/// What is said of copies, of all tests by which the mark was found: the one that shows most.
pub(super) fn said(verdict: &Verdict) -> Vec<Said> {
    let found = verdict.deployments.iter().filter_map(|test| test.copies.as_ref());
    let found: Vec<(&CopyTest, CopyFinding)> =
        found.filter_map(|copies| Some((copies, copies.finding?))).collect();
    let of = |finding: CopyFinding| {
        let tests = found.iter().filter(move |(_, other)| *other == finding);
        tests.map(|(copies, _)| *copies)
    };
    let most = |finding| of(finding).max_by_key(|copies| copies.places());
    let least = |left: &&CopyTest, right: &&CopyTest| {
        left.p_adjusted.log10.total_cmp(&right.p_adjusted.log10)
    };
    let places = |copies: &CopyTest| counted(copies.places(), "place", "places");
    if let Some(copies) = of(CopyFinding::Sent).min_by(least) {
        return vec![
            words(" It holds answers as they were sent (p = "),
            Said::P(copies.p_adjusted),
            words(")."),
        ];
    }
    if let Some(copies) = most(CopyFinding::NotShown) {
        return vec![
            words(" Nothing shows copied answers (p = "),
            Said::P(copies.p_adjusted),
            Said::Words(format!(" from {}, where a whole copy has ", places(copies))),
            Said::P(copies.p_of_copy),
            words(
                "): what follows the key may have been learned, or forged by someone who had many \
                 marked answers.",
            ),
        ];
    }
    most(CopyFinding::TooFew).map_or_else(Vec::new, |copies| {
        let have = if copies.places() == 1 { "is" } else { "are" };
        vec![Said::Words(format!(
            " Whether answers were copied, {} {have} too few to tell.",
            places(copies)
        ))]
    })
}
