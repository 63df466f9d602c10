//! A proxy that is asked in every way, so that each of its metrics has something to tell.

use std::path::Path;

use guilloche::mark::keys::Keys;
use guilloche::proxy::serve_service;
use guilloche::teacher::{Settings, Teacher};
use http::Request;
use http_body_util::BodyExt;
use serde_json::json;
use tokio::net::TcpListener;

use crate::process::{Directory, claim};
use crate::support::{Running, client, config, full, get, run, soon};

const POLICY: &str = r#"
version = 1
name = "ladder"
mode = "enforce"
[[exemption]]
account = "acct-exempt"
owner = "somebody"
reason = "a test"
expires = 2100-01-01
[[grade]]
name = "watched"
at = 0.3
side_channels = { mode = "observe" }
[[grade]]
name = "marked"
at = 0.5
watermark = {}
reasoning = { keep = "summary", signed = "seal" }
[[grade]]
name = "refused"
at = 0.9
refuse = {}
"#;

const EXPERIMENT: &str = r#"
version = 1
name = "e"
salt = "s"
start = 2026-01-01
end = 2100-01-01
[[arm]]
name = "control"
policy = "policy.toml"
control = true
[[arm]]
name = "other"
policy = "other.toml"
[[metric]]
name = "reasoning_tokens"
role = "success"
better = "lower"
scale = "log"
"#;

/// The embedded model on a socket.
async fn model() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let teacher = Teacher::new(Settings::default());
    tokio::spawn(serve_service(
        listener,
        teacher,
        std::future::pending(),
        std::time::Duration::ZERO,
    ));
    address
}

async fn ask(proxy: &Running, account: &str, score: Option<f64>, stream: bool) {
    let body = json!({
        "model": "teacher-large:think",
        "stream": stream,
        "messages": [{ "role": "user", "content": "Maria has 12 apples. She buys 6 more. How many apples does she have?" }],
    });
    let uri = format!("http://{}/v1/chat/completions", proxy.address);
    let mut request = Request::post(uri).header("content-type", "application/json");
    if let Some(score) = score {
        request =
            request.header("guilloche-risk", claim(account, None, score).serialize().unwrap());
    }
    let request = request.body(full(body.to_string())).unwrap();
    let response = soon(client(false).request(request)).await.unwrap();
    soon(response.into_body().collect()).await.unwrap();
}

/// What `/metrics` says after requests of every kind.
pub(crate) async fn scraped() -> String {
    let upstream = model().await;
    let directory = Directory::new();
    let path = |name: &str| directory.path(name).display().to_string();
    let policy = directory.write("policy.toml", POLICY);
    directory
        .write("other.toml", &POLICY.replace("\"ladder\"", "\"other\"").replace("0.9", "0.95"));
    let files = format!("[\"{}\"]", directory.write("e.toml", EXPERIMENT));
    let keys = Keys::from_master(&[7; 32], jiff::Timestamp::now());
    keys.create(Path::new(&path("mark.keys"))).unwrap();
    let (audit, access, ledger, state, key_file) = (
        path("audit.jsonl"),
        path("access.jsonl"),
        path("mark.ledger"),
        path("state"),
        path("mark.keys"),
    );
    let (summarizer, secret) = (format!("http://{upstream}"), "4".repeat(64));
    let more = [
        ("RISK_TRUST", "peer"),
        ("POLICY_FILE", policy.as_str()),
        ("SECRET_KEY", secret.as_str()),
        ("AUDIT_FILE", audit.as_str()),
        ("ACCESS_LOG_OUTPUT", access.as_str()),
        ("MARKS_KEYS", key_file.as_str()),
        ("MARKS_LEDGER", ledger.as_str()),
        ("MARKS_CARRIERS", "[\"vllm_xargs\", \"lexical\"]"),
        ("EXPERIMENTS_FILES", files.as_str()),
        ("EXPERIMENTS_STATE_DIR", state.as_str()),
        ("SUMMARIZER_URL", summarizer.as_str()),
        ("SUMMARIZER_MODEL", "teacher-small"),
    ];
    let proxy = run(config(&format!("http://{upstream}"), &more)).await;
    for (account, score) in [
        ("acct-exempt", Some(0.95)),
        ("acct-1", Some(0.1)),
        ("acct-1", None),
        ("acct-2", Some(0.4)),
        ("acct-3", Some(0.6)),
        ("acct-4", Some(0.97)),
    ] {
        for stream in [false, true] {
            ask(&proxy, account, score, stream).await;
        }
    }
    // An exchange ends, and a carrier is tried, a moment after whoever waits for it knows.
    let told = [
        "guilloche_refused_total{grade=\"refused\",by=\"policy\"} 2",
        "guilloche_exempt_total 2",
        "guilloche_mark_carrier{carrier=\"vllm_xargs\",proof=\"fails\"} 1",
        "guilloche_summaries_total{outcome=\"made\"}",
        "guilloche_marked_total{carrier=\"lexical\"}",
    ];
    let mut text = String::new();
    for _ in 0..200 {
        text = get(proxy.admin, "/metrics").await.1;
        if told.iter().all(|line| text.contains(line)) {
            return text;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{text}");
}
