//! Yes with a name, no, and no answer.

use guilloche::forensics::examination::{Level, Named, Outcome, RefusedBy, Verdict};

use super::scene::{Scene, halves, text};

fn names(named: &Named) -> Vec<&str> {
    let Named::Each(ids) = named else { panic!("{named:?}") };
    ids.iter().map(|id| id.id.as_str()).collect()
}

/// Nothing in a verdict is a text: not even a sentence of the corpus.
fn holds_no_text(verdict: &Verdict) {
    let json = serde_json::to_string(verdict).unwrap();
    for document in halves().0 {
        let first = document.lines().next().unwrap();
        assert!(first.len() < 40 || !json.contains(first));
    }
}

#[test]
fn a_text_is_consistent_with_the_account_whose_answers_were_copied_which_is_no_name() {
    let scene = Scene::new("named");
    let suspect = scene.write("suspect.jsonl", &scene.copies(2, &[("a-7", None)]));
    let control = scene.control();
    let control = format!("base model={}", text(&control));
    let said = scene.verify(&["--suspect", text(&suspect), "--control", &control]);
    let verdict = said.verdict();
    assert_eq!((said.code, verdict.outcome), (0, Outcome::Exposed), "{}", said.out);
    assert_eq!(verdict.reached, Some(Level::Account));
    assert_eq!(names(&verdict.accounts.consistent_with), ["a-7"]);
    assert!(
        verdict.sentence.contains("is consistent with those of the account a-7 ")
            && verdict
                .sentence
                .contains("Nobody is named: that takes text that the examiner asked"),
        "{}",
        verdict.sentence
    );
    assert!(!verdict.names_somebody() && verdict.naming.asked.is_none());
    assert!(verdict.caveat.contains("lawfully published") && verdict.caveat.contains("no name"));

    // Tests over both epochs: two of the deployment, sixty of accounts.
    assert_eq!(
        (verdict.deployments.len(), verdict.accounts.tests, verdict.accounts.ids),
        (2, 60, 40)
    );
    let [first, second] = &verdict.deployments[..] else { panic!() };
    assert!(first.p.p > 1e-3 && second.p.p < 1e-6, "{} {}", first.p, second.p);
    assert!(second.decoys.p.p < 2e-3 && second.p_hoeffding.unwrap().log10 >= second.p.log10);
    let effect = second.effect.unwrap();
    assert!(effect.low > 0.05 && effect.low <= effect.estimate && effect.estimate <= effect.high);
    let strongest = &verdict.accounts.strongest[0];
    assert_eq!((strongest.id.as_str(), strongest.epoch), ("a-7", 2));
    assert!(strongest.p_adjusted.log10 >= strongest.p.log10 + 60_f64.log10() - 1e-9);

    let controls: Vec<(&str, bool)> =
        verdict.controls.iter().map(|control| (control.name.as_str(), control.rejected)).collect();
    assert_eq!(controls, [("base model", false), ("ids that were never issued", false)]);
    assert_eq!(verdict.materials[0].documents, halves().0.len() as u64);
    holds_no_text(&verdict);
}

#[test]
fn a_text_is_consistent_with_the_cluster_whose_members_shared_the_work() {
    let scene = Scene::new("cluster");
    let members = ["a-30", "a-31", "a-32", "a-33", "a-34"].map(|account| (account, Some("hydra")));
    let suspect = scene.write("suspect.jsonl", &scene.copies(2, &members));
    let control = scene.control();
    // The shared key is found whenever the link was made; members count if it was made before.
    for (until, tests) in
        [(None, &["shared key"][..]), (Some("1970-01-01T00:00:00Z"), &["shared key", "members"])]
    {
        let arguments = ["--suspect", text(&suspect), "--control", text(&control)];
        let cutoff: Vec<&str> =
            until.into_iter().flat_map(|time| ["--ledger-until", time]).collect();
        let said = scene.verify(&[&arguments[..], &cutoff].concat());
        let verdict = said.verdict();
        assert_eq!((said.code, verdict.outcome), (0, Outcome::Exposed), "{}", said.out);
        assert_eq!(names(&verdict.clusters.consistent_with), ["hydra"]);
        let parts: Vec<&str> =
            verdict.clusters.strongest[0].parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(parts, tests);
        assert_eq!(verdict.method.ledger_until.as_deref(), until);
        let left_out = |note: &String| note.contains("codewords is left out");
        assert_eq!(verdict.method.notes.iter().any(left_out), until.is_none());
    }
}

#[test]
fn entries_after_the_cutoff_are_as_if_they_were_not_there() {
    let scene = Scene::new("cutoff");
    let suspect = scene.write("suspect.jsonl", &scene.copies(2, &[("a-7", None)]));
    let control = scene.control();
    let cutoff = ["--ledger-until", "1969-12-31T23:59:59Z"];
    let arguments = ["--suspect", text(&suspect), "--control", text(&control)];
    let verdict = scene.verify(&[&arguments[..], &cutoff].concat()).verdict();
    assert_eq!((verdict.accounts.tests, verdict.clusters.tests), (0, 0));
}

