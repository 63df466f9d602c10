//! Promise 5 on the wire: of an answer that breaks off arrives all that came before, the protocol's
//! error event where the answer is read, and then no end.
//!
//! Each case is run many times: what is lost to a race is lost in some runs only.

use std::net::SocketAddr;
use std::sync::LazyLock;

use bytes::Bytes;
use guilloche::risk::{AccountId, Principal, RiskClaim, RiskScore, Validity};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Running, client, config, full, request, run, soon};

const POLICY: &str = "version = 1\nname = \"broken\"\nmode = \"enforce\"\n[[grade]]\n\
                      name = \"withheld\"\nat = 0.5\nreasoning = { keep = \"none\" }\n";

const ERROR: &str = "data: {\"error\":{\"code\":\"bad_gateway\"";

/// How often each case is run.
const RUNS: usize = 30;

fn events() -> Vec<String> {
    (0..6)
        .map(|n| format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"part {n} \"}}}}]}}\n\n"))
        .collect()
}

/// How a server leaves in the middle of its answer.
#[derive(Clone, Copy, Debug)]
enum Leaves {
    Closing,
    Resetting,
}

/// A server that writes events at once and is gone.
async fn breaking(events: Vec<String>, leaves: Leaves) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut answer = String::from(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    for event in events {
        answer += &format!("{:x}\r\n{event}\r\n", event.len());
    }
    let answer = Bytes::from(answer);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut asked = Vec::new();
                while !asked.ends_with(b"{}") {
                    stream.read_buf(&mut asked).await.unwrap();
                }
                stream.write_all(&answer).await.unwrap();
                if let Leaves::Resetting = leaves {
                    stream.set_zero_linger().unwrap();
                }
            });
        }
    });
    address
}

/// A proxy with [`POLICY`].
pub(crate) async fn proxy(upstream: SocketAddr, more: &[(&str, &str)]) -> Running {
    // Written once: another test might read it while it is empty.
    static POLICY_FILE: LazyLock<String> = LazyLock::new(|| {
        let name = format!("guilloche-broken-{}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, POLICY).unwrap();
        path.display().to_string()
    });
    let policy = POLICY_FILE.clone();
    let mut all = vec![("RISK_TRUST", "peer"), ("POLICY_FILE", policy.as_str())];
    all.extend(more);
    run(config(&format!("http://{upstream}"), &all)).await
}

pub(crate) fn risk(score: f64) -> String {
    let validity =
        Validity { issued: jiff::Timestamp::now(), ttl: std::time::Duration::from_secs(300) };
    let account = AccountId::new("acct-1").unwrap();
    let principal = Principal { account, cluster: None, tenant: None };
    let score = RiskScore::new(score, validity).unwrap().with_confidence(1.0).unwrap();
    RiskClaim::new(principal, score).serialize().unwrap()
}

/// What an answer came to: its text, and whether it looked complete.
struct Came {
    text: String,
    complete: bool,
}

/// Asks over HTTP/1, byte by byte as it stands.
async fn over_http1(address: SocketAddr, version: &str, score: f64) -> Came {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let asked = format!(
        "POST /v1/chat/completions HTTP/{version}\r\nhost: a\r\nguilloche-risk: {}\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}",
        risk(score)
    );
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let ended = soon(stream.read_to_end(&mut answer)).await;
    let text = String::from_utf8(answer).unwrap();
    assert!(text.starts_with("HTTP/1."), "no head: {text:?}");
    let complete = text.ends_with("\r\n0\r\n\r\n") || version == "1.0" && ended.is_ok();
    Came { text, complete }
}

async fn over_http2(address: SocketAddr, score: f64) -> Came {
    let mut asked = request(address, "/v1/chat/completions", full("{}"));
    asked.headers_mut().insert("guilloche-risk", risk(score).parse().unwrap());
    let response = soon(client(true).request(asked)).await.expect("no head");
    let mut body = response.into_body();
    let mut text = Vec::new();
    let complete = loop {
        match soon(body.frame()).await {
            None => break true,
            Some(Err(_)) => break false,
            Some(Ok(frame)) => text.extend_from_slice(&frame.into_data().unwrap_or_default()),
        }
    };
    Came { text: String::from_utf8(text).unwrap(), complete }
}

async fn arrives(sent: usize, leaves: Leaves) {
    let sent: Vec<String> = events().into_iter().take(sent).collect();
    let proxy = proxy(breaking(sent.clone(), leaves).await, &[]).await;
    let address = proxy.address;
    let cases = [0.0, 0.9].into_iter().flat_map(|score| ["1.0", "1.1", "2"].map(|it| (score, it)));
    let cases = cases.map(|(score, version)| {
        let sent = sent.clone();
        tokio::spawn(async move {
            let mut lost = Vec::new();
            for _ in 0..if version == "1.0" { 3 } else { RUNS } {
                let came = match version {
                    "2" => over_http2(address, score).await,
                    _ => over_http1(address, version, score).await,
                };
                let missing = sent.iter().filter(|event| !came.text.contains(*event)).count();
                let told = came.text.contains(ERROR);
                if missing > 0 || came.complete || told != (score > 0.5) {
                    lost.push(format!("HTTP/{version} at {score}: {missing} missing, {told}"));
                }
            }
            lost
        })
    });
    let mut lost = Vec::new();
    for case in cases.collect::<Vec<_>>() {
        lost.extend(case.await.unwrap());
    }
    assert!(lost.is_empty(), "{} broken: {lost:#?}", lost.len());
}

/// Fails when a body errs before what it gave is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_events_and_the_error_arrive_when_the_upstream_breaks_off_behind_them() {
    arrives(6, Leaves::Closing).await;
    arrives(6, Leaves::Resetting).await;
}

/// A client that gets no head at all asks again, and the model works three times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_head_and_the_error_arrive_when_nothing_else_came() {
    arrives(0, Leaves::Closing).await;
}

/// Megabytes that neither the window nor the socket takes at once, read by a client in its own time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_late_gets_everything_before_the_error() {
    let long = "x".repeat(300 << 10);
    let delta = format!("{{\"index\":0,\"delta\":{{\"content\":\"{long}\"}}}}");
    let sent = vec![format!("data: {{\"choices\":[{delta}]}}\n\n"); 20];
    let proxy = proxy(breaking(sent.clone(), Leaves::Closing).await, &[]).await;
    let whole = sent.concat().len();
    for score in [0.0, 0.9] {
        for version in ["1.1", "2"] {
            let came = match version {
                "2" => over_http2(proxy.address, score).await,
                _ => over_http1(proxy.address, version, score).await,
            };
            assert!(!came.complete && came.text.len() >= whole, "{version}: {}", came.text.len());
            assert_eq!(came.text.contains(ERROR), score > 0.5);
        }
    }
}
