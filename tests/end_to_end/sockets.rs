//! Responses over a WebSocket: each is decided about, edited, refused and recorded as over HTTP.

use futures_util::{SinkExt, StreamExt};
use guilloche::risk::{AccountId, Principal, RiskClaim, RiskScore, Validity};
use guilloche::teacher::{Settings, Teacher};
use http::HeaderValue;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::process::{Directory, Served, risk, soon};
use crate::scene::{PROBLEM, client, model, records, slow_model};

const POLICY: &str = r#"
version = 1
name = "sockets"
mode = "enforce"
[[grade]]
name = "no-reasoning"
at = 0.4
side_channels = {}
reasoning = { keep = "none", round_usage = 64 }
[[grade]]
name = "one-at-a-time"
at = 0.6
reasoning = { keep = "none", round_usage = 64 }
[grade.rate]
account = { concurrency = 1 }
[[grade]]
name = "refused"
at = 0.9
[grade.refuse]
"#;

type Socket = WebSocketStream<TcpStream>;

async fn opened(proxy: &str, risk: &str) -> Socket {
    let stream = TcpStream::connect(proxy).await.unwrap();
    let mut request = format!("ws://{proxy}/v1/responses").into_client_request().unwrap();
    request.headers_mut().insert("guilloche-risk", HeaderValue::from_str(risk).unwrap());
    soon(client_async(request, stream)).await.unwrap().0
}

async fn tell(socket: &mut Socket, message: Value) {
    soon(socket.send(Message::text(message.to_string()))).await.unwrap();
}

fn create(lane: Option<&str>) -> Value {
    let mut message =
        json!({ "type": "response.create", "model": "teacher-large", "input": PROBLEM });
    if let Some(lane) = lane {
        message["stream_id"] = json!(lane);
    }
    message
}

async fn event(socket: &mut Socket) -> Value {
    loop {
        match soon(socket.next()).await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// All events to the last of a response.
async fn response(socket: &mut Socket) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        events.push(event(socket).await);
        let kind = events[events.len() - 1]["type"].as_str().unwrap();
        if ["response.completed", "error"].contains(&kind) {
            return events;
        }
    }
}

/// The same over HTTP.
async fn over_http(address: &str, risk: &str) -> Vec<Value> {
    let body = json!({ "stream": true, "model": "teacher-large", "input": PROBLEM }).to_string();
    let request = http::Request::post(format!("http://{address}/v1/responses"))
        .header("content-type", "application/json")
        .header("guilloche-risk", risk)
        .body(Full::from(body))
        .unwrap();
    let answer = soon(client(false).request(request)).await.unwrap();
    let bytes = soon(answer.into_body().collect()).await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok()).collect()
}

/// Events without what differs from answer to answer.
fn plain(events: &[Value]) -> String {
    let text = serde_json::to_string(events).unwrap();
    let mut plain = String::new();
    for part in text.split_inclusive('"') {
        let varies = ["resp_", "msg_", "rs_"].iter().any(|it| part.starts_with(it));
        plain.push_str(if varies { "ID\"" } else { part });
    }
    let mut parts = plain.split("\"created_at\":");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        out.push_str(part.trim_start_matches(|it: char| it.is_ascii_digit() || it == '.'));
    }
    out
}

struct Scene {
    teacher: Teacher,
    upstream: String,
    proxy: Served,
    directory: Directory,
}

impl Scene {
    async fn set(slow: bool) -> Self {
        Self::with(slow, &[]).await
    }

