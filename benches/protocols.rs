//! What a stream costs in each protocol, in bytes of the upstream's.
//!
//! `cargo bench --bench protocols`. A stream of 1,000 events, of which half are reasoning that is
//! withheld and half an answer that is read and kept; and one whose texts of 100 KiB are repeated whole
//! at the end, as Responses does four times. `floor` is the same body without the layer.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark that cannot be set up must not run"
)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use divan::Bencher;
use divan::counter::BytesCount;
use guilloche::layer::DefenseLayer;
use guilloche::policy::Policy;
use guilloche::risk::{AccountId, Assessment, Principal, Risk, RiskScore, Validity};
use guilloche::wire::framing::{Framing, Unframed};
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::{Layer, Service};

const EVENTS: usize = 1000;

const WORDS: &str = " the number of apples that she still has is found by adding up";

fn main() {
    divan::main();
}

/// The path, the media type, and the events of an answer.
struct Case {
    path: &'static str,
    media_type: &'static str,
    request: Value,
    events: Vec<Bytes>,
}

fn sse(name: Option<&str>, data: &Value) -> Bytes {
    let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
    format!("{name}data: {data}\n\n").into()
}

fn typed(event: &Value) -> Bytes {
    sse(event["type"].as_str(), event)
}

/// Half of the events are reasoning, half answer.
fn halves(mut event: impl FnMut(bool) -> Bytes) -> Vec<Bytes> {
    (0..EVENTS).map(|index| event(index < EVENTS / 2)).collect()
}

/// The same where reasoning stands in the text, between markers.
fn in_text(mut event: impl FnMut(&str) -> Bytes) -> Vec<Bytes> {
    let text = |index| match index {
        0 => "<think>",
        index if index == EVENTS / 2 => "</think>",
        _ => WORDS,
    };
    (0..EVENTS).map(|index| event(text(index))).collect()
}

fn chat() -> Case {
    let chunk = |delta: Value, finish: Value| {
        sse(
            None,
            &json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
            "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}),
        )
    };
    let mut events = halves(|reasons| {
        let delta = if reasons { json!({"reasoning": WORDS}) } else { json!({"content": WORDS}) };
        chunk(delta, Value::Null)
    });
    events.extend([chunk(json!({}), json!("stop")), Bytes::from_static(b"data: [DONE]\n\n")]);
    let request = json!({"model": "m", "messages": [], "stream": true});
    Case { path: "/v1/chat/completions", media_type: "text/event-stream", request, events }
}

