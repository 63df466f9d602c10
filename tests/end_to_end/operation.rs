//! The proxy as its operators set it up: signed headers, unknown routes, clusters, settings.

use bytes::Bytes;
use guilloche::teacher::Settings;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tokio::process::Command;

use crate::process::{Directory, Served, claim, repository, risk, soon};
use crate::scene::{Question, client, model, records};
use crate::texts::Texts;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_that_the_command_signs_is_believed_for_its_caller_and_path_alone() {
    let (_, upstream) = model(Settings::default()).await;
    let directory = Directory::new();
    let key = directory.write("risk.key", &"0a".repeat(32));
    let keys = format!("[{{ id = \"2026-11\", file = \"{key}\" }}]");
    let policy = repository("policies/strict.toml").display().to_string();
    let more =
        [("RISK_TRUST", "signature"), ("RISK_KEYS", keys.as_str()), ("POLICY_FILE", &policy)];
    let proxy = Served::start(&upstream, &more).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_guilloche"));
    command.args(["risk", "sign", "--format", "json", "--key-file", &key, "--key-id", "2026-11"]);
    command.args(["--account", "acct-1", "--score", "0.3", "--api-key-env", "CALLERS_KEY"]);
    let output = command.env("CALLERS_KEY", "sk-caller").output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let signed: serde_json::Map<String, Value> = serde_json::from_slice(&output.stdout).unwrap();
    let client = client(false);
    let ask = async |question: &Question, api_key: &str| {
        let mut fields: Vec<(&str, &str)> =
            signed.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        fields.push(("authorization", api_key));
        question.ask(&client, &proxy.address, &fields).await
    };
    let withheld = async |question: &Question, api_key: &str| {
        let answer = ask(question, api_key).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        Texts::read(question, answer.text()).reasoning.is_empty()
    };
    let chat = Question::new(false, "teacher-large", true);
    let messages = Question::new(true, "teacher-large", true);
    assert!(withheld(&chat, "Bearer sk-caller").await);
    // Its caller could have added the other key, so it is neither believed nor unknown.
    assert_eq!(ask(&chat, "Bearer sk-other").await.status, 400);
    assert!(!withheld(&messages, "Bearer sk-caller").await);
    for (reason, count) in [("other_principal", 1.0), ("bad_signature", 1.0), ("absent", 0.0)] {
        let metric = format!("guilloche_risk_unknown_total{{reason=\"{reason}\"}}");
        assert_eq!(proxy.metric(&metric).await, count, "{reason}");
    }
}

