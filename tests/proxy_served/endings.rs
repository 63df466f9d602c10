//! Who leaves first, and what the others see of it.

use std::sync::Arc;

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::support::{
    channel, client, full, proxy, request, send, soon, streaming_upstream, upstream,
};

async fn a_client_that_leaves(client_http2: bool, upstream_http2: &str) {
    let (upstream, mut bodies) = streaming_upstream().await;
    let proxy = proxy(upstream, &[("UPSTREAM_HTTP2", upstream_http2)]).await;
    let client = client(client_http2);
    let asked = request(proxy.address, "/v1/messages", full("{}"));
    let mut body = soon(client.request(asked)).await.unwrap().into_body();
    let frames = soon(bodies.recv()).await.unwrap();
    send(&frames, b"data: 1\n\n").await;
    soon(body.frame()).await.unwrap().unwrap();
    drop(body);
    // Resolves when the upstream's server drops the body that nobody wants any more.
    soon(frames.closed()).await;
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_upstream_over_http1() {
    a_client_that_leaves(false, "false").await;
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_upstream_over_http2() {
    a_client_that_leaves(true, "true").await;
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_upstream_across_versions() {
    a_client_that_leaves(true, "false").await;
    a_client_that_leaves(false, "true").await;
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_cancels_the_upstream() {
    struct Dropped(Arc<Notify>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    for http2 in [false, true] {
        let (asked, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (notify, alarm) = (Arc::clone(&asked), Arc::clone(&dropped));
        let upstream = upstream(move |request| {
            let (notify, alarm) = (Arc::clone(&notify), Dropped(Arc::clone(&alarm)));
            async move {
                let _alarm = alarm;
                // A server that has not read a request whole does not see its connection closed.
                request.into_body().collect().await.unwrap();
                notify.notify_one();
                std::future::pending().await
            }
        })
        .await;
        let proxy = proxy(upstream, &[]).await;
        let client = client(http2);
        let waiting = tokio::spawn(client.request(request(proxy.address, "/", full("{}"))));
        soon(asked.notified()).await;
        waiting.abort();
        soon(dropped.notified()).await;
    }
}

#[tokio::test]
async fn an_upstream_that_is_cut_off_is_an_error_to_the_client() {
    for head in
        ["content-length: 100\r\n\r\npart", "transfer-encoding: chunked\r\n\r\n4\r\npart\r\n"]
    {
        for http2 in [false, true] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let proxy = proxy(listener.local_addr().unwrap(), &[]).await;
            let client = client(http2);
            let asked = client.request(request(proxy.address, "/", full("{}")));
            let cut = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 4096]).await.unwrap();
                stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}").as_bytes()).await.unwrap();
                stream
            };
            let (response, stream) = soon(async { tokio::join!(asked, cut) }).await;
            let mut body = response.unwrap().into_body();
            let first = soon(body.frame()).await.unwrap().unwrap();
            assert_eq!(first.into_data().unwrap(), "part");
            drop(stream);
            let end = soon(body.frame()).await;
            assert!(matches!(end, Some(Err(_))), "{head:?} {http2} {end:?}");
        }
    }
}

#[tokio::test]
async fn an_http10_client_sees_a_reset_and_no_end() {
    let (upstream, mut bodies) = streaming_upstream().await;
    let proxy = proxy(upstream, &[]).await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let frames = soon(bodies.recv()).await.unwrap();
    send(&frames, b"part").await;
    let mut got = Vec::new();
    while !got.ends_with(b"part") {
        soon(stream.read_buf(&mut got)).await.unwrap();
    }
    frames.send(Err("cut".into())).await.unwrap();
    soon(stream.read_buf(&mut got)).await.unwrap_err();
}

#[tokio::test]
async fn an_http10_client_sees_the_end_of_a_complete_answer() {
    let (upstream, mut bodies) = streaming_upstream().await;
    let proxy = proxy(upstream, &[]).await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let frames = soon(bodies.recv()).await.unwrap();
    send(&frames, b"all").await;
    drop(frames);
    let mut got = Vec::new();
    soon(stream.read_to_end(&mut got)).await.unwrap();
    assert!(got.ends_with(b"all"));
}

#[tokio::test]
async fn a_request_that_the_client_breaks_off_never_reaches_the_upstream_whole() {
    let (report, mut reports) = tokio::sync::mpsc::channel(1);
    let upstream = upstream(move |request| {
        let report = report.clone();
        async move {
            let whole = request.into_body().collect().await.is_ok();
            report.send(whole).await.unwrap();
            http::Response::new(full(""))
        }
    })
    .await;
    let proxy = proxy(upstream, &[]).await;
    let (frames, body) = channel();
    let client = client(false);
    let asked = tokio::spawn(client.request(request(proxy.address, "/", body)));
    send(&frames, b"half").await;
    frames.send(Err("gone".into())).await.unwrap();
    asked.await.unwrap().unwrap_err();
    assert!(!soon(reports.recv()).await.unwrap());
}
