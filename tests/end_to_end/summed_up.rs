//! Reasoning that is condensed, over sockets: by the embedded model, and by summarizers that are slow,
//! dead, wrong or under the orders of what they read.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use guilloche::teacher::Settings;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;
use tower::service_fn;

use crate::process::{Directory, Served, claim, soon};
use crate::scene::{Question, client, model};
use crate::texts::Texts;

const SUMMING_UP: &str = r#"
version = 1
name = "summing-up"
mode = "enforce"
[[grade]]
name = "condense"
at = 0.4
reasoning = { keep = "summary", signed = "seal", opened_by_template = ["teacher-large:think-open"] }
"#;

/// A status and a body, or no answer at all.
type Reply = Option<(u16, String)>;

/// What it makes of a text.
type Write = fn(&str) -> Reply;

/// A summarizer on a socket.
struct Scribe {
    address: String,
    /// The authorization and the body of each request.
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    /// Requests that have no answer and are not called off.
    open: Arc<AtomicUsize>,
}

struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Scribe {
    /// It answers with what `write` makes of the text.
    async fn new(write: Write) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (asked, open) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicUsize>::default());
        let (seen, counted) = (Arc::clone(&asked), Arc::clone(&open));
        let service = service_fn(move |request: Request<Incoming>| {
            let (seen, counted) = (Arc::clone(&seen), Arc::clone(&counted));
            async move {
                counted.fetch_add(1, Ordering::SeqCst);
                let _open = Open(counted);
                let (head, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                let asked: Value = serde_json::from_slice(&body).unwrap();
                let key = head.headers.get("authorization");
                let key = key.map_or("", |it| it.to_str().unwrap()).to_owned();
                let text = asked["messages"][1]["content"].as_str().unwrap().to_owned();
                seen.lock().unwrap().push((key, asked));
                let Some((status, body)) = write(&text) else { return pending().await };
                let response = Response::builder().status(status);
                Ok::<_, hyper::Error>(response.body(Full::<Bytes>::from(body)).unwrap())
            }
        });
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = TowerToHyperService::new(service.clone());
                tokio::spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, asked, open }
    }

    fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

fn completion(text: &str) -> Reply {
    let choice =
        json!({"message": {"role": "assistant", "content": text}, "finish_reason": "stop"});
    Some((200, json!({"choices": [choice]}).to_string()))
}

struct Stage {
    proxy: Served,
    upstream: String,
    audit: String,
    _directory: Directory,
}

/// A proxy before the embedded model, with this summarizer.
async fn stage(summarizer: &str, deadline: &str, more: &[(&str, &str)]) -> Stage {
    let (_, upstream) = model(Settings::default()).await;
    let directory = Directory::new();
    let policy = directory.write("summing-up.toml", SUMMING_UP);
    let audit = directory.path("audit.jsonl").display().to_string();
    // The embedded model sums up as well.
    let summarizer = if summarizer.is_empty() { upstream.as_str() } else { summarizer };
    let (url, secret) = (format!("http://{summarizer}"), "4".repeat(64));
    let settings = [
        ("RISK_TRUST", "peer"),
        ("POLICY_FILE", policy.as_str()),
        ("AUDIT_FILE", audit.as_str()),
        ("SECRET_KEY", secret.as_str()),
        ("SUMMARIZER_URL", url.as_str()),
        ("SUMMARIZER_MODEL", "teacher-small"),
        ("SUMMARIZER_KEY", "sk-scribe-2209"),
        ("SUMMARIZER_DEADLINE", deadline),
    ];
    let proxy = Served::start(&upstream, &[&settings, more].concat()).await;
    Stage { proxy, upstream, audit, _directory: directory }
}

impl Stage {
    async fn ask(&self, question: &Question) -> (Texts, String) {
        let risk = claim("acct-1", None, 0.9).serialize().unwrap();
        let fields = [("guilloche-risk", risk.as_str())];
        let answer = question.ask(&client(false), &self.proxy.address, &fields).await;
        (Texts::read(question, answer.text()), answer.text().to_owned())
    }

    async fn direct(&self, question: &Question) -> Texts {
        Texts::read(question, question.ask(&client(false), &self.upstream, &[]).await.text())
    }

