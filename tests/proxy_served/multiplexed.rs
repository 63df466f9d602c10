//! Upstreams that end streams of a shared connection as they like (HTTP/2).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use tokio::net::TcpListener;

use crate::support::{client, full, proxy, request, soon};

type Answer = SendResponse<Bytes>;

/// A server of HTTP/2 that does `with` each request, told how many came before.
async fn server(with: fn(usize, Answer)) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counted = Arc::new(AtomicUsize::new(0));
    let requests = Arc::clone(&counted);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let requests = Arc::clone(&requests);
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((_, answer))) = connection.accept().await {
                    with(requests.fetch_add(1, Ordering::Relaxed), answer);
                }
            });
        }
    });
    (address, counted)
}

fn begins(mut answer: Answer, reset: Option<Reason>) {
    let head = Response::builder().header("content-type", "text/event-stream").body(()).unwrap();
    let mut body = answer.send_response(head, false).unwrap();
    body.send_data(Bytes::from_static(b"data: {}\n\n"), reset.is_none()).unwrap();
    if let Some(reason) = reset {
        tokio::spawn(async move {
            // What was sent is to arrive.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            body.send_reset(reason);
        });
    }
}

async fn ask(address: SocketAddr) -> (StatusCode, bool) {
    let response = soon(client(false).request(request(address, "/x", full("{}")))).await.unwrap();
    let status = response.status();
    (status, soon(response.into_body().collect()).await.is_ok())
}

/// Fails when the client library's word is taken for it: it passes these off as ends.
#[tokio::test]
async fn a_stream_that_is_reset_in_mid_answer_has_not_come_to_its_end() {
    let servers: [fn(usize, Answer); 3] = [
        |_, answer| begins(answer, Some(Reason::NO_ERROR)),
        |_, answer| begins(answer, Some(Reason::CANCEL)),
        |_, answer| begins(answer, Some(Reason::INTERNAL_ERROR)),
    ];
    for with in servers {
        let (upstream, _) = server(with).await;
        let proxy = proxy(upstream, &[("UPSTREAM_HTTP2", "true")]).await;
        assert_eq!(ask(proxy.address).await, (StatusCode::OK, false));
    }
    let (upstream, _) = server(|_, answer| begins(answer, None)).await;
    let proxy = proxy(upstream, &[("UPSTREAM_HTTP2", "true")]).await;
    assert_eq!(ask(proxy.address).await, (StatusCode::OK, true));
}

/// Fails when a refused stream is a failure: its server has done nothing, and says so.
#[tokio::test]
async fn a_request_whose_stream_was_refused_is_sent_once_more() {
    let (upstream, requests) = server(|before, mut answer| {
        if before % 2 == 0 {
            answer.send_reset(Reason::REFUSED_STREAM);
        } else {
            begins(answer, None);
        }
    })
    .await;
    let proxy = proxy(upstream, &[("UPSTREAM_HTTP2", "true")]).await;
    for _ in 0..3 {
        assert_eq!(ask(proxy.address).await, (StatusCode::OK, true));
    }
    assert_eq!(requests.load(Ordering::Relaxed), 6);
}
