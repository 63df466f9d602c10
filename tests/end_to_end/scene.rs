//! The embedded upstream on a socket, clients, and what they send.

use bytes::Bytes;
use guilloche::teacher::{Settings, Teacher};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::process::soon;

pub(crate) type HttpClient = Client<HttpConnector, Full<Bytes>>;

pub(crate) const PROBLEM: &str = "Maria has 12 apples. She buys 6 more. Then she gives 3 apples to \
    Tom and doubles the number of apples. How many apples does Maria have?";

/// How Chat Completions carry reasoning, by the suffix of the model's name.
pub(crate) const DIALECTS: [&str; 7] =
    ["", ":reasoning", ":think", ":think-open", ":details", ":mistral", ":plain"];

/// Serves the embedded upstream; returns it and its address.
pub(crate) async fn model(settings: Settings) -> (Teacher, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let teacher = Teacher::new(settings);
    let served = teacher.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let _ = stream.set_nodelay(true);
            let service = TowerToHyperService::new(served.clone());
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (teacher, address)
}

/// A model that takes its time, so that its streams are open while a test looks.
pub(crate) async fn slow_model() -> (Teacher, String) {
    model(Settings { tokens_per_second: Some(200.0), ..Settings::default() }).await
}

/// The records of an audit, without what it tells of those who have left none.
pub(crate) fn records(audit: impl AsRef<std::path::Path>) -> Vec<Value> {
    let text = std::fs::read_to_string(audit).unwrap_or_default();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["passed"].is_null()).collect()
}

pub(crate) fn client(http2: bool) -> HttpClient {
    Client::builder(TokioExecutor::new()).http2_only(http2).build_http()
}

/// An endpoint, a model, and whether the answer is streamed.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) messages: bool,
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) prompt: String,
}

impl Question {
    pub(crate) fn new(messages: bool, model: &str, stream: bool) -> Self {
        Self { messages, model: model.to_owned(), stream, prompt: PROBLEM.to_owned() }
    }

    /// Every protocol and dialect, whole and streamed.
    pub(crate) fn all() -> Vec<Self> {
        let chat = DIALECTS.map(|dialect| (false, format!("teacher-large{dialect}")));
        let models = chat.into_iter().chain([(true, "teacher-large".to_owned())]);
        models
            .flat_map(|(messages, model)| {
                [false, true].map(|stream| Self::new(messages, &model, stream))
            })
            .collect()
    }

    pub(crate) fn path(&self) -> &'static str {
        if self.messages { "/v1/messages" } else { "/v1/chat/completions" }
    }

    pub(crate) fn body(&self) -> Value {
        let Self { messages, model, stream, prompt } = self;
        let mut body = json!({
            "model": model,
            "stream": stream,
            "messages": [{"role": "user", "content": prompt}],
        });
        if *messages {
            body["max_tokens"] = json!(4096);
            body["thinking"] = json!({"type": "enabled", "budget_tokens": 2048});
        }
        body
    }

    pub(crate) async fn send(
        &self,
        client: &HttpClient,
        address: &str,
        fields: &[(&str, &str)],
    ) -> http::Response<Incoming> {
        let mut request = Request::post(format!("http://{address}{}", self.path()))
            .header("content-type", "application/json");
        for (name, value) in fields {
            request = request.header(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        let request = request.body(Full::from(self.body().to_string())).unwrap();
        soon(client.request(request)).await.unwrap()
    }

    /// Sends it and reads the whole answer.
    pub(crate) async fn ask(
        &self,
        client: &HttpClient,
        address: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let (head, body) = self.send(client, address, fields).await.into_parts();
        let body = soon(body.collect()).await.map(|body| body.to_bytes());
        Answer { status: head.status, headers: head.headers, body }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Bytes, hyper::Error>,
}

impl Answer {
    pub(crate) fn bytes(&self) -> &Bytes {
        self.body.as_ref().unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(self.bytes()).unwrap()
    }
}
