//! `guilloche serve`.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::{Answer, Failure};
use crate::proxy::config::ENVIRONMENT_PREFIX;
use crate::proxy::{Config, Proxy, shutdown_signal};

/// Run the reverse proxy in front of an inference server.
///
/// The log's first line says where it listens and what decides: policy, revision, mode, and whose word
/// on risk is taken. Warnings follow, above all that nothing can be graded.
///
/// Stops at SIGTERM or SIGINT: takes no more connections, lets streams finish for the configured
/// grace, then cuts off what is left. SIGHUP changes nothing. Its own messages go to standard error; RUST_LOG sets which.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  guilloche serve --config guilloche.toml\n  \
    GUILLOCHE_UPSTREAM_URL=http://127.0.0.1:8000 guilloche serve --config guilloche.toml --check")]
pub(crate) struct Arguments {
    /// The configuration file; a variable `GUILLOCHE_<SECTION>_<FIELD>` overrides a field of it.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Check the configuration, and exit.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let Arguments { config: path, check } = arguments;
    let config = Config::load(&path, &environment())?;
    if check {
        for notice in Proxy::check(&config).map_err(with_causes)? {
            writeln!(io::stderr().lock(), "warning: {notice}")?;
        }
        writeln!(io::stdout().lock(), "{} can be served", path.display())?;
        return Ok(Answer::Done);
    }
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // They would be printed to the standard error that failed, which panics and costs an answer.
        .log_internal_errors(false)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before the addresses are told: whoever reads them may send a signal.
        let shutdown = shutdown_signal()?;
        let proxy = Proxy::bind(config).await.map_err(with_causes)?;
        proxy.run(shutdown).await.map_err(with_causes)?;
        Ok(Answer::Done)
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

/// The error with what caused it, on one line; a cause that it has told is not told again.
fn with_causes(error: crate::proxy::StartError) -> Failure {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(at) = cause {
        let cause_text = at.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        cause = at.source();
    }
    text.into()
}
