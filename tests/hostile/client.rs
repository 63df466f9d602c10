//! Clients of the proxy, and the witness whose stream nothing may harm.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::process::soon;
use crate::upstream::{Upstream, WITNESS};

pub(crate) type HttpClient = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn client() -> HttpClient {
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(64).build_http()
}

/// Bytes of an answer that are kept to be looked at; of the rest only length and hash are.
pub(crate) const KEPT: usize = 1 << 20;

/// What a client has got.
#[derive(Debug)]
pub(crate) struct Got {
    /// `None` when there was no answer, or none that is HTTP.
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: HeaderMap,
    pub(crate) length: usize,
    pub(crate) hash: blake3::Hash,
    pub(crate) kept: Vec<u8>,
    /// Whether the body came to its end, as the client's HTTP library sees it.
    pub(crate) complete: bool,
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }
}

/// Sends a request and reads the answer as far as it goes.
pub(crate) async fn ask(client: &HttpClient, request: Request<Full<Bytes>>) -> Got {
    let mut hasher = blake3::Hasher::new();
    let mut got = Got {
        status: None,
        headers: HeaderMap::new(),
        length: 0,
        hash: hasher.finalize(),
        kept: Vec::new(),
        complete: false,
    };
    let Ok(response) = soon(client.request(request)).await else { return got };
    let (head, mut body) = response.into_parts();
    (got.status, got.headers) = (Some(head.status), head.headers);
    loop {
        match soon(body.frame()).await {
            None => got.complete = true,
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { continue };
                got.length += data.len();
                hasher.update(&data);
                let room = KEPT.saturating_sub(got.kept.len()).min(data.len());
                got.kept.extend_from_slice(&data[..room]);
                continue;
            }
            Some(Err(_)) => {}
        }
        got.hash = hasher.finalize();
        return got;
    }
}

/// Sends bytes as they stand, and reads until the other side closes the connection.
pub(crate) async fn raw(address: &str, bytes: &[u8]) -> Vec<u8> {
    let (mut reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
    let bytes = bytes.to_vec();
    // Whoever is refused need not be read to the end.
    let writing = tokio::spawn(async move {
        let _ = writing.write_all(&bytes).await;
        writing
    });
    let mut answer = Vec::new();
    // A reset after the answer is an end as well.
    let _ = soon(reading.read_to_end(&mut answer)).await;
    writing.abort();
    answer
}

/// A well-behaved caller in the middle of a stream while a case is played.
pub(crate) struct Witness {
    body: hyper::body::Incoming,
    got: Vec<u8>,
    half: Arc<Notify>,
}

impl Witness {
    /// Begins a stream and reads its first half.
    pub(crate) async fn begin(
        client: &HttpClient,
        proxy: &str,
        upstream: &Upstream,
        name: &str,
    ) -> Self {
        let half = upstream.witness(name);
        let request = Request::post(format!("http://{proxy}/v1/chat/completions"))
            .header("x-witness", name)
            .body(Full::from(r#"{"model":"m","stream":true,"messages":[]}"#))
            .unwrap();
        let body = soon(client.request(request)).await.unwrap().into_body();
        let mut witness = Self { body, got: Vec::new(), half };
        while witness.got.len() < WITNESS[0].len() {
            let frame = soon(witness.body.frame()).await.unwrap().unwrap();
            witness.got.extend_from_slice(&frame.into_data().unwrap());
        }
        witness
    }

    /// Reads the second half: the whole must be there, every byte as it was sent.
    pub(crate) async fn end(mut self, case: &str) {
        self.half.notify_one();
        let rest = soon(self.body.collect()).await.expect(case).to_bytes();
        self.got.extend_from_slice(&rest);
        assert_eq!(self.got, WITNESS.concat().as_bytes(), "the witness of {case}");
    }
}

/// Whether `body` is an error as the vendor whose endpoint `path` is would write it.
pub(crate) fn is_error_of(path: &str, body: &str) -> bool {
    let Ok(body) = serde_json::from_str::<serde_json::Value>(body) else { return false };
    if path.starts_with("/api/") || path.starts_with("/generate") || path == "/" {
        return body["error"].is_string();
    }
    if path == "/v2/chat" || path.starts_with("/model/") {
        return body["message"].is_string();
    }
    if path.contains("/models/") || matches!(path, "/completion" | "/infill") {
        return body["error"]["message"].is_string() && body["error"]["code"].is_number();
    }
    let told = body["error"]["message"].is_string() && body["error"]["type"].is_string();
    told && (!path.contains("/v1/messages") || body["type"] == "error")
}
