//! What the upstream gets when answers are marked as they are generated: the exact bytes.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use guilloche::mark::keys::{Keys, Recipient};
use guilloche::risk::{AccountId, Principal, RiskClaim, RiskScore, Validity};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::support::{BoxBody, Running, client, config, full, get, request, run, soon, upstream};

const POLICY: &str = "version = 1\nname = \"marking\"\nmode = \"enforce\"\n\
                      [[grade]]\nname = \"marked\"\nat = 0.5\nwatermark = {}\n";

const ANSWER: &str = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"x"}}]}"#;

/// A directory that is removed with it.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("guilloche-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("policy.toml"), POLICY).unwrap();
        keys().create(path.join("marks.keys")).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn keys() -> Keys {
    Keys::from_master(&[9; 32], jiff::Timestamp::UNIX_EPOCH)
}

/// The bodies of the chat requests that a server gets.
type Bodies = mpsc::Receiver<Bytes>;

/// A server that takes down what it is sent, and refuses what `refuses` says.
async fn recording(refuses: fn(&Value) -> Option<StatusCode>) -> (std::net::SocketAddr, Bodies) {
    let (bodies, receiver) = mpsc::channel(64);
    let address = upstream(move |request: Request<Incoming>| {
        let bodies = bodies.clone();
        async move {
            if request.method() == Method::GET {
                return Response::new(full(r#"{"data":[{"id":"m"}]}"#));
            }
            let body = request.into_body().collect().await.unwrap().to_bytes();
            // The lone surrogate in the test's body is no JSON to serde_json.
            let read: Value = serde_json::from_slice(&body).unwrap_or_default();
            bodies.try_send(body).unwrap();
            let status = refuses(&read).unwrap_or(StatusCode::OK);
            let answer = Response::builder().status(status);
            answer.header("content-type", "application/json").body(full(ANSWER)).unwrap()
        }
    })
    .await;
    (address, receiver)
}

/// As SGLang 0.5.23 with `--enable-watermark`.
fn sglang(body: &Value) -> Option<StatusCode> {
    let key = body.get("watermark")?.get("key")?.as_str().unwrap();
    let hex = key.len() <= 16 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    (!hex).then_some(StatusCode::BAD_REQUEST)
}

async fn proxy(files: &Files, upstream: std::net::SocketAddr, more: &[(&str, &str)]) -> Running {
    let (keys, policy) = (files.path("marks.keys"), files.path("policy.toml"));
    let mut all = vec![
        ("RISK_TRUST", "peer"),
        ("POLICY_FILE", policy.as_str()),
        ("MARKS_KEYS", keys.as_str()),
        ("MARKS_CARRIERS", "sglang,lexical"),
    ];
    all.extend(more);
    run(config(&format!("http://{upstream}"), &all)).await
}

/// Waits until that is known of SGLang's mark.
async fn known(proxy: &Running, proof: &str) {
    let line = format!("guilloche_mark_carrier{{carrier=\"sglang\",proof=\"{proof}\"}} 1");
    soon(async { while !get(proxy.admin, "/metrics").await.1.contains(&line) {} }).await;
    let (_, status) = get(proxy.admin, "/status").await;
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["carriers"][0]["carrier"], "sglang");
    assert_eq!(status["carriers"][0]["proof"], proof);
}

/// Sends a chat request of an account with this score, and returns what the upstream got.
async fn sent(proxy: &Running, bodies: &mut Bodies, score: f64, body: &'static str) -> Bytes {
    while bodies.try_recv().is_ok() {}
    let validity = Validity { issued: jiff::Timestamp::now(), ttl: Duration::from_secs(300) };
    let account = AccountId::new("acct-17").unwrap();
    let principal = Principal { account, cluster: None, tenant: None };
    let score = RiskScore::new(score, validity).unwrap().with_confidence(1.0).unwrap();
    let risk = RiskClaim::new(principal, score).serialize().unwrap();
    let mut request: Request<BoxBody> = request(proxy.address, "/v1/chat/completions", full(body));
    request.headers_mut().insert("guilloche-risk", risk.parse().unwrap());
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    let answer = soon(client(false).request(request)).await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.into_body().collect().await.unwrap();
    soon(bodies.recv()).await.unwrap()
}

const BODY: &str = r#" { "temperature" : 0.70, "watermarking":false,"messages":[{"role":"user","content":"h\u00e9 \ud83d"}] ,"seed":12345678901234567890,"watermark":{"enabled":false} }"#;

// Break it: leave the client's setting, take another account's key, or write a byte anew.
#[tokio::test]
async fn an_account_reaches_sglang_with_its_own_key_and_no_setting_of_its_own() {
    let files = Files::new("sglang");
    let (upstream, mut bodies) = recording(sglang).await;
    let proxy = proxy(&files, upstream, &[]).await;
    known(&proxy, "works").await;
    let marked = Recipient { tenant: "", account: "acct-17", cluster: None, arm: None };
    let hex = keys().engine_key(1, marked).hex().to_string();
    let expected = format!(
        " {{\"watermark\":{{\"enabled\":true,\"key\":\"{hex}\",\"context_window\":2}}, \"temperature\" : 0.70, {}",
        r#""messages":[{"role":"user","content":"h\u00e9 \ud83d"}] ,"seed":12345678901234567890 }"#
    );
    assert_eq!(sent(&proxy, &mut bodies, 0.9, BODY).await, expected);
    // Below the grade nothing is touched, the client's own settings included.
    assert_eq!(sent(&proxy, &mut bodies, 0.1, BODY).await, BODY);
}

// Break it: rely on a carrier that the server does not read.
#[tokio::test]
async fn a_server_that_ignores_the_key_is_not_sent_one() {
    let files = Files::new("ignores");
    let (upstream, mut bodies) = recording(|_| None).await;
    let proxy = proxy(&files, upstream, &[]).await;
    known(&proxy, "fails").await;
    let expected = r#" { "temperature" : 0.70, "messages":[{"role":"user","content":"h\u00e9 \ud83d"}] ,"seed":12345678901234567890 }"#;
    assert_eq!(sent(&proxy, &mut bodies, 0.9, BODY).await, expected);
}

// Break it: wait with serving until the upstream is there, or try it once only.
#[tokio::test]
async fn an_upstream_that_comes_later_is_tried_again_and_served_meanwhile() {
    use std::sync::atomic::{AtomicBool, Ordering};
    static READY: AtomicBool = AtomicBool::new(false);
    let files = Files::new("later");
    let (upstream, mut bodies) = recording(|body| {
        let trial = body["max_tokens"] == 1;
        let loading = trial && !READY.load(Ordering::Relaxed);
        loading.then_some(StatusCode::SERVICE_UNAVAILABLE).or_else(|| sglang(body))
    })
    .await;
    let proxy = proxy(&files, upstream, &[]).await;
    known(&proxy, "open").await;
    assert!(!sent(&proxy, &mut bodies, 0.9, BODY).await.windows(3).any(|it| it == b"key"));
    READY.store(true, Ordering::Relaxed);
    known(&proxy, "works").await;
    assert!(sent(&proxy, &mut bodies, 0.9, BODY).await.windows(3).any(|it| it == b"key"));
}

// Break it: probe although it is off, or start although it is required.
#[tokio::test]
async fn probing_can_be_off_or_required() {
    let files = Files::new("probe");
    let (upstream, mut bodies) = recording(|_| None).await;
    let off = proxy(&files, upstream, &[("MARKS_PROBE", "false")]).await;
    known(&off, "assumed").await;
    assert!(sent(&off, &mut bodies, 0.9, BODY).await.windows(3).any(|it| it == b"key"));

    let (keys, policy) = (files.path("marks.keys"), files.path("policy.toml"));
    let more = [
        ("RISK_TRUST", "peer"),
        ("POLICY_FILE", policy.as_str()),
        ("MARKS_KEYS", keys.as_str()),
        ("MARKS_CARRIERS", "sglang,lexical"),
        ("MARKS_PROBE", "required"),
    ];
    let required = config(&format!("http://{upstream}"), &more);
    let required = guilloche::proxy::Proxy::bind(required).await.unwrap();
    let error = soon(required.run(std::future::pending())).await.unwrap_err();
    assert!(error.to_string().contains("the carrier sglang does not work"), "{error}");
}
