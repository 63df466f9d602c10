//! `guilloche reload`: another configuration while clients are served, and what came of it.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use http::{Method, StatusCode};
use serde::Deserialize;

use super::admin::{self, Listener};
use super::{Answer, Failure, standard_output};

const EXAMPLES: &str = "Examples:
  guilloche reload
  guilloche reload --admin 127.0.0.1:9081

Exit status: 0 the new configuration decides; 1 the proxy refuses it, as is told, and what decided goes
on; 2 wrong usage, or the proxy was not asked: nobody answers, or the configuration has a mistake by which
it does not tell admin.address. With --admin no configuration is read here, and the proxy finds the mistake.";

/// Have a running proxy read its configuration again, and tell what came of it.
///
/// It is what SIGHUP does, with an answer. The proxy reads its own configuration, with its own
/// environment.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    listener: Listener,
    /// Seconds to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

/// As `POST /reload` answers.
#[derive(Debug, Deserialize)]
struct Told {
    policy: Option<Policy>,
    #[serde(default)]
    notices: Vec<String>,
    #[serde(default)]
    errors: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Policy {
    name: String,
    revision: String,
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let Arguments { listener, timeout } = arguments;
    let uri = listener.uri("/reload")?;
    let (status, body) = admin::ask(Method::POST, &uri, Duration::from_secs(timeout))?;
    let told: Told = serde_json::from_slice(&body)
        .map_err(|error| format!("{uri} has no answer of this version: {error}"))?;
    for notice in &told.notices {
        writeln!(io::stderr().lock(), "warning: {notice}")?;
    }
    let out = &mut standard_output::lock();
    match (status, told.policy) {
        (StatusCode::OK, Some(Policy { name, revision })) => {
            writeln!(out, "the new configuration decides: policy {name}, revision {revision}")?;
            Ok(Answer::Done)
        }
        _ => {
            writeln!(out, "refused; what decided goes on")?;
            told.errors.iter().try_for_each(|error| writeln!(out, "  {error}"))?;
            Ok(Answer::No)
        }
    }
}
