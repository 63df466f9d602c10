//! A name takes text that was asked for, under a commitment; without it a text is consistent with outputs.

use std::fs;

use guilloche::forensics::examination::{
    AskedTests, Committed, Id, Level, Method, Named, Outcome, SchemeTests, Verdict, conclude_with,
};
use guilloche::mark::keys::Scheme;
use serde_json::{Value, json};

use super::conclusions::{deployment, id, scheme};
use super::law::copies;
use super::scene::{Scene, issued, text};

fn tests(account: f64) -> Vec<SchemeTests> {
    let accounts = vec![id("a", 0, None, 9.0, account), id("b", 0, None, 0.5, 0.3)];
    vec![scheme("lexical", vec![deployment(1, Some(1e-12))], accounts)]
}

fn asked(account: f64) -> AskedTests {
    AskedTests { schemes: tests(account), prompts: 70, ..AskedTests::default() }
}

fn committed() -> Method {
    let committed = Committed { file: "plan.json".into(), made: "2026-11-01T00:00:00Z".into() };
    Method { committed: Some(committed), ..Method::default() }
}

fn concluded(asked: Option<AskedTests>, method: Method) -> Verdict {
    conclude_with(tests(1e-18), asked, Vec::new(), method)
}

/// Break it: name without a commitment, or whoever the text as a whole finds.
#[test]
fn a_name_takes_text_that_was_asked_for_which_shows_the_same_alone_under_a_commitment() {
    let named = concluded(Some(asked(1e-12)), committed());
    assert_eq!(named.accounts.named.ids(), named.accounts.consistent_with.ids());
    assert!(named.names_somebody() && named.naming.missing.is_empty());
    for said in [
        "The text was exposed to outputs of the account a (adjusted p = ",
        "The text that the examiner asked for shows it by itself (adjusted p = 2.1e-12).",
    ] {
        assert!(named.sentence.contains(said), "{}", named.sentence);
    }
    let asked_for = named.naming.asked.unwrap();
    assert_eq!((asked_for.prompts, asked_for.accounts.tests), (70, 2));

    let mut since = asked(1e-12);
    since.issued_since.insert(Id { tenant: String::new(), id: "a".into() });
    let mut refused = asked(1e-12);
    refused.schemes[0].controls.clear();
    for (asked, method, why) in [
        (None, committed(), "that takes text that the examiner asked for"),
        (Some(asked(1e-12)), Method::default(), "no plan was committed to"),
        (Some(asked(1e-5)), committed(), "does not show the same by itself"),
        (Some(since), committed(), "were issued after the commitment"),
        (Some(refused), committed(), "gives no answer by itself (lexical: there is no text"),
    ] {
        let verdict = concluded(asked, method);
        assert_eq!((verdict.outcome, verdict.reached), (Outcome::Exposed, Some(Level::Account)));
        assert_eq!(verdict.accounts.named, Named::Nobody, "{why}");
        assert_eq!(verdict.accounts.consistent_with.ids()[0].id, "a");
        let said = &verdict.sentence;
        assert!(said.contains("is consistent with those of the account a "), "{said}");
        assert!(said.contains("Nobody is named: ") && said.contains(why), "{said}");
        assert!(!said.contains("to outputs of the account") && verdict.caveat.contains("no name"));
    }
}

#[test]
fn another_that_only_the_asked_text_shows_is_not_named() {
    let mut other = asked(0.2);
    other.schemes[0].accounts[1] = id("b", 0, None, 9.0, 1e-15);
    let verdict = concluded(Some(other), committed());
    assert!(!verdict.names_somebody(), "{}", verdict.sentence);
    assert_eq!(verdict.accounts.consistent_with.ids()[0].id, "a");
}

/// Break it: take the names of an older file for names.
#[test]
fn a_verdict_of_before_names_nobody_now_and_has_whom_it_named_as_consistent() {
    let mut written = serde_json::to_value(concluded(None, Method::default())).unwrap();
    for level in ["clusters", "arms", "accounts"] {
        let found = written[level].as_object_mut().unwrap().remove("consistent_with").unwrap();
        written[level]["named"] = found;
    }
    written.as_object_mut().unwrap().remove("naming");
    let read: Verdict = serde_json::from_value(written).unwrap();
    assert!(!read.names_somebody());
    assert_eq!(read.accounts.consistent_with.ids()[0].id, "a");
    let again: Verdict = serde_json::from_value(serde_json::to_value(&read).unwrap()).unwrap();
    assert_eq!(again.accounts, read.accounts);
}

