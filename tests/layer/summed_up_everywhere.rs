//! A summary stands where the reasoning stood, in every protocol and in either form.

use std::time::Duration;

use guilloche::audit::Counter;
use guilloche::countermeasure::summary::SummaryFailure;
use guilloche::policy::Countermeasure;
use guilloche::wire::framing::{Framing, Unframed};
use http::{HeaderValue, Response};
use serde_json::{Value, json};

use super::summarizers::*;
use super::support::*;

/// An answer that reasons first, and the request for it.
struct Case {
    name: &'static str,
    path: &'static str,
    media_type: &'static str,
    body: Vec<u8>,
}

impl Case {
    fn document(name: &'static str, path: &'static str, body: &Value) -> Self {
        let body = body.to_string().into_bytes();
        Self { name, path, media_type: "application/json", body }
    }

    fn events(
        name: &'static str,
        path: &'static str,
        events: impl IntoIterator<Item = Value>,
    ) -> Self {
        let body: String = events.into_iter().map(|event| format!("data: {event}\n\n")).collect();
        Self { name, path, media_type: "text/event-stream", body: body.into_bytes() }
    }

    async fn asked_through(&self, world: &World) -> String {
        let asks = json!({"model": "m", "messages": [], "prompt": "x", "inputs": "x", "contents": [],
            "stream": self.media_type == "text/event-stream"});
        let asks = match self.path {
            path if path.starts_with("/model/") => json!({"messages": []}),
            path if path.starts_with("/v1beta/") => json!({"contents": []}),
            _ => asks,
        };
        let asks = request(suspicious(), self.path, Script::whole(asks.to_string()));
        let mut answer = Response::new(Script::whole(&self.body));
        let media_type = HeaderValue::from_static(self.media_type);
        answer.headers_mut().insert(http::header::CONTENT_TYPE, media_type);
        String::from_utf8_lossy(&world.exchange(asks, answer).await.frames.concat()).into_owned()
    }
}

const ANSWER: &str = "It is 9.8.";

fn in_line() -> String {
    format!("<think>{REASONING}</think>{ANSWER}")
}

fn gemini() -> [Case; 3] {
    let answer = |parts: Value, finish: Value| {
        json!({"candidates": [{"index": 0, "finishReason": finish,
            "content": {"role": "model", "parts": parts}}], "modelVersion": "m", "responseId": "r"})
    };
    let (thought, said) = (json!({"text": REASONING, "thought": true}), json!({"text": ANSWER}));
    let streamed = [answer(json!([thought]), Value::Null), answer(json!([said]), json!("STOP"))];
    let streams = "/v1beta/models/m:streamGenerateContent";
    [
        Case::document(
            "gemini",
            "/v1beta/models/m:generateContent",
            &answer(json!([thought, said]), json!("STOP")),
        ),
        Case::events(
            "gemini, events",
            "/v1beta/models/m:streamGenerateContent?alt=sse",
            streamed.clone(),
        ),
        Case::document("gemini, an array", streams, &Value::Array(streamed.to_vec())),
    ]
}

fn converse() -> [Case; 2] {
    let whole = json!({"output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": REASONING}}}, {"text": ANSWER}]}},
        "stopReason": "end_turn", "usage": {"inputTokens": 5, "outputTokens": 9, "totalTokens": 14}});
    let delta = |index: u32, delta: Value| {
        ("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta}))
    };
    let stop = |index: u32| ("contentBlockStop", json!({"contentBlockIndex": index}));
    let events = [
        ("messageStart", json!({"role": "assistant"})),
        delta(0, json!({"reasoningContent": {"text": REASONING}})),
        stop(0),
        delta(1, json!({"text": ANSWER})),
        stop(1),
        ("messageStop", json!({"stopReason": "end_turn"})),
    ];
    let framed = events.iter().flat_map(|(kind, payload)| {
        let payload = payload.to_string().into_bytes();
        Framing::AwsEventStream.frame(&Unframed { kind: Some(kind), payload, is_error: false })
    });
    let media_type = "application/vnd.amazon.eventstream";
    let path = "/model/m/converse-stream";
    [
        Case::document("converse", "/model/m/converse", &whole),
        Case { name: "converse, events", path, media_type, body: framed.collect() },
    ]
}

fn ollama() -> [Case; 2] {
    let line = |message: Value, done: bool| json!({"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": done});
    let whole = json!({"role": "assistant", "thinking": REASONING, "content": ANSWER});
    let lines = [
        line(json!({"role": "assistant", "content": "", "thinking": REASONING}), false),
        line(json!({"role": "assistant", "content": ANSWER}), false),
        line(json!({"role": "assistant", "content": ""}), true),
    ];
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let (path, media_type) = ("/api/chat", "application/x-ndjson");
    [
        Case::document("ollama", path, &line(whole, true)),
        Case { name: "ollama, lines", path, media_type, body: body.into_bytes() },
    ]
}

