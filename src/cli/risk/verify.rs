//! `guilloche risk verify`: what the proxy would make of a header, and why.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Method, request};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::paragraph::{printable, write_wrapped};
use super::super::times::time;
use super::super::{Answer, Failure, Format, configuration, secrets, serve, standard_output};
use super::{head, parse_path};
use crate::policy::{Policy, RequestFacts};
use crate::proxy::Config;
use crate::risk::settings::{KeySettings, Trust};
use crate::risk::{Assessment, Reports, Risk, RiskSettings, UnknownReason};
use crate::wire::{Route, ServerKind, route};

/// The most that is read of a head.
const MAX_HEAD_BYTES: u64 = 1 << 20;

const EXAMPLE: &str = r#"On standard input: a request's head, its header fields alone, or the value of
guilloche-risk. Exit status: 0 the score is believed; 1 the risk is unknown; 2 wrong usage.

Examples:
  guilloche risk sign --key-file risk.key --key-id 2026-11 --account acct-17 --score 0.87 \
      --api-key-env API_KEY | guilloche risk verify --config guilloche.toml --api-key-env API_KEY
  guilloche risk verify --key-file risk.key --key-id 2026-11 --format json < request.head"#;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Arguments {
    /// Configuration of the proxy, whose [risk] and [policy] are asked [default: the one that `serve` takes]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Id of a detector's key, where no configuration is at hand
    #[arg(long, value_name = "ID", conflicts_with = "config")]
    key_id: Option<String>,
    /// File with that key
    #[arg(long, value_name = "FILE", requires = "key_id")]
    key_file: Option<PathBuf>,
    /// Environment variable with it instead
    #[arg(long, value_name = "VARIABLE", requires = "key_id", conflicts_with = "key_file")]
    key_env: Option<String>,
    /// Environment variable with the API key that the request carries, unless the head has it
    #[arg(long, value_name = "VARIABLE")]
    api_key_env: Option<String>,
    /// Method of the request, unless the head says it
    #[arg(long, default_value = "POST")]
    method: Method,
    /// Path of the request, unless the head says it
    #[arg(long, default_value = "/v1/chat/completions", value_parser = parse_path)]
    path: String,
    /// The time of the request [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What the proxy makes of a request.
struct Finding {
    request: request::Parts,
    trust: Trust,
    /// The ids of the keys that may have signed.
    keys: Vec<String>,
    assessment: Assessment,
    /// Policy, grade and mode, where a policy is configured.
    decided: Option<Decided>,
    now: Timestamp,
}

struct Decided {
    policy: String,
    grade: Option<String>,
    mode: &'static str,
}

pub(super) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let format = arguments.format;
    let mut text = String::new();
    std::io::stdin().lock().take(MAX_HEAD_BYTES).read_to_string(&mut text)?;
    let finding = find(arguments, &text)?;
    let out = &mut standard_output::lock();
    match format {
        Format::Text => finding.write(out)?,
        Format::Json => writeln!(out, "{:#}", finding.json())?,
    }
    let believed = matches!(finding.assessment.risk, Risk::Known(_));
    Ok(if believed { Answer::Done } else { Answer::No })
}

fn find(arguments: Arguments, text: &str) -> Result<Finding, Failure> {
    let Arguments { config, key_id, key_file, key_env, api_key_env, method, path, at, format: _ } =
        arguments;
    let (settings, policy) = match key_id {
        None => {
            let file = configuration::find(config)?;
            let config = Config::load(&file, &serve::environment())?;
            let nobody =
                || format!("{}: there is no [risk], so no header is believed", file.display());
            let policy = config.policy.map(|file| Policy::load_signed(file, &config.signers));
            (config.risk.ok_or_else(nobody)?, policy.transpose()?)
        }
        Some(id) => {
            key_file.as_deref().map_or(Ok(()), secrets::warn_of_mode)?;
            (RiskSettings::signed(KeySettings { id, file: key_file, env: key_env }), None)
        }
    };
    let (trust, keys) = (settings.trust, settings.keys.iter().map(|key| key.id.clone()).collect());
    let source = settings
        .build(Arc::new(Reports::default()))
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let mut request = head::read(text, &method, &path)?;
    if let Some(variable) = api_key_env {
        let value = format!("Bearer {}", secrets::from_environment(&variable)?.trim());
        let value = HeaderValue::from_str(&value).map_err(|_| format!("{variable}: no API key"))?;
        request.headers.entry(AUTHORIZATION).or_insert(value);
    }
    let now = at.unwrap_or_else(Timestamp::now);
    let assessment = source.assess(&request, now);
    let decided = policy.map(|policy| decide(policy, &request, &assessment, now));
    Ok(Finding { request, trust, keys, assessment, decided, now })
}

