//! Why clients cannot be served over TLS.

use std::path::PathBuf;

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
