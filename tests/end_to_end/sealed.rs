//! Conversations of four turns with tools, whose reasoning is sealed and carried back: over every protocol
//! that has a carrier, in documents and in streams, whatever agents do to them. Each is held twice, once with
//! the upstream itself and once through proxies that seal: what the upstream is finally sent has to be the
//! same, byte for byte.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use guilloche::countermeasure::seal::PREFIX;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::process::{Directory, Served};
use crate::scene::{HttpClient, client};

mod agent;
mod amazon;
mod anthropic;
mod attacks;
mod dialect;
mod gateways;
mod google;
mod openai;
mod rotation;
mod sizes;
mod strings;
mod times;

use agent::Agent;
use dialect::{Dialect, Said, THOUGHTS};

const DIALECTS: [&dyn Dialect; 14] = [
    &anthropic::Messages { by_invoke: false },
    &anthropic::Messages { by_invoke: true },
    &openai::Responses,
    &openai::Chat { in_strings: false },
    &openai::Chat { in_strings: true },
    &gateways::LiteLlm,
    &gateways::Mistral,
    &google::Gemini { in_arrays: false, signs_thoughts: false },
    &google::Gemini { in_arrays: false, signs_thoughts: true },
    &google::Gemini { in_arrays: true, signs_thoughts: false },
    &amazon::Converse { by_invoke: false },
    &amazon::Converse { by_invoke: true },
    &strings::Ollama,
    &strings::Cohere,
];

/// What it was sent, by the conversation that a field of the request names.
type Seen = Arc<Mutex<BTreeMap<String, Vec<(String, Bytes)>>>>;

/// What the upstream thinks in conversations in which it thinks something else than usual, and how many tokens
/// that has.
type Thoughts = Arc<Mutex<BTreeMap<String, (String, u64)>>>;

/// An upstream that answers a turn of a dialect, as fields of the request say.
async fn scripted() -> (String, Seen, Thoughts) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (seen, thoughts) = (Seen::default(), Thoughts::default());
    let shared = (Arc::clone(&seen), Arc::clone(&thoughts));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let shared = shared.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let (seen, thoughts) = shared.clone();
                    async move {
                        Ok::<_, hyper::Error>(scripted_answer(request, &seen, &thoughts).await)
                    }
                });
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (address, seen, thoughts)
}

async fn scripted_answer(
    request: Request<Incoming>,
    seen: &Seen,
    thoughts: &Thoughts,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let field = |name: &str| head.headers[name].to_str().unwrap().to_owned();
    let dialect = DIALECTS[field("x-dialect").parse::<usize>().unwrap()];
    let other = thoughts.lock().unwrap().get(&field("x-talk")).cloned();
    let usual = Said::in_turn(field("x-turn").parse().unwrap());
    let said = match &other {
        Some((thought, tokens)) => Said { thought, tokens: *tokens, ..usual },
        None => usual,
    };
    let (kind, bytes) = dialect.answer(&said, field("x-streamed") == "true");
    seen.lock().unwrap().entry(field("x-talk")).or_default().push((head.uri.to_string(), body));
    let response = Response::builder().header("content-type", kind);
    response.body(Full::from(bytes)).unwrap()
}

/// The upstream, two replicas in front of it that seal, and others that do so otherwise.
struct Scene {
    upstream: String,
    seen: Seen,
    thoughts: Thoughts,
    client: HttpClient,
    replicas: [Served; 2],
    in_strings: [Served; 2],
    refusing: Served,
    /// It binds blobs to their conversation.
    bound: Served,
    elsewhere: Served,
    directory: Directory,
}

