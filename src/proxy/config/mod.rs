//! The configuration of `guilloche serve`: a TOML file, whose every field an environment variable
//! can override.
//!
//! Everything wrong is reported at once, each with its file, line and field, before anything is
//! started. The fields, their defaults and the rule for environment variables are documented in
//! `docs/configuration.md`.
//!
//! ```
//! use guilloche::proxy::Config;
//!
//! let text = "[upstream]\nurl = \"http://127.0.0.1:8000\"\n";
//! let config = Config::parse("example.toml", text, &Default::default())?;
//! assert_eq!(config.limits.max_request_body, 32 << 20);
//!
//! let text = "[upstream]\nurl = \"ftp://a\"\nidle_timeout = 30\n";
//! let errors = Config::parse("example.toml", text, &Default::default()).unwrap_err();
//! assert_eq!(errors.0.len(), 2);
//! assert_eq!(errors.0[1].place, "example.toml:3");
//! # Ok::<(), guilloche::proxy::ConfigErrors>(())
//! ```

mod addresses;
mod carriers;
mod deciding;
mod error;
mod experiments;
mod injected;
mod listen;
mod log;
mod marks;
mod origin;
mod part;
mod policy;
mod reader;
mod secret;
mod setting;
mod summarizer;
mod traces;
mod unreadable;
mod upstream;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

pub use carriers::Probe;
pub use error::{ConfigError, ConfigErrors};
pub use experiments::Experiments;
pub use listen::{Listen, ListenTls, Workers};
pub use log::LogFormat;
pub use marks::Marks;
use origin::{Origin, Reading};
pub use policy::PolicySettings;
pub use reader::{ENVIRONMENT_PREFIX, PATH_VARIABLE};
use reader::{Reader, variable};
use setting::{Hosts, OrOff, Size};
pub use summarizer::Summarizer;
pub use traces::{Parent, Traces};

use super::History;
use crate::countermeasure::watermark::Carriers;
use crate::policy::signature::Signers;
use crate::risk::RiskSettings;
use crate::secret::Secret;
use crate::upstream::{Settings, Signer};

/// The whole configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[listen]`
    pub listen: Listen,
    /// `[upstream]`
    pub upstream: Settings,
    /// What signs requests to it anew, if its credentials are there.
    pub signer: Option<Signer>,
    /// `[limits]`
    pub limits: Limits,
    /// `[admin] address`; `None` when it is off.
    pub admin: Option<SocketAddr>,
    /// `[admin] hosts`: names under which browsers are answered there.
    pub admin_hosts: Vec<String>,
    /// `[risk]`, when it says anything.
    pub risk: Option<RiskSettings>,
    /// `[policy] file`; without one nothing is decided and every answer is passed on.
    pub policy: Option<PathBuf>,
    /// Where that is said, for errors: the file and line, or the environment variable.
    pub policy_place: String,
    /// `[policy] require_signature`: who may sign policies and experiments, if they have to be signed.
    pub signers: Signers,
    /// `[policy] history`: where the policies that were served are kept.
    pub history: Option<History>,
    /// `[experiments]`, when it names files.
    pub experiments: Option<Experiments>,
    /// Where its files are said.
    pub experiments_place: String,
    /// What is not wrong, and that whoever wrote it may not have meant: ignored variables, secrets
    /// that others can read.
    pub notices: Vec<String>,
    /// `[summarizer]`, when it has an address.
    pub summarizer: Option<Summarizer>,
    /// `[marks]`, when it says anything.
    pub marks: Option<Marks>,
    /// `[secret]`, when it has a key: the deployment's, from which others are derived.
    pub secret: Option<Secret>,
    /// Those that it had before, which still open what was sealed with them.
    pub previous_secrets: Vec<Secret>,
    /// By what responses carry marks: the carriers of `[marks]`, and how each is set.
    pub carriers: Carriers,
    /// Whether the upstream is tried out for each of them.
    pub probe: Probe,
    /// `authorization` of those trials.
    pub probe_credential: Option<HeaderValue>,
    /// `[audit]`, when it has a file.
    pub audit: Option<Audit>,
    /// `[access_log]`, when it is on.
    pub access_log: Option<AccessLog>,
    /// `[log] format`: how its own messages are written.
    pub log_format: LogFormat,
    /// `[traces]`, when it has an endpoint.
    pub traces: Option<Traces>,
    /// `[shutdown] grace`: how long streams may go on after the signal to stop.
    pub grace: Duration,
    /// `[reload] poll`: how often is looked whether a file has changed; `None` when it is off.
    pub poll: Option<Duration>,
    reading: Reading,
}

