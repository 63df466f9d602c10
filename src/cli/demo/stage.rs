//! The stage of the demonstration: the upstream, two proxies before it, and who asks.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;

use super::caller::{Asked, Caller, Received};
use super::servers::{Running, Servers};
use crate::audit::Record;
use crate::cli::Failure;
use crate::mark::keys::Keys;
use crate::policy::Policy;
use crate::risk::{
    AccountId, ClusterId, Principal, RiskClaim, RiskScore, SignedFields, Signer, SigningKey,
    Validity, credential,
};
use crate::secret::Secret;
use crate::teacher::Settings;

/// The account of the caller whom nobody suspects.
pub(super) const ORDINARY: &str = "ordinary";
/// Tokens per second that the upstream writes: fast, but slow enough that the pacing shows.
const UPSTREAM_TOKENS_PER_SECOND: f64 = 1000.0;

/// The ladder that callers are compared on, and the one that the harvest meets.
const GRADED: &str = include_str!("../../../policies/graded.toml");
const MARKED: &str = include_str!("../../../policies/marked.toml");
/// What marks are derived from. A deployment draws one that nobody knows; here it is always the same,
/// so that every run tells of the same texts and comes to the same verdict.
const MARK_MASTER: [u8; 32] = *b"guilloche demo: one mark for all";
/// The harvester's accounts are known to belong together.
const CLUSTER: &str = "hydra";
/// How long a signed score can be used: long enough to try the printed requests.
const LIFETIME: Duration = Duration::from_secs(3600);

#[derive(Debug)]
pub(super) struct Stage {
    servers: Servers,
    graded: Running,
    /// The proxy whose policy marks.
    marking: Running,
    policy: Policy,
    signer: Signer,
    caller: Caller,
}

/// Where a caller asks, and the risk score that its requests carry there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Door {
    /// The upstream itself.
    Upstream,
    /// The proxy with `policies/graded.toml`.
    Graded(f64),
    /// The proxy with `policies/marked.toml`.
    Marking(f64),
}

impl From<Option<f64>> for Door {
    fn from(score: Option<f64>) -> Self {
        score.map_or(Self::Upstream, Self::Graded)
    }
}

impl Stage {
    pub(super) async fn start() -> Result<Self, Failure> {
        let policy = Policy::parse("policies/graded.toml", GRADED)?;
        let (key, secret) = (Secret::random()?, Secret::random()?);
        let digits = |secret: &Secret| blake3::Hash::from(*secret.expose()).to_hex().to_string();
        let files = [
            ("graded.toml", GRADED.to_owned()),
            ("marked.toml", MARKED.to_owned()),
            ("detector.key", digits(&key)),
            ("secret.key", digits(&secret)),
        ];
        let teacher =
            Settings { tokens_per_second: Some(UPSTREAM_TOKENS_PER_SECOND), ..Settings::default() };
        let servers = Servers::start("demo", teacher, &files).await?;
        let keys = Keys::from_master(&MARK_MASTER, Timestamp::now());
        keys.create(servers.file("mark.keys"))?;
        Ok(Self {
            graded: servers.proxy(configuration(&servers, "graded")).await?,
            marking: servers.proxy(configuration(&servers, "marked")).await?,
            servers,
            policy,
            signer: Signer::new(SigningKey::new("demo", key.expose())?).with_lifetime(LIFETIME),
            caller: Caller::new(),
        })
    }

    /// Where the upstream is.
    pub(super) fn upstream(&self) -> SocketAddr {
        self.servers.upstream()
    }

    /// Where the proxy with `policies/graded.toml` is.
    pub(super) fn proxy(&self) -> SocketAddr {
        self.graded.address
    }

