//! Puts the parts together, and takes them apart in order.

use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;

use super::admin::{Admin, AdminService};
use super::arrivals::{Arrivals, Dealer};
use super::config::{self, Config, LogOutput, Probe};
use super::cors::Cors;
use super::experiments::{self, ExperimentState};
use super::front::Front;
use super::marks::ledger;
use super::metrics::Metrics;
use super::passed::PassedLines;
use super::probe::{CarrierState, Prober};
use super::recent::Recent;
use super::rehearsal;
use super::reload::{Order, ReloadState, Reloader, Swap};
use super::report::ReportTargets;
use super::server::{Bounds, Listening, serve};
use super::socket::Patience;
use super::stack::{self, Service, Stack, stack};
use super::start_error::StartError;
use super::tls::{self, Tls};
use super::traces::Traces;
use super::workers::Workers;
use crate::audit::record::mode_name;
use crate::audit::{Exposure, JsonLines, NoAudit, Record, Sink, UnitJoined, UnitSummary};
use crate::experiment::Experiments;
use crate::layer::DefenseHandle;
use crate::lines::LineWriter;
use crate::mark::ledger::LedgerWriter;
use crate::upstream::Upstream;

/// The proxy, bound to its addresses and ready to run.
#[derive(Debug)]
pub struct Proxy {
    config: Config,
    listener: TcpListener,
    address: SocketAddr,
    admin: Option<(TcpListener, SocketAddr)>,
    upstream: Upstream,
    audit: Option<Arc<JsonLines>>,
    access_log: Option<Arc<LineWriter>>,
    traces: Option<Traces>,
    ledger: Option<Arc<LedgerWriter>>,
    /// The key that the ledger belongs to.
    ledger_key: Option<String>,
    experiments: Option<Arc<Experiments>>,
    reloader: Reloader,
    reloads: mpsc::Receiver<Order>,
}

/// How long the last lines may take to be written.
const FLUSH: Duration = Duration::from_secs(5);

