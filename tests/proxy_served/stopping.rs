//! Stopping: what is under way may finish, nothing new begins, and what is cut off looks cut off.

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::broken;
use crate::support::{
    Running, channel, client, full, proxy, request, send, soon, streaming_upstream, upstream,
};

#[tokio::test]
async fn a_stream_finishes_and_new_connections_are_refused() {
    for http2 in [false, true] {
        let (upstream, mut bodies) = streaming_upstream().await;
        let Running { address, stop, ended, .. } = proxy(upstream, &[]).await;
        let client = client(http2);
        let asked = request(address, "/v1/chat/completions", full("{}"));
        let mut body = soon(client.request(asked)).await.unwrap().into_body();
        let frames = soon(bodies.recv()).await.unwrap();
        send(&frames, b"one").await;
        soon(body.frame()).await.unwrap().unwrap();
        stop.send(()).unwrap();
        // The listener closes soon after the signal; until then connections may still get through.
        soon(async {
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        send(&frames, b"two").await;
        drop(frames);
        assert_eq!(soon(body.collect()).await.unwrap().to_bytes(), "two");
        soon(ended).await.unwrap();
    }
}

#[tokio::test]
async fn when_grace_is_over_a_client_sees_an_error() {
    for http2 in [false, true] {
        let (upstream, mut bodies) = streaming_upstream().await;
        let Running { address, stop, ended, .. } =
            proxy(upstream, &[("SHUTDOWN_GRACE", "20ms")]).await;
        let client = client(http2);
        let asked = request(address, "/v1/chat/completions", full("{}"));
        let mut body = soon(client.request(asked)).await.unwrap().into_body();
        let frames = soon(bodies.recv()).await.unwrap();
        send(&frames, b"one").await;
        soon(body.frame()).await.unwrap().unwrap();
        stop.send(()).unwrap();
        assert!(matches!(soon(body.frame()).await, Some(Err(_))), "{http2}");
        soon(frames.closed()).await;
        soon(ended).await.unwrap();
    }
}

/// Fails when what is cut off is taken for a client that left, or does not tell its client.
#[tokio::test]
async fn when_grace_is_over_a_stream_that_is_read_ends_in_the_protocols_error() {
    let directory = std::env::temp_dir();
    for (http2, score) in [(false, 0.9), (true, 0.9), (false, 0.0), (true, 0.0)] {
        let log = directory.join(format!("guilloche-stopping-{}.jsonl", std::process::id()));
        let _ = std::fs::remove_file(&log);
        let (bodies, mut receiver) = tokio::sync::mpsc::channel(1);
        let upstream = upstream(move |request| {
            let bodies = bodies.clone();
            async move {
                request.into_body().collect().await.unwrap();
                let (frames, body) = channel();
                bodies.send(frames).await.unwrap();
                let events = ("content-type", "text/event-stream");
                http::Response::builder().header(events.0, events.1).body(body).unwrap()
            }
        })
        .await;
        let path = log.display().to_string();
        let more = [("SHUTDOWN_GRACE", "20ms"), ("ACCESS_LOG_OUTPUT", path.as_str())];
        let Running { address, stop, ended, .. } = broken::proxy(upstream, &more).await;
        let mut asked = request(address, "/v1/chat/completions", full("{}"));
        asked.headers_mut().insert("guilloche-risk", broken::risk(score).parse().unwrap());
        let mut body = soon(client(http2).request(asked)).await.unwrap().into_body();
        let frames = soon(receiver.recv()).await.unwrap();
        send(&frames, b"data: {\"choices\":[]}\n\n").await;
        soon(body.frame()).await.unwrap().unwrap();
        stop.send(()).unwrap();
        let mut last = Vec::new();
        while let Some(Ok(frame)) = soon(body.frame()).await {
            last.extend_from_slice(&frame.into_data().unwrap());
        }
        let told = String::from_utf8(last).unwrap();
        assert_eq!(told.contains("\"code\":\"bad_gateway\""), score > 0.5, "{http2} {told:?}");
        soon(ended).await.unwrap();
        let line = std::fs::read_to_string(&log).unwrap();
        assert!(line.contains("\"outcome\":\"upstream_error\""), "{http2} {score} {line}");
    }
}

#[tokio::test]
async fn when_grace_is_over_an_http10_client_sees_a_reset() {
    let (upstream, mut bodies) = streaming_upstream().await;
    let Running { address, stop, ended, .. } = proxy(upstream, &[("SHUTDOWN_GRACE", "20ms")]).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let frames = soon(bodies.recv()).await.unwrap();
    send(&frames, b"part").await;
    let mut got = Vec::new();
    while !got.ends_with(b"part") {
        soon(stream.read_buf(&mut got)).await.unwrap();
    }
    stop.send(()).unwrap();
    soon(stream.read_buf(&mut got)).await.unwrap_err();
    soon(ended).await.unwrap();
}

#[tokio::test]
async fn connections_without_an_exchange_do_not_hold_it_up() {
    let (upstream, _bodies) = streaming_upstream().await;
    let Running { address, stop, ended, .. } = proxy(upstream, &[("SHUTDOWN_GRACE", "1h")]).await;
    let _silent = TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    soon(ended).await.unwrap();
}
