//! `guilloche risk sign`: what a detector does, by hand.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use http::{Method, Uri};
use jiff::Timestamp;

use super::super::times::duration;
use super::super::{Answer, Failure, secrets, standard_output};
use super::{curl, parse_path};
use crate::risk::key::decode_secret;
use crate::risk::{
    AccountId, ClusterId, DEFAULT_LABEL, Principal, RiskClaim, RiskScore, SignedFields, Signer,
    SigningKey, TenantId, Validity, credential,
};

const EXAMPLE: &str = r#"Example:
  (umask 077; openssl rand -hex 32 > risk.key)
  guilloche risk sign --key-file risk.key --key-id 2026-11 --account acct-17 --cluster hydra-3 \
      --score 0.87 --label cot-elicit --api-key-env OPENAI_API_KEY > risk.headers
  curl -H @risk.headers -H "Authorization: Bearer $OPENAI_API_KEY" \
      --json @request.json http://127.0.0.1:8080/v1/chat/completions"#;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Arguments {
    /// File with the key in hexadecimal digits or Base64, at least 16 bytes of it
    #[arg(long, value_name = "FILE", required_unless_present = "key_env")]
    key_file: Option<PathBuf>,
    /// Environment variable with the key instead
    #[arg(long, value_name = "VARIABLE", conflicts_with = "key_file")]
    key_env: Option<String>,
    /// Id by which the proxy knows the key
    #[arg(long, value_name = "ID")]
    key_id: String,
    /// Account that sends the request
    #[arg(long, value_name = "ID")]
    account: String,
    /// Cluster of linked accounts that it belongs to
    #[arg(long, value_name = "ID")]
    cluster: Option<String>,
    /// Tenant that it belongs to
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Risk from 0 to 1, rounded to three decimals; higher is riskier
    #[arg(long, value_name = "NUMBER")]
    score: f64,
    /// How sure the detector is, 0 to 1
    #[arg(long, value_name = "NUMBER")]
    confidence: Option<f64>,
    /// Detector's label; may be given several times
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<String>,
    /// Name of the detector's model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// How long score and signature hold
    #[arg(long, value_name = "DURATION", default_value = "300s", value_parser = parse_ttl)]
    #[arg(allow_hyphen_values = true)]
    ttl: Duration,
    /// Method of the request
    #[arg(long, default_value = "POST")]
    method: Method,
    /// Path of the request, without a query
    #[arg(long, default_value = "/v1/chat/completions", value_parser = parse_path)]
    path: String,
    /// Environment variable with the API key that the request will carry
    #[arg(long, value_name = "VARIABLE", conflicts_with = "credential_sha256")]
    api_key_env: Option<String>,
    /// SHA-256 of the API key that the request will carry, in hexadecimal digits
    #[arg(long, value_name = "HEX")]
    credential_sha256: Option<String>,
    /// Label of the signature
    #[arg(long, value_name = "LABEL", default_value = DEFAULT_LABEL, value_parser = label)]
    signature_label: String,
    /// How the fields are written
    #[arg(long, value_enum, default_value_t)]
    format: HeaderFormat,
    /// Where the proxy listens, for `--format curl`
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: Uri,
    /// Model that is asked, for `--format curl`
    #[arg(long, value_name = "NAME", default_value = "teacher-large")]
    ask_model: String,
}

