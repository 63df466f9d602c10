//! Conversations of callers whose answers are marked, with an upstream that compares.

use std::path::Path;

use guilloche::mark::keys::{Keys, Scheme};
use guilloche::teacher::Settings;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

use crate::process::{Directory, Served, risk, soon};
use crate::scene::{HttpClient, client, model};

const POLICY: &str = "version = 1\nname = \"restoring\"\nmode = \"enforce\"\n[[grade]]\n\
    name = \"marked\"\nat = 0.5\nwatermark = { multi_turn = \"restore\" }\n";

/// Questions with answers in which words can be exchanged.
const QUESTIONS: [&str; 2] = [
    "Maria has 12 apples. She buys 6 more. Then she gives 3 apples to Tom and doubles the number \
     of apples. She shares all the apples equally among 5 friends. How many apples does each friend get?",
    "A train goes 60 miles per hour for 3 hours. Then it goes 20 miles more. How many miles is that?",
];

/// Asks a next question; the status, and the answer's blocks.
async fn turn(
    client: &HttpClient,
    address: &str,
    account: &str,
    messages: &mut Vec<Value>,
    question: &str,
) -> StatusCode {
    messages.push(json!({"role": "user", "content": question}));
    let body = json!({
        "model": "teacher-large", "max_tokens": 4096, "messages": messages,
        "thinking": {"type": "enabled", "budget_tokens": 2048},
    });
    let request = Request::post(format!("http://{address}/v1/messages"))
        .header("content-type", "application/json")
        .header("guilloche-risk", risk(account, 0.9));
    let request = request.body(Full::from(body.to_string())).unwrap();
    let response = soon(client.request(request)).await.unwrap();
    let status = response.status();
    let answer = soon(response.into_body().collect()).await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    messages.push(json!({"role": "assistant", "content": answer["content"]}));
    status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marked_conversations_go_on_until_the_process_ends() {
    let (_, upstream) = model(Settings::default()).await;
    let directory = Directory::new();
    let policy = directory.write("restoring.toml", POLICY);
    let [keys, audit] =
        ["mark.keys", "audit.jsonl"].map(|it| directory.path(it).display().to_string());
    Keys::from_master(&[7; 32], jiff::Timestamp::UNIX_EPOCH)
        .with_scheme(Scheme::Coins)
        .create(Path::new(&keys))
        .unwrap();
    let secret = "7".repeat(64);
    let settings = [
        ("RISK_TRUST", "peer"),
        ("POLICY_FILE", policy.as_str()),
        ("MARKS_KEYS", &keys),
        ("SECRET_KEY", &secret),
        ("AUDIT_FILE", &audit),
    ];
    let proxy = Served::start(&upstream, &settings).await;
    let later = Served::start(&upstream, &settings[..4]).await;
    let client = client(false);
    let mut direct = Vec::new();
    let mut restored = 0;
    for question in QUESTIONS {
        turn(&client, &upstream, "none", &mut direct, question).await;
    }
    for number in 0..8 {
        let account = format!("account-{number}");
        let mut messages = Vec::new();
        let questions = direct.iter().step_by(2).map(|it| it["content"].as_str().unwrap());
        for question in questions {
            let status = turn(&client, &proxy.address, &account, &mut messages, question).await;
            assert_eq!(status, StatusCode::OK);
        }
        // Thinking is as it would have been: the upstream saw what it wrote.
        assert_eq!(messages[3]["content"][0], direct[3]["content"][0]);
        let marked = messages[1] != direct[1];
        restored += u64::from(marked);
        let mut elsewhere = messages.clone();
        let status = turn(&client, &proxy.address, &account, &mut messages, "Thanks!").await;
        assert_eq!(status, StatusCode::OK);
        let status = turn(&client, &later.address, &account, &mut elsewhere, "Thanks!").await;
        assert_eq!(status == StatusCode::BAD_REQUEST, marked, "{elsewhere:?}");
    }
    assert!(restored > 1, "{restored}");
    let status: Value = serde_json::from_str(&proxy.tells("/status").await).unwrap();
    assert!(status["counters"]["originals_restored"].as_u64().unwrap() >= 2 * restored);
    proxy.signal("TERM").await;
    assert!(proxy.ended().await.0.success());
    let records = std::fs::read_to_string(&audit).unwrap();
    let counted = records.lines().filter(|line| line.contains("\"texts_restored\":"));
    assert!(counted.count() as u64 >= 2 * restored);
}
