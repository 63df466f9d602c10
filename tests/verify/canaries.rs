//! Epochs with canaries: what a verdict says of text that was copied, and of text that only follows the key.

use std::fs;
use std::process::Command;

use guilloche::forensics::examination::{CopyFinding, Named, Outcome};
use guilloche::mark::keys::{Keys, Scheme};

use super::law::copies;
use super::scene::{Scene, halves, text};

/// Break it: judge where the mark was not found, or let the test of copies name somebody.
#[test]
fn answers_as_they_were_sent_are_told_from_text_that_follows_every_cell_and_neither_makes_a_name() {
    let scene = Scene::of_scheme("canaries", Scheme::Canaries);
    let copied = scene.write("copied.jsonl", &copies(&scene.keys, 2, "a-7", 1.0));
    let said = scene.verify(&["--suspect", text(&copied), "--report", "copied.html"]);
    let verdict = said.verdict();
    assert_eq!(verdict.outcome, Outcome::Exposed, "{}", verdict.sentence);
    let [first, second] = &verdict.deployments[..] else { panic!() };
    let tested = second.copies.as_ref().unwrap();
    assert_eq!(tested.finding, Some(CopyFinding::Sent), "{tested:?}");
    assert_eq!((tested.active.otherwise, tested.others.otherwise), (0, 0), "{tested:?}");
    assert_eq!(first.copies.as_ref().unwrap().finding, None);
    let sentence = format!(" It holds answers as they were sent (p = {}).", tested.p_adjusted);
    assert!(verdict.sentence.contains(&sentence), "{}", verdict.sentence);
    assert_eq!(verdict.accounts.named, Named::Nobody);
    let page = fs::read_to_string(scene.file("copied.html")).unwrap();
    assert!(page.contains("holds answers as they were sent") && page.contains("canaries"));

    // Each cell's usual choice, in all passages: what is learned or forged at best.
    let followed = copies(&scene.keys.clone().with_scheme(Scheme::Law), 2, "a-7", 1.0);
    let followed = scene.write("followed.jsonl", &followed);
    let verdict = scene.verify(&["--suspect", text(&followed)]).verdict();
    let tested = verdict.deployments[1].copies.as_ref().unwrap();
    assert_eq!(tested.finding, Some(CopyFinding::NotShown), "{tested:?}");
    assert!(verdict.sentence.contains(" Nothing shows copied answers"), "{}", verdict.sentence);
    assert!(
        verdict.sentence.contains("learned, or forged by someone who had many marked answers.")
    );

    let plain = scene.write("plain.jsonl", halves().0);
    let verdict = scene.verify(&["--suspect", text(&plain)]).verdict();
    assert_eq!(verdict.outcome, Outcome::NotShown, "{}", verdict.sentence);
    assert!(verdict.deployments.iter().all(|test| test.copies.as_ref().unwrap().finding.is_none()));
    assert!(
        !verdict.sentence.contains("copied") && !verdict.sentence.contains("as they were sent")
    );
}

/// Break it: leave the passages out of the file of counts, or export another cell's canary.
#[test]
fn who_has_the_bucket_key_counts_copies_and_a_verifier_of_another_hand_agrees() {
    let scene = Scene::of_scheme("canaries-counts", Scheme::Canaries);
    let suspect = scene.write("suspect.jsonl", &copies(&scene.keys, 2, "a-7", 1.0));
    let said = scene.verify(&["--suspect", text(&suspect), "--cells", "cells.jsonl"]);
    assert_eq!(said.code, 0, "{}", said.error);
    for epoch in ["1", "2"] {
        let file = format!("{epoch}.bucket");
        let said =
            scene.run(&["keys", "bucket", "--keys", "mark.keys", "--epoch", epoch, "--out", &file]);
        assert_eq!(said.code, 0, "{}", said.error);
    }
    let count = ["verify", "count", "--suspect", "suspect.jsonl", "--out", "suspect.counts"];
    let keyed = ["--bucket-key", "1.bucket", "2.bucket"];
    assert_eq!(scene.run(&[&count[..], &keyed].concat()).code, 0);
    let counted = scene.verify(&["--suspect-counts", "suspect.counts"]).verdict();
    assert_eq!(counted.deployments, said.verdict().deployments);
    assert!(counted.deployments[1].copies.as_ref().unwrap().p.p < 1e-3);

    let exported = fs::read_to_string(scene.file("cells.jsonl")).unwrap();
    assert!(exported.contains("\"copies\"") && exported.contains("\"canary\""));
    let numpy = Command::new("python3").args(["-c", "import numpy"]).output();
    if !numpy.is_ok_and(|output| output.status.success()) {
        return; // .ci/run has it.
    }
    let verifier = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verify_reference.py");
    let output =
        Command::new("python3").arg(verifier).arg(scene.file("cells.jsonl")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("as sent"), "{said}");
}

/// Break it: have `keys rotate` forget the scheme of the epoch before, or `keys new` what was asked for.
#[test]
fn keys_are_made_with_canaries_where_that_is_asked_for_and_go_on_with_them() {
    let scene = Scene::of_scheme("canaries-keys", Scheme::Law);
    let files = ["--keys", "new.keys", "--ledger", "new.ledger"];
    let run = |arguments: &[&str]| {
        let said = scene.run(&[arguments, &files].concat());
        assert_eq!(said.code, 0, "{}", said.error);
    };
    run(&["keys", "new", "--scheme", "canaries"]);
    run(&["keys", "rotate"]);
    run(&["keys", "rotate", "--scheme", "law"]);
    run(&["keys", "rotate"]);
    let keys = Keys::read(scene.file("new.keys")).unwrap();
    let schemes: Vec<&str> = keys.epochs().iter().map(|epoch| epoch.scheme.name()).collect();
    assert_eq!(schemes, ["canaries", "canaries", "law", "law"]);
    let ledger = fs::read_to_string(scene.file("new.ledger")).unwrap();
    assert_eq!(ledger.matches("scheme canaries").count(), 2, "{ledger}");
}