fn answers(scene: &Scene, name: &str, texts: &[String]) {
    let line = |(number, text): (usize, &String)| {
        format!("{}\n", json!({ "prompt": format!("Tell me of {number}."), "answer": text }))
    };
    fs::write(scene.file(name), texts.iter().enumerate().map(line).collect::<String>()).unwrap();
}

/// A deployment with prompts, answers to them and a plan that has both prompts and control.
fn planned(name: &str, texts: impl Fn(&Scene) -> Vec<String>) -> Scene {
    let scene = Scene::of_scheme(name, Scheme::Law);
    let texts = texts(&scene);
    answers(&scene, "asked.jsonl", &texts);
    let prompts: String =
        (0..texts.len()).map(|number| format!("Tell me of {number}.\n")).collect();
    fs::write(scene.file("prompts.txt"), prompts).unwrap();
    let control = format!("base={}", text(&scene.control()));
    let plan = ["--material", "answers", "--decoys", "1000", "--out", "plan.json"];
    let keys = ["verify", "commit", "--keys", "mark.keys", "--ledger", "mark.ledger"];
    let more = ["--control", &control, "--prompts", "prompts.txt"];
    let said = scene.run(&[&keys[..], &plan, &more].concat());
    assert_eq!((said.code, said.error.as_str()), (0, ""));
    scene
}

const ASKED: [&str; 8] = [
    "--asked",
    "asked.jsonl",
    "--prompts",
    "prompts.txt",
    "--committed",
    "plan.json",
    "--control",
    "base=control.jsonl",
];

/// Break it: read the lines of the ledger after the commitment for another epoch, or none.
#[test]
fn the_command_names_by_what_was_asked_for_unless_the_account_was_issued_answers_since() {
    let scene = planned("asked", |scene| copies(&scene.keys, 2, "a-7", 1.0));
    // Of an epoch that is not among those that are tested nothing could be passed on; of this one it could.
    scene.record(issued(2, "a-8", None));
    let said = scene.verify(&ASKED);
    let verdict = said.verdict();
    assert_eq!((said.code, verdict.outcome), (0, Outcome::Exposed), "{}", verdict.sentence);
    assert_eq!(verdict.accounts.named.ids()[0].id, "a-7", "{}", verdict.sentence);
    assert!(verdict.sentence.contains("The text that the examiner asked for shows it by itself"));
    let told = |start: &str| verdict.method.notes.iter().any(|note| note.starts_with(start));
    assert!(told("Every answer that was asked for") && told("That no account had sent"));

    scene.record(issued(2, "a-7", None));
    let page = scene.file("report.html");
    let said = scene.verify(&[&ASKED[..], &["--report", text(&page)]].concat());
    let verdict = said.verdict();
    assert!(said.code == 0 && !verdict.names_somebody(), "{}", verdict.sentence);
    let page = fs::read_to_string(&page).unwrap();
    assert!(page.contains("were issued after the commitment") && !page.contains(">named<"));
}

#[test]
fn answers_to_other_prompts_and_prompts_that_were_sent_are_refused() {
    let scene = planned("not-asked", |_| vec!["Nothing here.".to_owned(); 3]);
    fs::write(scene.file("sent.jsonl"), "{\"prompt\": \"Tell me of 1.\"}\n").unwrap();
    let said = scene.verify(&[&ASKED[..], &["--sent", "sent.jsonl"]].concat());
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.error.contains("1 of the --prompts had been sent"), "{}", said.error);
    let commit = ["verify", "commit", "--keys", "mark.keys", "--material", "x"];
    let sent = ["--prompts", "prompts.txt", "--sent", "sent.jsonl"];
    assert_eq!(scene.run(&[&commit[..], &sent].concat()).code, 2);

    let prompt: Value = json!({ "prompt": "Tell me more.", "answer": "Nothing." });
    fs::write(scene.file("asked.jsonl"), format!("{prompt}\n")).unwrap();
    let said = scene.verify(&ASKED);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.error.contains("1 of 1 answers are to none of the --prompts"), "{}", said.error);

    let prompt = "Tell me of 1.";
    let early = json!({ "asked": "2026-01-01T00:00:00Z", "prompt": prompt, "answer": "Nothing." });
    fs::write(scene.file("asked.jsonl"), format!("{early}\n")).unwrap();
    let said = scene.verify(&ASKED);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    assert!(said.error.contains("1 of 1 answers were asked for before the plan"), "{}", said.error);
}