    async fn with(slow: bool, fields: &[(&str, &str)]) -> Self {
        let (teacher, upstream) =
            if slow { slow_model().await } else { model(Settings::default()).await };
        let directory = Directory::new();
        let policy = directory.write("sockets.toml", POLICY);
        let audit = directory.path("audit.jsonl").display().to_string();
        let key = "7".repeat(64);
        let mut more = vec![
            ("RISK_TRUST", "peer"),
            ("POLICY_FILE", policy.as_str()),
            ("AUDIT_FILE", audit.as_str()),
            ("SECRET_KEY", key.as_str()),
        ];
        more.extend_from_slice(fields);
        let proxy = Served::start(&upstream, &more).await;
        Self { teacher, upstream, proxy, directory }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_response_has_the_events_that_it_would_have_over_http() {
    let scene = Scene::set(false).await;
    let risk = risk("acct-1", 0.5);
    let expected = plain(&over_http(&scene.proxy.address, &risk).await);
    let direct = plain(&over_http(&scene.upstream, &risk).await);
    assert_ne!(expected, direct);
    let mut socket = opened(&scene.proxy.address, &risk).await;
    for _ in 0..3 {
        tell(&mut socket, create(None)).await;
        assert_eq!(plain(&response(&mut socket).await), expected);
    }
    socket.close(None).await.unwrap();
    let Scene { proxy, directory, .. } = scene;
    proxy.signal("TERM").await;
    assert!(proxy.ended().await.0.success());
    let records = records(directory.path("audit.jsonl"));
    // One over HTTP and three over the socket, and nothing of its opening.
    assert_eq!(records.len(), 4);
    for record in records {
        assert_eq!(record["protocol"], "responses");
        assert_eq!(record["outcome"], "complete");
        assert!(record["applied"].to_string().contains("words_removed"), "{record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_of_one_response_is_no_other_ones() {
    let scene = Scene::set(true).await;
    let mut socket = opened(&scene.proxy.address, &risk("acct-1", 0.7)).await;
    tell(&mut socket, create(Some("first"))).await;
    // It is under way.
    assert_eq!(event(&mut socket).await["stream_id"], "first");
    tell(&mut socket, create(Some("second"))).await;
    // Behind the first in its lane, and not at once.
    tell(&mut socket, create(Some("first"))).await;
    let (mut refused, mut completed) = (None, 0);
    while completed < 2 {
        let event = event(&mut socket).await;
        match (event["stream_id"].as_str().unwrap(), event["type"].as_str().unwrap()) {
            ("second", "error") => refused = Some(event),
            ("first", "response.completed") => completed += 1,
            ("first", kind) => assert!(kind.starts_with("response."), "{event}"),
            other => panic!("{other:?}"),
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused["status"], 429, "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("decision gd_"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_asks_for_nothing_is_answered_and_the_socket_goes_on() {
    let scene = Scene::set(false).await;
    let mut socket = opened(&scene.proxy.address, &risk("acct-1", 0.5)).await;
    for message in [
        json!([]),
        json!({ "type": "response.steer" }),
        json!({ "type": "response.create", "background": true }),
        json!({ "type": "response.create", "stream_id": ["a"] }),
    ] {
        tell(&mut socket, message).await;
        let told = event(&mut socket).await;
        assert_eq!((&told["type"], &told["status"]), (&json!("error"), &json!(400)), "{told}");
    }
    soon(socket.send(Message::binary(vec![0, 1]))).await.unwrap();
    assert_eq!(event(&mut socket).await["status"], 400);
    // What the endpoint itself refuses is an error of the response's.
    tell(&mut socket, json!({ "type": "response.create", "model": "no-such-model", "input": "x" }))
        .await;
    let told = event(&mut socket).await;
    assert_eq!(told["type"], "error");
    assert!(told["status"].as_u64().unwrap() >= 400 && told["error"].is_object(), "{told}");
    tell(&mut socket, create(None)).await;
    assert!(response(&mut socket).await.len() > 5);
}

/// Fails when the risk is looked for again in what was signed for the opening.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_score_that_expires_makes_no_caller_of_an_open_socket_unknown() {
    let scene = Scene::set(false).await;
    // Clocks may differ by 30 s: it holds for two more.
    let issued = jiff::Timestamp::now() - std::time::Duration::from_secs(40);
    let validity = Validity { issued, ttl: std::time::Duration::from_secs(12) };
    let account = AccountId::new("acct-1").unwrap();
    let principal = Principal { account, cluster: None, tenant: None };
    let score = RiskScore::new(0.5, validity).unwrap().with_confidence(1.0).unwrap();
    let risk = RiskClaim::new(principal, score).serialize().unwrap();
    let mut socket = opened(&scene.proxy.address, &risk).await;
    let withheld = plain(&over_http(&scene.proxy.address, &risk).await);
    soon(async { while plain(&over_http(&scene.proxy.address, &risk).await) == withheld {} }).await;
    tell(&mut socket, create(None)).await;
    assert_eq!(plain(&response(&mut socket).await), withheld);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_ends_the_work_of_all_lanes() {
    let scene = Scene::set(true).await;
    let mut socket = opened(&scene.proxy.address, &risk("acct-1", 0.5)).await;
    for lane in ["a", "b", "c"] {
        tell(&mut socket, create(Some(lane))).await;
    }
    soon(async {
        while scene.teacher.open_streams() < 3 {
            tokio::task::yield_now().await
        }
    })
    .await;
    drop(socket);
    soon(async {
        while scene.teacher.cancelled() < 3 {
            tokio::task::yield_now().await
        }
    })
    .await;
    assert_eq!(scene.teacher.open_streams(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_is_not_begun_at_once_than_there_is_room_for() {
    let scene = Scene::set(true).await;
    let mut socket = opened(&scene.proxy.address, &risk("acct-1", 0.5)).await;
    for lane in 0..12 {
        tell(&mut socket, create(Some(&lane.to_string()))).await;
    }
    let mut refused = 0;
    while refused < 4 {
        let event = event(&mut socket).await;
        if event["type"] == "error" {
            assert!(event["error"]["message"].as_str().unwrap().contains("too many"), "{event}");
            refused += 1;
        }
    }
    assert!(scene.teacher.open_streams() <= 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_policy_refuses_gets_no_socket() {
    let scene = Scene::set(false).await;
    let stream = TcpStream::connect(&scene.proxy.address).await.unwrap();
    let address = format!("ws://{}/v1/responses", scene.proxy.address);
    let mut request = address.into_client_request().unwrap();
    let risk = HeaderValue::from_str(&risk("acct-1", 0.95)).unwrap();
    request.headers_mut().insert("guilloche-risk", risk);
    let refused = soon(client_async(request, stream)).await.unwrap_err().to_string();
    assert!(refused.contains("403"), "{refused}");
}

/// A message of which so many bytes stand where no model reads them.
fn long(lane: &str, bytes: usize) -> Value {
    let mut message = create(Some(lane));
    message["metadata"] = json!({ "note": "x".repeat(bytes) });
    message
}

/// What all requests and answers hold now.
async fn held(proxy: &Served) -> u64 {
    let address = format!("http://{}/status", proxy.admin);
    let request = http::Request::get(address).body(Full::default()).unwrap();
    let answer = soon(client(false).request(request)).await.unwrap();
    let text = soon(answer.into_body().collect()).await.unwrap().to_bytes();
    let status: Value = serde_json::from_slice(&text).unwrap();
    status["counters"]["held_bytes"].as_u64().unwrap()
}

/// Fails when what waits for its turn is held outside of `max_held`, or is not given back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_wait_are_held_with_everything_else() {
    const ROOM: u64 = 512 << 10;
    const LONG: usize = 100 << 10;
    let scene = Scene::with(true, &[("LIMITS_MAX_HELD", &format!("{ROOM}B"))]).await;
    let mut sockets = Vec::new();
    for account in ["acct-1", "acct-2", "acct-3"] {
        let mut socket = opened(&scene.proxy.address, &risk(account, 0.5)).await;
        let message = Message::text(long("a", LONG).to_string());
        for _ in 0..5 {
            if soon(socket.send(message.clone())).await.is_err() {
                break;
            }
        }
        assert!(held(&scene.proxy).await <= ROOM);
        sockets.push(socket);
    }
    // Who finds no room is told so, at once and in the protocol's words; in the middle of a message the
    // socket ends with it.
    let mut refused = 0;
    for socket in &mut sockets {
        for _ in 0..5 {
            let told = loop {
                match soon(socket.next()).await.unwrap().unwrap() {
                    Message::Text(text) => {
                        let told: Value = serde_json::from_str(&text).unwrap();
                        if ["error", "response.completed"].contains(&told["type"].as_str().unwrap())
                        {
                            break Some(told);
                        }
                    }
                    Message::Close(goodbye) => {
                        assert_eq!(goodbye.unwrap().code, CloseCode::Again);
                        break None;
                    }
                    _ => {}
                }
            };
            let Some(told) = told.filter(|told| told["type"] == "error") else { break };
            // One whose answer had begun is told in an event of that answer.
            let overloaded = told["status"] == 503 || told["error"]["code"] == "overloaded";
            assert!(overloaded, "{told}");
            refused += 1;
        }
        assert!(held(&scene.proxy).await <= ROOM);
    }
    assert!(refused > 0);
    // What was refused is not missed, and there is room again once they have left.
    drop(sockets);
    soon(async { while held(&scene.proxy).await > 0 {} }).await;
    let mut socket = opened(&scene.proxy.address, &risk("acct-1", 0.5)).await;
    tell(&mut socket, long("a", LONG)).await;
    assert!(response(&mut socket).await.len() > 5);
}

/// Fails when a message counts only once it is whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_never_ends_is_held_too() {
    let scene = Scene::with(false, &[("LIMITS_MAX_HELD", "300000B")]).await;
    let mut socket = opened(&scene.proxy.address, &risk("acct-1", 0.5)).await;
    let piece = vec![b'x'; 50_000];
    let mut opcode = OpCode::Data(Data::Text);
    for _ in 0..10 {
        let piece = Frame::message(piece.clone(), opcode, false);
        opcode = OpCode::Data(Data::Continue);
        if socket.send(Message::Frame(piece)).await.is_err() {
            break;
        }
    }
    let told = event(&mut socket).await;
    // It alone would be too long.
    assert_eq!((&told["type"], &told["status"]), (&json!("error"), &json!(413)), "{told}");
    let end = soon(socket.next()).await;
    assert!(matches!(end, Some(Ok(Message::Close(_)))), "{end:?}");
    soon(async { while held(&scene.proxy).await > 0 {} }).await;
}
