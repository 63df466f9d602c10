//! What is too much or too slow, and what clients are told.

use bytes::Bytes;
use http::Response;
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{
    channel, client, full, proxy, raw, request, send, soon, streaming_upstream, upstream,
};

/// What a refusal says.
async fn told(response: Response<Incoming>) -> Value {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_announced_or_not() {
    let upstream = upstream(|request| async move {
        let _ = request.into_body().collect().await;
        Response::new(full("read"))
    })
    .await;
    let proxy = proxy(upstream, &[("LIMITS_MAX_REQUEST_BODY", "4B")]).await;
    let client = client(false);
    for (body, status) in [("1234", 200), ("12345", 413)] {
        let response = soon(client.request(request(proxy.address, "/", full(body)))).await.unwrap();
        assert_eq!(response.status(), status);
    }
    let (frames, body) = channel();
    let asked = tokio::spawn(client.request(request(proxy.address, "/v1/messages", body)));
    for piece in [b"123", b"456"] {
        send(&frames, piece).await;
    }
    let response = soon(asked).await.unwrap().unwrap();
    assert_eq!(response.status(), 413);
    let body = told(response).await;
    assert_eq!(body["error"]["type"], "request_too_large");
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("The request body is too large. (decision gd_"), "{message}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let upstream = upstream(|_| async { Response::new(full("")) }).await;
    let proxy = proxy(upstream, &[("LIMITS_MAX_HEADER_BYTES", "8KiB")]).await;
    let head = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(9000));
    let answer = raw(proxy.address, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let mut asked = request(proxy.address, "/", full(""));
    asked.headers_mut().insert("x", "x".repeat(9000).parse().unwrap());
    let response = soon(client(true).request(asked)).await.unwrap();
    assert_eq!(response.status(), 431);
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_a_502() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let proxy = proxy(nobody, &[]).await;
    let response =
        soon(client(false).request(request(proxy.address, "/v1/chat/completions", full("")))).await;
    let response = response.unwrap();
    assert_eq!(response.status(), 502);
    assert_eq!(response.headers()["content-type"], "application/json");
    let body = told(response).await;
    assert_eq!(body["error"]["type"], "server_error");
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_is_a_504() {
    // Connections are taken by the system and never read.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = listener.local_addr().unwrap();
    let proxy = proxy(upstream, &[("UPSTREAM_FIRST_BYTE_TIMEOUT", "20ms")]).await;
    let response =
        soon(client(false).request(request(proxy.address, "/v1/messages", full("")))).await;
    let response = response.unwrap();
    assert_eq!(response.status(), 504);
    let body = told(response).await;
    assert_eq!(body["error"]["type"], "timeout_error");
}

/// Fails when the model server is blamed for a client that is slow, or a client for a server that
/// does not read.
#[tokio::test]
async fn a_body_that_is_too_slow_is_a_408_and_a_server_that_does_not_read_it_a_504() {
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let reading = upstream(|request| async move {
        let _ = request.into_body().collect().await;
        Response::new(full("read"))
    })
    .await;
    for http2 in [false, true] {
        let proxy = proxy(reading, &[("UPSTREAM_FIRST_BYTE_TIMEOUT", "100ms")]).await;
        let (frames, body) = channel();
        let asked =
            tokio::spawn(client(http2).request(request(proxy.address, "/v1/messages", body)));
        send(&frames, b"{\"model\":").await;
        let response = soon(asked).await.unwrap().unwrap();
        assert_eq!(response.status(), 408, "{http2}");
        let body = told(response).await;
        assert_eq!(body["error"]["type"], "timeout_error");
    }
    // Taken by the system and never read: more than any socket buffers.
    let timeout = [("UPSTREAM_FIRST_BYTE_TIMEOUT", "500ms")];
    let proxy = proxy(hanging.local_addr().unwrap(), &timeout).await;
    let long = full(vec![b'x'; 30 << 20]);
    let response = soon(client(true).request(request(proxy.address, "/", long))).await.unwrap();
    assert_eq!(response.status(), 504);
}

#[tokio::test]
async fn a_handshake_that_hangs_is_a_504_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let more = [("UPSTREAM_URL", url.as_str()), ("UPSTREAM_CONNECT_TIMEOUT", "20ms")];
    let proxy = proxy(listener.local_addr().unwrap(), &more).await;
    let response =
        soon(client(false).request(request(proxy.address, "/", full("")))).await.unwrap();
    assert_eq!(response.status(), 504);
}

#[tokio::test]
async fn a_stream_that_pauses_too_long_ends_in_an_error() {
    for field in ["UPSTREAM_IDLE_TIMEOUT", "UPSTREAM_TOTAL_TIMEOUT"] {
        for http2 in [false, true] {
            let (upstream, mut bodies) = streaming_upstream().await;
            let proxy = proxy(upstream, &[(field, "200ms")]).await;
            let client = client(http2);
            let asked = request(proxy.address, "/", full("{}"));
            let mut body = soon(client.request(asked)).await.unwrap().into_body();
            let frames = soon(bodies.recv()).await.unwrap();
            send(&frames, b"data: 1\n\n").await;
            soon(body.frame()).await.unwrap().unwrap();
            assert!(matches!(soon(body.frame()).await, Some(Err(_))), "{field} {http2}");
            soon(frames.closed()).await;
        }
    }
}

/// A client that reads nothing keeps the model's answer, and nobody asks that for its time limits.
/// Fails when it may do so for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_takes_nothing_is_left() {
    for http2 in [false, true] {
        let (upstream, mut bodies) = streaming_upstream().await;
        let proxy = proxy(upstream, &[("UPSTREAM_IDLE_TIMEOUT", "300ms")]).await;
        let asked = request(proxy.address, "/v1/messages", full("{}"));
        let response = soon(client(http2).request(asked)).await;
        let frames = soon(bodies.recv()).await.unwrap();
        let piece = Bytes::from(vec![b'x'; 64 << 10]);
        soon(async { while frames.send(Ok(Frame::data(piece.clone()))).await.is_ok() {} }).await;
        drop(response);
    }
}

