//! TLS on the listener, by rustls: certificates that are replaced while clients are served, HTTP/1.1 and
//! HTTP/2 by ALPN ([RFC 7301](https://www.rfc-editor.org/rfc/rfc7301)), and client certificates, by
//! which a peer may be trusted ([`ClientNames`](crate::risk::ClientNames)).

mod error;
mod stream;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

pub use error::TlsFileError;
pub(super) use stream::Stream;

use super::config::ListenTls;
use crate::risk::ClientNames;
use crate::secret::opaque_debug;

/// The certificate that clients are shown, and whose certificates are believed. Handshakes under way
/// keep what they began with.
#[derive(Clone)]
pub(super) struct Tls(Arc<ArcSwap<ServerConfig>>);

opaque_debug!(Tls);

impl Tls {
    pub(super) fn new(config: Arc<ServerConfig>) -> Self {
        Self(Arc::new(ArcSwap::new(config)))
    }

    /// Has handshakes to come be done with this. Sessions of before are not resumed, so that a client
    /// certificate is looked at again.
    pub(super) fn replace(&self, config: Arc<ServerConfig>) {
        self.0.store(config);
    }

    /// Shakes hands, within a time. Returns what the client calls itself as well, if its certificate is
    /// vouched for.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        patience: Duration,
    ) -> io::Result<(Stream, Option<ClientNames>)> {
        let accepting = TlsAcceptor::from(self.0.load_full()).accept(stream);
        let accepted =
            timeout(patience, accepting).await.map_err(|_| io::ErrorKind::TimedOut)??;
        let names = client_names(accepted.get_ref().1);
        Ok((Stream::Tls(Box::new(accepted)), names))
    }
}

/// The names in a client certificate that was verified: its DNS names and URIs.
fn client_names(connection: &ServerConnection) -> Option<ClientNames> {
    let certificate = connection.peer_certificates()?.first()?;
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    let dns = certificate.valid_dns_names();
    Some(dns.chain(certificate.valid_uri_names()).map(str::to_owned).collect())
}

/// Reads the files.
///
/// # Errors
/// When one cannot be read, or they do not go together.
pub(super) fn load(settings: &ListenTls) -> Result<Arc<ServerConfig>, TlsFileError> {
    let ListenTls { certificate, key, client_ca, client_required } = settings;
    let chain = certificates(certificate)?;
    let key_der = PrivateKeyDer::from_pem_file(key)
        .map_err(|source| TlsFileError::Read { path: key.clone(), source })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsFileError::Protocols)?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for root in certificates(path)? {
                let unfit = |source| TlsFileError::Unfit { path: path.clone(), source };
                roots.add(root).map_err(unfit)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier =
                if *client_required { verifier } else { verifier.allow_unauthenticated() };
            let unfit = |source| TlsFileError::Authorities { path: path.clone(), source };
            builder.with_client_cert_verifier(verifier.build().map_err(unfit)?)
        }
    };
    let unfit = |source| TlsFileError::Unfit { path: certificate.clone(), source };
    let mut config = builder.with_single_cert(chain, key_der).map_err(unfit)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFileError> {
    let read = |source| TlsFileError::Read { path: path.to_owned(), source };
    let found = CertificateDer::pem_file_iter(path).map_err(read)?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(read)?;
    if found.is_empty() {
        return Err(TlsFileError::NoCertificate { path: path.to_owned() });
    }
    Ok(found)
}
