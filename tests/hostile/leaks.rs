//! The hunt for a way round: a sentence is planted as the reasoning of every answer, and asked for on
//! every path that a server of each kind is known to have, by a caller whose reasoning is withheld.
//! It goes by the tables that `guilloche policy routes` prints, so that a path without a verdict, or a
//! protocol without planted answers, fails here. It is held a second time where what is withheld goes out
//! sealed: then no blob may show anything of it either.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use guilloche::countermeasure::seal::PREFIX;
use guilloche::wire::{CarriesSealed, KnownRoute, ProtocolId, ServerKind, Verdict};
use http::Method;
use tokio::task::JoinSet;

use crate::client::raw;
use crate::manifest::Caller;
use crate::process::{Directory, Served, repository};
use crate::upstream::Upstream;

mod flags;
mod planted;
mod secret;
mod socket;

use planted::{ANSWER, Planted, answers, compressed};
use secret::{SENTENCE, has, told_by, unchunked};

/// What becomes of the reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Withheld {
    /// It is gone.
    Gone,
    /// It goes out sealed wherever the protocol has a place for it.
    Sealed,
    /// It is gone, and nothing else is done: what a client asks for besides reaches the server.
    Alone,
}

/// A policy that withholds the reasoning and does nothing else.
const ALONE: &str = "version = 1\nname = \"alone\"\nmode = \"enforce\"\nunknown_routes = \"pass\"\n\
    [[grade]]\nname = \"withheld\"\nat = 0.2\nreasoning = { keep = \"none\" }\n";

impl Withheld {
    /// The strictest of the policies, whatever is unknown passing: only what is known is refused.
    fn policy(self) -> String {
        if self == Self::Alone {
            return ALONE.to_owned();
        }
        let strict = std::fs::read_to_string(repository("policies/strict.toml")).unwrap();
        let lenient = strict.replace("unknown_routes = \"refuse\"", "unknown_routes = \"pass\"");
        assert_ne!(strict, lenient);
        if self == Self::Gone {
            return lenient;
        }
        let seal = "keep = \"none\"\nseal = { bucket = 256, in_strings = true }";
        let sealing = lenient.replace("keep = \"none\"", seal);
        assert_ne!(sealing, lenient);
        sealing
    }

    /// What servers sign or encrypt their reasoning with. Where it goes out sealed the layer has that in its
    /// keeping as well; else it may be the vendor's word that there was any, and has only to look like none.
    fn signature(self) -> String {
        match self {
            Self::Gone | Self::Alone => SENTENCE.to_owned(),
            Self::Sealed => STANDARD.encode(SENTENCE),
        }
    }

    /// The answers of a protocol.
    fn answers(self, protocol: ProtocolId) -> Vec<Planted> {
        answers(protocol, &self.signature())
    }

    /// Into pieces of how many bytes the upstream's answers are cut.
    fn cuts(self) -> &'static [usize] {
        match self {
            Self::Gone | Self::Alone => &[usize::MAX],
            Self::Sealed => &[usize::MAX, 11],
        }
    }
}

/// A proxy in front of a server of one kind, whose every answer has the sentence.
struct Hunt {
    upstream: Arc<Upstream>,
    proxy: Served,
    directory: Directory,
    told: Vec<String>,
    asked: usize,
}

impl Hunt {
    async fn before(kind: ServerKind, withheld: Withheld) -> Self {
        let upstream = Upstream::start().await;
        let all = ProtocolId::ALL.into_iter();
        for planted in all.flat_map(|it| withheld.answers(it).into_iter().chain(compressed(it))) {
            for cut in withheld.cuts().iter().copied() {
                let Planted { name, bytes } = planted.clone();
                let pieces = move || {
                    let (size, bytes) = (cut.min(bytes.len()), bytes.clone());
                    let starts = (0..bytes.len()).step_by(size);
                    starts.map(move |at| bytes.slice(at..bytes.len().min(at + size)))
                };
                upstream.answers(&case(&name, cut), Arc::new(move || Box::new(pieces())));
            }
        }
        let directory = Directory::new();
        let policy = directory.write("policy.toml", &withheld.policy());
        let audit = directory.path("audit.jsonl").display().to_string();
        let log = directory.path("access.log").display().to_string();
        let proxy = Served::start(
            &upstream.address,
            &[
                ("RISK_TRUST", "peer"),
                ("POLICY_FILE", &policy),
                ("UPSTREAM_KIND", kind.name()),
                ("AUDIT_FILE", &audit),
                ("ACCESS_LOG_OUTPUT", &log),
                ("SECRET_KEY", &"7".repeat(64)),
            ],
        )
        .await;
        Self { upstream, proxy, directory, told: Vec::new(), asked: 0 }
    }

