//! Why clients cannot be served over TLS.

use std::path::PathBuf;

use crate::proxy::config::ListenTls;

/// Why a certificate or key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFileError {
    /// It cannot be read, or is no PEM of what it is to hold.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// There is no certificate in it.
    #[error("{} holds no certificate", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A certificate cannot be used, or the key is that of another one.
    #[error("{} cannot be used", path.display())]
    Unfit {
        /// The certificate file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// Client certificates cannot be verified with these authorities.
    #[error("{} cannot be used", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::server::VerifierBuilderError,
    },
    /// The library offers no protocol version.
    #[error("no version of TLS can be spoken")]
    Protocols(#[source] rustls::Error),
}

impl TlsFileError {
    /// The field of `[listen]` that names the file.
    pub(in crate::proxy) fn field(&self, settings: &ListenTls) -> &'static str {
        let path = match self {
            Self::Read { path, .. } | Self::NoCertificate { path } | Self::Unfit { path, .. } => {
                path
            }
            Self::Authorities { .. } => return "tls_client_ca",
            Self::Protocols(_) => return "tls_certificate",
        };
        // In the order in which they are read.
        if *path == settings.certificate {
            "tls_certificate"
        } else if *path == settings.key {
            "tls_key"
        } else {
            "tls_client_ca"
        }
    }
}
