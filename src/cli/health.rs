//! `guilloche health`: whether a running proxy is ready, for containers without a shell.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use http::{Method, StatusCode};

use super::admin::{self, Listener};
use super::{Answer, Failure, standard_output};

const EXAMPLES: &str = "Examples:
  guilloche health
  guilloche health --admin 127.0.0.1:9081 --alive

Exit status: 0 it is; 1 it is not, or does not answer; 2 wrong usage.";

/// Tell whether a running proxy is ready: not stopping, and its upstream takes connections.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    listener: Listener,
    /// Whether the process is alive, whatever becomes of the upstream
    #[arg(long)]
    alive: bool,
    /// Seconds to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    timeout: u64,
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let Arguments { listener, alive, timeout } = arguments;
    let uri = listener.uri(if alive { "/healthz" } else { "/readyz" })?;
    let (answer, said) = match admin::ask(Method::GET, &uri, Duration::from_secs(timeout)) {
        Ok((StatusCode::OK, said)) => (Answer::Done, String::from_utf8_lossy(&said).into_owned()),
        Ok((_, said)) => (Answer::No, String::from_utf8_lossy(&said).into_owned()),
        Err(error) => (Answer::No, error.to_string()),
    };
    writeln!(standard_output::lock(), "{}", said.trim_end())?;
    Ok(answer)
}