/// The command stands in the README: it has to show the defense, not one that does nothing.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_that_is_printed_for_curl_runs_as_it_is() {
    let (_, upstream) = model(Settings::default()).await;
    let directory = Directory::new();
    let key = directory.write("risk.key", &"0a".repeat(32));
    let keys = format!("[{{ id = \"2026-11\", file = \"{key}\" }}]");
    let policy = repository("policies/strict.toml").display().to_string();
    let more =
        [("RISK_TRUST", "signature"), ("RISK_KEYS", keys.as_str()), ("POLICY_FILE", &policy)];
    let proxy = Served::start(&upstream, &more).await;
    let url = format!("http://{}", proxy.address);
    for (path, api_key) in [
        ("/v1/chat/completions", &["--api-key-env", "CALLERS_KEY"][..]),
        ("/v1/messages", &["--api-key-env", "CALLERS_KEY"]),
        ("/v1/chat/completions", &[]),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guilloche"));
        command.args(["risk", "sign", "--format", "curl", "--key-file", &key]);
        command.args(["--key-id", "2026-11", "--account", "it's", "--score", "0.95"]);
        command.args(["--url", &url, "--path", path]).args(api_key);
        let printed = command.env("CALLERS_KEY", "sk-caller").output().await.unwrap();
        let printed = String::from_utf8(printed.stdout).unwrap();
        assert!(!printed.contains("sk-caller"), "{printed}");
        let mut shell = Command::new("sh");
        let run = shell.args(["-c", &printed]).env("CALLERS_KEY", "sk-caller").output();
        let output = soon(run).await.unwrap();
        let body: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
            panic!("{printed}\n{}", String::from_utf8_lossy(&output.stderr));
        });
        let message = body["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("(decision gd_"), "{printed}\n{body}");
    }
    assert_eq!(proxy.metric("guilloche_risk_unknown_total{reason=\"other_principal\"}").await, 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ways_round_are_closed_to_graded_callers_and_open_to_others() {
    let (_, upstream) = model(Settings::default()).await;
    let policy = repository("policies/reasoning-only.toml").display().to_string();
    let more = [("RISK_TRUST", "peer"), ("POLICY_FILE", policy.as_str())];
    let proxy = Served::start(&upstream, &more).await;
    let client = client(false);
    let graded = risk("acct-1", 0.9);
    let ask = async |method: Method, path: &str, risk: Option<&str>| {
        let mut request =
            Request::builder().method(method).uri(format!("http://{}{path}", proxy.address));
        if let Some(risk) = risk {
            request = request.header("guilloche-risk", risk);
        }
        let response =
            soon(client.request(request.body(Full::<Bytes>::default()).unwrap())).await.unwrap();
        let status = response.status().as_u16();
        (status, response.into_body().collect().await.unwrap().to_bytes())
    };
    for (method, path) in [
        (Method::POST, "/v1/responses/compact"),
        (Method::GET, "/v1/chat/completions/chatcmpl-1"),
        (Method::GET, "/v1/messages/batches/b/results"),
        (Method::POST, "/v1beta/models/m:predict"),
    ] {
        let (status, body) = ask(method.clone(), path, Some(&graded)).await;
        let error: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(status, 403, "{path}");
        assert!(error["error"]["message"].is_string(), "{path}: {error}");
        // The upstream's own answer: it knows none of these.
        assert_eq!(ask(method, path, None).await.0, 404, "{path}");
    }
    assert_eq!(ask(Method::GET, "/v1/models", Some(&graded)).await.0, 200);
}

const SHARED: &str = r#"
version = 1
name = "shared"
mode = "enforce"
[[grade]]
name = "limited"
at = 0.5
[grade.rate]
account = { requests = "60 per hour, burst 4" }
cluster = { requests = "60 per hour, burst 6" }
[grade.pace]
tokens_per_second = 400
shared_by = "cluster"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_of_a_cluster_share_its_rate_and_pace() {
    let (_, upstream) = model(Settings::default()).await;
    let directory = Directory::new();
    let policy = directory.write("shared.toml", SHARED);
    let audit = directory.path("audit.jsonl").display().to_string();
    let more = [
        ("RISK_TRUST", "peer"),
        ("POLICY_FILE", policy.as_str()),
        ("AUDIT_FILE", audit.as_str()),
        ("SECRET_KEY", &"8".repeat(64)),
    ];
    let proxy = Served::start(&upstream, &more).await;
    let client = client(false);
    let question = Question::new(false, "teacher-small", true);
    let ask = async |account: &str, cluster: Option<&str>| {
        let risk = claim(account, cluster, 0.6).serialize().unwrap();
        question.ask(&client, &proxy.address, &[("guilloche-risk", &risk)]).await
    };
    // Alone, at the same time as the two of a cluster: the pace is each one's own.
    let (alone, first, second) =
        tokio::join!(ask("x", None), ask("a", Some("ring")), ask("b", Some("ring")));
    for answer in [alone, first, second] {
        assert_eq!(answer.status, 200);
    }
    for (account, expected) in
        [("a", 200), ("b", 200), ("a", 200), ("c", 200), ("a", 429), ("d", 429)]
    {
        let answer = ask(account, Some("ring")).await;
        assert_eq!(answer.status, expected, "{account}: {answer:?}");
        if expected == 429 {
            let after: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=60).contains(&after), "{after}");
            // One request a minute comes free, so trying again is of use.
            assert_eq!(answer.headers["x-should-retry"], "true");
            let decision = answer.headers["guilloche-decision"].to_str().unwrap();
            assert!(answer.text().contains(decision), "{}", answer.text());
        }
    }
    assert_eq!(ask("x", None).await.status, 200);
    proxy.signal("TERM").await;
    assert!(proxy.ended().await.0.success());
    let records = records(&audit);
    let waited = |record: &Value| {
        let applied = record["applied"].as_array().unwrap().iter();
        let pace = applied.clone().find(|it| it["countermeasure"] == "pace");
        pace.map_or(0, |it| it["counts"]["waits_ms"].as_u64().unwrap())
    };
    let (ring, alone): (Vec<&Value>, Vec<&Value>) =
        records.iter().take(3).partition(|record| record["principal"]["cluster"].is_string());
    let together: u64 = ring.iter().map(|record| waited(record)).sum();
    // Two that share a pace wait for each other: each takes about twice as long as one alone.
    assert!(together > 3 * waited(alone[0]), "{together} {}", waited(alone[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_variable_of_the_environment_beats_the_file() {
    let (_, upstream) = model(Settings::default()).await;
    // The file names another upstream, at which nobody listens.
    let more = [
        ("UPSTREAM_URL", format!("http://{upstream}")),
        ("LIMITS_MAX_REQUEST_BODY", "400B".to_owned()),
    ];
    let more: Vec<_> = more.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let proxy = Served::start("127.0.0.1:1", &more).await;
    let client = client(false);
    let short = Question::new(false, "teacher-large", false);
    assert_eq!(short.ask(&client, &proxy.address, &[]).await.status, 200);
    let long = Question { prompt: "long ".repeat(100), ..short };
    assert_eq!(long.ask(&client, &proxy.address, &[]).await.status, 413);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_cannot_succeed_names_every_error() {
    let directory = Directory::new();
    let policy = directory.write("policy.toml", "version = 1\nname = 5\nmode = \"maybe\"\n");
    let text = format!(
        "[upstream]\nurl = \"http://127.0.0.1:1\"\n[policy]\nfile = \"{policy}\"\n[risk]\n\
         trust = \"signature\"\nkeys = [{{ id = \"a\", file = \"/nowhere/key\" }}]\nlabel = \"Not A Label\"\n"
    );
    let file = directory.write("guilloche.toml", &text);
    let mut command = Command::new(env!("CARGO_BIN_EXE_guilloche"));
    let output = command.args(["serve", "--config", &file]).output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    for part in ["name", "mode", "risk.keys[0].file", "risk.label"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}
