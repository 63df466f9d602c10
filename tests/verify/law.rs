//! Marks that keep the law of their writer: found, named, counted where the text lies, and read again by
//! another hand.

use std::process::Command;

use guilloche::forensics::detect::LawCounts;
use guilloche::forensics::detect::LexicalSites;
use guilloche::forensics::evidence::LawWeights;
use guilloche::forensics::evidence::{Decoys, Strengths};
use guilloche::forensics::examination::{
    LawSample, MarkedBy, Material, Method, Named, Outcome, conclude, issuances, test_law,
};
use guilloche::mark::cell::{KeyName, Purpose, Role};
use guilloche::mark::keys::{Keys, Recipient, Scheme, TextKeys};
use guilloche::mark::law::CountingKey;
use guilloche::mark::ledger::{Entry, Event};
use guilloche::mark::lexical::Rewriter;
use guilloche::mark::lexicon::Lexicon;
use jiff::Timestamp;

use super::scene::{Scene, halves, issued, text};

/// The first half of the prose as an account received it, as often as there are epochs of marks.
pub(super) fn copies(keys: &Keys, epoch: u32, account: &str, strength: f64) -> Vec<String> {
    let texts = TextKeys::new(keys.clone());
    let recipient = Recipient { tenant: "", account, cluster: None, arm: None };
    let marking = texts.marking(epoch, recipient, strength);
    let marked = |text: &String| {
        let mut rewriter = Rewriter::new(Lexicon::english(), marking.begin());
        let mut out = String::new();
        rewriter.push(text, &mut out);
        rewriter.finish(false, &mut out);
        out
    };
    halves().0.iter().map(marked).collect()
}

/// Break it: let counts be made with the rates or buckets of another epoch.
#[test]
fn a_text_marked_by_the_law_is_found_and_its_account_named_and_a_plain_one_is_not() {
    let scene = Scene::of_scheme("law", Scheme::Law);
    let suspect = scene.write("suspect.jsonl", &copies(&scene.keys, 2, "a-7", 1.0));
    let verdict = scene.verify(&["--suspect", text(&suspect)]).verdict();
    assert_eq!(verdict.outcome, Outcome::Exposed, "{}", verdict.sentence);
    let [first, second] = &verdict.deployments[..] else { panic!() };
    assert!(first.p.p > 1e-3 && second.p.p < 1e-6, "{} {}", first.p, second.p);
    let effect = second.effect.unwrap();
    assert!(effect.estimate > 0.98 && effect.high > 0.999, "{effect:?} {:?}", second.least_effect);
    let Named::Each(ids) = &verdict.accounts.consistent_with else {
        panic!("{:?}", verdict.accounts.consistent_with)
    };
    assert_eq!(ids.iter().map(|id| id.id.as_str()).collect::<Vec<_>>(), ["a-7"]);

    let plain = scene.write("plain.jsonl", halves().0);
    let verdict = scene.verify(&["--suspect", text(&plain)]).verdict();
    assert_eq!(verdict.outcome, Outcome::NotShown, "{}", verdict.sentence);
}

/// Break it: have `keys rotate` forget the ledger, or `verify` the rates of the epoch.
#[test]
fn the_next_epoch_follows_the_author_that_the_ledger_has_learned_and_is_verified_by_the_same_rates()
{
    let scene = Scene::of_scheme("law-learned", Scheme::Law);
    let said = scene.run(&["keys", "rotate", "--keys", "mark.keys", "--ledger", "mark.ledger"]);
    assert!(said.code == 0 && said.out.contains("rates of many authors"), "{}", said.out);
    let counts =
        serde_json::from_value(serde_json::json!([[62, "", 200, 4_000], [223, "", 900, 100]]));
    scene.record(Event::Authors { epoch: 3, counts: counts.unwrap() });
    let said = scene.run(&["keys", "rotate", "--keys", "mark.keys", "--ledger", "mark.ledger"]);
    assert!(
        said.code == 0 && said.out.contains("rates of its own author, of 5200 sites"),
        "{}",
        said.out
    );
    let keys = Keys::read(scene.file("mark.keys")).unwrap();
    assert!(keys.own_rates(3).is_none() && keys.own_rates(4).is_some());
    let ledger = std::fs::read_to_string(scene.file("mark.ledger")).unwrap();
    assert!(ledger.contains(keys.own_rates(4).unwrap()));

    scene.record(issued(4, "a-7", None));
    let suspect = scene.write("suspect.jsonl", &copies(&keys, 4, "a-7", 1.0));
    let verdict = scene.verify(&["--suspect", text(&suspect)]).verdict();
    let found = verdict.deployments.iter().find(|test| test.epoch == 4).unwrap();
    assert!(
        found.p.p < 1e-6 && found.effect.unwrap().estimate > 0.999,
        "{} {:?}",
        found.p,
        found.effect
    );
}

