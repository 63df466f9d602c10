//! The cells of a text under the keys that it was tested for, for whoever does the sum again.

use std::collections::BTreeMap;

use serde::Serialize;

use super::law::{canaries, copies};
use super::roster::Issuance;
use crate::forensics::detect::LawCounts;
use crate::forensics::evidence::{CopyEvidence, Effect, LawWeights, LnP, SentWeights};
use crate::forensics::tracing::{ACCUSATION_LEVEL, is_deployments};
use crate::mark::cell::{Cell, MarkKey, Role, Roles};
use crate::mark::keys::Keys;
use crate::mark::law::{self, BUCKETS, Canaries, PASSAGE_GROUPS, canary_uniform, is_canary};
use crate::mark::lexicon::Lexicon;

/// A test, with what an opposing expert needs to do it again. It holds what a key says of the cells of this
/// text, and so lets whoever has it write text that follows the key there: it is disclosed under seal.
#[derive(Clone, Debug, Serialize)]
pub struct ExportedTest {
    /// Whose key: `deployment`, `cluster NAME`, `account NAME`.
    pub test: String,
    /// The tenant; empty in a deployment of one.
    pub tenant: String,
    /// The epoch.
    pub epoch: u32,
    /// What was counted by.
    pub rules: String,
    /// The p-value without adjustment, as a natural logarithm.
    pub ln_p: LnP,
    /// The scores at shares of 0.9, 0.3 and 0.08 of the sites.
    pub scores: [f64; 3],
    /// The share of choices that follow the key, if there are any.
    pub effect: Option<f64>,
    /// Of a deployment's key: the level that the least share is told for.
    pub level: Option<f64>,
    /// The least share that comes below it as often as not, if any does.
    pub least_effect: Option<f64>,
    /// For each coin, in what share of the marked answers a cell with it carried the mark.
    pub carried: Vec<f64>,
    /// Of a deployment's key in an epoch with canaries: the test of copies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copies: Option<ExportedCopies>,
    /// The cells of the text, which stand on lines of their own.
    #[serde(skip)]
    pub cells: Vec<ExportedCell>,
}

/// A cell of a text.
#[derive(Clone, Debug, Serialize)]
pub struct ExportedCell {
    /// Its number: the class by 64, and the bucket.
    pub cell: u32,
    /// What the tested key has for it; none where its role is another's.
    pub uniform: Option<u32>,
    /// Its coin under that key.
    pub coin: Option<u8>,
    /// Log-odds in hundredths, and how often the first and the second variant stood there.
    pub places: Vec<(i16, u64, u64)>,
    /// What chooses in passages of active groups, in canary cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<u32>,
    /// Of canary cells: log-odds, group of the passage, and how often each variant, where it has a group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passages: Vec<(i16, u8, u32, u32)>,
}

/// The test of copies, to do it again.
#[derive(Clone, Debug, Serialize)]
pub struct ExportedCopies {
    /// The active groups of passages.
    pub active: Vec<u8>,
    /// Places in passages of active groups with the canary's variant and the ordinary one, and the same in others.
    pub places: [[u64; 2]; 2],
    /// The p-value, as a natural logarithm.
    pub ln_p: LnP,
    /// What it would be of a whole copy.
    pub ln_p_of_copy: LnP,
}

