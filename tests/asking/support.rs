//! Endpoints, settings and files.

use std::convert::Infallible;
use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use guilloche::ask::{AskError, Cap, Prompt, Report, Settings, ask};
use guilloche::proxy::serve_service;
use guilloche::teacher::Teacher;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

/// A directory of this test's own, removed at its end.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("asking").join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn answers(&self) -> PathBuf {
        self.0.join("answers.jsonl")
    }

    pub(crate) fn spending(&self) -> PathBuf {
        self.0.join("answers.jsonl.spending")
    }

    /// The lines of the file of answers.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.answers()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An endpoint that answers each request as `handler` does.
pub(crate) async fn endpoint<H, F>(handler: H) -> SocketAddr
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let handler = handler.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let answer = handler(request);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

/// The embedded upstream.
pub(crate) async fn teacher() -> (SocketAddr, Teacher) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let teacher = Teacher::default();
    let served = teacher.clone();
    tokio::spawn(async move {
        serve_service(listener, served, std::future::pending(), Duration::ZERO).await;
    });
    (address, teacher)
}

/// Requests that it was sent.
pub(crate) fn asked(teacher: &Teacher) -> usize {
    teacher.served() + teacher.cancelled()
}

pub(crate) fn response(status: u16, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::new(body.into())).unwrap()
}

/// A chat completion with this text, for which the endpoint says that it counts so many tokens.
pub(crate) fn completion(text: &str, tokens: u64) -> Response<Full<Bytes>> {
    let document = serde_json::json!({
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": tokens, "completion_tokens": tokens},
    });
    response(200, document.to_string())
}

pub(crate) fn settings(address: SocketAddr, directory: &Directory) -> Settings {
    Settings {
        url: format!("http://{address}/v1").parse().unwrap(),
        ca_file: None,
        model: "teacher-large".to_owned(),
        api_key: None,
        temperature: 1.0,
        max_tokens: 500,
        concurrency: 2,
        cap: Cap { tokens: None, cost: None },
        attempts: 3,
        backoff: Duration::from_millis(1),
        timeout: Duration::from_secs(60),
        answers: directory.answers(),
    }
}

pub(crate) fn questions(number: usize) -> Vec<Prompt> {
    (0..number)
        .map(|number| {
            let apples = number + 2;
            Prompt::user(&format!(
                "Maria has {apples} apples and buys 5 more. How many apples does she have?"
            ))
        })
        .collect()
}

pub(crate) async fn run(settings: &Settings, prompts: Vec<Prompt>) -> Result<Report, AskError> {
    ask(settings, prompts, std::future::pending(), |_| ()).await
}
