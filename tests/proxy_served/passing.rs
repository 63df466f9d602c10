//! What passes, passes as it came.

use bytes::Bytes;
use futures_util::stream::iter;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};

use crate::support::{
    BoxError, client, full, proxy, raw, request, soon, streaming_upstream, upstream,
};

#[tokio::test]
async fn a_json_answer_keeps_every_byte_and_its_length() {
    const ODD: &str =
        "\n\n{\"b\":1.10,\"a\":1e2,\"a\":\"\\u00e9\\/\",\"n\":123456789012345678901234567890 }\n";
    let upstream = upstream(|request| async move {
        let sent = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(sent, "{ \"q\" : 0.10 }");
        Response::builder().header(CONTENT_TYPE, "application/json").body(full(ODD)).unwrap()
    })
    .await;
    let proxy = proxy(upstream, &[]).await;
    for http2 in [false, true] {
        let asked = request(proxy.address, "/v1/chat/completions", full("{ \"q\" : 0.10 }"));
        let response = soon(client(http2).request(asked)).await.unwrap();
        assert_eq!(response.headers()[CONTENT_LENGTH], ODD.len().to_string());
        assert_eq!(response.body().size_hint().exact(), Some(ODD.len() as u64));
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), ODD);
    }
}

#[tokio::test]
async fn a_stream_comes_event_by_event_however_it_is_cut() {
    let (upstream, mut bodies) = streaming_upstream().await;
    let proxy = proxy(upstream, &[]).await;
    let asked = request(proxy.address, "/v1/chat/completions", full("{}"));
    let mut body = soon(client(false).request(asked)).await.unwrap().into_body();
    let frames = soon(bodies.recv()).await.unwrap();
    let pieces: [&'static [u8]; 5] =
        [b": hi\r", b"\nid: 1\ndata: {\"t\":\"\xf0\x9f", b"\x98\x80\"}\n", b"\n", b"data: [DONE]"];
    for piece in pieces {
        // Each piece is read before the next is sent: nothing is held back.
        crate::support::send(&frames, piece).await;
        let mut got = Vec::new();
        while got.len() < piece.len() {
            got.extend_from_slice(&soon(body.frame()).await.unwrap().unwrap().into_data().unwrap());
        }
        assert_eq!(got, piece);
    }
    drop(frames);
    assert!(soon(body.frame()).await.is_none());
}

#[tokio::test]
async fn trailers_pass_over_http2() {
    let upstream = upstream(|request| async move {
        let sent = request.into_body().collect().await.unwrap();
        assert_eq!(sent.trailers().unwrap()["x-sent"], "1");
        let trailers = HeaderMap::from_iter([("x-end".parse().unwrap(), "2".parse().unwrap())]);
        let frames =
            [Ok::<_, BoxError>(Frame::data(Bytes::from("x"))), Ok(Frame::trailers(trailers))];
        Response::new(StreamBody::new(iter(frames)).boxed_unsync())
    })
    .await;
    let proxy = proxy(upstream, &[("UPSTREAM_HTTP2", "true")]).await;
    let trailers = HeaderMap::from_iter([("x-sent".parse().unwrap(), "1".parse().unwrap())]);
    let frames = [Ok::<_, BoxError>(Frame::data(Bytes::from("q"))), Ok(Frame::trailers(trailers))];
    let asked = request(proxy.address, "/", StreamBody::new(iter(frames)).boxed_unsync());
    let response = soon(client(true).request(asked)).await.unwrap();
    let answer = response.into_body().collect().await.unwrap();
    assert_eq!(answer.trailers().unwrap()["x-end"], "2");
    assert_eq!(answer.to_bytes(), "x");
}

// Break it: take `TE` from the request, or `Trailer` from the answer.
#[tokio::test]
async fn trailers_pass_over_http1_to_a_client_that_takes_them() {
    let upstream = upstream(|request| async move {
        let takes = request.headers().get("te").map(|te| te.to_str().unwrap().to_owned());
        let trailers = HeaderMap::from_iter([("x-end".parse().unwrap(), "2".parse().unwrap())]);
        let frames =
            [Ok::<_, BoxError>(Frame::data(Bytes::from("x"))), Ok(Frame::trailers(trailers))];
        Response::builder()
            .header("trailer", "x-end")
            .header("x-takes", takes.unwrap_or_default())
            .body(StreamBody::new(iter(frames)).boxed_unsync())
            .unwrap()
    })
    .await;
    for http2 in ["false", "true"] {
        let proxy = proxy(upstream, &[("UPSTREAM_HTTP2", http2)]).await;
        for (takes, upstream_sees, end) in [
            (
                "te: trailers\r\nconnection: te, close",
                "trailers",
                "1\r\nx\r\n0\r\nx-end: 2\r\n\r\n",
            ),
            ("te: gzip, Trailers\r\nconnection: close", "trailers", "\r\n0\r\nx-end: 2\r\n\r\n"),
            ("te: gzip\r\nconnection: close", "", "1\r\nx\r\n0\r\n\r\n"),
            ("connection: close", "", "1\r\nx\r\n0\r\n\r\n"),
        ] {
            let asked = format!("GET / HTTP/1.1\r\nhost: a\r\n{takes}\r\n\r\n");
            let answer = raw(proxy.address, asked.as_bytes()).await;
            assert!(answer.contains("\r\ntrailer: x-end\r\n"), "{answer}");
            assert!(answer.contains(&format!("\r\nx-takes: {upstream_sees}\r\n")), "{answer}");
            assert!(answer.ends_with(end), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_large_body_passes_both_ways() {
    let upstream = upstream(|request| async move {
        Response::new(full(request.into_body().collect().await.unwrap().to_bytes()))
    })
    .await;
    let proxy = proxy(upstream, &[]).await;
    let large: Bytes = (0..8_u32 << 20).map(|at| (at % 251) as u8).collect();
    for http2 in [false, true] {
        let asked = request(proxy.address, "/v1/responses", full(large.clone()));
        let response = soon(client(http2).request(asked)).await.unwrap();
        assert!(soon(response.into_body().collect()).await.unwrap().to_bytes() == large);
    }
}

#[tokio::test]
async fn fields_pass_but_those_of_the_connection_and_nothing_is_added() {
    let upstream = upstream(|request| async move {
        let mut names: Vec<_> = request.headers().keys().map(|name| name.as_str()).collect();
        names.sort_unstable();
        let seen = format!("{} {} {}", request.method(), request.uri(), names.join(","));
        Response::builder()
            .header("keep-alive", "timeout=9")
            .header("connection", "x-hop")
            .header("x-hop", "1")
            .header("x-kept", "2")
            .body(full(seen))
            .unwrap()
    })
    .await;
    let proxy = proxy(upstream, &[("UPSTREAM_URL", &format!("http://{upstream}/base/"))]).await;
    let asked = Request::builder()
        .method(Method::PUT)
        .uri(format!("http://{}/v1/a%2Fb?q=%20", proxy.address))
        .header("connection", "upgrade, x-mine")
        .header("upgrade", "websocket")
        .header("x-mine", "1")
        .header("authorization", "Bearer k")
        .body(full("x"))
        .unwrap();
    let response = soon(client(false).request(asked)).await.unwrap();
    let mut fields: Vec<_> = response.headers().keys().map(|name| name.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["content-length", "date", "x-kept"]);
    let seen = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(seen, "PUT /base/v1/a%2Fb?q=%20 authorization,content-length,host");
}

#[tokio::test]
async fn the_upstream_is_asked_by_its_own_name() {
    let upstream = upstream(|request| async move {
        Response::new(full(request.headers()[HOST].as_bytes().to_vec()))
    })
    .await;
    let proxy = proxy(upstream, &[]).await;
    let answer =
        raw(proxy.address, b"GET / HTTP/1.1\r\nhost: public.example\r\nconnection: close\r\n\r\n")
            .await;
    assert!(answer.ends_with(&upstream.to_string()), "{answer}");
}

// Break it: clear the extensions of an upstream's answer, or leave the server to its own words.
#[tokio::test]
async fn a_status_without_a_registered_reason_comes_with_the_upstreams_or_none() {
    for (said, line) in [("Overloaded", "HTTP/1.1 529 Overloaded\r\n"), ("", "HTTP/1.1 529 \r\n")] {
        let upstream = upstream(move |_| async move {
            let phrase = hyper::ext::ReasonPhrase::from_static(said.as_bytes());
            Response::builder().status(529).extension(phrase).body(full("")).unwrap()
        })
        .await;
        let proxy = proxy(upstream, &[]).await;
        let answer =
            raw(proxy.address, b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
        assert!(answer.starts_with(line), "{answer}");
    }
}

#[tokio::test]
async fn the_answer_to_head_keeps_its_length_and_is_complete() {
    let upstream = upstream(|_| async move {
        Response::builder().header(CONTENT_LENGTH, "123").body(full("")).unwrap()
    })
    .await;
    let proxy = proxy(upstream, &[]).await;
    let answer =
        raw(proxy.address, b"HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("content-length: 123\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

/// Fails when the body of an answer of ours is not dropped: the client would be told of a broken
/// protocol.
#[tokio::test]
async fn our_answers_to_head_requests_have_no_body_over_http2_either() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = proxy(closed, &[]).await;
    for http2 in [false, true] {
        let asked = Request::head(format!("http://{}/v1/responses", proxy.address));
        let response = soon(client(http2).request(asked.body(full("")).unwrap())).await.unwrap();
        assert_eq!(response.status(), 502);
        assert_ne!(response.headers()[CONTENT_LENGTH], "0");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "");
    }
}

/// Fails when an answer of ours says nothing to a browser, or more than the upstream has said.
#[tokio::test]
async fn a_browser_can_read_our_answers_where_the_upstream_lets_it_read_its_own() {
    const APP: &str = "https://app.example";
    let upstream = upstream(|request| async move {
        let preflight = request.method() == Method::OPTIONS;
        let mine = request.headers().get("origin").is_some_and(|origin| origin == APP);
        let answer = Response::builder();
        let answer = if preflight && mine {
            answer.header("access-control-allow-origin", APP)
        } else {
            answer
        };
        answer.body(full("")).unwrap()
    })
    .await;
    let proxy = proxy(upstream, &[("LIMITS_MAX_REQUEST_BODY", "8B")]).await;
    let send = async |method: Method, origin: &str, body: &'static str| {
        let asked = Request::builder().method(method);
        let asked = asked.uri(format!("http://{}/v1/chat/completions", proxy.address));
        let asked = asked.header("origin", origin).body(full(body)).unwrap();
        soon(client(false).request(asked)).await.unwrap()
    };
    for origin in [APP, "https://other.example"] {
        assert_eq!(send(Method::OPTIONS, origin, "").await.status(), 200);
        let refused = send(Method::POST, origin, "more than eight").await;
        assert_eq!(refused.status(), 413);
        let allowed = refused.headers().get("access-control-allow-origin");
        assert_eq!(allowed.is_some_and(|allowed| allowed == APP), origin == APP);
        let exposed = refused.headers().get("access-control-expose-headers");
        let exposed = exposed.map(|names| names.to_str().unwrap().to_owned());
        assert_eq!(exposed.is_some(), origin == APP);
        if let Some(exposed) = exposed {
            for name in ["guilloche-decision", "x-request-id", "request-id", "retry-after"] {
                assert!(exposed.split(", ").any(|known| known == name), "{name}: {exposed}");
            }
            assert_eq!(refused.headers()["vary"], "origin");
        }
        // The upstream speaks for itself.
        let own = send(Method::POST, origin, "less").await;
        assert!(!own.headers().contains_key("access-control-allow-origin"));
    }
}
