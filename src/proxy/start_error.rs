//! Why the proxy did not start.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::config::{Config, LogOutput};
use super::probe::Unproven;
use super::tls::TlsFileError;
use crate::experiment::BeginError;
use crate::mark::keys::KeyFileError;
use crate::mark::ledger::LedgerError;
use crate::policy::LoadError;
use crate::risk::settings::SettingError;
use crate::secret::NoRandomness;
use crate::upstream::{BoxError, TlsError};

/// Why the proxy did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The system gives no threads to serve on.
    #[error("no threads to serve on can be started")]
    Workers(#[source] io::Error),
    /// A file of audit records or log lines cannot be opened.
    #[error("cannot write to {}", path.display())]
    Lines {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Clients cannot be served over TLS.
    #[error(transparent)]
    Tls(#[from] TlsFileError),
    /// Connections to the upstream cannot be prepared.
    #[error(transparent)]
    Upstream(#[from] TlsError),
    /// The policy file cannot be used.
    #[error(transparent)]
    Policy(#[from] LoadError),
    /// The experiments cannot be taken up.
    #[error(transparent)]
    Experiments(#[from] BeginError),
    /// No secret is configured, and none can be drawn.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The risk source cannot be made: every setting that is wrong. Like the policy, it was seen
    /// to work when the configuration was read.
    #[error("{}", settings_list(.0))]
    Risk(Vec<SettingError>),
    /// The key file of the marks cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The ledger of the marks is that of other keys, or none.
    #[error("{} does not belong to {}", path.display(), keys.display())]
    Ledger {
        /// The ledger.
        path: PathBuf,
        /// The key file.
        keys: PathBuf,
        /// What its lines say.
        #[source]
        source: LedgerError,
    },
    /// The policy marks answers, and the configuration has nothing to mark with.
    #[error(
        "{policy}: `watermark` needs keys, and the configuration that names the policy ({config}) \
         has no `marks.keys`: add `keys = \"FILE\"` under [marks] (`guilloche keys new` makes one)"
    )]
    NoMarks {
        /// The policy file and its line.
        policy: String,
        /// The configuration file and line that names it, or the environment variable.
        config: String,
    },
    /// The policy has reasoning condensed, and the configuration has nobody who does it.
    #[error(
        "{policy}: `keep = \"summary\"` needs a summarizer, and the configuration that names the policy \
         ({config}) has no `summarizer.url`: add `url` and `model` under [summarizer], or write \
         `keep = \"none\"`, which is what is left without one"
    )]
    NoSummarizer {
        /// The policy file and its line.
        policy: String,
        /// The configuration file and line that names it, or the environment variable.
        config: String,
    },
    /// Spans cannot be sent to `traces.endpoint`.
    #[error("no spans can be sent to traces.endpoint")]
    Traces(#[source] BoxError),
    /// A carrier of marks does not work, and the configuration requires it.
    #[error(transparent)]
    Carrier(#[from] Unproven),
}

impl StartError {
    /// What to do about it, where the error does not say it itself.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Listen { source, .. } => match source.kind() {
                ErrorKind::AddrInUse => Some(
                    "another program listens there (`ss -ltnp` names it), or this proxy runs already: \
                     stop it, or set listen.address and admin.address to others",
                ),
                ErrorKind::PermissionDenied => Some(
                    "ports below 1024 need a right (CAP_NET_BIND_SERVICE): grant it, or set \
                     listen.address to another port",
                ),
                ErrorKind::AddrNotAvailable => Some(
                    "this machine has no such address: \"0.0.0.0:PORT\" in listen.address is all that \
                     it has",
                ),
                _ => None,
            },
            Self::Lines { source, .. } => match source.kind() {
                ErrorKind::NotFound => {
                    Some("the folder has to be there: make it, or name a file elsewhere")
                }
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Some(
                    "the user that the proxy runs as has to be able to write there: see who owns the \
                     folder, or name a file elsewhere",
                ),
                _ => None,
            },
            _ => None,
        }
    }

    /// Where the configuration says what is wrong, with the field, if one is to blame that the error does
    /// not name itself.
    #[must_use]
    pub fn place(&self, config: &Config) -> Option<String> {
        let field = match self {
            Self::Listen { address, .. } if config.admin == Some(*address) => "admin.address",
            Self::Listen { .. } => "listen.address",
            Self::Lines { path, .. } => written(config, path)?,
            Self::Traces(_) => "traces.endpoint",
            Self::Keys(_) => "marks.keys",
            Self::Ledger { .. } => "marks.ledger",
            Self::Policy(_) => "policy.file",
            Self::Carrier(_) => "marks.probe",
            Self::Upstream(TlsError::NoHost) => "upstream.url",
            Self::Upstream(TlsError::CaFile { .. } | TlsError::CaCertificate { .. }) => {
                "upstream.ca_file"
            }
            Self::Tls(error) => {
                let field = error.field(config.listen.tls.as_ref()?);
                let field = format!("listen.{field}");
                return Some(format!("{}: {field}", config.place(&field)));
            }
            _ => return None,
        };
        Some(format!("{}: {field}", config.place(field)))
    }

    /// What went wrong with what caused it, on one line; a cause that it has told is not told again.
    #[must_use]
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(at) = cause {
            let cause_text = at.to_string();
            if !text.ends_with(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            cause = at.source();
        }
        text
    }
}

/// The field that names what is written there.
fn written(config: &Config, path: &Path) -> Option<&'static str> {
    let log = config
        .access_log
        .as_ref()
        .is_some_and(|log| matches!(&log.output, LogOutput::File(file) if file == path));
    let is = |written: Option<&PathBuf>| written.is_some_and(|written| written == path);
    let fields = [
        ("audit.file", is(config.audit.as_ref().map(|audit| &audit.file))),
        ("access_log.output", log),
        ("marks.ledger", is(config.marks.as_ref().and_then(|marks| marks.ledger.as_ref()))),
        ("experiments.state_dir", is(config.experiments.as_ref().map(|it| &it.state_dir))),
        ("policy.history", is(config.history.as_ref().map(|history| &history.folder))),
    ];
    fields.into_iter().find_map(|(field, is_it)| is_it.then_some(field))
}

fn settings_list(errors: &[SettingError]) -> String {
    let lines = errors.iter().map(|error| format!("risk.{}: {}", error.field, error.problem));
    lines.collect::<Vec<_>>().join("\n")
}
