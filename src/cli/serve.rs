//! `guilloche serve`.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use http::{Method, StatusCode};
use serde_json::Value;
use tokio::runtime::Builder;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use super::service_manager::{self, READY, STOPPING};
use super::{Answer, Failure, admin, configuration, standard_output};
use crate::proxy::config::{ENVIRONMENT_PREFIX, LogFormat, Workers};
use crate::proxy::{Config, Proxy, Rehearsal, StartError, reload_at_signal, shutdown_signal};

/// How long a proxy that may be running is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Run the reverse proxy in front of an inference server.
///
/// Without --config the configuration is the file that GUILLOCHE_CONFIG names, or else the first there is
/// of guilloche.toml, $XDG_CONFIG_HOME/guilloche/guilloche.toml (~/.config without that variable) and
/// /etc/guilloche/guilloche.toml.
///
/// The log's first line says where it listens and what decides: policy, revision, mode, and whose word
/// on risk is taken. Warnings follow, above all that nothing can be graded.
///
/// Stops at SIGTERM or SIGINT: takes no more connections, lets streams finish for the configured
/// grace, then cuts off what is left. At SIGHUP it reads the configuration and the files it names again,
/// and goes on with them if nothing is wrong. Its own messages go to standard error; RUST_LOG sets
/// which.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  guilloche serve\n  guilloche serve --config guilloche.toml\n  \
    GUILLOCHE_UPSTREAM_URL=http://127.0.0.1:8000 guilloche serve --config guilloche.toml --check"
)]
pub(crate) struct Arguments {
    /// The configuration file; a variable `GUILLOCHE_<SECTION>_<FIELD>` overrides a field of it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Tell what a start would fail at, and what may not be meant, and exit. Nothing is left behind.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let Arguments { config: given, check } = arguments;
    let found = given.is_none();
    let path = configuration::find(given)?;
    let mut config = Config::load(&path, &environment())?;
    if check {
        return self::check(&path, &config);
    }
    begin_log(config.log_format);
    if found {
        tracing::info!(file = %path.display(), "configuration");
    }
    let processors = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let threads = match config.listen.workers.get_or_insert(Workers::Threads(processors)) {
        // Besides them one for what no client waits for: the admin listener, what is polled and written.
        Workers::Threads(_) => NonZeroUsize::MIN,
        Workers::Shared => processors,
    };
    let runtime = Builder::new_multi_thread().worker_threads(threads.get()).enable_all().build()?;
    runtime.block_on(async {
        // Before the addresses are told: whoever reads them may send a signal.
        let shutdown = shutdown_signal()?;
        let proxy = match Proxy::bind(config.clone()).await {
            Ok(proxy) => proxy,
            Err(error) => return Err(failed(&config, error)),
        };
        service_manager::tell(READY);
        tokio::spawn(reload_at_signal(proxy.reloader())?);
        let shutdown = async {
            shutdown.await;
            service_manager::tell(STOPPING);
        };
        proxy.run(shutdown).await.map_err(|error| all(&config, &[error]))?;
        Ok(Answer::Done)
    })
}

/// Has the proxy's own messages written to standard error.
fn begin_log(format: LogFormat) {
    let set = std::env::var("RUST_LOG").ok().filter(|set| !set.is_empty());
    let (filter, problem) = match set.as_deref().unwrap_or("info").parse::<Targets>() {
        Ok(filter) => (filter, None),
        Err(problem) => (Targets::new().with_default(LevelFilter::INFO), Some(problem)),
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(io::stderr)
        // They would be printed to the standard error that failed, which panics and costs an answer.
        .log_internal_errors(false);
    match format {
        LogFormat::Json => {
            let log = log.json().flatten_event(true).with_current_span(false).with_span_list(false);
            log.finish().with(filter).init();
        }
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).finish().with(filter).init(),
    }
    if let Some(problem) = problem {
        tracing::warn!(%problem, "RUST_LOG cannot be read: info is logged; it takes levels, or target=level,...");
    }
}

/// Tells what a start would find.
fn check(path: &Path, config: &Config) -> Result<Answer, Failure> {
    let Rehearsal { mut notices, errors } = Proxy::rehearse(config);
    let in_use = |error: &StartError| matches!(error, StartError::Listen { source, .. } if source.kind() == ErrorKind::AddrInUse);
    // Whatever else keeps an address from being listened on, a proxy that runs is no excuse for.
    let is_served = errors.iter().any(in_use) && is_served(config);
    let (taken, errors): (Vec<_>, Vec<_>) =
        errors.into_iter().partition(|error| is_served && in_use(error));
    if !errors.is_empty() {
        return Err(all(config, &errors));
    }
    notices.extend(taken.iter().map(|error| format!("{error}: a proxy is running there already")));
    for notice in notices {
        writeln!(io::stderr().lock(), "warning: {notice}")?;
    }
    writeln!(standard_output::lock(), "{} can be served", path.display())?;
    Ok(Answer::Done)
}

/// Why there was no start, with everything else that it would have failed at.
fn failed(config: &Config, error: StartError) -> Failure {
    let Rehearsal { mut errors, .. } = Proxy::rehearse(config);
    if !errors.iter().any(|it| it.to_string() == error.to_string()) {
        errors.insert(0, error);
    }
    all(config, &errors)
}

/// Whether a proxy answers at the configuration's admin listener: then its addresses are not taken by
/// somebody else.
fn is_served(config: &Config) -> bool {
    let uri = config.admin.and_then(|address| format!("http://{address}/status").parse().ok());
    let answer = uri.and_then(|uri| admin::ask(Method::GET, &uri, PATIENCE).ok());
    answer.is_some_and(|(status, body)| {
        let body: Option<Value> = serde_json::from_slice(&body).ok();
        status == StatusCode::OK && body.is_some_and(|it| it.get("in_flight").is_some())
    })
}

/// The environment variables that a configuration may be overridden by. Those that are not text
/// cannot be settings, and are named as such by being empty.
pub(super) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX))
        .map(|(name, value)| (name, value.into_string().unwrap_or_default()))
        .collect()
}

/// Errors, each with its place and what caused it on one line. What to do about it follows on another,
/// once.
fn all(config: &Config, errors: &[StartError]) -> Failure {
    let mut lines: Vec<String> = Vec::new();
    for error in errors {
        let place = error.place(config).map_or(String::new(), |place| place + ": ");
        lines.push(place + &error.with_causes());
        let hint = error.hint().map(|hint| format!("  {hint}"));
        lines.extend(hint.filter(|hint| !lines.contains(hint)));
    }
    lines.join("\n").into()
}