impl Scene {
    async fn new() -> Self {
        let (upstream, seen, thoughts) = scripted().await;
        let directory = Directory::new();
        let policy = |name: &str, seal: &str| {
            directory.write(
                name,
                &format!(
                    "version = 1\nname = \"sealing\"\nmode = \"enforce\"\n[[grade]]\nname = \"sealed\"\n\
                     at = 0.5\nreasoning = {{ keep = \"none\", seal = {{ bucket = 256, {seal} }} }}\n"
                ),
            )
        };
        let plain = policy("plain.toml", "in_strings = false");
        let strings = policy("strings.toml", "in_strings = true");
        let refuse = policy("refuse.toml", "unopened = \"refuse\", in_strings = true");
        let bound = policy("bound.toml", "bind = \"conversation\", in_strings = true");
        let secrets = ["7".repeat(64), "8".repeat(64)];
        let audit = directory.path("audit.jsonl").display().to_string();
        let start = async |policy: &str, secret: &str| {
            let audit = ("AUDIT_FILE", audit.as_str());
            let more = [("RISK_TRUST", "peer"), ("POLICY_FILE", policy), ("SECRET_KEY", secret)];
            Served::start(&upstream, &[&more[..], &[audit]].concat()).await
        };
        Self {
            replicas: [start(&plain, &secrets[0]).await, start(&plain, &secrets[0]).await],
            in_strings: [start(&strings, &secrets[0]).await, start(&strings, &secrets[0]).await],
            refusing: start(&refuse, &secrets[0]).await,
            bound: start(&bound, &secrets[0]).await,
            elsewhere: start(&strings, &secrets[1]).await,
            client: client(false),
            upstream,
            seen,
            thoughts,
            directory,
        }
    }

    /// Where a turn of a dialect is asked for: of the upstream itself, or of one of two replicas.
    fn address(&self, dialect: usize, direct: bool, replica: usize) -> &str {
        match (direct, DIALECTS[dialect].in_strings()) {
            (true, _) => &self.upstream,
            (false, false) => &self.replicas[replica].address,
            (false, true) => &self.in_strings[replica].address,
        }
    }

    /// What operators are told, in logs, metrics and audit records.
    async fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        for proxy in self.replicas.iter().chain(&self.in_strings) {
            told.push(proxy.messages());
            for path in ["/metrics", "/status"] {
                told.push(proxy.tells(path).await);
            }
        }
        told.push(std::fs::read_to_string(self.directory.path("audit.jsonl")).unwrap());
        told
    }

    /// What the upstream was sent in a conversation, in order.
    fn sent(&self, talk: &str) -> Vec<(String, Bytes)> {
        self.seen.lock().unwrap().remove(talk).unwrap_or_default()
    }
}

/// What agents do to conversations between the second and the third turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Nothing,
    Compacted,
    ToolsChanged,
    Resumed,
    Forked,
    TwoAgents,
    /// Its client escapes what it need not.
    Escaped,
}

const CHANGES: [Change; 7] = [
    Change::Nothing,
    Change::Compacted,
    Change::ToolsChanged,
    Change::Resumed,
    Change::Forked,
    Change::TwoAgents,
    Change::Escaped,
];