    /// The lines of the metrics that count summaries.
    async fn counted(&self) -> Vec<String> {
        let metrics = self.proxy.tells("/metrics").await;
        let lines = metrics.lines().filter(|line| line.starts_with("guilloche_summaries_total{"));
        lines.map(|line| line.replace("guilloche_summaries_total", "")).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_model_sums_up_in_every_dialect_whole_and_streamed() {
    let stage = stage("", "10s", &[]).await;
    let mut shown = 0;
    for question in Question::all() {
        let (texts, body) = stage.ask(&question).await;
        let direct = stage.direct(&question).await;
        assert_eq!(texts.answer, direct.answer, "{question:?}");
        if question.messages || question.model.ends_with(":plain") {
            assert_eq!(texts.reasoning.trim(), "", "{question:?}");
            continue;
        }
        shown += 1;
        assert!(texts.reasoning.contains("Went over"), "{question:?}: {body}");
        assert!(texts.reasoning.len() < direct.reasoning.len() / 2, "{question:?}");
        let first = direct.reasoning.split_terminator('.').next().unwrap().trim();
        assert!(!body.contains(first), "{question:?}: {body}");
        if question.stream {
            assert!(body.find("Went") < body.rfind("\"content\":"), "{question:?}: {body}");
        }
    }
    assert_eq!(stage.counted().await, [format!("{{outcome=\"made\"}} {shown}")]);
    stage.proxy.signal("TERM").await;
    assert!(stage.proxy.ended().await.0.success());
    let audit = std::fs::read_to_string(&stage.audit).unwrap();
    assert_eq!(audit.matches("\"summaries_made\":1").count(), shown);
    assert!(!audit.contains("Went over"));
}

// Break it: let any of these leave the reasoning, or end the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_summarizer_does_the_reasoning_stays_in() {
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let cases: [(Write, &str); 9] = [
        (|_| None, "slow"),
        (|_| Some((500, "{}".to_owned())), "failed"),
        (|_| Some((429, "{}".to_owned())), "busy"),
        (|_| Some((200, "<html>".to_owned())), "failed"),
        (|_| completion(""), "empty"),
        (|text| completion(text), "long"),
        (|text| completion(text.get(..text.len() / 3).unwrap()), "repeating"),
        (|_| completion("</think> It is done."), "marked_up"),
        (|_| Some((200, "a".repeat(1 << 20))), "long"),
    ];
    for (write, outcome) in cases {
        let scribe = Scribe::new(write).await;
        let stage = stage(&scribe.address, "300ms", &[]).await;
        for stream in [false, true] {
            let question = Question::new(false, "teacher-large", stream);
            let (texts, body) = stage.ask(&question).await;
            let direct = stage.direct(&question).await;
            assert_eq!((texts.reasoning.as_str(), &texts.answer), ("", &direct.answer), "{body}");
            let (key, asked) = scribe.asked.lock().unwrap()[0].clone();
            assert_eq!(key, "Bearer sk-scribe-2209");
            // The reasoning, and nothing that its caller wrote.
            assert_eq!(asked["messages"][1]["content"], direct.reasoning);
            assert!(!asked.to_string().contains("How many apples does Maria have"));
        }
        assert_eq!(stage.counted().await, [format!("{{outcome=\"{outcome}\"}} 2")]);
        assert!(!stage.proxy.messages().contains("sk-scribe"), "keys are not logged");
    }
    let stage = stage(&dead, "300ms", &[]).await;
    let question = Question::new(false, "teacher-large", true);
    assert_eq!(stage.ask(&question).await.0.reasoning, "");
    assert_eq!(stage.counted().await, ["{outcome=\"failed\"} 1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_leaves_nothing_under_way() {
    let scribe = Scribe::new(|_| None).await;
    let stage = stage(&scribe.address, "60s", &[("SUMMARIZER_CONCURRENCY", "1")]).await;
    let question = Question::new(false, "teacher-large", true);
    let risk = claim("acct-1", None, 0.9).serialize().unwrap();
    let fields = [("guilloche-risk", risk.as_str())];
    let answer = question.send(&client(false), &stage.proxy.address, &fields).await;
    let asked = async {
        while scribe.open() == 0 {
            tokio::task::yield_now().await;
        }
    };
    soon(asked).await;
    // Nobody else waits for it, and who finds no room gets an answer at once.
    assert_eq!(soon(stage.ask(&question)).await.0.reasoning, "");
    let status: Value = serde_json::from_str(&stage.proxy.tells("/status").await).unwrap();
    assert_eq!(status["counters"]["summaries_waiting"], 1, "{status}");
    drop(answer);
    let left = async {
        while scribe.open() > 0 {
            tokio::task::yield_now().await;
        }
    };
    soon(left).await;
    assert_eq!(stage.counted().await, ["{outcome=\"busy\"} 1"]);
}

#[tokio::test]
async fn a_policy_that_needs_a_summarizer_is_not_served_without_one() {
    let directory = Directory::new();
    let policy = directory.write("summing-up.toml", SUMMING_UP);
    let text = format!(
        "[upstream]\nurl = \"http://127.0.0.1:9\"\n[policy]\nfile = \"{policy}\"\n[risk]\ntrust = \"peer\"\n\
         [listen]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = \"off\"\n"
    );
    let check = async |text: &str| {
        let file = directory.write("guilloche.toml", text);
        let mut command = Command::new(env!("CARGO_BIN_EXE_guilloche"));
        let output = command.args(["serve", "--check", "--config", &file]).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said + &String::from_utf8_lossy(&output.stdout))
    };
    let (code, said) = check(&text).await;
    assert_ne!(code, Some(0));
    assert!(said.contains("summing-up.toml:8: `keep = \"summary\"` needs a summarizer"), "{said}");
    assert!(said.contains("add `url` and `model` under [summarizer]"), "{said}");
    let with = format!("{text}[summarizer]\nurl = \"http://127.0.0.1:9\"\n");
    let (code, said) = check(&with).await;
    assert_ne!(code, Some(0));
    assert!(said.contains("summarizer.model: is required with summarizer.url"), "{said}");
    let (code, said) = check(&format!("{with}model = \"m\"\n")).await;
    assert_eq!(code, Some(0), "{said}");
}