/// Break it: leave the places out of the file of counts.
#[test]
fn who_has_the_bucket_keys_counts_as_who_has_all_keys_and_who_has_none_is_told() {
    let scene = Scene::of_scheme("law-counts", Scheme::Law);
    let suspect = scene.write("suspect.jsonl", &copies(&scene.keys, 2, "a-7", 1.0));
    let whole = scene.verify(&["--suspect", text(&suspect)]).verdict();
    for epoch in ["1", "2"] {
        let file = format!("{epoch}.bucket");
        let said =
            scene.run(&["keys", "bucket", "--keys", "mark.keys", "--epoch", epoch, "--out", &file]);
        assert_eq!(said.code, 0, "{}", said.error);
        let again =
            scene.run(&["keys", "bucket", "--keys", "mark.keys", "--epoch", epoch, "--out", &file]);
        assert_eq!(again.code, 2, "an existing file is left alone");
    }
    let count = ["verify", "count", "--suspect", "suspect.jsonl", "--out"];
    let keyed = ["--bucket-key", "1.bucket", "2.bucket"];
    assert_eq!(scene.run(&[&count[..], &["keyed.counts"], &keyed].concat()).code, 0);
    let counted = scene.verify(&["--suspect-counts", "keyed.counts"]).verdict();
    assert_eq!((&counted.deployments, &counted.accounts), (&whole.deployments, &whole.accounts));

    assert_eq!(scene.run(&[&count[..], &["public.counts"]].concat()).code, 0);
    let said = scene.verify(&["--suspect-counts", "public.counts"]);
    assert!(said.code == 2 && said.error.contains("bucket key of epoch 1"), "{}", said.error);
}

/// Break it: have the ledger forget the strength.
#[test]
fn coins_are_read_where_marks_were_issued_at_half_strength() {
    let keys = Keys::from_master(&[0x21; 32], Timestamp::UNIX_EPOCH);
    let counting = CountingKey::of_epoch(&keys, 1).unwrap();
    let mut counts = LawCounts::new(&counting);
    for marked in copies(&keys, 1, "a", 0.5) {
        let places = counting.places(&marked);
        counts.add(
            0,
            &places
                .into_iter()
                .map(|(cell, odds, variant)| (cell.index(), odds, variant, None))
                .collect(),
        );
    }
    let name =
        KeyName { purpose: Purpose::Lexical, tenant: "", epoch: 1, role: Role::Global, id: "" };
    let key = keys.derive(&name);
    let roles = guilloche::mark::cell::Roles::new(keys.master(), Lexicon::english().numbers() * 64);
    let ln_p = |strengths: &Strengths| {
        let global = |cell: usize| roles.as_slice()[cell] == Role::Global;
        LawWeights::new(&counts, strengths).only(global).score(&key).ln_p()
    };
    let [told, untold] = [Strengths::new([(0.5, 1.0)]), Strengths::new([])].map(|it| ln_p(&it));
    assert!(told < untold - 3.0, "{told} {untold}");

    let entries = [256, 128].map(|strength| {
        let Event::Issued { account, .. } = issued(1, "a", None) else { panic!() };
        let event = Event::Issued {
            epoch: 1,
            tenant: String::new(),
            account,
            cluster: None,
            arm: None,
            carrier: None,
            strength,
            answers: 1,
            sites: 10,
            flips: 2,
        };
        Entry::new(Timestamp::UNIX_EPOCH, event)
    });
    let strengths = &issuances(&keys, MarkedBy::WORDS, entries).unwrap()[0].strengths;
    assert_eq!([0, 127, 128, 255].map(|coin| strengths.share(coin)), [1.0, 1.0, 0.5, 0.5]);
}

