//! `[listen]`: where and how clients are served.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::reader::Reader;
use super::setting::{Kind, Setting};
use crate::proxy::Forwarded;
use crate::proxy::tls;

const SECTION: &str = "listen";

/// Where and how clients are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The address.
    pub address: SocketAddr,
    /// How long a connection may be without a request under way, the head of its next one
    /// included.
    pub idle_timeout: Duration,
    /// Whether each connection begins with the PROXY protocol, version 2.
    pub proxy_protocol: bool,
    /// Who serves; `None` if nothing is said: the runtime that the proxy is run on does.
    pub workers: Option<Workers>,
    /// What the upstream is told of clients' connections.
    pub forwarded: Forwarded,
    /// With what TLS is spoken, if it is.
    pub tls: Option<ListenTls>,
}

/// Who serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Workers {
    /// So many threads, each with a runtime and upstream connections of its own. A client's connection stays
    /// with one of them.
    Threads(NonZeroUsize),
    /// The runtime that the proxy is run on, whose threads take whatever is to be done next.
    Shared,
}

impl Setting for Workers {
    const KIND: Kind = Kind::Count;
    const EXPECTED: &'static str = "a number of threads of at least 1, or \"shared\"";

    fn read(text: &str) -> Option<Self> {
        if text == "shared" { Some(Self::Shared) } else { text.parse().ok().map(Self::Threads) }
    }
}

/// The files of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenTls {
    /// The certificate in PEM, and behind it those that lead to its authority.
    pub certificate: PathBuf,
    /// Its key in PEM.
    pub key: PathBuf,
    /// The authorities whose client certificates are believed, if any are.
    pub client_ca: Option<PathBuf>,
    /// Whether a client without such a certificate is turned away.
    pub client_required: bool,
}

impl Setting for Forwarded {
    const EXPECTED: &'static str = "\"keep\", \"append\" or \"replace\"";

    fn read(text: &str) -> Option<Self> {
        match text {
            "keep" => Some(Self::Keep),
            "append" => Some(Self::Append),
            "replace" => Some(Self::Replace),
            _ => None,
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Listen {
    let default = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
    let address = reader.or(SECTION, "address", default);
    let idle_timeout = reader.or(SECTION, "idle_timeout", Duration::from_secs(60));
    let proxy_protocol = reader.or(SECTION, "proxy_protocol", false);
    let workers = reader.optional(SECTION, "workers");
    let forwarded = reader.or(SECTION, "forwarded", Forwarded::default());
    Listen { address, idle_timeout, proxy_protocol, workers, forwarded, tls: read_tls(reader) }
}

fn read_tls(reader: &mut Reader<'_>) -> Option<ListenTls> {
    let certificate = reader.path(SECTION, "tls_certificate");
    let key = reader.path(SECTION, "tls_key");
    let client_ca = reader.path(SECTION, "tls_client_ca");
    let client_required: bool = reader.or(SECTION, "tls_client_required", false);
    let mut needs = |field: &str, other: &str| {
        let message = format!("means nothing without listen.{other}");
        reader.wrong(SECTION, field, message);
    };
    if client_required && client_ca.is_none() {
        needs("tls_client_required", "tls_client_ca");
    }
    match (&certificate, &key, &client_ca) {
        (Some(_), None, _) => needs("tls_certificate", "tls_key"),
        (None, Some(_), _) => needs("tls_key", "tls_certificate"),
        (None, None, Some(_)) => needs("tls_client_ca", "tls_certificate"),
        _ => {}
    }
    let (certificate, key) = certificate.zip(key)?;
    reader.notice_mode(SECTION, "tls_key", &key);
    let settings = ListenTls { certificate, key, client_ca, client_required };
    if let Err(error) = tls::load(&settings) {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let message = [Some(error.to_string()), cause].into_iter().flatten();
        let field = error.field(&settings);
        reader.wrong(SECTION, field, message.collect::<Vec<_>>().join(": "));
    }
    Some(settings)
}