fn cohere() -> [Case; 2] {
    let whole = json!({"id": "c", "finish_reason": "COMPLETE", "message": {"role": "assistant",
        "content": [{"type": "thinking", "thinking": REASONING}, {"type": "text", "text": ANSWER}]}});
    let block = |index: u32, kind: &str, text: &str| {
        let of = |event: &str, content: Value| json!({"type": event, "index": index, "delta": {"message": {"content": content}}});
        [
            of("content-start", json!({"type": kind, (kind): ""})),
            of("content-delta", json!({(kind): text})),
            json!({"type": "content-end", "index": index}),
        ]
    };
    let mut events = vec![json!({"type": "message-start", "id": "c",
        "delta": {"message": {"role": "assistant", "content": []}}})];
    events.extend(block(0, "thinking", REASONING));
    events.extend(block(1, "text", ANSWER));
    events.push(json!({"type": "message-end", "id": "c", "delta": {"finish_reason": "COMPLETE"}}));
    [
        Case::document("cohere", "/v2/chat", &whole),
        Case::events("cohere, events", "/v2/chat", events),
    ]
}

/// Protocols without a member for reasoning, which stands in the text.
fn texts() -> [Case; 6] {
    let choice = |text: &str, finish: Value| {
        json!({"id": "c", "object": "text_completion", "model": "m",
            "choices": [{"index": 0, "text": text, "finish_reason": finish}]})
    };
    let piece =
        |text: &str, stop: bool| json!({"index": 0, "content": text, "stop": stop, "tokens": []});
    let token = |text: &str, generated: Value| {
        json!({"index": 1, "token": {"id": 1, "text": text, "logprob": -1, "special": false},
            "generated_text": generated, "details": null})
    };
    let text = in_line();
    let (thought, said) = text.split_at(text.len() - ANSWER.len());
    [
        Case::document("completions", "/v1/completions", &choice(&text, json!("stop"))),
        Case::events(
            "completions, events",
            "/v1/completions",
            [choice(thought, Value::Null), choice(said, json!("stop"))],
        ),
        Case::document("llama.cpp", "/completion", &piece(&text, true)),
        Case::events(
            "llama.cpp, events",
            "/completion",
            [piece(thought, false), piece(said, false), piece("", true)],
        ),
        Case::document("tgi", "/generate", &json!({"generated_text": text})),
        Case::events(
            "tgi, events",
            "/generate_stream",
            [token(thought, Value::Null), token(said, json!(text))],
        ),
    ]
}

fn cases() -> impl Iterator<Item = Case> {
    let members = gemini().into_iter().chain(converse()).chain(ollama()).chain(cohere());
    members.chain(texts())
}

// Break it: look ahead in one form of an answer only; leave a protocol's reasoning without a lane that
// can be condensed.
#[tokio::test(start_paused = true)]
async fn a_summary_stands_where_the_reasoning_stood_in_every_protocol() {
    // Under a signature that is kept no other text may stand.
    for case in cases().filter(|case| !case.name.starts_with("converse")) {
        let scribe = Scribe::slow(1);
        let world = summing_up(&scribe);
        let text = case.asked_through(&world).await;
        let name = case.name;
        assert_eq!(scribe.asked(), [REASONING], "{name}: {text}");
        let copies = if name == "tgi, events" { 2 } else { 1 };
        assert_eq!(text.matches(SUMMARY).count(), copies, "{name}: {text}");
        assert_eq!(text.matches(ANSWER).count(), copies, "{name}: {text}");
        assert!(!text.contains("zebra"), "{name}: {text}");
        let applied = world.records.only().applied;
        let made = count(&applied, Countermeasure::Reasoning, Counter::SummariesMade);
        assert_eq!(made, 1, "{name}");
    }
}

// Break it: fall back to the reasoning.
#[tokio::test(start_paused = true)]
async fn without_a_summary_every_protocol_says_what_it_says_without_reasoning() {
    for case in cases() {
        let scribe = Scribe::new(Duration::ZERO, |_| Err(SummaryFailure::Failed));
        let text = case.asked_through(&summing_up(&scribe)).await;
        let withheld = World::new(policy("reasoning = { keep = \"none\", signed = \"seal\" }"));
        assert_eq!(text, case.asked_through(&withheld).await, "{}", case.name);
        assert!(text.contains(ANSWER) && !text.contains("zebra"), "{}: {text}", case.name);
        let signs = case.name.starts_with("converse");
        assert_eq!(scribe.asked().len(), usize::from(!signs), "{}", case.name);
    }
}