/// The tests of the deployments' keys, and of these accounts and clusters by name.
#[must_use]
pub fn export_tests<'i>(
    keys: &Keys,
    issuances: impl IntoIterator<Item = &'i Issuance>,
    counts: &[LawCounts],
    named: &[&str],
) -> Vec<ExportedTest> {
    let roles = Roles::new(keys.master(), Lexicon::english().numbers() * BUCKETS);
    let issuances: Vec<&Issuance> = issuances.into_iter().collect();
    let level = ACCUSATION_LEVEL / issuances.len().max(1) as f64;
    let mut tests = Vec::new();
    for issuance in issuances {
        let Some(counts) = counts.iter().find(|counts| counts.epoch() == issuance.epoch) else {
            continue;
        };
        let roster = &issuance.roster;
        let has = |cell: usize, role| roles.as_slice().get(cell) == Some(&role);
        let is_global = |cell: usize| is_deployments(roster, &roles, cell);
        let canaries = canaries(keys, issuance);
        // A text that is read in two ways is tested for half the level in each.
        let readings = if canaries.is_some() { 2.0 } else { 1.0 };
        let mut test = export(
            "deployment".to_owned(),
            (issuance, Some(level / readings)),
            counts,
            &roster.global,
            is_global,
        );
        if let Some(canaries) = &canaries {
            let sent = SentWeights::new(counts, &issuance.strengths, canaries, &roles);
            let weights = LawWeights::new(counts, &issuance.strengths).only(is_global);
            let score = weights.score(&roster.global);
            test.ln_p = score.ln_p_of_either(&sent.only(is_global).score(&roster.global));
        }
        if let (Some(evidence), Some(canaries)) = (copies(keys, issuance, counts, &roles), canaries)
        {
            add_copies(&mut test, counts, &evidence, &canaries, &roles);
        }
        tests.push(test);
        for cluster in roster.clusters.iter().filter(|one| named.contains(&one.name.as_str())) {
            let test = format!("cluster {}", cluster.name);
            let keep = |cell| has(cell, Role::Cluster);
            tests.push(export(test, (issuance, None), counts, &cluster.key, keep));
        }
        for account in roster.accounts.iter().filter(|one| named.contains(&one.name.as_str())) {
            let test = format!("account {}", account.name);
            let alone = account.cluster.is_none() || account.marked_alone;
            let keep = |cell| has(cell, Role::Account) || alone && has(cell, Role::Cluster);
            tests.push(export(test, (issuance, None), counts, &account.key, keep));
        }
    }
    tests
}

fn export(
    test: String,
    (issuance, level): (&Issuance, Option<f64>),
    counts: &LawCounts,
    key: &MarkKey,
    keep: impl Fn(usize) -> bool,
) -> ExportedTest {
    let weights = LawWeights::new(counts, &issuance.strengths).only(&keep);
    let score = weights.score(key);
    let effect = Effect::of_law(counts, key, &issuance.strengths, &keep);
    let mut cells: BTreeMap<u32, BTreeMap<i16, (u64, u64)>> = BTreeMap::new();
    for (cell, log_odds, _, [zeros, ones]) in counts.places() {
        let place = cells.entry(cell).or_default().entry(log_odds).or_default();
        *place = (place.0 + u64::from(zeros), place.1 + u64::from(ones));
    }
    let mut stream = key.stream();
    let cells = cells.into_iter().map(|(number, places)| {
        let cell = Cell::from_number(number);
        let mut drawn = || (law::uniform(&mut stream, cell), law::coin(&mut stream, cell));
        let (uniform, coin) = keep(number as usize).then(&mut drawn).unzip();
        let places = places.into_iter().map(|(odds, (zeros, ones))| (odds, zeros, ones)).collect();
        ExportedCell { cell: number, uniform, coin, places, canary: None, passages: Vec::new() }
    });
    ExportedTest {
        test,
        tenant: issuance.tenant.clone(),
        epoch: issuance.epoch,
        rules: counts.rules().to_owned(),
        ln_p: score.ln_p(),
        scores: score.totals(),
        effect: effect.map(|effect| effect.estimate),
        level,
        least_effect: level.and_then(|level| weights.least_share(counts, key, level)),
        carried: (0..=u8::MAX).map(|coin| LawWeights::carried(&issuance.strengths, coin)).collect(),
        copies: None,
        cells: cells.collect(),
    }
}

fn add_copies(
    test: &mut ExportedTest,
    counts: &LawCounts,
    evidence: &CopyEvidence,
    canaries: &Canaries,
    roles: &Roles,
) {
    let places = [evidence.active, evidence.others].map(|it| [it.canary, it.ordinary]);
    let active = (0..PASSAGE_GROUPS).filter(|group| canaries.is_active(*group)).collect();
    let CopyEvidence { ln_p, ln_p_of_copy, .. } = *evidence;
    test.copies = Some(ExportedCopies { active, places, ln_p, ln_p_of_copy });
    let mut in_passages: BTreeMap<u32, Vec<(i16, u8, u32, u32)>> = BTreeMap::new();
    for (cell, log_odds, passage, [zeros, ones]) in counts.in_passages() {
        in_passages.entry(cell).or_default().push((log_odds, passage, zeros, ones));
    }
    let mut stream = canaries.stream();
    for exported in &mut test.cells {
        let cell = Cell::from_number(exported.cell);
        if is_canary(roles, cell) {
            exported.canary = Some(canary_uniform(&mut stream, cell));
            exported.passages = in_passages.remove(&exported.cell).unwrap_or_default();
        }
    }
}
