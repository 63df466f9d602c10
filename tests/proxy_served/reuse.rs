//! Connections to an upstream that closes them as it likes, as llama.cpp's does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{self, Running, client, full, request, soon};

/// A proxy that serves on one thread: others would have connections of their own.
async fn proxy(upstream: SocketAddr, more: &[(&str, &str)]) -> Running {
    let more: Vec<_> = more.iter().copied().chain([("LISTEN_WORKERS", "1")]).collect();
    support::proxy(upstream, &more).await
}

/// What a server does with the second request on a connection.
#[derive(Clone, Copy)]
enum Second {
    /// Closes the connection without a byte.
    Closes,
    /// Begins its answer and closes the connection.
    Begins,
    Answers,
}

#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

/// A server that answers the first request on each connection, with `fields` in its head.
async fn server(fields: &'static str, second: Second) -> (SocketAddr, Arc<Counts>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counts = Arc::new(Counts::default());
    let counted = Arc::clone(&counts);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.connections.fetch_add(1, Ordering::Relaxed);
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let mut first = true;
                while asked(&mut stream).await {
                    counted.requests.fetch_add(1, Ordering::Relaxed);
                    match second {
                        Second::Closes if !first => return,
                        Second::Begins if !first => {
                            stream.write_all(b"HTTP/1.1 2").await.unwrap();
                            return;
                        }
                        _ => {}
                    }
                    let answer = format!("HTTP/1.1 200 OK\r\n{fields}content-length: 2\r\n\r\nok");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    first = false;
                }
            });
        }
    });
    (address, counts)
}

/// Reads a request to its end; whether one came.
async fn asked(stream: &mut TcpStream) -> bool {
    let mut request = Vec::new();
    while !request.ends_with(b"the end") {
        if !stream.read_buf(&mut request).await.is_ok_and(|bytes| bytes > 0) {
            return false;
        }
    }
    true
}

async fn status(address: SocketAddr, body: Vec<u8>) -> u16 {
    let response = soon(client(false).request(request(address, "/x", full(body)))).await.unwrap();
    let status = response.status().as_u16();
    response.into_body().collect().await.unwrap();
    status
}

/// Fails when the request is not sent again, or is sent without the beginning of its body.
#[tokio::test]
async fn a_request_that_met_a_closing_connection_is_sent_once_more() {
    let (upstream, counts) = server("", Second::Closes).await;
    let proxy = proxy(upstream, &[]).await;
    for _ in 0..2 {
        assert_eq!(status(proxy.address, b"asked to the end".to_vec()).await, 200);
    }
    assert_eq!(counts.requests.load(Ordering::Relaxed), 3);
    assert_eq!(counts.connections.load(Ordering::Relaxed), 2);
}

/// A server of streams that closes each connection silently, so long after its answer.
async fn leaving(after: std::time::Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                if !asked(&mut stream).await {
                    return;
                }
                let event = "7\r\ndata: x\r\n2\r\n\n\n\r\n".repeat(5);
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                            transfer-encoding: chunked\r\n\r\n";
                let answer = format!("{head}{event}0\r\n\r\n");
                // It may be gone by then.
                let _ = stream.write_all(answer.as_bytes()).await;
                tokio::time::sleep(after).await;
            });
        }
    });
    address
}

/// Fails when a connection that is taken before its last answer was read to the end is not known to
/// have been used: a few in a thousand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stream_fails_in_front_of_a_server_that_closes_after_each() {
    for after in [0, 1, 3] {
        let upstream = leaving(std::time::Duration::from_millis(after)).await;
        let proxy = proxy(upstream, &[]).await;
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..8 {
            callers.spawn(async move {
                let mut failed = 0;
                for _ in 0..40 {
                    failed += usize::from(status(proxy.address, b"the end".to_vec()).await != 200);
                }
                failed
            });
        }
        let failed: usize = callers.join_all().await.into_iter().sum();
        assert_eq!(failed, 0, "closing after {after} ms");
    }
}

/// Fails when a request is sent again although somebody has begun to answer it.
#[tokio::test]
async fn a_request_is_not_sent_again_after_a_byte_of_an_answer() {
    let (upstream, counts) = server("", Second::Begins).await;
    let proxy = proxy(upstream, &[]).await;
    assert_eq!(status(proxy.address, b"the end".to_vec()).await, 200);
    assert_eq!(status(proxy.address, b"the end".to_vec()).await, 502);
    assert_eq!(counts.requests.load(Ordering::Relaxed), 2);
}

/// Fails when a new connection that breaks is taken for an old one.
#[tokio::test]
async fn a_request_on_a_new_connection_is_not_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = proxy(listener.local_addr().unwrap(), &[]).await;
    let waiting = tokio::spawn(status(proxy.address, b"the end".to_vec()));
    let (mut stream, _) = soon(listener.accept()).await.unwrap();
    assert!(asked(&mut stream).await);
    drop(stream);
    assert_eq!(soon(waiting).await.unwrap(), 502);
}

/// Fails when `Keep-Alive: timeout` is ignored: the server would have had a second request.
#[tokio::test]
async fn a_connection_is_given_up_before_the_server_does_so() {
    let (upstream, counts) = server("keep-alive: timeout=1, max=100\r\n", Second::Answers).await;
    let proxy = proxy(upstream, &[]).await;
    for _ in 0..3 {
        assert_eq!(status(proxy.address, b"the end".to_vec()).await, 200);
    }
    assert_eq!(counts.connections.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn without_idle_connections_each_serves_one_request() {
    for (idle, connections) in [("0", 3), ("256", 1)] {
        let (upstream, counts) = server("", Second::Answers).await;
        let proxy = proxy(upstream, &[("UPSTREAM_MAX_IDLE_CONNECTIONS", idle)]).await;
        for _ in 0..3 {
            assert_eq!(status(proxy.address, b"the end".to_vec()).await, 200);
        }
        assert_eq!(counts.connections.load(Ordering::Relaxed), connections);
    }
}