impl Arguments {
    fn request(&self) -> curl::Asked<'_> {
        curl::Asked {
            url: &self.url,
            method: &self.method,
            path: &self.path,
            model: &self.ask_model,
            api_key_variable: match (&self.api_key_env, &self.credential_sha256) {
                (Some(variable), _) => Some(variable),
                // Whose SHA-256 it is only the caller knows.
                (None, Some(_)) => Some("API_KEY"),
                (None, None) => None,
            },
        }
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum HeaderFormat {
    /// A line for each field, as `curl -H @FILE` reads them.
    #[default]
    Headers,
    /// A whole command: curl asks the proxy as a caller about whom the detector says this.
    Curl,
    /// One JSON object.
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let fields = sign(arguments, Timestamp::now())?;
    let text = match arguments.format {
        HeaderFormat::Curl => curl::command(&fields, &arguments.request())?,
        format => render(&fields, format)?,
    };
    writeln!(standard_output::lock(), "{text}")?;
    if arguments.api_key_env.is_none() && arguments.credential_sha256.is_none() {
        // Whoever sends an API key with these fields would see a defense that does nothing.
        let note = "note: signed for a request without an API key; --api-key-env names the variable \
                    with the one that the request carries";
        writeln!(std::io::stderr(), "{note}")?;
    }
    Ok(Answer::Done)
}

fn sign(arguments: &Arguments, now: Timestamp) -> Result<SignedFields, Failure> {
    let key_text = match (&arguments.key_file, &arguments.key_env) {
        (Some(file), _) => secrets::from_file(file)?,
        (None, variable) => secrets::from_environment(variable.as_deref().unwrap_or_default())?,
    };
    let key = SigningKey::from_text(&arguments.key_id, &key_text)?;
    let principal = Principal {
        account: AccountId::new(&arguments.account).map_err(at("--account"))?,
        cluster: arguments
            .cluster
            .as_deref()
            .map(ClusterId::new)
            .transpose()
            .map_err(at("--cluster"))?,
        tenant: arguments
            .tenant
            .as_deref()
            .map(TenantId::new)
            .transpose()
            .map_err(at("--tenant"))?,
    };
    let validity = Validity { issued: now, ttl: arguments.ttl };
    let mut score = RiskScore::new(arguments.score, validity)
        .map_err(at("--score"))?
        .with_labels(arguments.labels.iter().map(String::as_str))
        .map_err(at("--label"))?;
    if let Some(confidence) = arguments.confidence {
        score = score.with_confidence(confidence).map_err(at("--confidence"))?;
    }
    if let Some(model) = &arguments.model {
        score = score.with_model(model).map_err(at("--model"))?;
    }
    let credential = match (&arguments.api_key_env, &arguments.credential_sha256) {
        (Some(variable), _) => {
            Some(credential::hash(secrets::from_environment(variable)?.trim_ascii().as_bytes()))
        }
        (None, Some(hash)) => Some(
            decode_secret(hash)
                .ok()
                .and_then(|bytes| bytes.as_slice().try_into().ok())
                .ok_or("--credential-sha256: a SHA-256 has 64 hexadecimal digits")?,
        ),
        (None, None) => None,
    };
    let claim = RiskClaim { credential, ..RiskClaim::new(principal, score) };
    Ok(Signer::new(key)
        .with_label(arguments.signature_label.clone())
        .with_lifetime(arguments.ttl)
        .sign(&claim, &arguments.method, &arguments.path, now)?)
}

fn label(text: &str) -> Result<String, String> {
    match sfv::KeyRef::from_str(text) {
        Ok(label) => Ok(label.as_str().to_owned()),
        Err(_) => Err("expected lowercase letters, digits, `_`, `-`, `.` and `*`, beginning with a letter or \
             `*`, such as `risk` or `sig1`"
            .to_owned()),
    }
}

fn at<E: std::fmt::Display>(argument: &'static str) -> impl FnOnce(E) -> String {
    move |error| format!("{argument}: {error}")
}

fn render(fields: &SignedFields, format: HeaderFormat) -> Result<String, Failure> {
    let lines = fields.entries().map(|(name, value)| format!("{name}: {value}"));
    Ok(match format {
        HeaderFormat::Headers => lines.join("\n"),
        HeaderFormat::Curl | HeaderFormat::Json => {
            let object: serde_json::Map<String, serde_json::Value> = fields
                .entries()
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect();
            serde_json::to_string_pretty(&object)?
        }
    })
}

fn parse_ttl(text: &str) -> Result<Duration, String> {
    match Duration::try_from(duration(text)?) {
        Ok(ttl) if ttl.as_secs() > 0 => Ok(ttl),
        _ => Err("at least one second, such as `300s` or `5m`".to_owned()),
    }
}
