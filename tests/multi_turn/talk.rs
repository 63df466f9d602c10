//! A client that sends its whole conversation with every turn, as the vendors' libraries do.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use guilloche::audit::{Counter, Record, Sink};
use guilloche::countermeasure::watermark::Marks;
use guilloche::layer::{Caps, Defense, DefenseHandle, DefenseLayer, RequestBody};
use guilloche::mark::keys::{Keys, Scheme};
use guilloche::policy::{Countermeasure, Policy};
use guilloche::risk::{AccountId, Assessment, Principal, Risk, RiskScore, Validity};
use guilloche::teacher::{Teacher, TeacherBody};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::util::BoxCloneService;
use tower::{Layer, ServiceExt, service_fn};

pub(crate) const MESSAGES: &str = "/v1/messages";
pub(crate) const CHAT: &str = "/v1/chat/completions";
pub(crate) const COUNT: &str = "/v1/messages/count_tokens";

/// Questions with answers in which words are exchanged.
pub(crate) const QUESTIONS: [&str; 3] = [
    "Maria has 12 apples. She buys 6 more. Then she gives 3 apples to Tom and doubles the number of \
     apples. She shares all the apples equally among 5 friends. How many apples does each friend get?",
    "A train goes 60 miles per hour for 3 hours. Then it goes 20 miles more. How many miles is that?",
    "Tom has 3 pens. He buys 4 more pens and loses 2 pens. How many pens does he have?",
];

type Upstream =
    BoxCloneService<Request<RequestBody<Full<Bytes>>>, Response<TeacherBody>, Infallible>;

/// Keeps the records it is given.
#[derive(Debug, Default)]
pub(crate) struct Records(Mutex<Vec<Record>>);

impl Sink for Records {
    fn record(&self, record: Record) {
        self.0.lock().unwrap().push(record);
    }
}

/// The layer in front of the embedded upstream.
pub(crate) struct World {
    pub(crate) handle: DefenseHandle,
    pub(crate) defended: Defense<Upstream>,
    pub(crate) records: Arc<Records>,
    /// Bodies that the upstream was sent.
    seen: Arc<Mutex<Vec<Bytes>>>,
}

/// A policy that marks from a score of 0.5 on.
pub(crate) fn policy(multi_turn: &str) -> Policy {
    let text = format!(
        "version = 1\nname = \"test\"\nmode = \"enforce\"\n[[grade]]\nname = \"marked\"\nat = 0.5\n\
         watermark = {{ strength = 1.0, multi_turn = \"{multi_turn}\" }}\n"
    );
    Policy::parse("test.toml", &text).unwrap()
}

pub(crate) fn marks() -> Marks {
    Marks::new(Keys::from_master(&[7; 32], jiff::Timestamp::UNIX_EPOCH).with_scheme(Scheme::Coins))
}

impl World {
    pub(crate) fn new(multi_turn: &str) -> Self {
        Self::with(policy(multi_turn), Caps::default())
    }

    pub(crate) fn with(policy: Policy, caps: Caps) -> Self {
        let records = Arc::new(Records::default());
        let sink = Arc::clone(&records) as Arc<dyn Sink>;
        let builder = DefenseLayer::builder(policy).audit(sink).caps(caps).secret([7; 32]);
        let layer = builder.marks(marks()).build().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let witness = Arc::clone(&seen);
        let upstream = service_fn(move |request: Request<RequestBody<Full<Bytes>>>| {
            let witness = Arc::clone(&witness);
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let length = head.headers.get("content-length").map(|it| it.to_str().unwrap());
                assert!(length.is_none_or(|length| length == body.len().to_string()));
                witness.lock().unwrap().push(body.clone());
                Teacher::default().oneshot(Request::from_parts(head, Full::new(body))).await
            }
        });
        let defended = layer.layer(BoxCloneService::new(upstream));
        Self { handle: layer.handle(), defended, records, seen }
    }

    /// The body that the upstream was sent last.
    pub(crate) fn sent(&self) -> Value {
        serde_json::from_slice(self.seen.lock().unwrap().last().unwrap()).unwrap()
    }

    /// What the records count of the mark, over all requests so far.
    pub(crate) fn counted(&self, counter: Counter) -> u64 {
        let records = self.records.0.lock().unwrap();
        let applied = records.iter().flat_map(|record| &record.applied);
        let marks = applied.filter(|applied| applied.countermeasure == Countermeasure::Watermark);
        marks.map(|applied| applied.counts.get(counter)).sum()
    }

    pub(crate) async fn send(
        &self,
        caller: Assessment,
        path: &str,
        body: &Value,
    ) -> (StatusCode, Bytes) {
        let body = body.to_string();
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("content-length", body.len())
            .extension(caller)
            .body(Full::from(body))
            .unwrap();
        let response = self.defended.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes())
    }
}