/// Fails when a client keeps answers that it does not read for as long as it reads another one of the
/// same connection, or loses that one with them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_its_client_does_not_read_is_left_and_those_beside_it_go_on() {
    let (upstream, mut bodies) = streaming_upstream().await;
    let proxy = proxy(upstream, &[("UPSTREAM_IDLE_TIMEOUT", "300ms")]).await;
    let client = client(true);
    let ask = || client.request(request(proxy.address, "/v1/messages", full("{}")));
    let mut read = soon(ask()).await.unwrap().into_body();
    let moving = soon(bodies.recv()).await.unwrap();
    let unread = soon(ask()).await.unwrap();
    let held = soon(bodies.recv()).await.unwrap();
    let piece = Bytes::from(vec![b'x'; 64 << 10]);
    let flood = async { while held.send(Ok(Frame::data(piece.clone()))).await.is_ok() {} };
    let beside = async {
        loop {
            send(&moving, b"data: 1\n\n").await;
            assert_eq!(read.frame().await.unwrap().unwrap().into_data().unwrap(), "data: 1\n\n");
        }
    };
    soon(async {
        tokio::select! { () = flood => {}, () = beside => {} }
    })
    .await;
    send(&moving, b"data: 2\n\n").await;
    drop(moving);
    let last = soon(read.collect()).await.unwrap().to_bytes();
    assert!(last.ends_with(b"data: 2\n\n"));
    // It is told that its answer is not whole.
    assert!(soon(unread.into_body().collect()).await.is_err());
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let upstream = upstream(|_| async { Response::new(full("")) }).await;
    let proxy = proxy(upstream, &[("LISTEN_IDLE_TIMEOUT", "20ms")]).await;
    // The second stands in what may become the preface of HTTP/2, the third in a head.
    for start in ["", "PRI * HT", "GET / HTTP/1.1\r\nx: "] {
        let _answer = raw(proxy.address, start.as_bytes()).await;
    }
}

