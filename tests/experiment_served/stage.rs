//! An upstream that thinks aloud, a proxy that runs an experiment in front of it, callers.

use std::net::SocketAddr;

use bytes::Bytes;
use guilloche::audit::{Exposure, Line, Record, UnitJoined, UnitSummary};
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::Value;

use crate::process::{Directory, claim};
use crate::support::{HttpClient, Running, client, config, full, get, run, soon, upstream};

/// An answer that reasons and then says something, with usage.
pub(crate) const ANSWER: &str = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\
    \"reasoning_content\":\"First I add two and two. Then I double what I have.\"},\"finish_reason\":null}]}\n\n\
    data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"It is 8.\"},\
    \"finish_reason\":null}]}\n\n\
    data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
    data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":20,\
    \"completion_tokens_details\":{\"reasoning_tokens\":12}}}\n\n\
    data: [DONE]\n\n";

const BODY: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

/// Nothing is done to anybody.
pub(crate) const UNTOUCHED: &str = "version = 1\nname = \"untouched\"\nmode = \"enforce\"\n\
    [[grade]]\nname = \"seen\"\nat = 0.5\n";

/// Reasoning is withheld from 0.5 on.
pub(crate) const WITHHOLDING: &str = "version = 1\nname = \"withholding\"\nmode = \"enforce\"\n\
    [[grade]]\nname = \"withhold\"\nat = 0.5\nreasoning = { keep = \"none\" }\n";

/// One proxy with a state and an audit of its own.
pub(crate) struct Replica {
    pub(crate) running: Running,
    audit: std::path::PathBuf,
    http: HttpClient,
}

/// Files of an experiment, and its upstream.
pub(crate) struct Stage {
    pub(crate) directory: Directory,
    upstream: SocketAddr,
    experiment: String,
}

/// What an audit holds.
#[derive(Default)]
pub(crate) struct Audit {
    pub(crate) records: Vec<Record>,
    pub(crate) exposures: Vec<Exposure>,
    pub(crate) units: Vec<UnitSummary>,
    pub(crate) joined: Vec<UnitJoined>,
}

impl Stage {
    /// An experiment with these policies and what `more` says of it.
    pub(crate) async fn new(control: &str, other: &str, more: &str) -> Self {
        Self::answering(control, other, more, || full(ANSWER)).await
    }

    /// The same in front of an upstream that gives such bodies.
    pub(crate) async fn answering(
        control: &str,
        other: &str,
        more: &str,
        body: impl Fn() -> crate::support::BoxBody + Clone + Send + Sync + 'static,
    ) -> Self {
        let directory = Directory::new();
        directory.write("control.toml", control);
        directory.write("other.toml", other);
        let text = format!(
            "version = 1\nname = \"e\"\nsalt = \"s\"\nstart = 2026-01-01\nend = 2100-01-01\n{more}\n\
             [[arm]]\nname = \"control\"\npolicy = \"control.toml\"\ncontrol = true\n\
             [[arm]]\nname = \"other\"\npolicy = \"other.toml\"\n\
             [[metric]]\nname = \"reasoning_tokens\"\nrole = \"success\"\nbetter = \"lower\"\nscale = \"log\"\n\
             [[metric]]\nname = \"refused_share\"\nrole = \"guardrail\"\nbetter = \"lower\"\nmargin = 0.05\n"
        );
        let experiment = directory.write("e.toml", &text);
        let upstream = upstream(move |request: Request<_>| {
            let answer = body();
            async move {
                let asked = BodyExt::collect(request.into_body()).await.unwrap().to_bytes();
                // The model that was asked says its name.
                let small = asked.windows(7).any(|it| it == b"m-small");
                let name = if small { "\"m-small\"" } else { "\"m\"" };
                let named = answer.map_frame(move |frame| {
                    frame.map_data(|data| {
                        let text = std::str::from_utf8(&data).unwrap();
                        Bytes::from(text.replace("\"MODEL\"", name))
                    })
                });
                let response = Response::builder().header("content-type", "text/event-stream");
                response.body(named.boxed_unsync()).unwrap()
            }
        })
        .await;
        Self { directory, upstream, experiment }
    }

