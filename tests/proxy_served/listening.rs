//! Clients that speak TLS, with certificates that `openssl` makes for the test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use guilloche::proxy::Config;
use http::{Request, StatusCode, Version};
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certificates::{authority, certificate};
use crate::support::{BoxBody, Frames, Running, channel, full, get, run, send, soon, upstream};

const REFUSED: &str = "version = 1\nname = \"p\"\nmode = \"enforce\"\n[[grade]]\nname = \"g\"\nat = 0.5\nrefuse = {}\n";

/// A proxy that speaks TLS as the file `guilloche.toml` of this folder says.
async fn serve(folder: &Path, upstream: &str, more: &str) -> Running {
    std::fs::write(folder.join("policy.toml"), REFUSED).unwrap();
    let text = format!(
        "[listen]\naddress = \"localhost:0\"\ntls_certificate = \"server.pem\"\ntls_key = \"server.key\"\n\
         {more}\n[admin]\naddress = \"127.0.0.1:0\"\n[upstream]\nurl = \"{upstream}\"\n\
         [policy]\nfile = \"policy.toml\"\n"
    );
    let path = folder.join("guilloche.toml");
    std::fs::write(&path, text).unwrap();
    run(Config::load(path, &BTreeMap::new()).unwrap()).await
}

/// A folder with an authority and a server's certificate; `None` without `openssl`.
fn folder(name: &str) -> Option<PathBuf> {
    let folder = authority(name)?;
    certificate(&folder, "server", "IP:127.0.0.1,IP:::1,DNS:localhost");
    Some(folder)
}

/// How a client shakes hands: what it can speak, and which certificate it shows.
async fn connect(
    proxy: &Running,
    folder: &Path,
    protocols: &[&[u8]],
    shown: Option<&str>,
) -> std::io::Result<TlsStream<TcpStream>> {
    connect_past(proxy, b"", folder, protocols, shown).await
}

/// The same past a balancer that says something first.
async fn connect_past(
    proxy: &Running,
    said: &[u8],
    folder: &Path,
    protocols: &[&[u8]],
    shown: Option<&str>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("ca.pem")).unwrap()).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    let builder = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match shown {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let chain = CertificateDer::from_pem_file(folder.join(format!("{name}.pem"))).unwrap();
            let key = PrivateKeyDer::from_pem_file(folder.join(format!("{name}.key"))).unwrap();
            builder.with_client_auth_cert(vec![chain], key).unwrap()
        }
    };
    config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
    let mut stream = TcpStream::connect(proxy.address).await?;
    stream.write_all(said).await?;
    let name = ServerName::try_from("localhost").unwrap();
    soon(TlsConnector::from(Arc::new(config)).connect(name, stream)).await
}

