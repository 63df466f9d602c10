//! Connections to the upstream: TCP, TLS where the URL says `https`, and one time limit for both.

use std::future::{Future, poll_fn};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use super::link::Counted;
use super::{BoxError, Settings};

/// Why connections to the upstream cannot be prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The upstream's URL names no host.
    #[error("the upstream's URL names no host")]
    NoHost,
    /// The file of certificates cannot be read.
    #[error("upstream.ca_file {} cannot be read", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: pem::Error,
    },
    /// The file holds no certificate, or one that is none.
    #[error("upstream.ca_file {} holds no usable certificate", path.display())]
    CaCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with the certificate, if there is one.
        #[source]
        source: Option<rustls::Error>,
    },
    /// The TLS library refused its own defaults.
    #[error("TLS cannot be set up")]
    Protocols(#[source] rustls::Error),
}

/// A connection took longer than it may. Found in the source chain of the client's error.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("connecting took too long")]
pub(super) struct TimedOut;

/// Opens connections within a time limit, TLS handshake included.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    tcp: HttpConnector,
    /// With TLS over it, where the address says so.
    inner: HttpsConnector<HttpConnector>,
    /// The upstream's, with whatever name it is asked for.
    address: Uri,
    limit: Duration,
    http2: bool,
}

impl Connector {
    pub(super) fn new(settings: &Settings) -> Result<Self, TlsError> {
        let tls = settings.url.scheme_str() == Some("https");
        // Without TLS no certificate is needed: not even the system's are read.
        let roots = if tls { roots(settings.ca_file.as_ref())? } else { RootCertStore::empty() };
        let provider = rustls::crypto::ring::default_provider();
        let config = ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Protocols)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
        let inner = if settings.http2 {
            builder.enable_http2().wrap_connector(tcp.clone())
        } else {
            builder.enable_all_versions().wrap_connector(tcp.clone())
        };
        let (address, limit) = (settings.url.clone(), settings.connect_timeout);
        Ok(Self { tcp, inner, address, limit, http2: settings.http2 })
    }

    /// Opens a connection without TLS.
    pub(super) async fn plain(&self) -> Result<Counted<TcpStream>, BoxError> {
        let mut tcp = self.tcp.clone();
        let address = self.address.clone();
        let connecting = async move {
            poll_fn(|context| tcp.poll_ready(context)).await?;
            tcp.call(address).await
        };
        let stream = timeout(self.limit, connecting).await.map_err(|_| TimedOut)??;
        Ok(Counted::new(stream.into_inner(), false))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Counted<TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connecting = timeout(self.limit, self.inner.call(self.address.clone()));
        let http2 = self.http2;
        Box::pin(async move {
            let stream = connecting.await.map_err(|_| TimedOut)??;
            let multiplexed = http2 || stream.connected().is_negotiated_h2();
            Ok(TokioIo::new(Counted::new(TokioIo::new(stream), multiplexed)))
        })
    }
}

/// The system's certificates and those of the file.
fn roots(ca_file: Option<&PathBuf>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "some of the system's certificates cannot be read");
    }
    // Systems carry certificates that no TLS library takes; they are left out.
    let _ = roots.add_parsable_certificates(native.certs);
    let Some(path) = ca_file else { return Ok(roots) };
    let unreadable = |source| TlsError::CaFile { path: path.clone(), source };
    let unusable = |source| TlsError::CaCertificate { path: path.clone(), source };
    let mut found = false;
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        let certificate = certificate.map_err(unreadable)?;
        roots.add(certificate).map_err(|error| unusable(Some(error)))?;
        found = true;
    }
    if found { Ok(roots) } else { Err(unusable(None)) }
}