impl Proxy {
    /// Checks what [`bind`](Self::bind) would find but for the addresses, and leaves nothing behind.
    /// Returns what is not wrong, and yet not what someone who sets up a defense is likely to want:
    /// above all, that nothing can be graded.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn check(config: &Config) -> Result<Vec<String>, StartError> {
        match rehearsal::files(config).into_iter().next() {
            Some(error) => Err(error),
            None => Self::notices(config),
        }
    }

    /// Checks that the addresses are free. They are not where a proxy with this configuration runs
    /// already.
    ///
    /// # Errors
    /// [`StartError::Listen`].
    pub fn check_addresses(config: &Config) -> Result<(), StartError> {
        rehearsal::addresses(config).into_iter().next().map_or(Ok(()), Err)
    }

    /// What [`check`](Self::check) returns, without looking at the files that are written.
    pub(super) fn notices(config: &Config) -> Result<Vec<String>, StartError> {
        let upstream = Upstream::new(&config.upstream, config.limits.max_header_bytes)?;
        Traces::check(config.traces.as_ref())?;
        let experiments = experiments::begin(config, false)?;
        let stack = stack(upstream, config, experiments, Arc::new(NoAudit), Arc::default(), None)?;
        Ok(stack.notices)
    }

    /// Binds the addresses and opens the files that `config` names.
    ///
    /// # Errors
    /// When an address cannot be listened on, a file cannot be opened, or a part cannot be made.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        Self::notices(&config)?;
        let upstream = Upstream::new(&config.upstream, config.limits.max_header_bytes)?
            .signed_by(config.signer.clone());
        let audit = match &config.audit {
            Some(config::Audit { file, queue, .. }) => Some(
                LineWriter::append(file, *queue)
                    .map(|lines| Arc::new(JsonLines::new(lines)))
                    .map_err(|source| StartError::Lines { path: file.clone(), source })?,
            ),
            None => None,
        };
        let access_log = config.access_log.as_ref().map(open_log).transpose()?;
        let traces = Traces::open(config.traces.as_ref())?;
        let (ledger, ledger_key) = ledger(&config)?.unzip();
        let (listener, address) = listen(config.listen.address).await?;
        let admin = match config.admin {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        // Of two processes with one configuration the second one has no address, and changes nothing.
        let experiments = experiments::begin(&config, true)?;
        let (reloader, reloads) = Reloader::new();
        Ok(Self {
            config,
            listener,
            address,
            admin,
            upstream,
            audit,
            access_log,
            traces,
            ledger,
            ledger_key,
            experiments,
            reloader,
            reloads,
        })
    }

    /// Where clients connect: the port that the system chose, when the configuration says 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where health, metrics and status are, if they are on.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(|(_, address)| *address)
    }

    /// What has the proxy read its configuration again while it runs.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Serves until `shutdown` resolves and the exchanges that were under way have ended, or the
    /// grace for them is over; then writes what is left of the logs.
    ///
    /// # Errors
    /// When the defense cannot be made.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
        let Self { config, listener, address, admin, upstream, audit, .. } = self;
        let config = Arc::new(config);
        let Self { access_log, traces, ledger, ledger_key, .. } = self;
        let Self { experiments, reloader, reloads, .. } = self;
        let (cut_off, told) = watch::channel(false);
        let (cut_off, upstream) = (Arc::new(cut_off), upstream.cut_off_by(told));
        let marked = config.marks.as_ref().map(|_| &config.carriers);
        let prober = marked.filter(|_| config.probe != Probe::Off).and_then(|carriers| {
            Prober::new(upstream.clone(), config.probe_credential.clone(), carriers)
        });
        let mut metrics = Metrics::new(
            audit.as_ref().map(|audit| audit.lines().lost()),
            access_log.as_ref().map(|log| log.lost()),
            ledger.as_ref().map(|ledger| ledger.lost()),
        );
        if let Some(carriers) = marked {
            metrics = metrics.watching(carriers);
        }
        let state = ReloadState::new(config.fingerprint_as_read(), Timestamp::now());
        let metrics = Arc::new(metrics.with_reloads(state.clone()));
        let sink: Arc<dyn Sink> = Arc::new(Metered {
            metrics: Arc::clone(&metrics),
            next: audit.clone().map(|audit| audit as Arc<dyn Sink>),
        });
        let (reports, written) = (Arc::default(), ledger.clone());
        let Stack { service, layer, defense, notices } =
            stack(upstream.clone(), &config, experiments, Arc::clone(&sink), reports, written)?;
        if let Some((history, file)) = config.history.as_ref().zip(config.policy.as_ref()) {
            let (_, revision) = defense.policy();
            history.keep_file(file, &revision);
        }
        tell(&config, address, admin.as_ref().map(|(_, address)| *address), &defense, &notices);
        let probing = match (prober, config.probe) {
            (Some(prober), Probe::Required) => {
                prober.require().await?;
                None
            }
            (prober, _) => prober.map(|prober| tokio::spawn(prober.run())),
        };
        let passed = audit
            .clone()
            .map(|audit| Arc::new(PassedLines::new(Arc::clone(&metrics), defense.clone(), audit)));
        let telling = passed.clone().map(|passed| tokio::spawn(passed.run()));
        let tls = config.listen.tls.as_ref().map(tls::load).transpose()?.map(Tls::new);
        let max_request_body = Arc::new(AtomicUsize::new(config.limits.max_request_body));
        let decides = Arc::new(ArcSwap::new(Arc::clone(&config)));
        let settling = tokio::spawn(experiments::settle(defense.clone(), Arc::clone(&decides)));
        let decided = Arc::clone(&decides);
        let swap = Swap {
            config: decides,
            defense: defense.clone(),
            sink,
            ledger: ledger.clone(),
            ledger_key,
            max_request_body: Arc::clone(&max_request_body),
            tls: tls.clone(),
            audit: audit.clone(),
            access_log: access_log.clone(),
            state: state.clone(),
        };
        let reloading = tokio::spawn(swap.run(reloads));
        let stopping = Arc::new(AtomicBool::new(false));
        let bounds = Bounds {
            max_header_bytes: config.limits.max_header_bytes,
            idle_timeout: config.listen.idle_timeout,
            stalled_timeout: config.upstream.idle_timeout,
        };
        let recent = Arc::new(Recent::default());
        let watching =
            admin.is_some().then(|| tokio::spawn(Arc::clone(&recent).run(Arc::clone(&metrics))));
        let shared = Admin {
            recent,
            started: Timestamp::now(),
            stopping: Arc::clone(&stopping),
            metrics: Arc::clone(&metrics),
            defense: defense.clone(),
            config: decided,
            upstream: host_and_port(&config.upstream.url),
            connect_timeout: config.upstream.connect_timeout,
            carriers: marked.cloned().map(CarrierState),
            experiments: ExperimentState(defense.clone()),
            reloader,
            reloads: state,
        };
        let (served, admin_shutdown) = oneshot::channel::<()>();
        let reports = Arc::new(ReportTargets {
            metrics,
            access_log: access_log.clone(),
            traces: traces.clone(),
        });
        let cors = Arc::new(Cors::default());
        let patience =
            Patience { idle: config.upstream.idle_timeout, total: config.upstream.total_timeout };
        let forwarded = config.listen.forwarded;
        let front = |service: Service| {
            let (reports, cors) = (Arc::clone(&reports), Arc::clone(&cors));
            let max_request_body = Arc::clone(&max_request_body);
            move |connection| Front {
                stack: service.clone(),
                reports: Arc::clone(&reports),
                connection,
                cors: Arc::clone(&cors),
                max_request_body: Arc::clone(&max_request_body),
                forwarded,
                patience,
            }
        };
        let proxy_protocol = config.listen.proxy_protocol;
        let arrivals = Arrivals::at(listener, config.limits.max_connections);
        let (stop, _) = watch::channel(false);
        let stopped = || {
            let mut stopped = stop.subscribe();
            // Whoever says so lives as long as anybody serves.
            async move { drop(stopped.wait_for(|stopped| *stopped).await) }
        };
        let grace = config.grace;
        // Told to go only when clients are gone, so that it can be asked to the last.
        let clients = async {
            let kept = match config.listen.workers {
                None | Some(config::Workers::Shared) => {
                    let listening = Listening { arrivals, tls, proxy_protocol };
                    serve(listening, bounds, front(service), stopped(), grace, cut_off).await;
                    None
                }
                Some(config::Workers::Threads(workers)) => {
                    let mut dealer = Dealer::new(arrivals);
                    let begin = || {
                        let upstream = upstream.clone().of_one_thread(workers.get());
                        let front = front(stack::service(&layer, upstream, &config));
                        let arrivals = dealer.hand();
                        let listening = Listening { arrivals, tls: tls.clone(), proxy_protocol };
                        let (stopped, cut_off) = (stopped(), Arc::clone(&cut_off));
                        move || serve(listening, bounds, front, stopped, grace, cut_off)
                    };
                    let workers = Workers::start(workers, begin).map_err(StartError::Workers)?;
                    tokio::select! {
                        () = dealer.deal() => {}
                        () = stopped() => {}
                    }
                    Some(workers.served().await)
                }
            };
            drop(served);
            Ok::<_, StartError>(kept)
        };
        let shutdown = async {
            shutdown.await;
            stopping.store(true, Ordering::Relaxed);
            tracing::info!("stopping");
            stop.send_replace(true);
        };
        let admin_shutdown = async { drop(admin_shutdown.await) };
        let admin = serve_admin(admin, shared, bounds, admin_shutdown);
        let mut serving = pin!(async { tokio::join!(clients, admin) });
        let (kept, ()) = tokio::select! {
            served = &mut serving => served,
            () = shutdown => serving.await,
        };
        let kept = kept?;
        for task in
            [probing, Some(settling), Some(reloading), telling, watching].into_iter().flatten()
        {
            task.abort();
        }
        let experiments = defense.experiments();
        let flushed = spawn_blocking(move || {
            let experiments = experiments
                .is_none_or(|experiments| experiments::finish(&experiments, audit.as_deref()));
            passed.inspect(|passed| passed.tell(Timestamp::now()));
            let audit = audit.is_none_or(|audit| audit.lines().flush(FLUSH));
            let ledger = ledger.is_none_or(|ledger| ledger.flush(FLUSH));
            access_log.is_none_or(|log| log.flush(FLUSH)) && audit && ledger && experiments
        });
        if let Some(traces) = traces {
            let finished = spawn_blocking(move || traces.finish(FLUSH)).await;
            if !finished.unwrap_or(false) {
                tracing::warn!("the last spans could not be sent");
            }
        }
        let flushed = flushed.await;
        drop(kept);
        if !flushed.unwrap_or(false) {
            tracing::error!("the last lines of the logs could not be written");
        }
        Ok(())
    }
}