#[tokio::test]
async fn connections_beyond_the_cap_wait_for_room() {
    let upstream = upstream(|_| async { Response::new(full("")) }).await;
    let proxy = proxy(upstream, &[("LIMITS_MAX_CONNECTIONS", "1")]).await;
    const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut first = TcpStream::connect(proxy.address).await.unwrap();
    first.write_all(ASK).await.unwrap();
    soon(first.read(&mut [0; 1024])).await.unwrap();
    let mut second = TcpStream::connect(proxy.address).await.unwrap();
    second.write_all(ASK).await.unwrap();
    // The first is served again while the second, which asked before, waits.
    first.write_all(ASK).await.unwrap();
    soon(first.read(&mut [0; 1024])).await.unwrap();
    let waiting = second.try_read(&mut [0; 1]).unwrap_err();
    assert_eq!(waiting.kind(), std::io::ErrorKind::WouldBlock);
    drop(first);
    assert!(soon(second.read(&mut [0; 1024])).await.unwrap() > 0);
}

#[tokio::test]
async fn requests_that_two_servers_could_read_differently_are_refused() {
    let upstream = upstream(|_| async { Response::new(full("")) }).await;
    let proxy = proxy(upstream, &[]).await;
    for fields in [
        "content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        "content-length: 3, 4\r\n\r\nabcd",
        "content-length: +3\r\n\r\nabc",
        "content-length: 3\r\n x: folded\r\n\r\nabc",
        "content-length : 3\r\n\r\nabc",
        "transfer-encoding: gzip\r\n\r\nabc",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    ] {
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{fields}");
        let answer = raw(proxy.address, head.as_bytes()).await;
        assert!(!answer.starts_with("HTTP/1.1 2"), "{fields:?}: {answer}");
    }
    let connect = "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\nconnection: close\r\n\r\n";
    let answer = raw(proxy.address, connect.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
}

/// The HTTP library cuts a fragment off, so that what a detector signed with it would be another
/// path's. Fails when targets are not looked at before they are parsed.
#[tokio::test]
async fn a_request_target_with_a_fragment_is_refused() {
    let upstream = upstream(|_| async { Response::new(full("")) }).await;
    let proxy = proxy(upstream, &[]).await;
    let request = |target: &str, close: &str| {
        format!("POST {target} HTTP/1.1\r\nhost: a\r\n{close}content-length: 0\r\n\r\n")
    };
    let last = |target| request(target, "connection: close\r\n");
    for target in ["/a#x", "/a#", "/a?b=1#c", "http://h/a#x", "/a#x?y"] {
        let answer = raw(proxy.address, last(target).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{target}: {answer}");
        assert!(answer.contains("has a fragment"), "{target}: {answer}");
        // Behind another on the same connection.
        let two = request("/a", "") + &last(target);
        let answer = raw(proxy.address, two.as_bytes()).await;
        let second = answer.rsplit("HTTP/1.1 ").next().unwrap();
        assert!(second.starts_with("400 "), "{target}: {answer}");
    }
    let answer = raw(proxy.address, last("/a?b=%23").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_length_beside_chunks_is_not_passed_on() {
    // The server goes by the chunks and forgets the length, as RFC 9112 section 6.3 has it; what
    // the upstream gets is framed anew, so that it cannot read anything else.
    let upstream = upstream(|request| async move {
        assert!(!request.headers().contains_key("content-length"));
        let body = request.into_body().collect().await.unwrap().to_bytes();
        Response::new(full(body))
    })
    .await;
    let proxy = proxy(upstream, &[]).await;
    for both in [
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
    ] {
        let smuggled = "1\r\nx\r\n0\r\n\r\nGET /second HTTP/1.1\r\nhost: a\r\n\r\n";
        let head =
            format!("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{both}\r\n{smuggled}");
        let answer = raw(proxy.address, head.as_bytes()).await;
        assert!(answer.ends_with("\r\n\r\nx"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
}
