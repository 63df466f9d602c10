//! The list of cases, and the scene that each is played in.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

use crate::client::{HttpClient, Witness, client};
use crate::process::{Served, repository, risk};
use crate::upstream::Upstream;

/// `manifest.toml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) request: BTreeMap<String, RequestCase>,
    pub(crate) body: BTreeMap<String, BodyCase>,
    pub(crate) answer: BTreeMap<String, AnswerCase>,
}

/// A request that is sent as it stands in `requests/NAME.http`: the statuses of the answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestCase {
    pub(crate) ordinary: Vec<u16>,
    pub(crate) graded: Vec<u16>,
    /// Whether it is made by `generated.rs`.
    #[serde(default)]
    pub(crate) generated: bool,
    /// What is not as it should be yet.
    #[serde(default)]
    pub(crate) open: Option<String>,
}

/// A body, `bodies/NAME`, posted to an endpoint of each protocol: the status of the answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BodyCase {
    pub(crate) ordinary: u16,
    pub(crate) graded: u16,
    #[serde(default)]
    pub(crate) encoding: Option<String>,
    #[serde(default)]
    pub(crate) generated: bool,
}

/// An upstream's answer, `answers/NAME.http`: what the clients make of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerCase {
    pub(crate) ordinary: End,
    pub(crate) graded: End,
    /// Whose endpoint is asked.
    #[serde(default)]
    pub(crate) messages: bool,
    /// The same of other protocols, by their paths.
    #[serde(default)]
    pub(crate) path: Option<String>,
    #[serde(default)]
    pub(crate) generated: bool,
    /// The caller of the second grade gets the same bytes.
    #[serde(default)]
    pub(crate) untouched: bool,
    #[serde(default)]
    pub(crate) open: Option<String>,
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum End {
    /// The client's HTTP library sees a whole answer.
    Complete,
    /// It raises an error in the middle of the answer.
    Broken,
    /// The proxy answers with a 502 in the protocol's shape.
    Refused,
}

impl Manifest {
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string(repository("tests/hostile/manifest.toml")).unwrap();
        toml::from_str(&text).unwrap()
    }
}

/// The complaints that count: those of one case, unless it is open; then that there are none.
pub(crate) fn counted(name: &str, open: Option<&str>, complaints: Vec<String>) -> Vec<String> {
    match open {
        None => complaints,
        Some(_) if !complaints.is_empty() => Vec::new(),
        Some(open) => vec![format!("{name} is open no more: {open}")],
    }
}

/// The bytes of a case that is a file.
pub(crate) fn file(name: &str) -> Bytes {
    let path = repository("tests/hostile").join(name);
    Bytes::from(std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// Who plays a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    Ordinary,
    Graded,
}

impl Caller {
    pub(crate) const BOTH: [Self; 2] = [Self::Ordinary, Self::Graded];

    /// The value of the caller's risk header, if they have one.
    pub(crate) fn risk(self) -> Option<String> {
        (self == Self::Graded).then(|| risk("acct-hostile", 0.3))
    }
}

/// A proxy between hostile clients and a broken upstream, and the witness.
pub(crate) struct Scene {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) proxy: Served,
    pub(crate) client: HttpClient,
    /// What the process holds when it has served and is idle.
    #[cfg(target_os = "linux")]
    idle: u64,
}

impl Scene {
    pub(crate) async fn set() -> Self {
        let upstream = Upstream::start().await;
        let policy = repository("policies/strict.toml").display().to_string();
        let more = [
            ("RISK_TRUST", "peer"),
            ("POLICY_FILE", policy.as_str()),
            ("LIMITS_MAX_REQUEST_BODY", "1MiB"),
            ("LIMITS_MAX_DOCUMENT", "1MiB"),
            ("LIMITS_MAX_EVENT", "256KiB"),
            // A request that is never finished is given up soon.
            ("LISTEN_IDLE_TIMEOUT", "2s"),
        ];
        let proxy = Served::start(&upstream.address, &more).await;
        let mut scene = Self {
            upstream,
            proxy,
            client: client(),
            #[cfg(target_os = "linux")]
            idle: 0,
        };
        scene.witness("warm").await.end("warm").await;
        #[cfg(target_os = "linux")]
        {
            scene.idle = scene.proxy.peak_memory();
        }
        scene
    }

    pub(crate) async fn witness(&self, name: &str) -> Witness {
        Witness::begin(&self.client, &self.proxy.address, &self.upstream, name).await
    }

    /// What holds after every case.
    pub(crate) async fn check(&mut self, case: &str) {
        self.upstream.settled().await;
        assert!(self.proxy.is_well(), "{case}: {}", self.proxy.messages());
        assert_eq!(self.upstream.violations(), [""; 0], "{case}");
        #[cfg(target_os = "linux")]
        {
            let peak = self.proxy.peak_memory();
            assert!(peak < self.idle + GROWTH, "{case}: {peak} bytes, idle {}", self.idle);
        }
    }
}

/// What a case may make the process hold: some caps, and far less than the large
/// inputs, which are of 100 MB.
#[cfg(target_os = "linux")]
const GROWTH: u64 = 64 << 20;