    /// A file of the demo's own, gone when it ends.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.servers.file(name)
    }

    /// The callers to compare: the upstream asked directly, an ordinary caller, and the harvester
    /// in every grade of the policy.
    pub(super) fn scores(&self) -> Vec<(&'static str, Option<f64>)> {
        let mut scores = vec![("upstream", None), (ORDINARY, Some(0.05))];
        // Just past each threshold.
        scores.extend(self.policy.grades.iter().map(|grade| ("harvester", Some(grade.at + 0.05))));
        scores
    }

    /// The grade that a score reaches.
    pub(super) fn grade(&self, score: Option<f64>) -> Option<String> {
        let reached = self
            .policy
            .grades
            .iter()
            .rev()
            .find(|grade| score.is_some_and(|score| score >= grade.at));
        reached.map(|grade| grade.name.to_string())
    }

    /// Asks the upstream directly, or through a proxy.
    pub(super) async fn ask(
        &self,
        asked: &Asked<'_>,
        account: &str,
        door: impl Into<Door>,
    ) -> Result<Received, Failure> {
        let (address, score) = match door.into() {
            Door::Upstream => return self.caller.ask(self.upstream(), asked, None).await,
            Door::Graded(score) => (self.proxy(), score),
            Door::Marking(score) => (self.marking.address, score),
        };
        let fields = self.sign(account, score, asked.path(), None)?;
        self.caller.ask(address, asked, Some(&fields)).await
    }

    /// The header fields that a detector would send for this caller, bound to the API key that the
    /// request carries if it has one.
    pub(super) fn sign(
        &self,
        account: &str,
        score: f64,
        path: &str,
        api_key: Option<&str>,
    ) -> Result<SignedFields, Failure> {
        let harvests = score > 0.1;
        let principal = Principal {
            cluster: if harvests { Some(ClusterId::new(CLUSTER)?) } else { None },
            ..Principal::of(AccountId::new(account)?)
        };
        sign(&self.signer, principal, score, (path, api_key))
    }

    /// Why the demo's own header is not believed on a request, if it is not.
    #[cfg(test)]
    pub(super) fn unknown(&self, request: &http::request::Parts) -> Option<&'static str> {
        use crate::risk::settings::KeySettings;
        use crate::risk::{Risk, RiskSettings};

        let file = Some(self.file("detector.key"));
        let settings = RiskSettings::signed(KeySettings { id: "demo".into(), file, env: None });
        let source = settings.build(Default::default()).ok()?;
        match source.assess(request, Timestamp::now()).risk {
            Risk::Known(_) => None,
            Risk::Unknown(reason) | Risk::Contested { reason, .. } => Some(reason.name()),
        }
    }

    /// The audit, once it holds `expected` records or has stopped growing.
    pub(super) async fn audit(&self, expected: usize) -> Result<Vec<Record>, Failure> {
        const PATIENCE: Duration = Duration::from_millis(20);
        let path = self.file("graded.audit");
        let mut records = Vec::new();
        for _ in 0..100 {
            let text = std::fs::read_to_string(&path)?;
            records = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            if records.len() >= expected {
                break;
            }
            tokio::time::sleep(PATIENCE).await;
        }
        Ok(records)
    }

    pub(super) async fn stop(self) {
        let Self { servers, graded, marking, .. } = self;
        graded.end().await;
        marking.end().await;
        servers.stop().await;
    }
}

/// The header fields that a detector would send for a principal that asks at a path, bound to the API
/// key that the request carries if it has one.
pub(super) fn sign(
    signer: &Signer,
    principal: Principal,
    score: f64,
    (path, api_key): (&str, Option<&str>),
) -> Result<SignedFields, Failure> {
    let now = Timestamp::now();
    let score = RiskScore::new(score, Validity { issued: now, ttl: LIFETIME })?;
    let claim = RiskClaim {
        credential: api_key.map(|api_key| credential::hash(api_key.as_bytes())),
        ..RiskClaim::new(principal, score.with_model("demo-detector")?)
    };
    Ok(signer.sign(&claim, &http::Method::POST, path, now)?)
}

/// The configuration of a proxy with the policy of this name.
fn configuration(servers: &Servers, policy: &str) -> toml::Table {
    let file = |name: &str| servers.file(name).display().to_string();
    let (policy_file, audit_file) =
        (file(&format!("{policy}.toml")), file(&format!("{policy}.audit")));
    let (mark_keys, ledger) = (file("mark.keys"), file("mark.ledger"));
    let mut config = toml::toml! {
        [policy]
        file = policy_file
        [audit]
        file = audit_file
    };
    if policy == "marked" {
        config.extend(toml::toml! {
            [marks]
            keys = mark_keys
            ledger = ledger
        });
    }
    config
}

/// What several futures come to, which run together, in the order in which they end.
pub(super) async fn together<F: Future>(mut waiting: Vec<Pin<Box<F>>>) -> Vec<F::Output> {
    let mut ended = Vec::with_capacity(waiting.len());
    poll_fn(|context| {
        let mut index = 0;
        while let Some(future) = waiting.get_mut(index) {
            match future.as_mut().poll(context) {
                Poll::Ready(output) => {
                    ended.push(output);
                    drop(waiting.swap_remove(index));
                }
                Poll::Pending => index += 1,
            }
        }
        if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    ended
}