#[test]
fn unmarked_text_is_not_said_to_be_exposed_and_nobody_is_named() {
    let scene = Scene::new("unmarked");
    let suspect = scene.write("suspect.jsonl", halves().0);
    let control = scene.control();
    let said = scene.verify(&["--suspect", text(&suspect), "--control", text(&control)]);
    let verdict = said.verdict();
    assert_eq!((said.code, verdict.outcome), (1, Outcome::NotShown), "{}", said.out);
    assert_eq!(
        (verdict.clusters.consistent_with, verdict.accounts.consistent_with),
        (Named::Nobody, Named::Nobody)
    );
    assert_eq!(verdict.reached, None);
    assert!(verdict.sentence.starts_with("It was not shown"), "{}", verdict.sentence);
}

#[test]
fn marks_of_another_deployment_accuse_nobody() {
    let scene = Scene::new("others");
    let mut other = Scene::new("others-elsewhere");
    other.keys = guilloche::mark::keys::Keys::from_master(&[1; 32], jiff::Timestamp::UNIX_EPOCH);
    let suspect = scene.write("suspect.jsonl", &other.copies(1, &[("a-7", None)]));
    let said = scene.verify(&["--suspect", text(&suspect)]);
    assert_eq!(said.verdict().outcome, Outcome::NotShown, "{}", said.out);
}

#[test]
fn a_control_that_is_marked_refuses_the_answer_and_no_name_is_shown() {
    let scene = Scene::new("contaminated");
    let suspect = scene.write("suspect.jsonl", &scene.copies(2, &[("a-7", None)]));
    let marked: Vec<String> =
        halves().1.iter().map(|text| scene.marked(2, "a-3", None, text)).collect();
    let control = scene.write("control.jsonl", &marked);
    let arguments = ["--suspect", text(&suspect), "--control", text(&control)];
    let said = scene.verify(&arguments);
    let verdict = said.verdict();
    assert_eq!((said.code, verdict.outcome), (1, Outcome::Refused), "{}", said.out);
    assert!(verdict.refusals.iter().all(|refused| refused.by == RefusedBy::Control));
    assert_eq!(verdict.accounts.consistent_with, Named::Nobody);
    assert!(!said.out.contains("a-7") && !said.out.contains("a-3"), "{}", said.out);
}

#[test]
fn a_text_without_sites_and_one_without_controls_get_no_answer() {
    let scene = Scene::new("nothing");
    let suspect = scene.write("suspect.jsonl", &["Nothing here.".to_owned()]);
    let verdict = scene.verify(&["--suspect", text(&suspect)]).verdict();
    assert_eq!(verdict.outcome, Outcome::Refused);
    assert_eq!(verdict.refusals[0].by, RefusedBy::NoSites);

    let suspect = scene.write("suspect.jsonl", halves().0);
    let keys = scene.file("mark.keys");
    let arguments =
        ["verify", "--keys", text(&keys), "--suspect", text(&suspect), "--format", "json"];
    let verdict = scene.run(&[&arguments[..], &["--decoys", "100"]].concat()).verdict();
    assert_eq!(verdict.outcome, Outcome::Refused);
    assert_eq!(verdict.refusals[0].by, RefusedBy::NoControl);
}

#[test]
fn a_control_too_small_to_have_shown_the_same_answers_nothing() {
    let scene = Scene::new("small-control");
    let suspect = scene.write("suspect.jsonl", &scene.copies(2, &[("a-7", None)]));
    let small = scene.write("small.jsonl", &halves().1[..2]);
    let said = scene.verify(&["--suspect", text(&suspect), "--control", text(&small)]);
    let verdict = said.verdict();
    assert_eq!((said.code, verdict.outcome), (1, Outcome::Refused), "{}", said.out);
    assert_eq!(verdict.refusals[0].by, RefusedBy::NoControl);
    assert!(verdict.refusals[0].reason.contains("the largest has"), "{:?}", verdict.refusals);
    assert!(!said.out.contains("a-7"));
}

#[test]
fn the_report_for_people_fits_eighty_columns_and_begins_with_the_sentence() {
    let scene = Scene::new("columns");
    let suspect = scene.write("suspect.jsonl", &scene.copies(2, &[("a-7", None)]));
    let control = scene.control();
    let (keys, ledger) = (scene.file("mark.keys"), scene.file("mark.ledger"));
    let said = scene.run(&[
        "verify",
        "--keys",
        text(&keys),
        "--ledger",
        text(&ledger),
        "--suspect",
        text(&suspect),
        "--control",
        &format!("base={}", text(&control)),
        "--decoys",
        "1000",
    ]);
    assert_eq!(said.code, 0, "{}", said.error);
    assert!(
        said.out.starts_with("The text was exposed to marked outputs of this deployment, and is")
    );
    for line in said.out.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(said.out.contains("~ a-7, epoch 2") && !said.out.contains("* a-7"), "{}", said.out);
    assert_eq!(said.error, "");
}
