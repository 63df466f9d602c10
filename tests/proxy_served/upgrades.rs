//! Connections that leave HTTP.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::broken;
use crate::support::soon;

/// A server that upgrades, takes down the head that asked, and sends back what it gets.
async fn echoing() -> (SocketAddr, tokio::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (heads, receiver) = tokio::sync::mpsc::channel(8);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let heads = heads.clone();
            tokio::spawn(async move {
                let head = until(&mut stream, "\r\n\r\n").await.to_lowercase();
                let upgrades = head.contains("upgrade: websocket");
                heads.send(head).await.unwrap();
                if !upgrades {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                    return stream.write_all(answer).await.unwrap();
                }
                let answer = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n\
                               upgrade: websocket\r\nsec-websocket-accept: x\r\n\r\nhello ";
                stream.write_all(answer).await.unwrap();
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    (address, receiver)
}

async fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut got = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&got);
        if text.contains(end) {
            return text.into_owned();
        }
        assert!(soon(stream.read_buf(&mut got)).await.unwrap() > 0, "{got:?}");
    }
}

async fn ask(address: SocketAddr, protocol: &str, path: &str, score: f64) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let asked = format!(
        "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: keep-alive, Upgrade\r\nupgrade: {protocol}\r\n\
         sec-websocket-key: k\r\nguilloche-risk: {}\r\n\r\n",
        broken::risk(score)
    );
    stream.write_all(asked.as_bytes()).await.unwrap();
    stream
}

/// Fails when the fields of the upgrade are removed, or the two connections are not joined.
#[tokio::test]
async fn a_websocket_of_an_ordinary_caller_passes_both_ways_to_its_end() {
    let (upstream, mut heads) = echoing().await;
    let proxy = broken::proxy(upstream, &[]).await;
    let mut stream = ask(proxy.address, "websocket", "/v1/realtime", 0.0).await;
    let answer = until(&mut stream, "hello ").await.to_lowercase();
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    for part in ["connection: upgrade", "upgrade: websocket", "sec-websocket-accept: x"] {
        assert!(answer.contains(part), "{answer}");
    }
    let head = soon(heads.recv()).await.unwrap();
    assert!(
        head.contains("sec-websocket-key: k") && head.contains("connection: upgrade"),
        "{head}"
    );
    stream.write_all(b"there").await.unwrap();
    assert_eq!(until(&mut stream, "there").await, "there");
    stream.shutdown().await.unwrap();
    assert_eq!(soon(stream.read(&mut [0; 8])).await.unwrap(), 0);
}

/// Fails when a protocol passes in which more can be asked for, or a graded caller gets a tunnel.
#[tokio::test]
async fn nothing_else_is_upgraded_to_and_nothing_for_graded_callers() {
    let (upstream, mut heads) = echoing().await;
    let proxy = broken::proxy(upstream, &[]).await;
    let mut stream = ask(proxy.address, "h2c", "/v1/models", 0.0).await;
    assert!(until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 200 "));
    assert!(!soon(heads.recv()).await.unwrap().contains("upgrade"));
    for path in ["/v1/realtime", "/v1/responses/resp_1"] {
        let mut stream = ask(proxy.address, "websocket", path, 0.9).await;
        let answer = until(&mut stream, "}").await;
        assert!(!answer.starts_with("HTTP/1.1 101 "), "{answer}");
    }
    let mut stream = ask(proxy.address, "websocket", "/v1/models", 0.9).await;
    assert!(!until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 101 "));
    while let Ok(head) = heads.try_recv() {
        assert!(!head.contains("upgrade"), "{head}");
    }
}

/// Clients that dial first fall back to HTTP on this status, and on no other. Fails when the request
/// goes on without its upgrade, or is refused as one to an unknown path.
#[tokio::test]
async fn a_graded_caller_who_dials_a_known_endpoint_is_told_to_ask_over_http() {
    let (upstream, mut heads) = echoing().await;
    let proxy = broken::proxy(upstream, &[]).await;
    for (path, named, end) in [
        ("/v1/chat/completions", r#""code":"upgrade_required""#, "\"}}"),
        ("/v1/messages", r#""type":"invalid_request_error""#, "\"}"),
        ("/v1/responses", r#""code":"upgrade_required""#, "\"}}"),
    ] {
        let mut stream = ask(proxy.address, "websocket", path, 0.9).await;
        let answer = until(&mut stream, end).await;
        assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
        assert!(answer.to_lowercase().contains("\r\nupgrade: http/1.1\r\n"), "{answer}");
        assert!(answer.contains(named) && answer.contains("(decision gd_"), "{answer}");
        // The connection goes on.
        let asked = b"OPTIONS /v1/models HTTP/1.1\r\nhost: a\r\n\r\n";
        stream.write_all(asked).await.unwrap();
        assert!(until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 200 "));
        assert!(soon(heads.recv()).await.unwrap().starts_with("options "));
    }
    // An upgrade to anything else is an offer, which a server may leave.
    let mut stream = ask(proxy.address, "h2c", "/v1/models", 0.9).await;
    assert!(!until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 426 "));
    // Those to whom nothing is done dial as ever.
    let mut stream = ask(proxy.address, "websocket", "/v1/chat/completions", 0.0).await;
    assert!(until(&mut stream, "hello ").await.starts_with("HTTP/1.1 101 "));
}

/// Fails when a tunnel outlives the grace of a proxy that stops.
#[tokio::test]
async fn a_tunnel_ends_with_the_proxy() {
    let (upstream, _heads) = echoing().await;
    let proxy = broken::proxy(upstream, &[("SHUTDOWN_GRACE", "10ms")]).await;
    let mut stream = ask(proxy.address, "websocket", "/v1/realtime", 0.0).await;
    until(&mut stream, "hello ").await;
    proxy.stop.send(()).unwrap();
    soon(proxy.ended).await.unwrap();
    assert!(!matches!(soon(stream.read(&mut [0; 8])).await, Ok(1..)));
}

/// Fails when a tunnel in which nothing passes is kept.
#[tokio::test]
async fn a_silent_tunnel_ends_at_the_idle_timeout() {
    let (upstream, _heads) = echoing().await;
    let proxy = broken::proxy(upstream, &[("UPSTREAM_IDLE_TIMEOUT", "50ms")]).await;
    let mut stream = ask(proxy.address, "websocket", "/v1/realtime", 0.0).await;
    until(&mut stream, "hello ").await;
    assert!(!matches!(soon(stream.read(&mut [0; 8])).await, Ok(1..)));
}