/// Bounds on what one client, request or answer may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body.
    pub max_request_body: usize,
    /// Bytes of a JSON answer that is read whole to be edited.
    pub max_document: usize,
    /// Bytes of one event of a stream.
    pub max_event: usize,
    /// Bytes of a message's head.
    pub max_header_bytes: u32,
    /// Connections from clients at one time.
    pub max_connections: NonZeroU32,
    /// Bytes in which is kept what undoes the marks of answers.
    pub max_originals: usize,
    /// Bytes of request bodies, documents and events that are held at one time.
    pub max_held: usize,
    /// Those of one caller.
    pub max_held_per_caller: usize,
}

/// Where audit records go.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The file, which is appended to.
    pub file: PathBuf,
    /// Records that may wait to be written.
    pub queue: NonZeroUsize,
}

/// Where the access log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLog {
    /// Standard output or a file.
    pub output: LogOutput,
    /// Lines that may wait to be written.
    pub queue: NonZeroUsize,
}

/// What a log is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogOutput {
    /// Standard output.
    Stdout,
    /// A file, which is appended to.
    File(PathBuf),
}

/// The least that the HTTP/1 parser's buffer can hold.
const LEAST_HEADER_BYTES: usize = 8 << 10;

impl Config {
    /// Reads the file at `path` and the environment variables.
    ///
    /// # Errors
    /// When the file cannot be read, and for everything wrong in it.
    pub fn load(
        path: impl AsRef<Path>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigErrors> {
        let path = path.as_ref();
        let name = path.display().to_string();
        Self::twice(|| Self::parse_from(&name, &part::text(path)?, environment, None))
    }

    /// Reads the TOML `text`, called `name` in errors, and the environment variables.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(
        name: &str,
        text: &str,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigErrors> {
        Self::twice(|| Self::parse_from(name, text, environment, Some(text)))
    }

    /// Takes the fingerprint of the files before they are read for good, so that one that changes meanwhile is
    /// found to have changed; which files there are, only a first reading tells.
    fn twice(read: impl Fn() -> Result<Self, ConfigErrors>) -> Result<Self, ConfigErrors> {
        let fingerprint = read()?.fingerprint();
        let mut config = read()?;
        config.reading.fingerprint = Some(fingerprint);
        Ok(config)
    }

    /// The same of a text that is kept, if it is not the file's of that name.
    fn parse_from(
        name: &str,
        text: &str,
        environment: &BTreeMap<String, String>,
        kept: Option<&str>,
    ) -> Result<Self, ConfigErrors> {
        let mut reader = Reader::new(name, text, environment);
        let config = Self::read(&mut reader);
        reader.finish()?;
        // A required field that is missing has been reported.
        let mut config = config.ok_or_else(|| ConfigErrors(Vec::new()))?;
        let (name, text, environment) =
            (name.to_owned(), kept.map(str::to_owned), environment.clone());
        config.reading.origin = Some(Arc::new(Origin { name, text, environment }));
        Ok(config)
    }

    /// Whose word on risk is taken.
    pub(super) fn trust(&self) -> &'static str {
        self.risk.as_ref().map_or("none", |risk| risk.trust.name())
    }

