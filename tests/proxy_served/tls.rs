//! An upstream behind TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::certificates::{authority, certificate};
use crate::support::{client, config, full, request, run, soon};

/// A directory with a fresh authority and a certificate of 127.0.0.1; `None` without `openssl`.
fn certificates(name: &str) -> Option<PathBuf> {
    let directory = authority(name)?;
    certificate(&directory, "upstream", "IP:127.0.0.1");
    Some(directory)
}

async fn upstream(directory: &Path, protocol: &'static [u8]) -> String {
    let certificate = CertificateDer::from_pem_file(directory.join("upstream.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(directory.join("upstream.key")).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    let mut tls = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    tls.alpn_protocols = vec![protocol.to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(|request: http::Request<_>| async move {
                    let spoken = format!("{:?}", request.version());
                    Ok::<_, std::convert::Infallible>(http::Response::new(full(spoken)))
                });
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    format!("https://{address}")
}

#[tokio::test]
async fn an_upstream_whose_authority_is_named_is_trusted_and_agrees_on_a_protocol() {
    let Some(directory) = certificates("trusted") else { return };
    let ca_file = directory.join("ca.pem");
    let ca_file = ca_file.to_str().unwrap();
    for (protocol, http2, spoken) in [
        (b"http/1.1".as_slice(), "false", "HTTP/1.1"),
        (b"h2", "false", "HTTP/2.0"),
        (b"h2", "true", "HTTP/2.0"),
    ] {
        let url = upstream(&directory, protocol).await;
        let more = [("UPSTREAM_CA_FILE", ca_file), ("UPSTREAM_HTTP2", http2)];
        let proxy = run(config(&url, &more)).await;
        let response =
            soon(client(false).request(request(proxy.address, "/", full("")))).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), spoken);
    }
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn an_upstream_that_no_authority_vouches_for_is_not_spoken_to() {
    let Some(directory) = certificates("unknown") else { return };
    let proxy = run(config(&upstream(&directory, b"http/1.1").await, &[])).await;
    let response =
        soon(client(false).request(request(proxy.address, "/", full("")))).await.unwrap();
    assert_eq!(response.status(), 502);
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_file_that_holds_no_certificate_is_named_before_the_start() {
    let path = std::env::temp_dir().join(format!("guilloche-no-ca-{}.pem", std::process::id()));
    std::fs::write(&path, "no certificate").unwrap();
    let more = [("UPSTREAM_CA_FILE", path.to_str().unwrap())];
    let error = guilloche::proxy::Proxy::check(&config("https://a.example", &more)).unwrap_err();
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    std::fs::remove_file(path).unwrap();
}