fn messages() -> Case {
    let mut events = vec![typed(&json!({"type": "message_start", "message": {"id": "msg_1",
        "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": null,
        "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}}}))];
    for (index, (block, field)) in [("thinking", "thinking"), ("text", "text")].iter().enumerate() {
        events.push(typed(&json!({"type": "content_block_start", "index": index,
            "content_block": {"type": block, (*field): ""}})));
        let kind = format!("{block}_delta");
        let delta = typed(&json!({"type": "content_block_delta", "index": index,
            "delta": {"type": kind, (*field): WORDS}}));
        events.extend(std::iter::repeat_n(delta, EVENTS / 2));
        events.push(typed(&json!({"type": "content_block_stop", "index": index})));
    }
    events.push(typed(&json!({"type": "message_delta", "delta": {"stop_reason": "end_turn",
        "stop_sequence": null}, "usage": {"output_tokens": 9}})));
    events.push(typed(&json!({"type": "message_stop"})));
    let request = json!({"model": "m", "max_tokens": 100, "messages": [], "stream": true});
    Case { path: "/v1/messages", media_type: "text/event-stream", request, events }
}

fn ollama() -> Case {
    let line = |field: &str, text: &str, done: bool| -> Bytes {
        let line = json!({"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": done,
            "message": {"role": "assistant", (field): text}});
        format!("{line}\n").into()
    };
    let mut events =
        halves(|reasons| line(if reasons { "thinking" } else { "content" }, WORDS, false));
    events.push(line("content", "", true));
    let request = json!({"model": "m", "messages": []});
    Case { path: "/api/chat", media_type: "application/x-ndjson", request, events }
}

fn gemini() -> Case {
    let event = |part: Value, finish: Value| {
        sse(
            None,
            &json!({"candidates": [{"index": 0, "finishReason": finish,
                "content": {"role": "model", "parts": [part]}}],
                "modelVersion": "m", "responseId": "r"}),
        )
    };
    let mut events =
        halves(|reasons| event(json!({"text": WORDS, "thought": reasons}), Value::Null));
    events.push(event(json!({"text": ""}), json!("STOP")));
    let path = "/v1beta/models/m:streamGenerateContent";
    Case { path, media_type: "text/event-stream", request: json!({"contents": []}), events }
}

fn completions() -> Case {
    let event = |text: &str, finish: Value| {
        sse(
            None,
            &json!({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "text": text, "logprobs": null, "finish_reason": finish}]}),
        )
    };
    let mut events = in_text(|text| event(text, Value::Null));
    events.extend([event("", json!("stop")), Bytes::from_static(b"data: [DONE]\n\n")]);
    let request = json!({"model": "m", "prompt": "x", "stream": true});
    Case { path: "/v1/completions", media_type: "text/event-stream", request, events }
}

fn llama_cpp() -> Case {
    let event = |text: &str, stop: bool| {
        sse(
            None,
            &json!({"index": 0, "content": text, "tokens": [7], "stop": stop, "id_slot": 0,
            "tokens_predicted": 1, "tokens_evaluated": 5}),
        )
    };
    let mut events = in_text(|text| event(text, false));
    events.push(event("", true));
    let request = json!({"prompt": "x", "stream": true});
    Case { path: "/completion", media_type: "text/event-stream", request, events }
}

fn tgi() -> Case {
    let event = |text: &str, whole: Value| {
        let event = json!({"index": 1, "generated_text": whole, "details": null,
            "token": {"id": 7, "text": text, "logprob": -0.1, "special": false}});
        sse(None, &event)
    };
    let mut whole = String::new();
    let mut events = in_text(|text| {
        whole.push_str(text);
        event(text, Value::Null)
    });
    whole.push_str(WORDS);
    events.push(event(WORDS, json!(whole)));
    let request = json!({"inputs": "x"});
    Case { path: "/generate_stream", media_type: "text/event-stream", request, events }
}

fn cohere() -> Case {
    let content = |kind: &str, index: usize, content: Value| {
        typed(&json!({"type": kind, "index": index, "delta": {"message": {"content": content}}}))
    };
    let mut events = vec![typed(&json!({"type": "message-start", "id": "c",
        "delta": {"message": {"role": "assistant", "content": []}}}))];
    for (index, kind) in ["thinking", "text"].into_iter().enumerate() {
        events.push(content("content-start", index, json!({"type": kind, (kind): ""})));
        let delta = content("content-delta", index, json!({(kind): WORDS}));
        events.extend(std::iter::repeat_n(delta, EVENTS / 2));
        events.push(typed(&json!({"type": "content-end", "index": index})));
    }
    events.push(typed(&json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE"}})));
    let request = json!({"model": "m", "messages": [], "stream": true});
    Case { path: "/v2/chat", media_type: "text/event-stream", request, events }
}

/// A message of Amazon's, or one with a vendor's event in it.
fn message(framing: Framing, kind: &'static str, event: &Value) -> Bytes {
    let payload = event.to_string().into_bytes();
    framing.frame(&Unframed { kind: Some(kind), payload, is_error: false }).into()
}

fn converse() -> Case {
    let event = |kind, event: Value| message(Framing::AwsEventStream, kind, &event);
    let mut events = vec![event("messageStart", json!({"role": "assistant"}))];
    for (index, delta) in
        [json!({"reasoningContent": {"text": WORDS}}), json!({"text": WORDS})].iter().enumerate()
    {
        let said = json!({"contentBlockIndex": index, "delta": delta, "p": "abcdefghijkl"});
        events.extend(std::iter::repeat_n(event("contentBlockDelta", said), EVENTS / 2));
        events.push(event("contentBlockStop", json!({"contentBlockIndex": index})));
    }
    events.push(event("messageStop", json!({"stopReason": "end_turn"})));
    let usage = json!({"inputTokens": 1, "outputTokens": 9, "totalTokens": 10});
    events.push(event("metadata", json!({"usage": usage, "metrics": {"latencyMs": 1}})));
    let media_type = "application/vnd.amazon.eventstream";
    let request = json!({"messages": [{"role": "user", "content": [{"text": "x"}]}]});
    Case { path: "/model/m/converse-stream", media_type, request, events }
}

/// The events of Messages, as Amazon carries them.
fn invoke() -> Case {
    let own = messages();
    let event = |event: &Bytes| {
        let text = String::from_utf8_lossy(event);
        let data = text.lines().find_map(|line| line.strip_prefix("data: "));
        let event: Value = serde_json::from_str(data.expect("data")).expect("JSON");
        message(Framing::AwsChunks, "chunk", &event)
    };
    let events = own.events.iter().map(event).collect();
    let mut request = own.request;
    request["anthropic_version"] = json!("bedrock-2023-05-31");
    let path = "/model/m/invoke-with-response-stream";
    Case { path, media_type: "application/vnd.amazon.eventstream", request, events }
}

/// A response whose texts come in events of a kilobyte, `size` of them, and are then repeated.
fn responses(size: usize, piece: &str) -> Case {
    let (mut events, mut number) = (Vec::new(), 0);
    let mut push = |mut event: Value| {
        event["sequence_number"] = json!(number);
        number += 1;
        events.push(typed(&event));
    };
    let whole = piece.repeat(size);
    let response = |status: &str, output: Value| {
        json!({"id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "m",
            "output": output, "error": null, "usage": null})
    };
    push(json!({"type": "response.created", "response": response("in_progress", json!([]))}));
    let mut output = Vec::new();
    for (index, (kind, part, text)) in [
        ("reasoning", "reasoning_text", "reasoning_text"),
        ("message", "output_text", "output_text"),
    ]
    .iter()
    .enumerate()
    {
        let item = |text: &str| {
            let content = json!([{"type": part, "text": text}]);
            json!({"id": format!("item_{index}"), "type": kind, "status": "completed",
                "role": "assistant", "summary": [], "content": content})
        };
        let of = |kind: String, name: &str, value: Value| {
            json!({"type": kind, "item_id": format!("item_{index}"), "output_index": index,
                "content_index": 0, (name): value})
        };
        push(
            json!({"type": "response.output_item.added", "output_index": index, "item": item("")}),
        );
        for _ in 0..size {
            push(of(format!("response.{text}.delta"), "delta", json!(piece)));
        }
        push(of(format!("response.{text}.done"), "text", json!(whole)));
        push(
            json!({"type": "response.output_item.done", "output_index": index, "item": item(&whole)}),
        );
        output.push(item(&whole));
    }
    push(json!({"type": "response.completed", "response": response("completed", json!(output))}));
    let request = json!({"model": "m", "input": "x", "stream": true});
    Case { path: "/v1/responses", media_type: "text/event-stream", request, events }
}

/// Yields each event as a frame of its own, as a stream in real time does.
struct Frames(std::vec::IntoIter<Bytes>);

impl Body for Frames {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.next().map(|event| Ok(Frame::data(event))))
    }
}

#[derive(Clone)]
struct Replay(Arc<Case>);

impl<B> Service<Request<B>> for Replay {
    type Response = Response<Frames>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Response<Frames>, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Frames(self.0.events.clone().into_iter()));
        let content_type = HeaderValue::from_static(self.0.media_type);
        response.headers_mut().insert("content-type", content_type);
        std::future::ready(Ok(response))
    }
}

fn answer<S>(mut service: S, case: &Case) -> S::Response
where
    S: Service<Request<Full<Bytes>>, Error = std::convert::Infallible>,
{
    let validity = Validity { issued: jiff::Timestamp::now(), ttl: Duration::from_secs(3600) };
    let assessment = Assessment {
        principal: Principal::of(AccountId::new("account-1").expect("an id")),
        risk: Risk::Known(RiskScore::new(0.9, validity).expect("a score")),
    };
    let request = Request::post(case.path)
        .header("content-type", "application/json")
        .extension(assessment)
        .body(Full::new(Bytes::from(case.request.to_string())))
        .expect("a request");
    let mut future = pin!(service.call(request));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response,
        _ => panic!("the service answers at once"),
    }
}