fn request(score: Option<f64>) -> Request<BoxBody> {
    let request = Request::post("https://localhost/v1/chat/completions")
        .header("host", "localhost")
        .header("content-type", "application/json");
    let request = match score {
        None => request,
        Some(score) => {
            let now = jiff::Timestamp::now().as_second();
            let risk = format!("account=\"a\", score={score:.2}, issued={now}, ttl=300");
            request.header("guilloche-risk", risk)
        }
    };
    request.body(full(r#"{"model":"m","messages":[]}"#)).unwrap()
}

/// Asks over HTTP/1.1 on a connection of its own.
async fn ask(
    stream: TlsStream<TcpStream>,
    request: Request<BoxBody>,
) -> hyper::Result<http::Response<hyper::body::Incoming>> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    soon(sender.send_request(request)).await
}

async fn echoing() -> String {
    let address = upstream(|_| async { http::Response::new(full("{}")) }).await;
    format!("http://{address}")
}

// Break it: leave the agreement on a protocol to the first bytes.
#[tokio::test]
async fn clients_are_served_over_tls_in_the_protocol_that_they_agree_on() {
    let Some(folder) = folder("alpn") else { return };
    let proxy = serve(&folder, &echoing().await, "").await;
    for (offered, agreed) in [
        ([b"h2".as_slice(), b"http/1.1"].as_slice(), Some(b"h2".as_slice())),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let stream = connect(&proxy, &folder, offered, None).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed);
        let answer = if agreed == Some(b"h2") {
            let io = TokioIo::new(stream);
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
            tokio::spawn(connection);
            soon(sender.send_request(request(None))).await.unwrap()
        } else {
            ask(stream, request(None)).await.unwrap()
        };
        let spoken = if agreed == Some(b"h2") { Version::HTTP_2 } else { Version::HTTP_11 };
        assert_eq!((answer.status(), answer.version()), (StatusCode::OK, spoken));
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "{}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

// Break it: answer in plain text, or let a handshake take for ever and hold up all others.
#[tokio::test]
async fn who_speaks_no_tls_is_let_go_and_holds_nobody_up() {
    let Some(folder) = folder("plain") else { return };
    let proxy = serve(&folder, &echoing().await, "idle_timeout = \"200ms\"").await;
    let mut plain = TcpStream::connect(proxy.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut silent = TcpStream::connect(proxy.address).await.unwrap();
    let stream = connect(&proxy, &folder, &[], None).await.unwrap();
    assert_eq!(ask(stream, request(None)).await.unwrap().status(), StatusCode::OK);
    let mut answer = Vec::new();
    let _ = soon(plain.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    let mut nothing = Vec::new();
    let _ = soon(silent.read_to_end(&mut nothing)).await;
    std::fs::remove_dir_all(folder).unwrap();
}

// Break it: end the connection of a failed answer as that of a whole one.
#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_a_whole_one() {
    let Some(folder) = folder("cut") else { return };
    let upstream = upstream(|_| async {
        let (frames, body) = channel();
        tokio::spawn(async move {
            send(&frames, b"{\"a\":").await;
            let _ = frames.send(Err("cut".into())).await;
        });
        http::Response::new(body)
    })
    .await;
    let proxy = serve(&folder, &format!("http://{upstream}"), "").await;
    for version in ["1.1", "1.0"] {
        let mut stream = connect(&proxy, &folder, &[], None).await.unwrap();
        let head = format!("POST / HTTP/{version}\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let ended = soon(stream.read_to_end(&mut answer)).await;
        // Neither the end of the chunks nor that of TLS.
        assert!(ended.is_err() && !answer.ends_with(b"0\r\n\r\n"), "{version}: {ended:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

// Break it: believe whoever has any certificate, or a name that somebody writes into a header.
#[tokio::test]
async fn a_peer_whose_certificate_has_the_name_is_believed_without_a_signature() {
    let Some(folder) = folder("peers") else { return };
    certificate(&folder, "detector", "DNS:detector.internal");
    certificate(&folder, "mesh", "URI:spiffe://mesh/gateway");
    certificate(&folder, "other", "DNS:other.internal");
    let more = "tls_client_ca = \"ca.pem\"\n[risk]\ntrust = \"signature\"\n\
                peers = [\"Detector.internal\", \"spiffe://mesh/gateway\"]";
    let proxy = serve(&folder, &echoing().await, more).await;
    for (shown, status) in [
        (Some("detector"), StatusCode::FORBIDDEN),
        (Some("mesh"), StatusCode::FORBIDDEN),
        // Not believed, and never punished for it.
        (Some("other"), StatusCode::OK),
        (None, StatusCode::OK),
    ] {
        let stream = connect(&proxy, &folder, &[], shown).await.unwrap();
        assert_eq!(ask(stream, request(Some(0.9))).await.unwrap().status(), status, "{shown:?}");
        let stream = connect(&proxy, &folder, &[], shown).await.unwrap();
        let answer = ask(stream, request(Some(0.1))).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{shown:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

// Break it: take a certificate of any authority, or none.
#[tokio::test]
async fn who_must_show_a_certificate_and_has_none_of_the_authority_is_turned_away() {
    let (Some(folder), Some(elsewhere)) = (folder("required"), authority("elsewhere")) else {
        return;
    };
    certificate(&folder, "own", "DNS:own");
    certificate(&elsewhere, "foreign", "DNS:own");
    for name in ["foreign.pem", "foreign.key"] {
        std::fs::copy(elsewhere.join(name), folder.join(name)).unwrap();
    }
    let more = "tls_client_ca = \"ca.pem\"\ntls_client_required = true";
    let proxy = serve(&folder, &echoing().await, more).await;
    for (shown, served) in [(Some("own"), true), (Some("foreign"), false), (None, false)] {
        let answer = match connect(&proxy, &folder, &[], shown).await {
            // In TLS 1.3 the client learns of it with the first bytes.
            Ok(stream) => ask(stream, request(None)).await.is_ok(),
            Err(_) => false,
        };
        assert_eq!(answer, served, "{shown:?}");
    }
    for folder in [folder, elsewhere] {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

// Break it: cut off who came before, or take up a key that is not the certificate's.
#[tokio::test]
async fn a_certificate_is_renewed_under_load() {
    let Some(folder) = folder("renewed") else { return };
    let (bodies, mut asked) = tokio::sync::mpsc::channel::<Frames>(100);
    let upstream = upstream(move |_| {
        let bodies = bodies.clone();
        async move {
            let (frames, body) = channel();
            bodies.send(frames).await.unwrap();
            http::Response::new(body)
        }
    })
    .await;
    let proxy = serve(&folder, &format!("http://{upstream}"), "").await;
    let shown = |stream: &TlsStream<TcpStream>| {
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    };
    let mut before = Vec::new();
    let mut first = None;
    for _ in 0..50 {
        let stream = connect(&proxy, &folder, &[], None).await.unwrap();
        first = Some(shown(&stream));
        let (answer, frames) = tokio::join!(ask(stream, request(None)), asked.recv());
        before.push((answer.unwrap(), frames.unwrap()));
    }
    let reload = async || {
        let request = Request::post(format!("http://{}/reload", proxy.admin)).body(full(""));
        let client = crate::support::client(false);
        soon(client.request(request.unwrap())).await.unwrap().status()
    };
    let key = std::fs::read(folder.join("server.key")).unwrap();
    certificate(&folder, "server", "DNS:localhost");
    std::fs::rename(folder.join("server.key"), folder.join("next.key")).unwrap();
    std::fs::write(folder.join("server.key"), key).unwrap();
    assert_eq!(reload().await, StatusCode::CONFLICT);
    let stream = connect(&proxy, &folder, &[], None).await.unwrap();
    assert_eq!(Some(shown(&stream)), first);

    std::fs::rename(folder.join("next.key"), folder.join("server.key")).unwrap();
    assert_eq!(reload().await, StatusCode::OK);
    let stream = connect(&proxy, &folder, &[], None).await.unwrap();
    assert_ne!(Some(shown(&stream)), first);
    for (answer, frames) in before {
        send(&frames, b"whole").await;
        drop(frames);
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "whole");
    }
    let status: Value = serde_json::from_str(&get(proxy.admin, "/status").await.1).unwrap();
    assert_eq!(status["reload"]["outcome"], "done");
    std::fs::remove_dir_all(folder).unwrap();
}

// Break it: look for the header behind TLS, serve who has none, or believe what the client says of itself.
#[tokio::test]
async fn a_balancer_says_who_the_client_is_before_tls_and_the_upstream_is_told() {
    let Some(folder) = folder("balancer") else { return };
    let upstream = upstream(|request| async move {
        let headers = request.headers();
        let of = |name: &str| format!("{:?} ", headers.get_all(name).iter().collect::<Vec<_>>());
        let names = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded"];
        http::Response::new(full(names.map(of).concat()))
    })
    .await;
    let more = "proxy_protocol = true\nforwarded = \"replace\"\nidle_timeout = \"500ms\"";
    let proxy = serve(&folder, &format!("http://{upstream}"), more).await;
    assert!(connect(&proxy, &folder, &[], None).await.is_err());

    let said = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xc0\x01\x01\xbb";
    let stream = connect_past(&proxy, said, &folder, &[], None).await.unwrap();
    let mut request = request(None);
    request.headers_mut().insert("x-forwarded-for", "203.0.113.9".parse().unwrap());
    request.headers_mut().insert("forwarded", "for=203.0.113.9".parse().unwrap());
    let told = ask(stream, request).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(told.to_bytes(), r#"["192.0.2.7"] ["https"] ["localhost"] [] "#);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn files_that_do_not_go_together_are_told_with_their_fields() {
    let Some(folder) = folder("mistakes") else { return };
    certificate(&folder, "other", "DNS:other");
    std::fs::write(folder.join("empty.pem"), "").unwrap();
    let errors = |listen: &str| {
        let text = format!("[upstream]\nurl = \"http://127.0.0.1:1\"\n[listen]\n{listen}\n");
        let path = folder.join("wrong.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(path, &BTreeMap::new()).unwrap_err().to_string()
    };
    for (listen, expected) in [
        (
            "tls_certificate = \"server.pem\"",
            "listen.tls_certificate: means nothing without listen.tls_key",
        ),
        (
            "tls_key = \"server.key\"",
            "listen.tls_key: means nothing without listen.tls_certificate",
        ),
        (
            "tls_client_ca = \"ca.pem\"",
            "listen.tls_client_ca: means nothing without listen.tls_certificate",
        ),
        ("tls_certificate = \"server.pem\"\ntls_key = \"other.key\"", "listen.tls_certificate: "),
        (
            "tls_certificate = \"empty.pem\"\ntls_key = \"server.key\"",
            "empty.pem holds no certificate",
        ),
        ("tls_certificate = \"none.pem\"\ntls_key = \"server.key\"", "none.pem cannot be read: "),
        (
            "tls_certificate = \"server.pem\"\ntls_key = \"none.key\"",
            "wrong.toml:5: listen.tls_key: ",
        ),
        (
            "tls_certificate = \"server.pem\"\ntls_key = \"server.key\"\ntls_client_ca = \"empty.pem\"",
            "wrong.toml:6: listen.tls_client_ca: ",
        ),
        (
            "tls_certificate = \"server.pem\"\ntls_key = \"server.key\"\ntls_client_ca = \"none.pem\"",
            "wrong.toml:6: listen.tls_client_ca: ",
        ),
        (
            "tls_certificate = \"server.pem\"\ntls_key = \"server.key\"\n[risk]\ntrust = \"signature\"\npeers = [\"a\"]",
            "risk.peers: needs listen.tls_client_ca",
        ),
    ] {
        let errors = errors(listen);
        assert!(errors.contains(expected), "{listen}: {errors}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
