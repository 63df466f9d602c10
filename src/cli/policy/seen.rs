//! What a running proxy has met that a policy does nothing about.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::super::Failure;
use crate::policy::Policy;

/// A status is a page.
const MOST_BYTES: usize = 1 << 20;

/// An admin listener is near.
const PATIENCE: Duration = Duration::from_secs(10);

/// The part of a proxy's status that a check reads.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    policy: RunningPolicy,
    reasoning: Reasoning,
}

#[derive(Debug, Deserialize)]
struct RunningPolicy {
    revision: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Reasoning {
    dialects: BTreeMap<String, u64>,
    sections_unopened: u64,
    markup_unknown: u64,
}

impl Status {
    /// Asks the admin listener at `uri`, as `http://127.0.0.1:8081`.
    pub(super) fn of(uri: &Uri) -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let body = runtime.block_on(async { timeout(PATIENCE, ask(uri)).await });
        let body = body.map_err(|_| format!("{uri} does not answer"))?;
        let body = body.map_err(|error| format!("{uri} cannot be asked: {error}"))?;
        let read = serde_json::from_slice(&body);
        Ok(read.map_err(|error| format!("{uri} has no status of this version: {error}"))?)
    }

    /// What of it `policy` does nothing about, and what is worth knowing beside it.
    pub(super) fn notices(&self, policy: &Policy) -> Vec<String> {
        let Reasoning { dialects, sections_unopened, markup_unknown } = &self.reasoning;
        let names: Vec<&str> = dialects.keys().map(String::as_str).collect();
        let measures = || policy.grades.iter().filter_map(|it| it.plan.reasoning.as_ref());
        let mut notices = Vec::new();
        if !names.is_empty() && measures().next().is_none() {
            notices.push(format!(
                "answers had reasoning in their text ({}), and no grade withholds it",
                names.join(", ")
            ));
        }
        if *sections_unopened > 0 {
            let patterns = measures().flat_map(|it| &it.settings.opened_by_template);
            let known = match patterns.count() {
                0 => "no grade has an `opened_by_template`",
                _ => "`opened_by_template` may not name all of them",
            };
            notices.push(format!(
                "{sections_unopened} sections of reasoning ended without having begun, so that they \
                 went out: the templates of some models open them, and {known}"
            ));
        }
        if *markup_unknown > 0 {
            notices.push(format!(
                "{markup_unknown} pieces of markup look like that of reasoning and are none that is \
                 known: their text went out"
            ));
        }
        let revision = policy.revision.to_string();
        if !notices.is_empty() && self.policy.revision.as_ref() != Some(&revision) {
            notices.push("the proxy runs another policy than this one".to_owned());
        }
        notices
    }
}

async fn ask(uri: &Uri) -> Result<Bytes, Failure> {
    let authority = uri.authority().ok_or("an address as http://127.0.0.1:8081 is needed")?;
    if uri.scheme_str() != Some("http") {
        return Err("the admin listener speaks plain `http`".into());
    }
    let path = if uri.path() == "/" { "/status" } else { uri.path() };
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Ends with the sender and the body that is being read.
    tokio::spawn(async move { drop(connection.await) });
    let request = Request::get(path).header(HOST, authority.as_str()).body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    if response.status() != StatusCode::OK {
        return Err(format!("status {}", response.status()).into());
    }
    Ok(Limited::new(response.into_body(), MOST_BYTES).collect().await?.to_bytes())
}
