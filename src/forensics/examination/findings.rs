//! Who is found at a level, over all epochs and schemes in which they were tested.

use std::collections::{BTreeMap, HashSet};

use super::level::{Id, IdTest, LevelTests, Named};
use super::measured::PValue;
use super::scheme::{IdScore, SchemeTests};
use crate::forensics::evidence::LnP;
use crate::forensics::tracing::{Finding, Score};

/// The adjusted p-values of the tests of one scheme.
pub(super) type Adjusted = Vec<LnP>;

/// Tests that are listed, beside those of everyone who is found.
const LISTED: usize = 20;

struct Tested<'a> {
    scheme: &'a SchemeTests,
    score: &'a IdScore,
    adjusted: LnP,
}

impl Tested<'_> {
    fn tenant(&self) -> &str {
        let deployment = self.scheme.deployments.get(self.score.deployment);
        deployment.map_or("", |deployment| &deployment.tenant)
    }
}

/// The tests of a level with the finding. An id that was tested several times, in several epochs
/// or by several schemes, counts with its strongest test: all of them have been adjusted for. The gap
/// is one of tails: where few keys keep p-values up, the scores still tell ids apart. Of schemes
/// that are not answered nobody is found or listed, but their tests are counted.
pub(super) fn level_tests(
    schemes: &[SchemeTests],
    answered: &[bool],
    adjusted: &[Adjusted],
    of: impl Fn(&SchemeTests) -> &Vec<IdScore>,
) -> LevelTests {
    let mut tests: Vec<Tested<'_>> = Vec::new();
    let (mut number, mut all) = (0, HashSet::new());
    for ((scheme, answered), adjusted) in schemes.iter().zip(answered).zip(adjusted) {
        number += of(scheme).len() as u64;
        if !answered {
            let tenant = |score: &IdScore| {
                scheme.deployments.get(score.deployment).map_or("", |own| own.tenant.as_str())
            };
            all.extend(of(scheme).iter().map(|score| (tenant(score), score.id.as_str())));
            continue;
        }
        let scores = of(scheme).iter().zip(adjusted);
        tests.extend(scores.map(|(score, adjusted)| Tested { scheme, score, adjusted: *adjusted }));
    }

    let mut by_id: BTreeMap<(&str, &str), Score> = BTreeMap::new();
    for test in &tests {
        let whole = by_id.entry((test.tenant(), &test.score.id)).or_insert(Score {
            standardized: f64::NEG_INFINITY,
            ln_p: 0.0,
            ln_p_adjusted: 0.0,
        });
        whole.standardized = whole.standardized.max(test.score.standardized);
        whole.ln_p = whole.ln_p.min(test.score.ln_tail);
        whole.ln_p_adjusted = whole.ln_p_adjusted.min(test.adjusted);
    }
    let ids: Vec<(&str, &str)> = by_id.keys().copied().collect();
    let scores: Vec<Score> = by_id.values().copied().collect();
    let named = |places: Vec<usize>| {
        let id = |(tenant, id): &(&str, &str)| Id { tenant: (*tenant).into(), id: (*id).into() };
        places.into_iter().filter_map(|place| ids.get(place).map(id)).collect()
    };
    let found = match Finding::new(&scores) {
        Finding::Nobody => Named::Nobody,
        Finding::Each(places) => Named::Each(named(places)),
        Finding::Unclear(places) => Named::Unclear(named(places)),
    };
    all.extend(ids);
    let distinct = all.len() as u64;
    let strongest = strongest(tests, found.ids());
    LevelTests {
        tests: number,
        ids: distinct,
        consistent_with: found,
        named: Named::Nobody,
        gap: Finding::gap(&scores),
        strongest,
    }
}

fn strongest(mut tests: Vec<Tested<'_>>, named: &[Id]) -> Vec<IdTest> {
    tests.sort_by(|left, right| {
        let p = left.score.ln_tail.total_cmp(&right.score.ln_tail);
        p.then_with(|| right.score.standardized.total_cmp(&left.score.standardized))
    });
    let mut unseen: HashSet<&Id> = named.iter().collect();
    let listed = tests.into_iter().enumerate().filter(|(rank, test)| {
        let id = Id { tenant: test.tenant().to_owned(), id: test.score.id.clone() };
        let first = unseen.remove(&id);
        first || *rank < LISTED
    });
    listed.map(|(_, test)| written(&test)).collect()
}

fn written(test: &Tested<'_>) -> IdTest {
    let IdScore { id, deployment, cluster, issued, standardized, ln_p, effect, parts, ln_tail: _ } =
        test.score;
    let cluster = cluster.and_then(|place| test.scheme.clusters.get(place));
    IdTest {
        scheme: test.scheme.material.scheme.clone(),
        tenant: test.tenant().to_owned(),
        epoch: test.scheme.deployments.get(*deployment).map_or(0, |deployment| deployment.epoch),
        id: id.clone(),
        cluster: cluster.map(|cluster| cluster.id.clone()),
        issued: *issued,
        standardized: *standardized,
        p: PValue::from_ln(*ln_p),
        p_adjusted: PValue::from_ln(test.adjusted),
        effect: effect.map(Into::into),
        parts: parts.clone(),
    }
}