/// A caller as a detector describes it.
pub(crate) fn caller(account: &str, score: f64) -> Assessment {
    let validity = Validity { issued: jiff::Timestamp::now(), ttl: Duration::from_secs(3600) };
    let principal = Principal::of(AccountId::new(account).unwrap());
    Assessment { principal, risk: Risk::Known(RiskScore::new(score, validity).unwrap()) }
}

/// Callers whose answers are marked, each with other words.
pub(crate) fn suspicious() -> impl Iterator<Item = Assessment> {
    (0..8).map(|number| caller(&format!("account-{number}"), 0.9))
}

/// One conversation.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    pub(crate) path: &'static str,
    pub(crate) stream: bool,
    /// The request, with all messages so far.
    pub(crate) body: Value,
}

impl Talk {
    /// One with thinking, and with a tool where the protocol compares what is said of it.
    pub(crate) fn new(path: &'static str, stream: bool) -> Self {
        let mut body = json!({"model": "teacher-large", "max_tokens": 4096, "messages": []});
        if path == MESSAGES {
            body["thinking"] = json!({"type": "enabled", "budget_tokens": 2048});
            body["tools"] = json!([{"name": "calculator", "description": "Evaluates",
                "input_schema": {"type": "object", "properties": {"expression": {"type": "string"}}}}]);
        }
        if stream {
            body["stream"] = json!(true);
        }
        Self { path, stream, body }
    }

    pub(crate) fn messages(&mut self) -> &mut Vec<Value> {
        self.body["messages"].as_array_mut().unwrap()
    }

    pub(crate) fn ask(&mut self, question: &str) {
        self.messages().push(json!({"role": "user", "content": question}));
    }

    /// Has the conversation answered; tools that the answer calls are answered too, until it calls
    /// none. The status of the last answer.
    pub(crate) async fn answered(&mut self, world: &World, caller: Assessment) -> StatusCode {
        loop {
            let (status, answer) = world.send(caller.clone(), self.path, &self.body).await;
            if status != StatusCode::OK {
                return status;
            }
            let message = self.message(&answer);
            let calls: Vec<Value> = message["content"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|block| block["type"] == "tool_use")
                .map(|call| json!({"type": "tool_result", "tool_use_id": call["id"], "content": "6"}))
                .collect();
            self.messages().push(message);
            if calls.is_empty() {
                return status;
            }
            self.messages().push(json!({"role": "user", "content": calls}));
        }
    }

    /// Asks each question and has it answered; the statuses.
    pub(crate) async fn held(&mut self, world: &World, caller: Assessment) -> Vec<u16> {
        let mut statuses = Vec::new();
        for question in QUESTIONS {
            self.ask(question);
            if self.body.get("tools").is_some() && statuses.len() == 1 {
                self.body["tool_choice"] = json!({"type": "none"});
            }
            statuses.push(self.answered(world, caller.clone()).await.as_u16());
        }
        statuses
    }

    /// The assistant's message of an answer.
    fn message(&self, answer: &[u8]) -> Value {
        let text = std::str::from_utf8(answer).unwrap();
        let events = || {
            let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
            lines.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap())
        };
        match (self.path, self.stream) {
            (MESSAGES, true) => blocks(events()),
            (_, true) => {
                let delta = |event: &Value| event["choices"][0]["delta"]["content"].clone();
                let texts = events().map(|event: Value| delta(&event));
                let text: String = texts.filter_map(|it| it.as_str().map(str::to_owned)).collect();
                json!({"role": "assistant", "content": text})
            }
            (MESSAGES, false) => {
                let document: Value = serde_json::from_str(text).unwrap();
                json!({"role": "assistant", "content": document["content"]})
            }
            _ => {
                let document: Value = serde_json::from_str(text).unwrap();
                json!({"role": "assistant", "content": document["choices"][0]["message"]["content"]})
            }
        }
    }
}

/// Puts a message together from its events.
fn blocks(events: impl Iterator<Item = Value>) -> Value {
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: Vec<String> = Vec::new();
    for event in events {
        let index = event["index"].as_u64().unwrap_or_default() as usize;
        if event["type"] == "content_block_start" {
            blocks.push(event["content_block"].clone());
            inputs.push(String::new());
        }
        for (field, kind) in
            [("text", "text"), ("thinking", "thinking"), ("signature", "signature")]
        {
            if let Some(text) = event["delta"][field].as_str() {
                let before = blocks[index][kind].as_str().unwrap_or_default();
                blocks[index][kind] = json!(format!("{before}{text}"));
            }
        }
        if let Some(piece) = event["delta"]["partial_json"].as_str() {
            inputs[index].push_str(piece);
            blocks[index]["input"] = serde_json::from_str(&inputs[index]).unwrap_or_default();
        }
    }
    json!({"role": "assistant", "content": blocks})
}
