//! `guilloche init`: a configuration, keys and a policy to begin with.

mod files;
mod next;
mod template;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;

use super::{Answer, Failure, standard_output};
use crate::proxy::Config;
use crate::wire::ServerKind;
use files::Folder;
use next::Next;
use template::Template;

const EXAMPLES: &str = "Examples:
  guilloche init
  guilloche init /etc/guilloche --upstream http://127.0.0.1:8000 --kind vllm --marks

It writes guilloche.toml, policy.toml (which only observes), risk.key, secret.key and, with --marks,
mark.keys and mark.ledger, and overwrites nothing. Keys are their owner's alone, and are not shown.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folder to write to; it is made if there is none.
    #[arg(default_value = ".")]
    directory: PathBuf,
    /// The inference server: its address without the path of a request [default: where a server of
    /// the kind listens, else the embedded model of `guilloche teacher`]
    #[arg(long, value_name = "URL", value_parser = base_url)]
    upstream: Option<String>,
    /// Which server it is [default: by its address]
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    kind: Option<ServerKind>,
    /// Where the proxy listens; health and metrics are on the port after it [default:
    /// 127.0.0.1:8080, or 8090 where the upstream has that]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Make the keys by which answers can be marked, and have the policy mark.
    #[arg(long)]
    marks: bool,
}

/// Every kind by its name.
fn kinds() -> impl TypedValueParser<Value = ServerKind> {
    let names = ServerKind::ALL.map(ServerKind::name);
    PossibleValuesParser::new(names).map(|name| ServerKind::from_name(&name).unwrap_or_default())
}

/// A URL that a configuration takes, without what clients' paths begin with.
fn base_url(text: &str) -> Result<String, String> {
    let url = text.trim_end_matches('/');
    let url = url.strip_suffix("/v1").unwrap_or(url);
    let listen = "[listen]\naddress = \"127.0.0.1:0\"\n";
    let configuration = format!("{listen}[upstream]\nurl = {}\n", toml::Value::from(url));
    match Config::parse("--upstream", &configuration, &BTreeMap::new()) {
        Ok(_) => Ok(url.to_owned()),
        Err(errors) => {
            Err(errors.0.into_iter().next().map_or_else(String::new, |error| error.message))
        }
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let Arguments { directory, upstream, kind, listen, marks } = arguments;
    let now = Timestamp::now();
    let embedded = upstream.is_none() && matches!(kind, None | Some(ServerKind::Custom));
    let url = match upstream {
        Some(url) => url,
        None => usual_address(kind.unwrap_or_default()).to_owned(),
    };
    let listen = listen.unwrap_or_else(|| free_of(&url));
    let template = Template {
        url: &url,
        kind: kind.filter(|_| !embedded),
        listen,
        key_id: now.strftime("%Y-%m").to_string(),
        marks,
        embedded,
    };
    let mut folder = Folder::new(&directory)?;
    folder.fill(&template, now)?;
    let next = Next { folder: &directory, template: &template };
    let out = &mut standard_output::lock();
    folder.tell(out)?;
    next.tell(out)?;
    out.flush()?;
    Ok(Answer::Done)
}

/// Where a server of this kind listens unless it is told otherwise, or a vendor's own.
fn usual_address(kind: ServerKind) -> &'static str {
    match kind {
        ServerKind::OpenAi => "https://api.openai.com",
        ServerKind::Anthropic => "https://api.anthropic.com",
        ServerKind::Mistral => "https://api.mistral.ai",
        ServerKind::Gemini => "https://generativelanguage.googleapis.com",
        ServerKind::Bedrock => "https://bedrock-runtime.us-east-1.amazonaws.com",
        ServerKind::Vllm => "http://127.0.0.1:8000",
        ServerKind::Sglang => "http://127.0.0.1:30000",
        ServerKind::LlamaCpp => "http://127.0.0.1:8080",
        ServerKind::Ollama => "http://127.0.0.1:11434",
        ServerKind::Tgi => "http://127.0.0.1:3000",
        // The embedded model's.
        ServerKind::Custom => "http://127.0.0.1:8001",
    }
}

/// An address of this machine that the upstream does not have.
fn free_of(upstream: &str) -> SocketAddr {
    let at = |port: u16| upstream.ends_with(&format!(":{port}"));
    let port = if at(8080) || at(8081) { 8090 } else { 8080 };
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