    /// Asks for a path as a caller whose reasoning is withheld, and looks at every byte of the answer.
    async fn ask(&mut self, method: &Method, path: &str, case: &str) -> Vec<u8> {
        let body = r#"{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"x"}]}"#;
        let body = if path.contains("/invoke") && case.contains("jamba") {
            r#"{"max_tokens":100,"messages":[{"role":"user","content":"x"}]}"#
        } else if case.contains("sglang") {
            r#"{"text":"x","sampling_params":{"max_new_tokens":100},"stream":true}"#
        } else if path.ends_with("/completions") && !path.ends_with("/chat/completions") {
            r#"{"model":"m","max_tokens":100,"prompt":"x"}"#
        } else if path.contains("enerateContent") {
            r#"{"contents":[{"role":"user","parts":[{"text":"x"}]}]}"#
        } else if path.ends_with("/completion") || path.ends_with("/infill") {
            r#"{"prompt":"x","n_predict":100}"#
        } else if path.ends_with("/generate") || path.ends_with("/generate_stream") || path == "/" {
            r#"{"inputs":"x","parameters":{"max_new_tokens":100}}"#
        } else if path.contains("/invoke") {
            r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"messages":[]}"#
        } else if path.contains("/model/") {
            r#"{"messages":[{"role":"user","content":[{"text":"x"}]}]}"#
        } else if path.ends_with("/responses") {
            r#"{"model":"m","input":"x"}"#
        } else {
            body
        };
        self.ask_for(method, path, case, body).await
    }

    /// The same with a body of one's own.
    async fn ask_for(&mut self, method: &Method, path: &str, case: &str, body: &str) -> Vec<u8> {
        let risk = Caller::Graded.risk().unwrap();
        let with_body = *method != Method::GET && *method != Method::HEAD;
        let (length, body) = if with_body { (body.len(), body) } else { (0, "") };
        let sent = format!(
            "{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\naccept-encoding: gzip\r\n\
             te: trailers\r\nx-case: {case}\r\nguilloche-risk: {risk}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let answer = raw(&self.proxy.address, sent.as_bytes()).await;
        self.asked += 1;
        let body = unchunked(&answer);
        if let Some(form) = told_by(&answer).or_else(|| told_by(&body)) {
            let text = String::from_utf8_lossy(&answer).into_owned();
            self.told.push(format!("{method} {path}, {case}: {form}\n{text:.1500}"));
        }
        let head = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap_or(answer.len());
        [&answer[..head], &body].concat()
    }

    /// Looks at what the operator is told.
    async fn end(mut self) -> (usize, Vec<String>) {
        let mut written = vec![("log", self.proxy.messages())];
        for path in ["/metrics", "/status"] {
            written.push((path, self.proxy.tells(path).await));
        }
        for name in ["audit.jsonl", "access.log"] {
            written.push((name, std::fs::read_to_string(self.directory.path(name)).unwrap()));
        }
        for (name, text) in written {
            assert!(!text.is_empty(), "{name}");
            self.told.extend(told_by(text.as_bytes()).map(|form| format!("{name} tells {form}")));
        }
        assert!(self.proxy.is_well(), "{}", self.proxy.messages());
        (self.asked, self.told)
    }
}

/// A path that ends as listed.
fn example(listed: &KnownRoute, prefix: &str) -> String {
    let path = [listed.front, listed.path].concat().replace("{id}", "x1").replace("/*", "/x1");
    match path.strip_prefix(':') {
        Some(_) => format!("/v1/publishers/anthropic/models/m{path}"),
        None if listed.whole => path,
        None => format!("{prefix}{path}"),
    }
}

/// How the upstream is asked for an answer in pieces of so many bytes.
fn case(name: &str, cut: usize) -> String {
    if cut == usize::MAX { name.to_owned() } else { format!("{name}, in pieces of {cut}") }
}