fn read<B: Body<Data = Bytes>>(body: B) -> usize {
    let mut body = pin!(body);
    let mut context = Context::from_waker(Waker::noop());
    let mut bytes = 0;
    loop {
        match body.as_mut().poll_frame(&mut context) {
            Poll::Ready(Some(Ok(frame))) => bytes += frame.data_ref().map_or(0, Bytes::len),
            Poll::Ready(None) => return bytes,
            // A long answer is rewritten in turns.
            Poll::Pending => {}
            Poll::Ready(Some(Err(_))) => panic!("the stream breaks"),
        }
    }
}

#[divan::bench(args = [
    "floor", "chat", "messages", "completions", "ollama", "gemini", "cohere", "llama_cpp", "tgi", "converse",
    "invoke", "responses", "responses, snapshots of 100 KiB",
])]
fn stream(bencher: Bencher<'_, '_>, name: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let _entered = runtime.enter();
    let case = match name {
        "messages" => messages(),
        "completions" => completions(),
        "ollama" => ollama(),
        "gemini" => gemini(),
        "cohere" => cohere(),
        "llama_cpp" => llama_cpp(),
        "tgi" => tgi(),
        "converse" => converse(),
        "invoke" => invoke(),
        "responses" => responses(EVENTS / 2, WORDS),
        "responses, snapshots of 100 KiB" => responses(100, &WORDS.repeat(17)),
        _ => chat(),
    };
    let bytes: usize = case.events.iter().map(Bytes::len).sum();
    let replay = Replay(Arc::new(case));
    let ladder = "version = 1\nname = \"bench\"\nmode = \"enforce\"\n[[grade]]\nname = \"g\"\nat = 0.5\n\
                  side_channels = {}\nreasoning = { keep = \"none\" }\n";
    let policy = Policy::parse("bench.toml", ladder).expect("a policy");
    let layer = DefenseLayer::builder(policy).build().expect("randomness");
    let defended = layer.layer(replay.clone());
    let bencher = bencher.counter(BytesCount::new(bytes));
    if name == "floor" {
        let input = || answer(replay.clone(), &replay.0).into_body();
        bencher.with_inputs(input).bench_values(read);
    } else {
        let input = || answer(defended.clone(), &replay.0).into_body();
        bencher.with_inputs(input).bench_values(read);
    }
}
