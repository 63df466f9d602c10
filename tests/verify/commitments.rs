//! A plan that is committed to before the text is seen.

use std::fs;

use guilloche::forensics::examination::CommittedPlan;

use super::scene::{Said, Scene, halves, issued, text};

fn commit(scene: &Scene, more: &[&str]) -> Said {
    let arguments = [
        "verify",
        "commit",
        "--keys",
        "mark.keys",
        "--ledger",
        "mark.ledger",
        "--material",
        "answers of model X",
        "--control",
        "base",
        "--decoys",
        "1200",
        "--out",
        "plan.json",
    ];
    scene.run(&[&arguments[..], more].concat())
}

#[test]
fn an_examination_as_it_was_planned_carries_the_hash_though_the_ledger_has_grown() {
    let scene = Scene::new("committed");
    let said = commit(&scene, &[]);
    assert_eq!((said.code, said.error.as_str()), (0, ""));
    let plan = fs::read_to_string(scene.file("plan.json")).unwrap();
    let committed: CommittedPlan = serde_json::from_str(&plan).unwrap();
    assert_eq!((committed.ledger_lines, committed.accounts, committed.clusters), (61, 60, 1));
    assert!(!plan.contains("a-7") && !plan.contains("hydra"));

    scene.record(issued(2, "later", None));
    let suspect = scene.write("suspect.jsonl", &scene.copies(2, &[("a-7", None)]));
    let control = format!("base={}", text(&scene.control()));
    let arguments =
        ["--suspect", text(&suspect), "--committed", "plan.json", "--control", &control];
    let verdict = scene.verify(&arguments).verdict();
    assert_eq!(verdict.method.plan_hash, committed.commitment.to_string());
    assert_eq!(verdict.method.committed.unwrap().made, committed.made.to_string());
    assert_eq!(
        (verdict.method.decoys, verdict.method.subject.as_str()),
        (1200, "answers of model X")
    );
    assert_eq!(verdict.accounts.tests, 60);
}

#[test]
fn an_examination_that_was_not_planned_so_is_refused() {
    let scene = Scene::new("not-planned");
    commit(&scene, &[]);
    let suspect = scene.write("suspect.jsonl", &halves().0[..20]);
    let control = format!("base={}", text(&scene.control()));
    let other = format!("another={}", text(&scene.control()));
    let planned = ["--suspect", text(&suspect), "--committed", "plan.json"];
    let refused = |more: &[&str], reason: &str| {
        let said = scene.verify(&[&planned[..], more].concat());
        assert_eq!((said.code, said.out.as_str()), (2, ""));
        assert!(said.error.contains("plan.json") && said.error.contains(reason), "{}", said.error);
    };
    refused(&["--control", &other], "the controls");
    refused(&["--control", &control, "--prompts", text(&suspect)], "the prompts");
    let seeded = ["--control", &control, "--decoys", "7"];
    assert_eq!(scene.verify(&[&planned[..], &seeded].concat()).code, 2);

    let plan = fs::read_to_string(scene.file("plan.json")).unwrap();
    fs::write(scene.file("plan.json"), plan.replace("\"decoys\": 1200", "\"decoys\": 1201"))
        .unwrap();
    refused(&["--control", &control], "altered");
    fs::write(scene.file("plan.json"), &plan).unwrap();
    let ledger = fs::read_to_string(scene.file("mark.ledger")).unwrap();
    fs::write(scene.file("mark.ledger"), ledger.replace("\"a-9\"", "\"b-9\"")).unwrap();
    refused(&["--control", &control], "altered");
}

#[test]
fn the_file_of_a_control_that_was_committed_to_cannot_be_exchanged() {
    let scene = Scene::new("exchanged");
    let control = format!("base={}", text(&scene.control()));
    let arguments = ["verify", "commit", "--keys", "mark.keys", "--ledger", "mark.ledger"];
    let more = ["--material", "answers", "--decoys", "1000", "--out", "plan.json"];
    let said = scene.run(&[&arguments[..], &more, &["--control", &control]].concat());
    assert_eq!((said.code, said.error.as_str()), (0, ""));

    let suspect = scene.write("suspect.jsonl", &halves().0[..20]);
    let examine = || {
        let arguments = ["--suspect", text(&suspect), "--committed", "plan.json"];
        scene.verify(&[&arguments[..], &["--control", &control]].concat())
    };
    let chosen = |note: &String| note.contains("were not fixed before");
    assert!(!examine().verdict().method.notes.iter().any(chosen));
    scene.write("control.jsonl", &halves().1[1..]);
    let said = examine();
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.error.contains("the files of controls"), "{}", said.error);
}