/// Holds a conversation, with the upstream itself or through proxies; what the upstream was sent.
async fn held(
    scene: &Scene,
    (dialect, streamed): (usize, bool),
    change: Change,
    direct: bool,
) -> Vec<(String, Bytes)> {
    let talk = format!("{dialect} {streamed} {change:?} {direct}");
    let mut agents = vec![Agent::new(dialect, streamed, &talk)];
    if change == Change::TwoAgents {
        let mut other = Agent::new(dialect, streamed, &talk);
        other.history =
            vec![DIALECTS[dialect].user("Paint the door."), DIALECTS[dialect].user("9, 8?")];
        agents.push(other);
    }
    if change == Change::Escaped {
        agents[0].history = vec![DIALECTS[dialect].user("9 and 8, für mich?")];
        agents[0].escapes = true;
    }
    for turn in 0..=dialect::LAST {
        if turn == 2 {
            match change {
                Change::Compacted => {
                    let history = &mut agents[0].history;
                    let rest = history.split_off(
                        history.len()
                            - DIALECTS[dialect]
                                .read(&DIALECTS[dialect].answer(&Said::in_turn(1), false).1, false)
                                .len()
                            - 1,
                    );
                    *history = vec![DIALECTS[dialect].user("In short: 9 and 8 were asked for.")];
                    history.extend(rest);
                }
                Change::ToolsChanged => {
                    (agents[0].tools, agents[0].system) = (&["clock", "add"], "Be long.");
                }
                Change::Resumed => {
                    let disk = Value::from(std::mem::take(&mut agents[0].history)).to_string();
                    agents[0].history = serde_json::from_str(&disk).unwrap();
                }
                Change::Forked => {
                    let mut other = agents[0].clone();
                    *other.history.last_mut().unwrap() =
                        DIALECTS[dialect].user("Never mind. 3 and 4?");
                    agents.push(other);
                }
                Change::Nothing | Change::TwoAgents | Change::Escaped => {}
            }
        }
        // One that is resumed goes on with another replica.
        let replica = usize::from(change == Change::Resumed && turn >= 2);
        for agent in &mut agents {
            agent.turn(scene, scene.address(dialect, direct, replica), turn).await;
            assert!(direct || turn == dialect::LAST || !agent.knows(), "{talk}");
        }
    }
    scene.sent(&talk)
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

// Break it: bind blobs to tools or to what stands before them, open them for those with a grade only, or put
// back what they hold as the upstream wrote it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_never_notice_that_reasoning_is_sealed_and_neither_does_the_upstream() {
    let scene = Scene::new().await;
    for (dialect, streamed) in (0..DIALECTS.len()).flat_map(|it| [(it, false), (it, true)]) {
        for change in CHANGES {
            let direct = held(&scene, (dialect, streamed), change, true).await;
            let through = held(&scene, (dialect, streamed), change, false).await;
            let name = DIALECTS[dialect].name();
            assert!(direct.len() >= 4 && direct.len() == through.len());
            for (turn, ((_, direct), (_, through))) in direct.iter().zip(&through).enumerate() {
                let told = format!("{name}, streamed {streamed}, {change:?}, request {turn}");
                assert_eq!(text(through), text(direct), "{told}");
            }
        }
    }
    for told in scene.told().await {
        let shown = THOUGHTS.iter().flat_map(|it| it.split(", ")).find(|it| told.contains(it));
        assert!(!told.is_empty() && shown.is_none(), "{shown:?}");
    }
}

/// The reasoning of one model is not shown to another, and comes back with its own.
// Break it: leave the model out of what is bound.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_goes_on_with_another_model_and_without_the_reasoning_of_the_first() {
    let scene = Scene::new().await;
    for (dialect, streamed) in (0..DIALECTS.len()).flat_map(|it| [(it, false), (it, true)]) {
        let name = DIALECTS[dialect].name();
        let mut sent = Vec::new();
        for direct in [true, false] {
            let mut agent =
                Agent::new(dialect, streamed, &format!("switch {dialect} {streamed} {direct}"));
            for turn in 0..=dialect::LAST {
                agent.model = if turn == 2 { "n" } else { "m" };
                agent.turn(&scene, scene.address(dialect, direct, 0), turn).await;
            }
            sent.push(scene.sent(&agent.talk));
        }
        for (turn, kept) in [&[][..], &[0], &[], &[0, 1]].into_iter().enumerate() {
            let [direct, through] = [0, 1].map(|it| text(&sent[it][turn].1));
            let told = format!("{name}, streamed {streamed}, request {turn}: {through}");
            for (at, thought) in THOUGHTS.iter().enumerate() {
                let spelled = Value::from(*thought).to_string();
                assert_eq!(through.contains(&spelled), kept.contains(&at), "{told}");
            }
            assert!(!through.contains(PREFIX), "{told}");
            let [direct, through] = [direct, through].map(|it| without_reasoning(dialect, &it));
            assert_eq!(through, direct, "{told}");
        }
    }
}

/// A request without any reasoning, and without messages that were nothing else.
fn without_reasoning(dialect: usize, body: &str) -> Value {
    let mut body: Value = serde_json::from_str(body).unwrap();
    let list = body[DIALECTS[dialect].list()].as_array_mut().unwrap();
    list.retain_mut(|entry| DIALECTS[dialect].without_reasoning(entry));
    body
}