async fn hunt(kind: ServerKind, withheld: Withheld) {
    let mut hunt = Hunt::before(kind, withheld).await;
    let (mut came, mut lost, mut sealed) = (HashSet::new(), HashSet::new(), BTreeSet::new());
    for listed in kind.routes() {
        let prefixes: &[&str] = match listed.verdict {
            // What may stand before a path is the same on all servers.
            Verdict::Read(_) if kind == ServerKind::Custom => &["/v1", "", "/openai/deployments/d"],
            _ => &["/v1"],
        };
        for (number, prefix) in prefixes.iter().enumerate() {
            let path = example(&listed, prefix);
            // Behind each further prefix, where the same is read, some others of the answers.
            let some = |at: usize| number == 0 || at % 5 == number;
            match listed.verdict {
                Verdict::Read(protocol) => {
                    let all = withheld.answers(protocol).into_iter().enumerate();
                    let all = all.filter(|(at, _)| some(*at)).map(|(_, planted)| planted);
                    let cuts = |Planted { name, .. }: Planted| {
                        withheld.cuts().iter().map(move |cut| (case(&name, *cut), *cut))
                    };
                    let cases: Vec<(String, usize)> = all.flat_map(cuts).collect();
                    for (name, cut) in cases {
                        let answer = hunt.ask(&Method::POST, &path, &name).await;
                        if has(&answer, PREFIX) {
                            sealed.insert((protocol, name.contains(", a document"), cut));
                        }
                        if has(&answer, ANSWER) {
                            came.insert(name);
                        } else {
                            lost.insert(name);
                        }
                    }
                    // What cannot be read is refused, in a stream of an array once its head has gone.
                    for Planted { name, .. } in compressed(protocol) {
                        let answer = text(hunt.ask(&Method::POST, &path, &name).await);
                        let refused =
                            answer.starts_with("HTTP/1.1 50") || answer.contains("\"error\"");
                        assert!(refused, "{path}, {name}: {answer}");
                    }
                }
                // What answers without text has none to give.
                Verdict::NoText | Verdict::Open => {
                    let method = &listed.methods[0];
                    let answer = text(hunt.ask(method, &path, "nothing").await);
                    assert!(answer.starts_with("HTTP/1.1 200"), "{method} {path}: {answer}");
                }
                Verdict::Stored(protocol) => {
                    for method in listed.methods {
                        for Planted { name, .. } in withheld.answers(protocol) {
                            hunt.ask(method, &path, &name).await;
                        }
                    }
                }
                Verdict::Refused(_) => {
                    let encoded = path.replace('/', "%2F");
                    let others = [format!("/{path}"), format!("{path}/"), format!("/x/..{path}")];
                    for path in others.iter().chain([&path, &path.to_uppercase(), &encoded]) {
                        let path = if path.starts_with('/') { path } else { &format!("/{path}") };
                        for method in listed.methods.iter().chain([&Method::PUT, &Method::TRACE]) {
                            let asked = hunt.ask(method, path, "chat, reasoning, a document");
                            let answer = text(asked.await);
                            let first: String = answer.chars().take(12).collect();
                            assert_eq!(first, "HTTP/1.1 403", "{method} {path}: {answer}");
                        }
                    }
                }
            }
        }
        hunt.upstream.settled().await;
    }
    let (asked, told) = hunt.end().await;
    assert!(told.is_empty(), "{} of {asked} tell:\n{}", told.len(), told.join("\n"));
    // An array comes from one of two endpoints.
    lost.retain(|name| !came.contains(name));
    assert!(lost.is_empty(), "the answer is lost: {lost:?}");
    assert_eq!(sealed, carried(kind, withheld), "{kind:?}");
}

/// The forms of answers, and how they are cut, in which something goes out sealed: those of the protocols
/// that have a place for it.
fn carried(kind: ServerKind, withheld: Withheld) -> BTreeSet<(ProtocolId, bool, usize)> {
    let carries = |id: &&ProtocolId| {
        withheld == Withheld::Sealed && id.features().carries_sealed != CarriesSealed::Nowhere
    };
    let forms = |id: &ProtocolId| {
        let id = *id;
        let cuts = withheld.cuts().iter().copied();
        cuts.flat_map(move |cut| [(id, true, cut), (id, false, cut)])
    };
    kind.speaks().iter().filter(carries).flat_map(forms).collect()
}

fn text(answer: Vec<u8>) -> String {
    String::from_utf8_lossy(&answer).into_owned()
}

/// The hunt before servers of every kind, two at a time.
async fn hunts(withheld: Withheld) {
    for kinds in ServerKind::ALL.chunks(2) {
        let mut hunts: JoinSet<()> = kinds.iter().map(|kind| hunt(*kind, withheld)).collect();
        while let Some(hunted) = hunts.join_next().await {
            hunted.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_what_is_withheld_comes_on_any_path_of_any_server() {
    hunts(Withheld::Gone).await;
}

// Break it: leave what an upstream has signed as it is beside what is sealed, or seal by base64 alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_it_comes_where_it_is_sealed_either() {
    hunts(Withheld::Sealed).await;
}