    /// A proxy with the state of this name.
    pub(crate) async fn replica(&self, name: &str) -> Replica {
        self.replica_with(name, &[]).await
    }

    /// The same, that marks with these keys.
    pub(crate) async fn marking_replica(&self, name: &str, keys: &str) -> Replica {
        self.replica_with(name, &[("MARKS_KEYS", keys)]).await
    }

    async fn replica_with(&self, name: &str, more: &[(&str, &str)]) -> Replica {
        let path = |kind: &str| self.directory.path(&format!("{name}{kind}"));
        let (audit, state) = (path(".audit"), path(".state"));
        let files = format!("[\"{}\"]", self.experiment);
        let (audit_file, state) = (audit.display().to_string(), state.display().to_string());
        let secret = "7c".repeat(32);
        let own = [
            ("RISK_TRUST", "peer"),
            ("SECRET_KEY", secret.as_str()),
            ("EXPERIMENTS_FILES", files.as_str()),
            ("EXPERIMENTS_STATE_DIR", state.as_str()),
            ("EXPERIMENTS_INTERVAL", "64ms"),
            ("EXPERIMENTS_WINDOW", "1s"),
            ("AUDIT_FILE", audit_file.as_str()),
        ];
        let all = [own.as_slice(), more].concat();
        let running = run(config(&format!("http://{}", self.upstream), &all)).await;
        Replica { running, audit, http: client(false) }
    }
}

impl Replica {
    /// What a caller with this score is answered: the status and the bytes.
    pub(crate) async fn ask(
        &self,
        (account, cluster): (&str, Option<&str>),
        score: f64,
    ) -> (u16, Bytes) {
        let risk = claim(account, cluster, score).serialize().unwrap();
        let uri = format!("http://{}/v1/chat/completions", self.running.address);
        let request = Request::post(uri)
            .header("content-type", "application/json")
            .header("guilloche-risk", risk)
            .body(full(BODY))
            .unwrap();
        let response = soon(self.http.request(request)).await.unwrap();
        let status = response.status().as_u16();
        (status, soon(response.into_body().collect()).await.unwrap().to_bytes())
    }

    /// How the experiment stands.
    pub(crate) async fn status(&self) -> Value {
        let (status, text) = get(self.running.admin, "/experiments").await;
        assert_eq!(status, 200);
        serde_json::from_str::<Value>(&text).unwrap()[0].clone()
    }

    /// Gives an order; the status of the answer.
    pub(crate) async fn order(&self, path: &str, fields: &[(&str, &str)]) -> u16 {
        let mut request = Request::post(format!("http://{}{path}", self.running.admin));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(full("")).unwrap();
        soon(self.http.request(request)).await.unwrap().status().as_u16()
    }

    /// The exposures that have been written so far.
    pub(crate) fn exposures(&self) -> Vec<Exposure> {
        read(&self.audit).exposures
    }

    /// Stops it, and reads all that it has written.
    pub(crate) async fn stop(self) -> Audit {
        let Self { running, audit, http } = self;
        drop(http);
        running.stop.send(()).unwrap();
        soon(running.ended).await.unwrap();
        read(&audit)
    }
}

fn read(audit: &std::path::Path) -> Audit {
    let mut read = Audit::default();
    let text = std::fs::read_to_string(audit).unwrap();
    // The last line may be on its way.
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        match serde_json::from_str::<Line>(line) {
            Ok(Line::Exposure(exposure)) => read.exposures.push(*exposure),
            Ok(Line::Unit(unit)) => read.units.push(*unit),
            Ok(Line::Joined(joined)) => read.joined.push(*joined),
            Ok(Line::Passed(_)) => {}
            Ok(line) => panic!("{line:?}"),
            Err(_) => read.records.push(serde_json::from_str(line).unwrap()),
        }
    }
    read
}

/// Whether an answer holds the upstream's reasoning.
pub(crate) fn reasons(answer: &Bytes) -> bool {
    answer.windows(5).any(|it| it == b"First")
}