    /// Reads no more of a configuration than `admin.address`; `None` when it is off.
    ///
    /// # Errors
    /// When the file cannot be read, and when that setting is wrong.
    pub fn admin_address(
        path: impl AsRef<Path>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Option<SocketAddr>, ConfigErrors> {
        part::part(path.as_ref(), environment, admin)
    }

    /// Every field there is, as `(section, field)`, but for those of `[risk]`.
    #[must_use]
    pub fn fields() -> Vec<(&'static str, &'static str)> {
        let environment = BTreeMap::new();
        let mut reader = Reader::new("", "", &environment);
        let _ = Self::read(&mut reader);
        reader.known()
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let seconds = Duration::from_secs;
        let listen = listen::read(reader);
        let limits = limits(reader);
        let (upstream, signer) = upstream::read(reader, &limits);
        let admin = admin(reader);
        let Hosts(admin_hosts) = reader.or("admin", "hosts", Hosts(Vec::new()));
        let risk = deciding::risk(reader);
        if risk.as_ref().is_some_and(|risk| !risk.peers.is_empty())
            && listen.tls.as_ref().is_none_or(|tls| tls.client_ca.is_none())
        {
            let message = "needs listen.tls_client_ca: who vouches for their certificates";
            reader.wrong("risk", "peers", message.to_owned());
        }
        let deciding = policy::read(reader);
        policy::check(reader, &deciding);
        let PolicySettings { file: policy, signers, history } = deciding;
        let policy_place = reader.place("policy", "file");
        let (carriers, probe, probe_credential) = carriers::read(reader);
        let marks = marks::read(reader);
        let summarizer = summarizer::read(reader);
        let (secret, previous_secrets) = secret::read(reader);
        // One that cannot be read has been reported.
        let given = ["key", "key_file"].iter().any(|it| !reader.place("secret", it).is_empty());
        let experiments = experiments::read(reader, given, &signers);
        let experiments_place = reader.place("experiments", "files");
        let audit = audit(reader, given);
        let access_log = access_log(reader);
        let log_format = log::read(reader);
        let traces = traces::read(reader);
        let grace = reader.or("shutdown", "grace", seconds(30));
        let OrOff(poll) = reader.or("reload", "poll", OrOff(None));
        addresses::check(reader, listen.address, admin, upstream.as_ref().map(|it| &it.url));
        let notices = reader.notices();
        let reading = reader.reading();
        Some(Self {
            listen,
            upstream: upstream?,
            signer,
            limits,
            admin,
            admin_hosts,
            risk,
            policy,
            policy_place,
            signers,
            history,
            experiments,
            experiments_place,
            notices,
            summarizer,
            marks,
            secret,
            previous_secrets,
            carriers,
            probe,
            probe_credential,
            audit,
            access_log,
            log_format,
            traces,
            grace,
            poll,
            reading,
        })
    }
}

fn admin(reader: &mut Reader<'_>) -> Option<SocketAddr> {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, 8081));
    let OrOff(address) = reader.or("admin", "address", OrOff(Some(usual)));
    address
}

fn limits(reader: &mut Reader<'_>) -> Limits {
    let mut size = |field, default| {
        let Size(bytes) = reader.or("limits", field, Size(default));
        bytes
    };
    let max_request_body = size("max_request_body", 32 << 20);
    let max_document = size("max_document", 16 << 20);
    let max_event = size("max_event", 1 << 20);
    let max_originals = size("max_originals", 64 << 20);
    let max_held = size("max_held", 1 << 30);
    let max_held_per_caller = size("max_held_per_caller", 256 << 20);
    let header_bytes = size("max_header_bytes", 64 << 10);
    let max_connections = NonZeroU32::MIN.saturating_add(9_999);
    let max_connections = reader.or("limits", "max_connections", max_connections);
    let max_header_bytes = match u32::try_from(header_bytes) {
        Ok(bytes) if header_bytes >= LEAST_HEADER_BYTES => bytes,
        _ => {
            let message = "must be from 8KiB to below 4GiB".to_owned();
            reader.wrong("limits", "max_header_bytes", message);
            0
        }
    };
    Limits {
        max_request_body,
        max_document,
        max_event,
        max_header_bytes,
        max_connections,
        max_originals,
        max_held,
        max_held_per_caller,
    }
}

/// Lines that wait at most, unless the file says otherwise.
fn queue(reader: &mut Reader<'_>, section: &'static str) -> NonZeroUsize {
    reader.or(section, "queue", NonZeroUsize::MIN.saturating_add(8_191))
}

fn audit(reader: &mut Reader<'_>, has_secret: bool) -> Option<Audit> {
    let file = reader.path("audit", "file");
    let queue = queue(reader, "audit");
    let file = file?;
    if !has_secret {
        // Without one the hashes of callers would change with every start.
        let variable = variable("secret", "key");
        let message = format!(
            "is required with an audit file, unless {variable} is set: callers are hashed under a key \
             derived from it (`openssl rand -hex 32` makes one)"
        );
        reader.wrong("secret", "key_file", message);
    }
    Some(Audit { file, queue })
}

fn access_log(reader: &mut Reader<'_>) -> Option<AccessLog> {
    let output: Option<PathBuf> = reader.optional("access_log", "output");
    let queue = queue(reader, "access_log");
    let output = output?;
    match output.to_str() {
        Some("off") => None,
        Some("stdout") => Some(AccessLog { output: LogOutput::Stdout, queue }),
        _ => {
            let file = reader.resolved("access_log.output", output);
            Some(AccessLog { output: LogOutput::File(file), queue })
        }
    }
}
