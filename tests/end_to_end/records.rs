//! Promise 10: what is recorded is what the client saw, and holds nothing that anyone wrote.

use std::collections::BTreeMap;

use guilloche::teacher::Settings;
use serde_json::Value;

use crate::process::{Directory, Served, claim};
use crate::scene::{Question, client, model, records};
use crate::texts::Texts;

const WITHHOLDING: &str = r#"
version = 1
name = "withholding"
mode = "enforce"
[[grade]]
name = "no-reasoning"
at = 0.4
side_channels = { max_choices = 1 }
reasoning = { keep = "none", opened_by_template = ["teacher-large:think-open"] }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_counts_what_was_withheld_and_nothing_written_holds_content() {
    const ACCOUNT: &str = "acct-marker-7391";
    const KEY: &str = "sk-marker-key-8842";
    let (_, upstream) = model(Settings::default()).await;
    let directory = Directory::new();
    let path = |name: &str| directory.path(name).display().to_string();
    let (audit, access) = (path("audit.jsonl"), path("access.jsonl"));
    let policy = directory.write("withholding.toml", WITHHOLDING);
    let secret = "6".repeat(64);
    let more = [
        ("RISK_TRUST", "peer"),
        ("POLICY_FILE", policy.as_str()),
        ("AUDIT_FILE", audit.as_str()),
        ("ACCESS_LOG_OUTPUT", access.as_str()),
        ("SECRET_KEY", secret.as_str()),
    ];
    let proxy = Served::start(&upstream, &more).await;
    let client = client(false);
    let risk = claim(ACCOUNT, Some("cluster-marker-5517"), 0.9).serialize().unwrap();
    let authorization = format!("Bearer {KEY}");
    let fields = [("guilloche-risk", risk.as_str()), ("authorization", &authorization)];
    let mut expected = BTreeMap::new();
    let mut contents = Vec::new();
    for question in Question::all() {
        let question =
            Question { prompt: format!("Marker-prompt-6127. {}", question.prompt), ..question };
        let direct = question.ask(&client, &upstream, &[]).await;
        let direct = Texts::read(&question, direct.text());
        let got = question.ask(&client, &proxy.address, &fields).await;
        let texts = Texts::read(&question, got.text());
        assert_eq!(texts.reasoning, "", "{question:?}");
        // `:details` carries the reasoning a second time, which is counted as well.
        let times = if question.model.ends_with(":details") { 2 } else { 1 };
        expected.insert(expected.len(), (question, direct.words() * times, got.bytes().len()));
        let long = |text: &str| {
            text.split_whitespace().filter(|it| it.len() > 9).map(str::to_owned).collect::<Vec<_>>()
        };
        contents.extend(long(&direct.answer));
        contents.extend(long(&direct.reasoning));
    }
    let mut written = proxy.tells("/metrics").await + &proxy.tells("/status").await;
    proxy.signal("TERM").await;
    let (status, messages) = proxy.ended().await;
    assert!(status.success());
    let read = |file: &str| std::fs::read_to_string(file).unwrap();
    let lines = |text: &str| {
        text.lines().map(|it| serde_json::from_str(it).unwrap()).collect::<Vec<Value>>()
    };
    let (audited, accessed) = (read(&audit), read(&access));
    let (records, accesses) = (records(&audit), lines(&accessed));
    assert_eq!((records.len(), accesses.len()), (expected.len(), expected.len()));
    for (at, (question, words, bytes)) in expected {
        let (record, access) = (&records[at], &accesses[at]);
        let applied = record["applied"].as_array().unwrap();
        let reasoning = applied.iter().find(|it| it["countermeasure"] == "reasoning");
        let removed = reasoning.map_or(0, |it| it["counts"]["words_removed"].as_u64().unwrap_or(0));
        // Messages' reasoning is not removed when the upstream has sealed it itself.
        if !question.messages {
            assert_eq!(removed, words as u64, "{question:?} {record}");
        }
        assert_eq!(record["stream"], question.stream, "{question:?}");
        assert_eq!(record["outcome"], "complete", "{question:?}");
        assert_eq!(record["principal"], records[0]["principal"], "{question:?}");
        assert_eq!(access["decision"], record["decision"], "{question:?}");
        assert_eq!(access["bytes"], bytes, "{question:?}");
    }
    written = written + &messages + &audited + &accessed;
    for marker in
        [ACCOUNT, KEY, "cluster-marker-5517", "Marker-prompt", "Maria has", "guilloche-risk:"]
    {
        assert!(!written.contains(marker), "{marker}");
    }
    contents.sort();
    contents.dedup();
    let told = |word: &&String| written.contains(word.as_str());
    assert_eq!(contents.iter().find(told), None);
}
