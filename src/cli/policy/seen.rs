//! What a running proxy has met that a policy does nothing about.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{Method, StatusCode, Uri};
use serde::Deserialize;

use super::super::{Failure, admin};
use crate::policy::Policy;

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
        let path = if uri.path() == "/" { "/status" } else { uri.path() };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(path.parse()?);
        let (status, body) = admin::ask(Method::GET, &Uri::from_parts(parts)?, PATIENCE)?;
        if status != StatusCode::OK {
            return Err(format!("{uri} cannot be asked: status {status}").into());
        }
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
