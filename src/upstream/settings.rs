//! What connections to an upstream are made with.

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;

use crate::wire::ServerKind;

/// The inference server behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its base URL; the path of a request is put after its path.
    pub url: Uri,
    /// Which inference server it is: as configured, else as its host name gives away.
    pub kind: ServerKind,
    /// Certificates to trust besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// From the first packet to the end of the TLS handshake.
    pub connect_timeout: Duration,
    /// From sending the request to the head of the answer, connecting included.
    pub first_byte_timeout: Duration,
    /// Between two pieces of the answer.
    pub idle_timeout: Duration,
    /// From sending the request to the end of the answer.
    pub total_timeout: Duration,
    /// Connections that are kept open while unused; with 0 each serves one request.
    pub max_idle_connections: usize,
    /// HTTP/2 without asking: prior knowledge over `http`, the only protocol offered over `https`.
    pub http2: bool,
}
