//! The hunt for a way round: a sentence is planted as the reasoning of every answer, and asked for on
//! every path that a server of each kind is known to have, by a caller whose reasoning is withheld.
//! It goes by the tables that `guilloche policy routes` prints, so that a path without a verdict, or a
//! protocol without planted answers, fails here.

use std::collections::HashSet;
use std::sync::Arc;

use guilloche::wire::{KnownRoute, ProtocolId, ServerKind, Verdict};
use http::Method;

use crate::client::raw;
use crate::manifest::Caller;
use crate::process::{Directory, Served, repository};
use crate::upstream::Upstream;

mod planted;
mod secret;

use planted::{ANSWER, Planted, answers, compressed};
use secret::{has, told_by};

/// A proxy in front of a server of one kind, whose every answer has the sentence.
struct Hunt {
    upstream: Arc<Upstream>,
    proxy: Served,
    directory: Directory,
    told: Vec<String>,
    asked: usize,
}

impl Hunt {
    async fn before(kind: ServerKind) -> Self {
        let upstream = Upstream::start().await;
        let all = ProtocolId::ALL.into_iter();
        for planted in all.flat_map(|it| answers(it).into_iter().chain(compressed(it))) {
            let Planted { name, bytes } = planted;
            upstream.answers(&name, Arc::new(move || Box::new(std::iter::once(bytes.clone()))));
        }
        let directory = Directory::new();
        // What is unknown passes: only what is known is refused.
        let strict = std::fs::read_to_string(repository("policies/strict.toml")).unwrap();
        let lenient = strict.replace("unknown_routes = \"refuse\"", "unknown_routes = \"pass\"");
        assert_ne!(strict, lenient);
        let policy = directory.write("lenient.toml", &lenient);
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
    async fn ask(&mut self, method: &Method, path: &str, case: &str) -> String {
        let risk = Caller::Graded.risk().unwrap();
        let body = r#"{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"x"}]}"#;
        let body = if path.ends_with("/completions") && !path.ends_with("/chat/completions") {
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
        let with_body = *method != Method::GET && *method != Method::HEAD;
        let (length, body) = if with_body { (body.len(), body) } else { (0, "") };
        let sent = format!(
            "{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\naccept-encoding: gzip\r\n\
             te: trailers\r\nx-case: {case}\r\nguilloche-risk: {risk}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let answer = raw(&self.proxy.address, sent.as_bytes()).await;
        self.asked += 1;
        if let Some(form) = told_by(&answer) {
            let text = String::from_utf8_lossy(&answer).into_owned();
            self.told.push(format!("{method} {path}, {case}: {form}\n{text:.1500}"));
        }
        String::from_utf8_lossy(&answer).into_owned()
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

async fn hunt(kind: ServerKind) {
    let mut hunt = Hunt::before(kind).await;
    let (mut came, mut lost) = (HashSet::new(), HashSet::new());
    for listed in kind.routes() {
        let prefixes: &[&str] = match listed.verdict {
            // What may stand before a path is the same on all servers.
            Verdict::Read(_) if kind == ServerKind::Custom => &["/v1", "", "/openai/deployments/d"],
            _ => &["/v1"],
        };
        for prefix in prefixes {
            let path = example(&listed, prefix);
            match listed.verdict {
                Verdict::Read(protocol) => {
                    for Planted { name, .. } in answers(protocol) {
                        let answer = hunt.ask(&Method::POST, &path, &name).await;
                        if has(answer.as_bytes(), ANSWER) {
                            came.insert(name);
                        } else {
                            lost.insert(name);
                        }
                    }
                    // What cannot be read is refused, in a stream of an array once its head has gone.
                    for Planted { name, .. } in compressed(protocol) {
                        let answer = hunt.ask(&Method::POST, &path, &name).await;
                        let refused =
                            answer.starts_with("HTTP/1.1 50") || answer.contains("\"error\"");
                        assert!(refused, "{path}, {name}: {answer}");
                    }
                }
                // What answers without text has none to give.
                Verdict::NoText | Verdict::Open => {
                    let method = &listed.methods[0];
                    let answer = hunt.ask(method, &path, "nothing").await;
                    assert!(answer.starts_with("HTTP/1.1 200"), "{method} {path}: {answer}");
                }
                Verdict::Stored(protocol) => {
                    for method in listed.methods {
                        for Planted { name, .. } in answers(protocol) {
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
                            let answer =
                                hunt.ask(method, path, "chat, reasoning, a document").await;
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
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_what_is_withheld_comes_on_any_path_of_any_server() {
    for kind in ServerKind::ALL {
        hunt(kind).await;
    }
}
