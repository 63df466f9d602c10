//! A client that notes what it receives.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cli::Failure;
use crate::risk::SignedFields;
use crate::wire::framing::{Event, Framing, Splitter};

/// An event is never larger here.
const EVENT_LIMIT: usize = 1 << 20;

#[derive(Clone, Debug)]
pub(super) struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
}

/// One question, and how it is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'q> {
    pub(super) protocol: &'static str,
    pub(super) stream: bool,
    pub(super) question: &'q str,
    /// Ask for log-probabilities too, as harvesters do. Chat only.
    pub(super) log_probabilities: bool,
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) model: String,
    pub(super) reasoning: String,
    pub(super) answer: String,
    pub(super) log_probabilities: bool,
    /// What an error response says.
    pub(super) error: Option<String>,
    pub(super) retry_after: Option<u64>,
    /// Tokens per second from the first to the last.
    pub(super) rate: Option<f64>,
    pub(super) body: Vec<u8>,
}

impl Asked<'_> {
    pub(super) fn path(&self) -> &'static str {
        if self.protocol == "chat" { "/v1/chat/completions" } else { "/v1/messages" }
    }

    pub(super) fn body(&self) -> Value {
        let mut body = json!({
            "model": "teacher-large",
            "stream": self.stream,
            "messages": [{"role": "user", "content": self.question}],
        });
        let more = match self.protocol {
            "chat" if self.log_probabilities => json!({"logprobs": true, "top_logprobs": 2}),
            "chat" => json!({}),
            _ => {
                json!({"max_tokens": 4096, "thinking": {"type": "enabled", "budget_tokens": 2048}})
            }
        };
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        body
    }
}

impl Caller {
    pub(super) fn new() -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http() }
    }

    pub(super) async fn ask(
        &self,
        address: SocketAddr,
        asked: &Asked<'_>,
        risk: Option<&SignedFields>,
    ) -> Result<Received, Failure> {
        let mut request = Request::post(format!("http://{address}{}", asked.path()))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(asked.body().to_string()))?;
        for (name, value) in risk.iter().flat_map(|fields| fields.entries()) {
            let name = HeaderName::from_static(name);
            request.headers_mut().insert(name, HeaderValue::from_str(value)?);
        }
        let response = self.client.request(request).await?;
        let (head, mut body) = response.into_parts();
        let mut received = Received {
            status: head.status.as_u16(),
            retry_after: retry_after(&head.headers),
            ..Received::default()
        };
        let mut splitter = Splitter::new(Framing::Sse, EVENT_LIMIT);
        let (mut first, mut last, mut tokens) = (None, None, 0_u32);
        while let Some(frame) = body.frame().await {
            let Ok(chunk) = frame?.into_data() else { continue };
            received.body.extend_from_slice(&chunk);
            if !asked.stream || !head.status.is_success() {
                continue;
            }
            splitter.push(chunk);
            while let Some(block) = splitter.next_event()? {
                if received.event(&block) {
                    tokens += 1;
                    last = Some(Instant::now());
                    first = first.or(last);
                }
            }
        }
        let seconds = first.zip(last).map(|(first, last)| (last - first).as_secs_f64());
        received.rate =
            seconds.filter(|seconds| *seconds > 0.0).map(|seconds| f64::from(tokens) / seconds);
        received.document();
        Ok(received)
    }
}

fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()
}

impl Received {
    /// Takes an event in; whether it brought text.
    fn event(&mut self, block: &[u8]) -> bool {
        let payload = Event::parse(Framing::Sse, block).payload().unwrap_or_default();
        let Ok(event) = serde_json::from_slice::<Value>(&payload) else { return false };
        let model = event.pointer("/model").or_else(|| event.pointer("/message/model"));
        if let Some(model) = model.and_then(Value::as_str) {
            model.clone_into(&mut self.model);
        }
        let choice = event.pointer("/choices/0");
        let probabilities = choice.and_then(|choice| choice.get("logprobs"));
        self.log_probabilities |= probabilities.is_some_and(|value| !value.is_null());
        let delta = choice.and_then(|choice| choice.get("delta")).or_else(|| event.get("delta"));
        let text = |names: [&str; 2]| {
            let texts = names.iter().filter_map(|name| delta?.get(name)?.as_str());
            texts.collect::<String>()
        };
        let (reasoning, answer) =
            (text(["reasoning_content", "thinking"]), text(["content", "text"]));
        self.reasoning.push_str(&reasoning);
        self.answer.push_str(&answer);
        !reasoning.is_empty() || !answer.is_empty()
    }

    /// Takes in what an error document says.
    fn document(&mut self) {
        if self.status != 200 {
            let document: Value = serde_json::from_slice(&self.body).unwrap_or_default();
            let message = document.pointer("/error/message").and_then(Value::as_str);
            self.error = message.map(str::to_owned);
        }
    }

    pub(super) fn reasoning_words(&self) -> usize {
        self.reasoning.split_whitespace().count()
    }

    pub(super) fn answer_words(&self) -> usize {
        self.answer.split_whitespace().count()
    }
}
