//! Health, metrics and status, on a listener of its own without authentication, and the orders that a
//! person gives: whoever can connect may have the configuration read again, send every unit of an
//! experiment to the control arm, or have it go on. So the listener belongs on an address that only operators reach. Pages in
//! their browsers are not among them ([`browser`]).

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use jiff::Timestamp;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::browser;
use super::config::Config;
use super::experiments::{ExperimentState, Order};
use super::metrics::Metrics;
use super::page;
use super::probe::CarrierState;
use super::recent::Recent;
use super::reload::{ReloadError, ReloadState, Reloaded, Reloader, Trigger};
use super::stack::counters;
use crate::audit::record::mode_name;
use crate::layer::DefenseHandle;

/// What the admin listener tells.
#[derive(Debug)]
pub(super) struct Admin {
    pub(super) started: Timestamp,
    pub(super) stopping: Arc<AtomicBool>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) recent: Arc<Recent>,
    pub(super) defense: DefenseHandle,
    /// The configuration that decides: without a policy in it one decides that does nothing.
    pub(super) config: Arc<ArcSwap<Config>>,
    /// The upstream as `host:port`, for a trial connection.
    pub(super) upstream: String,
    pub(super) connect_timeout: Duration,
    /// The carriers of marks; `None` where nothing is marked.
    pub(super) carriers: Option<CarrierState>,
    pub(super) experiments: ExperimentState,
    pub(super) reloader: Reloader,
    pub(super) reloads: ReloadState,
}

/// Serves [`Admin`].
#[derive(Clone, Debug)]
pub(super) struct AdminService(pub(super) Arc<Admin>);

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// The most that a scrape waits for the upstream to take a connection.
const SCRAPE: Duration = Duration::from_secs(2);

/// Where the configuration is read again.
const RELOAD: &str = "/reload";
const HEALTH: &str = "/healthz";
const READINESS: &str = "/readyz";

impl hyper::service::Service<Request<Incoming>> for AdminService {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let admin = Arc::clone(&self.0);
        Box::pin(async move {
            let path = request.uri().path();
            let order = Order::of(path);
            let orders = order.is_some() || path == RELOAD;
            // What checks that a server lives names itself as it likes, and learns nothing else.
            if !matches!(path, HEALTH | READINESS) {
                let hosts = &admin.config.load().admin_hosts;
                if let Err(turned) = browser::check(&request, orders, hosts) {
                    return Ok(answer(StatusCode::FORBIDDEN, TEXT, format!("{turned}\n")));
                }
            }
            if orders {
                if request.method() != Method::POST {
                    return Ok(answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only POST\n"));
                }
                return Ok(match order {
                    Some((name, order)) => admin.order(name, order).await,
                    None => admin.reload().await,
                });
            }
            if request.method() != Method::GET && request.method() != Method::HEAD {
                return Ok(answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n"));
            }
            Ok(match request.uri().path() {
                "/" => page::answer(),
                HEALTH => answer(StatusCode::OK, TEXT, "alive\n"),
                READINESS => admin.ready().await,
                "/metrics" => admin.scrape().await,
                "/status" => admin.status(),
                "/recent" => answer(StatusCode::OK, JSON, format!("{}\n", admin.recent.status())),
                "/experiments" => admin.each_experiment(),
                _ => answer(
                    StatusCode::NOT_FOUND,
                    TEXT,
                    "there are /, /healthz, /readyz, /metrics, /status, /recent, /experiments and /reload\n",
                ),
            })
        })
    }
}

impl Admin {
    /// Why no requests should be sent here, if so it is: it is stopping, or the upstream takes no
    /// connections.
    async fn unready(&self, patience: Duration) -> Option<&'static str> {
        if self.stopping.load(Ordering::Relaxed) {
            return Some("stopping\n");
        }
        match timeout(patience, TcpStream::connect(&self.upstream)).await {
            Ok(Ok(_)) => None,
            Ok(Err(_)) | Err(_) => Some("the upstream cannot be reached\n"),
        }
    }

    async fn ready(&self) -> Response<Full<Bytes>> {
        match self.unready(self.connect_timeout).await {
            None => answer(StatusCode::OK, TEXT, "ready\n"),
            Some(why) => answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, why),
        }
    }

    async fn scrape(&self) -> Response<Full<Bytes>> {
        const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        let is_ready = self.unready(self.connect_timeout.min(SCRAPE)).await.is_none();
        let trust = self.config.load().trust();
        match self.metrics.text(&self.defense, is_ready, trust) {
            Ok(text) => answer(StatusCode::OK, OPEN_METRICS, text),
            Err(_) => answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "no metrics\n"),
        }
    }

    fn each_experiment(&self) -> Response<Full<Bytes>> {
        let each = self.experiments.status().unwrap_or_default();
        answer(StatusCode::OK, JSON, format!("{each}\n"))
    }

    /// Does what a person orders, and answers when the disk has it.
    async fn order(&self, name: &str, order: Order) -> Response<Full<Bytes>> {
        let Some(running) = self.experiments.named(name) else {
            return answer(StatusCode::NOT_FOUND, TEXT, "there is no experiment of that name\n");
        };
        let given = spawn_blocking(move || order.give(&running)).await;
        match given.map(|given| given.map(|status| serde_json::to_string(&status))) {
            Ok(Ok(Ok(status))) => answer(StatusCode::OK, JSON, status + "\n"),
            Ok(Err(error)) => {
                let text = format!("the state cannot be written: {error}\n");
                answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, text)
            }
            _ => answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "it failed\n"),
        }
    }

    /// Has the configuration read again, and tells how that ended.
    async fn reload(&self) -> Response<Full<Bytes>> {
        let ended = self.reloader.order(Trigger::Admin).await;
        let status = match &ended {
            Ok(_) => StatusCode::OK,
            Err(ReloadError::Stopped) => StatusCode::SERVICE_UNAVAILABLE,
            Err(_) => StatusCode::CONFLICT,
        };
        let told = match ended {
            Ok(Reloaded { revision, policy, policy_revision, notices }) => json!({
                "outcome": "done",
                "revision": revision,
                "policy": {"name": policy, "revision": policy_revision},
                "notices": notices,
            }),
            Err(error) => json!({"outcome": "refused", "errors": error.lines()}),
        };
        answer(status, JSON, format!("{told}\n"))
    }

    fn status(&self) -> Response<Full<Bytes>> {
        let (name, revision) = self.defense.policy();
        let config = self.config.load();
        let has_policy = config.policy.is_some();
        let status = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "started": self.started,
            "now": Timestamp::now(),
            "stopping": self.stopping.load(Ordering::Relaxed),
            "in_flight": self.metrics.in_flight(),
            "policy": has_policy.then(|| json!({"name": name, "revision": revision})),
            "mode": has_policy.then(|| mode_name(self.defense.mode())),
            "ladder": self.defense.grades(),
            "trust": config.trust(),
            "upstream": self.upstream,
            "traffic": self.metrics.traffic().status(),
            "lost": self.metrics.lost(),
            "carriers": self.carriers.as_ref().map(CarrierState::status),
            "configuration": self.reloads.running_status(),
            "reload": self.reloads.last_status(),
            "experiments": self.experiments.status(),
            "reasoning": self.metrics.seen().status(),
            "counters": counters(&self.defense),
        });
        answer(StatusCode::OK, JSON, format!("{status}\n"))
    }
}

fn answer(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
