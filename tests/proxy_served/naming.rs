//! The id by which an answer of the proxy's own can be looked up.

use std::collections::BTreeSet;

use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::support::{Running, client, full, proxy, soon, upstream};

const POLICY: &str = "version = 1\nname = \"naming\"\nmode = \"enforce\"\n\
    [[grade]]\nname = \"closed\"\nat = 0.3\nside_channels = { max_choices = 1 }\n\
    [[grade]]\nname = \"limited\"\nat = 0.6\nrate = { account = { requests = \"1 per hour\" } }\n\
    [[grade]]\nname = \"refused\"\nat = 0.9\nrefuse = {}\n";
const QUESTION: &str = r#"{"model":"m","messages":[{"role":"user","content":"Why?"}]}"#;

struct Files(std::path::PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("naming-{name}"));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("policy.toml"), POLICY).unwrap();
        Self(path)
    }

    fn of(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// The ids in a file of lines.
    fn decisions(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.0.join(name)).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        // An audit also tells how many have left no record.
        let lines = lines.filter(|line| line["passed"].is_null());
        lines.map(|line| line["decision"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn start(files: &Files, upstream: std::net::SocketAddr) -> Running {
    let (policy, audit, access) =
        (files.of("policy.toml"), files.of("audit.jsonl"), files.of("access.jsonl"));
    let more = [
        ("RISK_TRUST", "peer"),
        ("POLICY_FILE", policy.as_str()),
        ("AUDIT_FILE", audit.as_str()),
        ("SECRET_KEY", &"9".repeat(64)),
        ("ACCESS_LOG_OUTPUT", access.as_str()),
        ("LIMITS_MAX_REQUEST_BODY", "200B"),
        ("UPSTREAM_FIRST_BYTE_TIMEOUT", "50ms"),
    ];
    proxy(upstream, &more).await
}

/// Asks, checks that the answer names one id in all places, and returns it with the field names.
async fn named(
    proxy: &Running,
    (method, path): (Method, &str),
    score: Option<f64>,
    body: &str,
    expected: u16,
) -> (String, BTreeSet<String>, HeaderMap) {
    let mut request =
        Request::builder().method(method).uri(format!("http://{}{path}", proxy.address));
    if let Some(score) = score {
        let now = jiff::Timestamp::now().as_second();
        let risk = format!("account=\"a\", score={score:.2}, issued={now}, ttl=300");
        request = request.header("guilloche-risk", risk);
    }
    let request = request.body(full(body.to_owned())).unwrap();
    let response = soon(client(false).request(request)).await.unwrap();
    let said = format!("{path} at {score:?}: {expected}");
    assert_eq!(response.status(), StatusCode::from_u16(expected).unwrap(), "{said}");
    let headers = response.headers().clone();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let id = headers["guilloche-decision"].to_str().unwrap().to_owned();
    assert!(id.len() == 35 && id.starts_with("gd_"), "{said}: {id}");
    let vendors = if path.contains("messages") { "request-id" } else { "x-request-id" };
    assert_eq!(headers[vendors], id, "{said}");
    let body: Value = serde_json::from_slice(&body).unwrap();
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.ends_with(&format!(" (decision {id})")), "{said}: {message}");
    let names = headers.keys().map(ToString::to_string).collect();
    (id, names, headers)
}

/// Fails when `Defense::call` does not put the decision into the request, or `Front` does not name
/// an answer about which nothing was decided.
#[tokio::test]
async fn every_answer_of_our_own_names_its_decision_in_body_header_and_log() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    // Connections are taken by the system and never read.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_address = silent.local_addr().unwrap();
    let long = "x".repeat(300);
    let (chat, messages) = ("/v1/chat/completions", "/v1/messages");
    for (name, address, failure) in [("nobody", nobody, 502), ("silent", silent_address, 504)] {
        let files = Files::new(name);
        let proxy = start(&files, address).await;
        let (mut told, mut decided) = (Vec::new(), Vec::new());
        for path in [chat, messages] {
            let post = (Method::POST, path);
            let mut shapes = Vec::new();
            for (score, body, status) in [
                (None, QUESTION, failure),
                (Some(0.4), QUESTION, failure),
                (None, long.as_str(), 413),
                (Some(0.4), long.as_str(), 413),
                (Some(0.4), "{\"model\":", 400),
                (Some(0.95), QUESTION, 403),
            ] {
                let (id, names, headers) = named(&proxy, post.clone(), score, body, status).await;
                let refused = headers.get("x-should-retry").is_some_and(|it| it == "false");
                assert_eq!(refused, status == 403);
                shapes.push(names);
                told.push(id.clone());
                if score.is_some() && status != 413 {
                    decided.push(id);
                }
            }
            // A failure does not tell whether the caller has reached a grade.
            assert_eq!(shapes[0], shapes[1]);
            assert_eq!(shapes[2], shapes[3]);
        }
        told.push(named(&proxy, (Method::OPTIONS, "/v1/x"), None, "", failure).await.0);
        proxy.stop.send(()).unwrap();
        soon(proxy.ended).await.unwrap();
        assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len());
        assert_eq!(files.decisions("access.jsonl"), told);
        assert_eq!(files.decisions("audit.jsonl"), decided);
    }
    drop(silent);
}

#[tokio::test]
async fn a_limit_that_outlasts_a_minute_is_not_to_be_tried_again() {
    let upstream = upstream(|_| async { http::Response::new(full("{}")) }).await;
    let files = Files::new("limited");
    let proxy = start(&files, upstream).await;
    for (path, expected) in [("/v1/chat/completions", 200), ("/v1/messages", 429)] {
        if expected == 200 {
            let now = jiff::Timestamp::now().as_second();
            let risk = format!("account=\"a\", score=0.7, issued={now}, ttl=300");
            let uri = format!("http://{}{path}", proxy.address);
            let request = Request::post(uri).header("guilloche-risk", risk);
            let request = request.body(full(QUESTION)).unwrap();
            assert_eq!(soon(client(false).request(request)).await.unwrap().status(), 200);
            continue;
        }
        let (_, _, headers) =
            named(&proxy, (Method::POST, path), Some(0.7), QUESTION, expected).await;
        assert_eq!(headers["x-should-retry"], "false");
        let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((3590..=3660).contains(&wait), "{wait}");
    }
}
