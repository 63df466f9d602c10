//! The tests of a level of a verdict: of clusters, arms or accounts.

use serde::{Deserialize, Serialize};

use super::measured::{EffectSize, PValue};
use super::verdict::Issued;

/// The tests of a level.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "WrittenLevel")]
pub struct LevelTests {
    /// Number of tests, over ids, epochs and schemes; what the adjustment is for.
    pub tests: u64,
    /// Distinct ids among them.
    pub ids: u64,
    /// With whose outputs the text is consistent. That is no name.
    pub consistent_with: Named,
    /// Who of these is named, since text that the examiner asked for shows the same.
    pub named: Named,
    /// Between the p-values of the last whose adjusted one suffices, or else of the first, and of
    /// the next: the difference of `√(-2 ln p)`, the standard deviations that each amounts to.
    #[serde(default)]
    pub gap: Option<f64>,
    /// The strongest tests, and the strongest of everyone with whose outputs the text is consistent.
    pub strongest: Vec<IdTest>,
}

/// The form that is read. Before there was `consistent_with`, `named` had those whom a found text was enough to
/// name; such a verdict is read as one that names nobody.
#[derive(Deserialize)]
struct WrittenLevel {
    tests: u64,
    ids: u64,
    consistent_with: Option<Named>,
    named: Named,
    #[serde(default)]
    gap: Option<f64>,
    strongest: Vec<IdTest>,
}

impl From<WrittenLevel> for LevelTests {
    fn from(written: WrittenLevel) -> Self {
        let WrittenLevel { tests, ids, consistent_with, named, gap, strongest } = written;
        let (consistent_with, named) =
            consistent_with.map_or((named.clone(), Named::Nobody), |found| (found, named));
        Self { tests, ids, consistent_with, named, gap, strongest }
    }
}

/// Who is found at a level, or named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding", content = "ids")]
pub enum Named {
    /// Nobody.
    #[default]
    Nobody,
    /// Each of these; the strongest first.
    Each(Vec<Id>),
    /// None of these, although their p-values would suffice: there is no clear gap between them and
    /// somebody whose p-value would not.
    #[serde(alias = "one_of")]
    Unclear(Vec<Id>),
}

impl Named {
    /// Those who are found, or named.
    #[must_use]
    pub fn ids(&self) -> &[Id] {
        match self {
            Self::Nobody | Self::Unclear(_) => &[],
            Self::Each(ids) => ids,
        }
    }
}

/// An account, a cluster or an arm, of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Id {
    /// The tenant; empty in a deployment of one.
    pub tenant: String,
    /// The account, cluster or arm.
    pub id: String,
}

impl std::fmt::Display for Id {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.tenant.as_str() {
            "" => formatter.write_str(&self.id),
            tenant => write!(formatter, "{} (tenant {tenant})", self.id),
        }
    }
}

/// The test of one account, cluster or arm in one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdTest {
    /// The scheme.
    pub scheme: String,
    /// The tenant.
    pub tenant: String,
    /// The epoch.
    pub epoch: u32,
    /// The account, cluster or arm.
    pub id: String,
    /// Of an account: its cluster, if it has one.
    pub cluster: Option<String>,
    /// What was issued to it in the epoch.
    pub issued: Issued,
    /// The score in standard deviations.
    pub standardized: f64,
    /// The p-value or a bound of it, without adjustment.
    pub p: PValue,
    /// Adjusted for all tests of the level, and for the gates above.
    pub p_adjusted: PValue,
    /// The share of sites in which the text follows its key, where that was worked out.
    pub effect: Option<EffectSize>,
    /// The tests that this one is made of, if there are several.
    pub parts: Vec<Part>,
}

/// One of the tests that a test is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which: `shared key`, `members`.
    pub name: String,
    /// Its score in standard deviations.
    pub standardized: f64,
    /// Its p-value.
    pub p: PValue,
}