/// Break it: take the tail at a share of 0.9 alone for a p-value without the factor of three, twice over.
#[test]
fn under_keys_that_a_text_does_not_know_p_values_are_no_smaller_than_they_say() {
    const KEYS: u32 = if cfg!(debug_assertions) { 300 } else { 5_000 };
    let mut low = [0_u32; 2];
    for number in 0..KEYS {
        let mut master = [0x66; 32];
        master[..4].copy_from_slice(&number.to_le_bytes());
        let keys = Keys::from_master(&master, Timestamp::UNIX_EPOCH);
        // One bucket key, so that the text is read once; the marks' keys are drawn.
        let counts = counts();
        let name =
            KeyName { purpose: Purpose::Lexical, tenant: "", epoch: 1, role: Role::Global, id: "" };
        let ln_p = weights(counts).score(&keys.derive(&name)).ln_p();
        low[0] += u32::from(ln_p < 0.05_f64.ln());
        low[1] += u32::from(ln_p < 0.01_f64.ln());
    }
    for (low, level) in low.into_iter().zip([0.05, 0.01]) {
        let expected = f64::from(KEYS) * level;
        assert!(f64::from(low) <= expected + 3.0 * expected.sqrt(), "{low} below {level}");
    }
}

fn counts() -> &'static LawCounts {
    static COUNTS: std::sync::LazyLock<LawCounts> = std::sync::LazyLock::new(|| {
        let counting =
            CountingKey::of_epoch(&Keys::from_master(&[1; 32], Timestamp::UNIX_EPOCH), 1).unwrap();
        let sites = LexicalSites::english().counting(vec![counting.clone()]);
        let mut counts = LawCounts::new(&counting);
        for (group, text) in (0..).zip(halves().0) {
            counts.add(group % 64, &sites.read(text, []).law[0]);
        }
        counts
    });
    &COUNTS
}

fn weights(counts: &'static LawCounts) -> &'static LawWeights {
    static WEIGHTS: std::sync::OnceLock<LawWeights> = std::sync::OnceLock::new();
    WEIGHTS.get_or_init(|| LawWeights::new(counts, &Strengths::new([])))
}

/// Break it: export the coins of another cell, or a text's places without those of other roles.
#[test]
fn a_verifier_of_another_hand_agrees_from_the_exported_cells() {
    let scene = Scene::of_scheme("law-cells", Scheme::Law);
    let suspect = scene.write("suspect.jsonl", &copies(&scene.keys, 2, "a-7", 1.0));
    let said = scene.verify(&["--suspect", text(&suspect), "--cells", "cells.jsonl"]);
    assert_eq!(said.code, 0, "{}", said.error);
    let exported = std::fs::read_to_string(scene.file("cells.jsonl")).unwrap();
    let tests = exported.lines().filter(|line| line.starts_with("{\"test\"")).count();
    assert!(tests >= 10, "{tests}: both epochs, a cluster, and some accounts");
    let numpy = Command::new("python3").args(["-c", "import numpy"]).output();
    if !numpy.is_ok_and(|output| output.status.success()) {
        return; // .ci/run has it.
    }
    let verifier = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verify_reference.py");
    let output =
        Command::new("python3").arg(verifier).arg(scene.file("cells.jsonl")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn of_many_deployments_none_finds_its_law_in_a_text_that_has_none() {
    let deployments = if cfg!(debug_assertions) { 6 } else { 300 };
    for number in 0..deployments {
        let keys = Keys::from_master(&[number as u8; 32], Timestamp::UNIX_EPOCH);
        let counting = CountingKey::of_epoch(&keys, 1).unwrap();
        let sites = LexicalSites::english().counting(vec![counting.clone()]);
        let counted = |texts: &[String]| {
            let mut counts = LawCounts::new(&counting);
            for (group, text) in (0..).zip(texts) {
                counts.add(group % 64, &sites.read(text, []).law[0]);
            }
            [counts]
        };
        let (suspect, control) = (counted(halves().0), counted(halves().1));
        let entries = (0..20).map(|account| {
            let cluster = (account < 10).then_some(if account < 5 { "one" } else { "two" });
            Entry::new(Timestamp::UNIX_EPOCH, issued(1, &format!("a-{account}"), cluster))
        });
        let rosters = issuances(&keys, MarkedBy::WORDS, entries).unwrap();
        let material = Material::default();
        let sample = |name, counts| LawSample { name, counts, material: &material };
        let tests = test_law(
            &keys,
            &rosters,
            sample("suspect", &suspect),
            &[sample("base", &control)],
            &Decoys::new([number as u8; 32], 1_000),
        );
        let verdict = conclude(vec![tests], Vec::new(), Method::default());
        assert_ne!(verdict.outcome, Outcome::Exposed, "{}", verdict.sentence);
        assert_eq!(verdict.accounts.consistent_with, Named::Nobody);
    }
}