/// Logs what is served and by what it is decided, and then what the operator may not have meant.
fn tell(
    config: &Config,
    address: SocketAddr,
    admin: Option<SocketAddr>,
    defense: &DefenseHandle,
    notices: &[String],
) {
    let (policy, revision) = defense.policy();
    let configured = config.policy.is_some();
    tracing::info!(
        address = %address,
        tls = config.listen.tls.is_some(),
        admin = admin.map(tracing::field::display),
        upstream = %config.upstream.url,
        policy = if configured { policy.as_str() } else { "none" },
        revision = configured.then_some(revision),
        mode = configured.then(|| mode_name(defense.mode())),
        trust = config.trust(),
        audit = config.audit.is_some(),
        "serving"
    );
    for notice in notices {
        tracing::warn!("{notice}");
    }
}

async fn serve_admin(
    listener: Option<(TcpListener, SocketAddr)>,
    admin: Admin,
    bounds: Bounds,
    shutdown: impl Future<Output = ()>,
) {
    let Some((listener, _)) = listener else { return };
    let listening = Listening::plain(listener, NonZeroU32::MIN.saturating_add(63));
    let service = AdminService(Arc::new(admin));
    let make = move |_| service.clone();
    let cut_off = Arc::new(watch::Sender::new(false));
    serve(listening, bounds, make, shutdown, Duration::from_secs(1), cut_off).await;
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn open_log(settings: &config::AccessLog) -> Result<Arc<LineWriter>, StartError> {
    let (lines, path) = match &settings.output {
        LogOutput::Stdout => (LineWriter::stdout(settings.queue), "standard output".as_ref()),
        LogOutput::File(path) => (LineWriter::append(path, settings.queue), path.as_path()),
    };
    lines.map(Arc::new).map_err(|source| StartError::Lines { path: path.to_owned(), source })
}

/// What a trial connection goes to.
fn host_and_port(url: &http::Uri) -> String {
    let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("https") { 443 } else { 80 });
    format!("{}:{port}", url.host().unwrap_or_default())
}

/// Counts audit records on their way.
#[derive(Debug)]
struct Metered {
    metrics: Arc<Metrics>,
    next: Option<Arc<dyn Sink>>,
}

impl Sink for Metered {
    fn record(&self, record: Record) {
        self.metrics.decided(&record);
        if let Some(next) = &self.next {
            next.record(record);
        }
    }

    fn exposure(&self, exposure: Exposure) {
        if let Some(next) = &self.next {
            next.exposure(exposure);
        }
    }

    fn unit(&self, summary: UnitSummary) {
        if let Some(next) = &self.next {
            next.unit(summary);
        }
    }

    fn joined(&self, joined: UnitJoined) {
        if let Some(next) = &self.next {
            next.joined(joined);
        }
    }
}