fn decide(
    policy: Policy,
    request: &request::Parts,
    assessment: &Assessment,
    now: Timestamp,
) -> Decided {
    let path = request.uri.path();
    let protocol = match route(ServerKind::Custom, &request.method, path, false) {
        Route::Protocol(id) | Route::Stored(id) => Some(id),
        _ => None,
    };
    let decision = policy.decide(assessment, RequestFacts { path, protocol }, now);
    Decided {
        policy: policy.name,
        grade: decision.grade.map(|grade| grade.name.to_string()),
        mode: crate::audit::record::mode_name(decision.mode),
    }
}

impl Finding {
    fn write(&self, out: &mut impl Write) -> Result<(), Failure> {
        match &self.assessment.risk {
            Risk::Known(score) => {
                writeln!(out, "believed: score {}", score.value())?;
            }
            Risk::Unknown(reason) | Risk::Contested { reason, .. } => {
                writeln!(out, "not believed: {}", reason.name())?;
                write_wrapped(out, "  ", "  ", &self.why(*reason))?;
            }
        }
        for (name, value) in self.facts() {
            writeln!(out, "  {name:<11} {}", printable(&value))?;
        }
        Ok(())
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let Assessment { principal, risk } = &self.assessment;
        let mut facts = vec![("account", principal.account.as_str().to_owned())];
        facts.extend(principal.cluster.as_ref().map(|it| ("cluster", it.as_str().to_owned())));
        facts.extend(principal.tenant.as_ref().map(|it| ("tenant", it.as_str().to_owned())));
        if let Risk::Known(score) = risk {
            facts.extend(score.confidence().map(|it| ("confidence", it.to_string())));
            let labels: Vec<&str> = score.labels().collect();
            if !labels.is_empty() {
                facts.push(("labels", labels.join(", ")));
            }
            facts.extend(score.model().map(|it| ("model", it.to_owned())));
        }
        facts.push(("request", format!("{} {}", self.request.method, self.request.uri.path())));
        if let Some(Decided { policy, grade, mode }) = &self.decided {
            let grade = grade.as_deref().unwrap_or("none: the upstream's bytes, untouched");
            facts.push(("grade", format!("{grade} (policy {policy}, {mode})")));
        }
        facts
    }

    fn json(&self) -> Value {
        let facts: serde_json::Map<String, Value> =
            self.facts().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let (score, reason, why) = match &self.assessment.risk {
            Risk::Known(score) => (Some(score.value()), None, None),
            Risk::Unknown(reason) | Risk::Contested { reason, .. } => {
                (None, Some(reason.name()), Some(self.why(*reason)))
            }
        };
        let mut report = json!({
            "believed": score.is_some(),
            "score": score,
            "reason": reason,
            "why": why,
            "trust": self.trust.name(),
        });
        if let Some(report) = report.as_object_mut() {
            report.extend(facts);
            let decided = self.decided.as_ref();
            report.insert("grade".to_owned(), json!(decided.map(|decided| &decided.grade)));
            report.insert("policy".to_owned(), json!(decided.map(|decided| &decided.policy)));
            report.insert("mode".to_owned(), json!(decided.map(|decided| decided.mode)));
        }
        report
    }

    /// The reason in a sentence, and what was compared with what.
    fn why(&self, reason: UnknownReason) -> String {
        let meaning = reason.meaning();
        let more = match reason {
            UnknownReason::Absent if self.trust == Trust::Extension => {
                "trust = \"extension\" reads no header.".to_owned()
            }
            UnknownReason::UnknownKey => format!("Known are: {}.", self.keys.join(", ")),
            UnknownReason::BadSignature => format!(
                "It was checked for {} {}; --method and --path say others.",
                self.request.method,
                self.request.uri.path()
            ),
            UnknownReason::Expired | UnknownReason::Stale | UnknownReason::FromFuture => {
                format!("The time is {} ({}).", self.now, self.now.as_second())
            }
            UnknownReason::OtherPrincipal => self.credentials(),
            _ => String::new(),
        };
        format!("{meaning} {more}").trim_end().to_owned()
    }

    /// What the request's API keys would have had to be bound as.
    fn credentials(&self) -> String {
        let hashes: Vec<String> = ["authorization", "x-api-key"]
            .into_iter()
            .flat_map(|name| self.request.headers.get_all(name))
            .filter_map(|value| value.to_str().ok())
            .map(|value| value.strip_prefix("Bearer ").unwrap_or(value).trim())
            .map(|key| {
                format!(":{}:", STANDARD.encode(crate::risk::credential::hash(key.as_bytes())))
            })
            .collect();
        if hashes.is_empty() {
            "The request carries no API key; --api-key-env names the one that it will.".to_owned()
        } else {
            format!(
                "The request's API keys need `credential={}`.",
                hashes.join("` and `credential=")
            )
        }
    }
}
