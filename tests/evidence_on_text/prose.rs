//! The whole way of a mark through prose that people wrote: marking, reading back, the test, and
//! the trace. A small version of what `cargo bench --bench forensics` measures.

use std::sync::Arc;

use guilloche::forensics::detect::{CellCounts, LexicalSites};
use guilloche::forensics::evidence::{
    Decoys, NullLaw, SignSums, Strengths, Weights, holm, test_signs,
};
use guilloche::forensics::tracing::{Account, Cluster, Finding, Roster, Trace};
use guilloche::mark::cell::{KeyName, MarkKey, Purpose, Role, Roles};
use guilloche::mark::keys::{Keys, Recipient};
use guilloche::mark::lexical::Rewriter;
use guilloche::mark::lexicon::Lexicon;

use super::calibration::below;
use super::uniformity::same_law;

const PROSE: &str = include_str!("../fixtures/prose/rust-book.txt");

/// Answers of about three paragraphs.
fn answers() -> Vec<String> {
    let paragraphs: Vec<&str> = PROSE.trim_end().split("\n\n").collect();
    paragraphs.chunks(3).map(|answer| answer.join("\n\n")).collect()
}

fn counts(answers: &[String]) -> CellCounts {
    let lexical = LexicalSites::english();
    let mut counts = lexical.counts();
    for answer in answers {
        assert!(counts.add(&lexical.document(answer, []).0));
    }
    counts
}

struct Deployment {
    keys: Keys,
    roles: Arc<Roles>,
}

impl Deployment {
    fn new(number: u32) -> Self {
        let master = *blake3::hash(&number.to_le_bytes()).as_bytes();
        let roles = Arc::new(Roles::new(&master, Lexicon::english().cells()));
        Self { keys: Keys::from_master(&master, jiff::Timestamp::UNIX_EPOCH), roles }
    }

    fn key(&self, purpose: Purpose, role: Role, id: &str) -> MarkKey {
        self.keys.derive(&KeyName { purpose, tenant: "", epoch: 1, role, id })
    }

    fn marked(&self, strength: f64) -> Vec<String> {
        let marked = Recipient { tenant: "", account: "3", cluster: None, arm: None };
        let marking = self.keys.marking(&self.roles, 1, marked, strength);
        let mark = |answer: &String| {
            let mut out = String::new();
            let mut rewriter = Rewriter::new(Lexicon::english(), &marking);
            rewriter.push(answer, &mut out);
            rewriter.finish(false, &mut out);
            out
        };
        answers().iter().map(mark).collect()
    }

    /// The deployment's test, weighted by the coins of a strength.
    fn ln_p(&self, answers: &[String], strength: f64) -> f64 {
        let weights = Weights::from_counts(&counts(answers), &[]);
        let global = weights.only(|cell| self.roles.as_slice().get(cell) == Some(&Role::Global));
        let coin = self.key(Purpose::Coin, Role::Global, "");
        let weights = global.by_coins(&coin, &Strengths::new([(strength, 1.0)]));
        let key = self.key(Purpose::Lexical, Role::Global, "");
        test_signs(&weights, &key, &Decoys::new([1; 32], 0)).ln_p
    }

    fn roster(&self, accounts: usize) -> Roster {
        let account = |place: usize| {
            let name = place.to_string();
            let key = self.key(Purpose::Lexical, Role::Account, &name);
            let cluster = (place >= accounts / 2).then(|| (place - accounts / 2) / 10);
            Account { name, key, cluster, marked_alone: true }
        };
        let cluster = |place: usize| {
            let name = place.to_string();
            Cluster { key: self.key(Purpose::Lexical, Role::Cluster, &name), name }
        };
        Roster {
            global: self.key(Purpose::Lexical, Role::Global, ""),
            accounts: (0..accounts).map(account).collect(),
            clusters: (0..(accounts / 2).div_ceil(10)).map(cluster).collect(),
            arms: Vec::new(),
            mostly_in_arms: false,
            membership_fixed: true,
        }
    }
}

#[test]
fn p_values_of_unmarked_prose_are_those_of_decoys_and_never_below_their_bound() {
    let keys = 1_000;
    let weights = Weights::from_counts(&counts(&answers()), &[]);
    let sums = SignSums::new(weights.units());
    let score = |key: &MarkKey| sums.total(key) as f64;
    let totals: Vec<f64> = (0..keys)
        .map(|number| score(&Deployment::new(number).key(Purpose::Lexical, Role::Global, "")))
        .collect();
    let decoys = Decoys::new([2; 32], keys).scores(|key| score(&MarkKey::from_bytes(*key)));
    assert!(same_law(&totals, &decoys) > 0.01);
    let units = weights.units().iter().copied().filter(|unit| *unit != 0).collect();
    let law = NullLaw::Signs { weights: units };
    for level in [0.2, 0.05, 0.01] {
        let below = below(&law, &totals, level);
        assert!(f64::from(below) <= level * f64::from(keys), "{below} of {keys} are below {level}");
    }
}

#[test]
fn nobody_is_accused_over_prose_that_knows_no_account() {
    let weights = Weights::from_counts(&counts(&answers()), &[]);
    for number in 0..40 {
        let deployment = Deployment::new(number);
        let roster = deployment.roster(200);
        let decoys = Decoys::new([number as u8; 32], 0);
        let trace = Trace::new(&weights, &deployment.roles, &roster, &decoys);
        let alone: Vec<f64> = trace.accounts.iter().map(|score| score.ln_p).collect();
        assert!(holm(&alone).into_iter().fold(0.0, f64::min) > 1e-6_f64.ln());
        let findings = trace.findings(&[]).unwrap();
        assert_eq!((findings.accounts, findings.clusters), (Finding::Nobody, Finding::Nobody));
    }
}

#[test]
fn marked_prose_is_found_under_its_own_deployment_and_no_other() {
    let deployment = Deployment::new(1);
    let full = deployment.marked(1.0);
    assert!(deployment.ln_p(&full, 1.0) < 1e-6_f64.ln());
    assert!(Deployment::new(2).ln_p(&full, 1.0) > 1e-3_f64.ln());
    let half = deployment.ln_p(&deployment.marked(0.5), 0.5);
    assert!(half < 1e-3_f64.ln(), "{half}");
    assert!(deployment.ln_p(&answers(), 1.0) > 1e-3_f64.ln());
}

#[test]
fn quotes_and_white_space_do_not_hide_a_mark() {
    let deployment = Deployment::new(1);
    let full = deployment.marked(1.0);
    let changed = |change: fn(&str) -> String| {
        deployment.ln_p(&full.iter().map(|answer| change(answer)).collect::<Vec<_>>(), 1.0)
    };
    let least = 1e-6_f64.ln();
    assert!(changed(|answer| answer.replace('’', "'").replace(['“', '”'], "\"")) < least);
    assert!(changed(|answer| answer.split_whitespace().collect::<Vec<_>>().join(" ")) < least);
    assert!(changed(str::to_lowercase) < least);
}
