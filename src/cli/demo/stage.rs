//! The upstream and the proxy, in this process, on loopback ports of their own.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::caller::{Asked, Caller, Received};
use super::{GRACE, UPSTREAM_TOKENS_PER_SECOND};
use crate::audit::Record;
use crate::cli::Failure;
use crate::policy::Policy;
use crate::proxy::{Config, Proxy, serve_service};
use crate::risk::{
    AccountId, ClusterId, Principal, RiskClaim, RiskScore, SignedFields, Signer, SigningKey,
    Validity,
};
use crate::teacher::{Settings, Teacher};

const POLICY: &str = include_str!("../../../policies/graded.toml");
/// The harvester's accounts are known to belong together.
const CLUSTER: &str = "hydra";
/// How long a signed score can be used: long enough to try the printed requests.
const LIFETIME: Duration = Duration::from_secs(3600);

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) upstream: SocketAddr,
    pub(super) proxy: SocketAddr,
    policy: Policy,
    signer: Signer,
    caller: Caller,
    folder: PathBuf,
    stop: Vec<oneshot::Sender<()>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Stage {
    pub(super) async fn start() -> Result<Self, Failure> {
        let policy = Policy::parse("policies/graded.toml", POLICY)?;
        let folder = std::env::temp_dir().join(format!("guilloche-demo-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let secret = blake3::Hash::from(crate::random::secret()).to_hex();
        let key = crate::random::secret();
        let file = |name: &str, contents: &str| -> io::Result<String> {
            let path = folder.join(name);
            std::fs::write(&path, contents)?;
            Ok(path.display().to_string())
        };
        let key_hex = blake3::Hash::from(key).to_hex();
        let policy_file = file("graded.toml", POLICY)?;
        let key_file = file("detector.key", &key_hex)?;
        let secret_file = file("secret.key", &secret)?;
        let audit_file = folder.join("audit.jsonl").display().to_string();

        let (upstream_listener, upstream) = listen().await?;
        let teacher = Teacher::new(Settings {
            tokens_per_second: Some(UPSTREAM_TOKENS_PER_SECOND),
            ..Settings::default()
        });
        let config = toml::toml! {
            [listen]
            address = "127.0.0.1:0"
            [admin]
            address = "off"
            [upstream]
            url = (format!("http://{upstream}"))
            [policy]
            file = policy_file
            [secret]
            key_file = secret_file
            [audit]
            file = audit_file
            [risk]
            trust = "signature"
            keys = [{ id = "demo", file = key_file }]
        };
        let config =
            Config::parse("the demo's configuration", &config.to_string(), &BTreeMap::new())?;
        let proxy = Proxy::bind(config).await?;
        let address = proxy.address();
        let (stop_upstream, stopped) = oneshot::channel();
        let upstream_task =
            tokio::spawn(serve_service(upstream_listener, teacher, wait(stopped), GRACE));
        let (stop_proxy, stopped) = oneshot::channel();
        let proxy_task = tokio::spawn(async move {
            if let Err(error) = proxy.run(wait(stopped)).await {
                tracing::error!(%error, "the proxy ended");
            }
        });
        Ok(Self {
            upstream,
            proxy: address,
            policy,
            signer: Signer::new(SigningKey::new("demo", &key)?).with_lifetime(LIFETIME),
            caller: Caller::new(),
            folder,
            stop: vec![stop_proxy, stop_upstream],
            tasks: vec![proxy_task, upstream_task],
        })
    }

    /// The callers to compare: the upstream asked directly, an ordinary caller, and the harvester
    /// in every grade of the policy.
    pub(super) fn scores(&self) -> Vec<(&'static str, Option<f64>)> {
        let mut scores = vec![("the upstream", None), ("an ordinary caller", Some(0.05))];
        // Just past each threshold.
        scores
            .extend(self.policy.grades.iter().map(|grade| ("a harvester", Some(grade.at + 0.05))));
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

    /// Asks the upstream directly (no score), or through the proxy.
    pub(super) async fn ask(
        &self,
        asked: &Asked<'_>,
        account: &str,
        score: Option<f64>,
    ) -> Result<Received, Failure> {
        match score {
            None => self.caller.ask(self.upstream, asked, None).await,
            Some(score) => {
                let fields = self.sign(account, score, asked.path())?;
                self.caller.ask(self.proxy, asked, Some(&fields)).await
            }
        }
    }

    /// The header fields that a detector would send for this caller.
    pub(super) fn sign(
        &self,
        account: &str,
        score: f64,
        path: &str,
    ) -> Result<SignedFields, Failure> {
        let now = Timestamp::now();
        let harvests = score > 0.1;
        let principal = Principal {
            cluster: if harvests { Some(ClusterId::new(CLUSTER)?) } else { None },
            ..Principal::of(AccountId::new(account)?)
        };
        let score = RiskScore::new(score, Validity { issued: now, ttl: LIFETIME })?;
        let claim = RiskClaim::new(principal, score.with_model("demo-detector")?);
        Ok(self.signer.sign(&claim, &http::Method::POST, path, now)?)
    }

    /// The audit, once it holds `expected` records or has stopped growing.
    pub(super) async fn audit(&self, expected: usize) -> Result<Vec<Record>, Failure> {
        const PATIENCE: Duration = Duration::from_millis(20);
        let path = self.folder.join("audit.jsonl");
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
        let Self { stop, tasks, folder, .. } = self;
        for (stop, task) in stop.into_iter().zip(tasks) {
            let _ = stop.send(());
            let _ = task.await;
        }
        let _ = std::fs::remove_dir_all(folder);
    }
}

async fn listen() -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn wait(stopped: oneshot::Receiver<()>) {
    let _ = stopped.await;
}

/// The first of several futures to finish, and its place.
pub(super) async fn first<F: Future>(futures: &mut [Pin<Box<F>>]) -> (F::Output, usize) {
    poll_fn(|context| {
        for (index, future) in futures.iter_mut().enumerate() {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready((output, index));
            }
        }
        Poll::Pending
    })
    .await
}
