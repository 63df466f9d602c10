//! Promises 2, 3 and 10: what a graded caller gets, in every form, is what the policy says.

use std::collections::BTreeSet;

use guilloche::mark::keys::Keys;
use guilloche::teacher::Settings;
use serde_json::Value;
use tokio::process::Command;

use crate::process::{Directory, Served, claim, repository, risk};
use crate::scene::{Question, client, model, records};
use crate::texts::Texts;

const KEEPING: &str = r#"
version = 1
name = "keeping"
mode = "enforce"
[[grade]]
name = "some"
at = 0.2
reasoning = { keep = { words = 30 }, signed = "seal", opened_by_template = ["teacher-large:think-open"] }
[[grade]]
name = "none"
at = 0.6
reasoning = { keep = "none", opened_by_template = ["teacher-large:think-open"] }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_edited_alike_as_a_document_and_as_a_stream() {
    let (_, upstream) = model(Settings::default()).await;
    let directory = Directory::new();
    let policy = directory.write("keeping.toml", KEEPING);
    let proxy = Served::start(&upstream, &[("RISK_TRUST", "peer"), ("POLICY_FILE", &policy)]).await;
    let client = client(false);
    for question in Question::all().into_iter().filter(|question| !question.stream) {
        let direct = question.ask(&client, &upstream, &[]).await;
        let original = Texts::read(&question, direct.text());
        for score in [0.3, 0.7] {
            // A signed block is kept or emptied, never shortened.
            let (some, signed) = (score < 0.5, question.messages);
            let risk = risk("acct-1", score);
            let fields = [("guilloche-risk", risk.as_str())];
            let [document, stream] =
                [false, true].map(|stream| Question { stream, ..question.clone() });
            let whole = document.ask(&client, &proxy.address, &fields).await;
            let whole = Texts::read(&document, whole.text());
            let streamed = stream.ask(&client, &proxy.address, &fields).await;
            let streamed = Texts::read(&stream, streamed.text());
            assert_eq!(whole, streamed, "{question:?} {score}");
            assert_eq!(
                whole.answer.trim_start(),
                original.answer.trim_start(),
                "{question:?} {score}"
            );
            let words = whole.words();
            let kept = some && !signed && original.words() > 0;
            assert_eq!(words > 0, kept, "{question:?} {score}: {whole:?}");
            // `:details` says everything twice.
            let most = if question.model.ends_with(":details") { 60 } else { 30 };
            assert!(words <= most, "{question:?} {score}: {words}");
        }
    }
}

/// Runs the command and returns what it writes, as JSON.
async fn explain(policy: &str, score: Option<f64>, messages: bool) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guilloche"));
    command.args(["policy", "explain", "--format", "json", "--account", "a", "--cluster", "c"]);
    command.args(["--model", "teacher-large", "--policy", policy]);
    command.args(["--protocol", if messages { "messages" } else { "chat" }]);
    if let Some(score) = score {
        command.args(["--score", &score.to_string(), "--confidence", "1"]);
    }
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The countermeasures of one mode in an explanation.
fn explained(explanation: &Value, mode: &str) -> BTreeSet<String> {
    let effects = explanation["effects"].as_array().unwrap().iter();
    let named = effects.filter(|effect| effect["mode"] == mode);
    named.map(|effect| effect["countermeasure"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_grade_of_every_policy_does_what_it_is_explained_to_do() {
    let mut policies: Vec<_> = std::fs::read_dir(repository("policies"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    policies.sort();
    assert_eq!(policies.len(), 5);
    let mut runs = Vec::new();
    for policy in policies {
        runs.push(tokio::spawn(async move { play(&policy.display().to_string()).await }));
    }
    for run in runs {
        run.await.unwrap();
    }
}

async fn play(policy: &str) {
    let (_, upstream) = model(Settings::default()).await;
    let directory = Directory::new();
    let audit = directory.path("audit.jsonl").display().to_string();
    let keys = directory.path("mark.keys");
    Keys::generate(jiff::Timestamp::now()).unwrap().create(&keys).unwrap();
    let keys = keys.display().to_string();
    let more = [
        ("RISK_TRUST", "peer"),
        ("POLICY_FILE", policy),
        ("AUDIT_FILE", audit.as_str()),
        ("SECRET_KEY", &"5".repeat(64)),
        ("MARKS_KEYS", keys.as_str()),
    ];
    let proxy = Served::start(&upstream, &more).await;
    let client = client(false);
    let scores =
        [None, Some(0.0), Some(0.2), Some(0.35), Some(0.42), Some(0.6), Some(0.72), Some(0.95)];
    let mut expected = Vec::new();
    for (at, score) in scores.into_iter().enumerate() {
        for messages in [false, true] {
            // An account of its own each, so that no rate is used up, and no pace shared.
            let account = format!("acct-{at}-{messages}");
            let header =
                score.map(|score| claim(&account, Some(&account), score).serialize().unwrap());
            let fields: Vec<_> = header.iter().map(|it| ("guilloche-risk", it.as_str())).collect();
            let question = Question::new(messages, "teacher-large", messages);
            let direct = Texts::read(&question, question.ask(&client, &upstream, &[]).await.text());
            let got = question.ask(&client, &proxy.address, &fields).await;
            let label = format!("{policy} {score:?} {question:?}");
            let explanation = explain(policy, score, messages).await;
            let enforced = explained(&explanation, "enforce");
            let refused = enforced.contains("refuse");
            assert_eq!(got.status == 403, refused, "{label} {got:?}");
            if !refused {
                let texts = Texts::read(&question, got.text());
                let withheld = enforced.contains("reasoning");
                assert_eq!(texts.reasoning.is_empty(), withheld, "{label}");
                let weaker = enforced.contains("downgrade");
                assert_eq!(texts.model == "teacher-small", weaker, "{label}");
                // A signed answer is not marked; in another there may be nothing to mark.
                if messages || !enforced.contains("watermark") {
                    assert_eq!(texts.answer == direct.answer, !weaker, "{label}");
                }
            }
            if !explanation["grade"].is_null() {
                expected.push((label, explanation));
            }
        }
    }
    proxy.signal("TERM").await;
    assert!(proxy.ended().await.0.success());
    let records = records(&audit);
    assert_eq!(records.len(), expected.len(), "{policy}");
    for (record, (label, explanation)) in records.iter().zip(expected) {
        let grade = &explanation["grade"];
        assert_eq!(record["grade"], *grade.get("name").unwrap_or(grade), "{label}");
        let named = |list: &str| -> BTreeSet<String> {
            let list = record[list].as_array().unwrap().iter();
            list.map(|applied| applied["countermeasure"].as_str().unwrap().to_owned()).collect()
        };
        // What had nothing to do is not said to have been applied.
        let applied = named("applied");
        assert!(applied.is_subset(&explained(&explanation, "enforce")), "{label}: {applied:?}");
        assert_eq!(named("observed"), explained(&explanation, "observe"), "{label}");
    }
}
