//! Nothing of what is withheld comes through beside the text: a secret and a count are planted at
//! every place of what servers send, and looked for in what the client gets.

use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::support::*;

/// Reasoning is withheld, counts are hidden, side channels are closed.
const PLAN: &str = "side_channels = {}\nreasoning = { keep = \"none\", round_usage = 64 }";

/// A secret of two words. One word without white space may be a name.
const SECRET: &str = "zebra stripes";
const COUNT: u64 = 7919;

fn plants() -> [Value; 6] {
    [
        json!(SECRET),
        json!(COUNT),
        json!(COUNT as f64 + 0.5),
        json!(COUNT.to_string()),
        json!({ "text": SECRET, "n": COUNT }),
        json!([SECRET, COUNT]),
    ]
}

fn tells(text: &str) -> bool {
    text.contains("zebra") || text.contains(&COUNT.to_string())
}

/// Places, by their last names, where text is the client's or someone else's to say: the answer's
/// own, and what was quoted.
const TEXTS: [&str; 9] = [
    "content",
    "text",
    "refusal",
    "partial_json",
    "transcript",
    "url",
    "title",
    "cited_text",
    "stop_sequence",
];

/// Whether something may stand at a place: text where text stands, tools' input and results, counts
/// of the request; and of one word nearly anything may be a name.
fn may_stand(place: &str, plant: &Value) -> bool {
    let mut names = place.rsplit('/');
    let (name, above) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
    let number = name.parse::<u32>().is_ok();
    let text = plant.is_string() && TEXTS.contains(&name)
        || above == "content" && number && plant.is_string()
        || name == "content" && *plant == json!([SECRET, COUNT]);
    let tool = ["input", "arguments"].into_iter().any(|own| place.contains(&format!("/{own}")))
        || place.rsplit_once("/content/").is_some_and(|(_, rest)| !rest.contains("text"))
            && place.matches("content").count() > 1;
    let request = ["prompt", "input", "cache"].into_iter().any(|own| name.starts_with(own));
    let counted = (plant.is_number() || *plant == json!(COUNT.to_string())) && request
        || place.contains("prompt_tokens_details") && *plant != json!(SECRET)
        || place.contains("cache_creation");
    let named = *plant == json!(COUNT.to_string()) && !name.contains("token");
    // A client sends the id of a call back, and some servers number their calls.
    let call = ["id", "tool_use_id"].contains(&name)
        && ["/tool_calls/", "/content/", "/content_block/"].iter().any(|it| place.contains(it))
        && *plant == json!(COUNT);
    text || tool || counted || named || call || name.ends_with("index") && plant.is_number()
}

/// Every place in a value, as a JSON pointer; `new` members are offered in every object.
fn places(value: &Value) -> Vec<String> {
    fn walk(value: &Value, place: &str, found: &mut Vec<String>) {
        if !place.is_empty() {
            found.push(place.to_owned());
        }
        match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(at, item)| walk(item, &format!("{place}/{at}"), found)),
            Value::Object(members) => {
                found.push(format!("{place}/vendor_debug"));
                members
                    .iter()
                    .for_each(|(name, item)| walk(item, &format!("{place}/{name}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(value, "", &mut found);
    found
}

fn planted(value: &Value, place: &str, plant: &Value) -> Option<Value> {
    let mut value = value.clone();
    match value.pointer_mut(place) {
        Some(there) => *there = plant.clone(),
        None => {
            let (object, name) = place.rsplit_once('/')?;
            value.pointer_mut(object)?.as_object_mut()?.insert(name.to_owned(), plant.clone());
        }
    }
    Some(value)
}

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn path_of(name: &str) -> &'static str {
    if name.starts_with("anthropic") { MESSAGES } else { CHAT }
}

fn asking(path: &str) -> http::Request<Script> {
    request(suspicious(), path, Script::whole(ASKS))
}

const DOCUMENTS: [&str; 9] = [
    "openai_chat.json",
    "openai_chat_tools.json",
    "openrouter_chat.json",
    "vllm_reasoning.json",
    "sglang_n2.json",
    "deepseek_chat.json",
    "mistral_thinking.json",
    "anthropic.json",
    "anthropic_interleaved.json",
];

/// What servers add that no sample has.
fn dialects() -> Vec<Value> {
    let dialect = |extra: Value| {
        let mut answer = json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1_764_374_400, "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "It is 12."},
                         "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 100, "total_tokens": 105},
        });
        answer.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        answer
    };
    vec![
        dialect(json!({"timings": {"prompt_n": 5, "predicted_n": 100, "predicted_ms": 812.5}})),
        dialect(
            json!({"x_groq": {"id": "req_1", "usage": {"completion_tokens": 100, "total_time": 1.5}},
                       "usage_breakdown": {"models": null}, "system_fingerprint": "fp_1"}),
        ),
        dialect(json!({"choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
            "thinking_blocks": [{"type": "thinking", "thinking": "a", "signature": "A="}],
            "provider_specific_fields": {"thought_signatures": ["A="], "thinking_blocks":
                [{"type": "redacted_thinking", "data": "A="}]},
            "extra_content": {"google": {"thought_signature": "A="}},
            "tool_calls": [{"id": "c", "type": "function",
                "provider_specific_fields": {"thought_signature": "A="},
                "function": {"name": "f", "arguments": "{}"}}]}}]})),
        dialect(json!({"prompt_filter_results": [{"prompt_index": 0, "content_filter_results":
                       {"hate": {"filtered": false, "severity": "safe"}}}]})),
        dialect(
            json!({"citations": ["https://example.com/a"], "metadata": {"weight_version": "default"},
                       "usage": {"prompt_tokens": 5, "completion_tokens": 100, "total_tokens": 105,
                                 "reasoning_tokens": 90, "cost": {"output_tokens_cost": 0.1},
                                 "completion_tokens_details": {"text_tokens": 10, "reasoning_tokens": 90}}}),
        ),
    ]
}

/// Fails when a member is passed by its name, whatever stands under it.
#[tokio::test(start_paused = true)]
async fn no_place_in_a_document_tells_what_is_planted_there() {
    let world = World::new(policy(PLAN));
    let samples =
        DOCUMENTS.map(|name| (path_of(name), serde_json::from_str(&sample(name)).unwrap()));
    let dialects = dialects().into_iter().map(|answer| (CHAT, answer));
    let mut told = Vec::new();
    for (path, answer) in samples.into_iter().chain(dialects) {
        for place in places(&answer) {
            for plant in plants().iter().filter(|plant| !may_stand(&place, plant)) {
                let Some(planted) = planted(&answer, &place, plant) else { continue };
                let read = world.exchange(asking(path), json(planted.to_string())).await;
                if tells(&read.text()) {
                    told.push(format!("{plant} at {place}"));
                }
            }
        }
    }
    assert!(told.is_empty(), "{} places tell:\n{}", told.len(), told.join("\n"));
}

const STREAMS: [&str; 8] = [
    "openai_chat_stream.sse",
    "openai_chat_tools_stream.sse",
    "openrouter_chat_stream.sse",
    "vllm_reasoning_stream.sse",
    "sglang_n2_stream.sse",
    "mistral_thinking_stream.sse",
    "anthropic_thinking_stream.sse",
    "anthropic_error_stream.sse",
];

/// Fails when events are read otherwise than documents.
#[tokio::test(start_paused = true)]
async fn no_place_in_an_event_tells_what_is_planted_there() {
    let world = World::new(policy(PLAN));
    let mut told = Vec::new();
    for name in STREAMS {
        let from = sample(name);
        let events: Vec<&str> = from.split_inclusive("\n\n").collect();
        for (at, event) in events.iter().enumerate() {
            let Some((head, payload)) = event.split_once("data: ") else { continue };
            let Ok(payload) = serde_json::from_str::<Value>(payload) else { continue };
            // Events of one stream are alike.
            if at > 3 && at + 4 < events.len() {
                continue;
            }
            for place in places(&payload) {
                for plant in plants().iter().filter(|plant| !may_stand(&place, plant)) {
                    let Some(planted) = planted(&payload, &place, plant) else { continue };
                    let mut all: Vec<String> = events.iter().map(|it| it.to_string()).collect();
                    all[at] = format!("{head}data: {planted}\n\n");
                    let read =
                        world.exchange(asking(path_of(name)), stream([data(all.concat())])).await;
                    if tells(&read.text()) {
                        told.push(format!("{plant} at {place} of event {at} of {name}"));
                    }
                }
            }
        }
    }
    assert!(told.is_empty(), "{} places tell:\n{}", told.len(), told.join("\n"));
}

/// Errors as servers send them: the vendors', the older flat shape, Groq's failed generation,
/// OpenRouter's, Google's, FastAPI's, TGI's, Azure's, and a completion under an error's status.
fn errors() -> Vec<(&'static str, Value)> {
    vec![
        (
            CHAT,
            json!({"error": {"message": "m", "type": "invalid_request_error", "param": "messages[0].content", "code": "context_length_exceeded"}}),
        ),
        (
            CHAT,
            json!({"object": "error", "message": "m", "type": "BadRequestError", "param": null, "code": 400}),
        ),
        (
            CHAT,
            json!({"error": {"message": "m", "type": "invalid_request_error", "code": "tool_use_failed", "failed_generation": "<think>zebra stripes</think>"}}),
        ),
        (
            CHAT,
            json!({"error": {"message": "m", "code": 502, "metadata": {"raw": "zebra stripes", "provider_name": "p"}}, "user_id": "u"}),
        ),
        (
            CHAT,
            json!([{"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT", "details": [{"@type": "t", "retryDelay": "17s"}]}}]),
        ),
        (
            CHAT,
            json!({"detail": [{"loc": ["body", "messages"], "msg": "zebra stripes", "type": "missing", "input": "zebra stripes"}]}),
        ),
        (CHAT, json!({"error": "m", "error_type": "generation"})),
        (
            CHAT,
            json!({"error": {"message": "m", "code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": true, "severity": "high"}}}}}),
        ),
        (CHAT, json!({"error": {"error": {"error": {"error": {"message": "zebra stripes"}}}}})),
        (CHAT, serde_json::from_str(&sample("openai_chat.json")).unwrap()),
        (CHAT, json!("zebra stripes")),
        (
            MESSAGES,
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "m", "details": {"a": "b"}}, "request_id": "req_1"}),
        ),
        (MESSAGES, serde_json::from_str(&sample("anthropic.json")).unwrap()),
    ]
}

const STATUSES: [u16; 12] = [300, 307, 400, 401, 404, 413, 422, 429, 500, 502, 503, 529];

/// Fails when errors pass unread.
#[tokio::test(start_paused = true)]
async fn no_place_in_an_error_tells_what_is_planted_there() {
    let world = World::new(policy(PLAN));
    let mut told = Vec::new();
    for (path, error) in errors() {
        let mut bodies = vec![(String::new(), error.clone())];
        for place in places(&error) {
            let name = place.rsplit('/').next().unwrap();
            let identifier = name.ends_with("id") || name == "created";
            for plant in plants() {
                let one_word = identifier && plant == json!(COUNT.to_string());
                bodies.extend(
                    planted(&error, &place, &plant)
                        .filter(|_| !one_word)
                        .map(|it| (format!("{plant} at {place}"), it)),
                );
            }
        }
        for (nth, (what, body)) in bodies.into_iter().enumerate() {
            let statuses = if nth == 0 { &STATUSES[..] } else { &STATUSES[nth % 12..=nth % 12] };
            for status in statuses {
                let mut answer = json(body.to_string());
                *answer.status_mut() = StatusCode::from_u16(*status).unwrap();
                world.upstream.answer(answer);
                let answer = world.call(asking(path)).await;
                assert_eq!(answer.status().as_u16(), *status);
                let read = read(answer.into_body()).await;
                let text = read.text();
                if tells(&text) || !is_readable(&text) {
                    told.push(format!("{status} {what}: {text}"));
                }
            }
        }
    }
    assert!(told.is_empty(), "{} errors tell:\n{}", told.len(), told.join("\n"));
}

/// Whether an error has a message somewhere.
fn is_readable(body: &str) -> bool {
    serde_json::from_str::<Value>(body).is_ok() && body.contains(char::is_whitespace)
}

/// Errors that are no JSON, or are compressed, or too long.
#[tokio::test(start_paused = true)]
async fn an_error_that_cannot_be_read_is_told_anew_in_the_protocols_shape() {
    for (media_type, coding, body) in [
        ("text/html", "identity", "<h1>zebra stripes</h1>".to_owned()),
        ("text/plain", "identity", "zebra stripes".to_owned()),
        ("text/event-stream", "identity", thinks("zebra stripes")),
        ("application/json", "gzip", "zebra".to_owned()),
        ("application/json", "identity", "{\"zebra".to_owned()),
        ("application/json", "identity", format!("{{\"message\":\"{}zebra\"}}", "x".repeat(300))),
    ] {
        for path in [CHAT, MESSAGES] {
            let caps = guilloche::layer::Caps { document: 200, ..Default::default() };
            let world = World::with(policy(PLAN), |builder| builder.caps(caps));
            let answer = Response::builder().status(500).header("content-type", media_type);
            let answer = answer.header("content-encoding", coding);
            world.upstream.answer(answer.body(Script::whole(&body)).unwrap());
            let answer = world.call(asking(path)).await;
            assert_eq!(answer.status(), 500);
            assert_eq!(answer.headers()["content-type"], "application/json");
            let read = read(answer.into_body()).await;
            let error: Value = serde_json::from_str(&read.text()).unwrap();
            let message = error["error"]["message"].as_str().unwrap();
            assert_eq!(message, "The server had an error while processing the request.");
        }
    }
}

/// What client libraries need of an error stays: its type, code and parameter, a request id, a
/// message by which agents know what to do.
#[tokio::test(start_paused = true)]
async fn what_clients_need_of_an_error_stays() {
    let world = World::new(policy(PLAN));
    let body = json!({"error": {"message": "maximum context length is 8192, zebra stripes", "type": "invalid_request_error",
                      "param": "messages", "code": "context_length_exceeded"}, "request_id": "req_1"});
    let mut answer = json(body.to_string());
    *answer.status_mut() = StatusCode::BAD_REQUEST;
    let error: Value = serde_json::from_str(&world.exchange(chat(), answer).await.text()).unwrap();
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("maximum context length") && message.contains("prompt is too long"));
    assert_eq!(error["error"]["type"], "invalid_request_error");
    assert_eq!(error["error"]["code"], "context_length_exceeded");
    assert_eq!(
        (&error["error"]["param"], &error["request_id"]),
        (&json!("messages"), &json!("req_1"))
    );
}

/// Where no text is withheld and no model hidden, a mistake is still explained.
#[tokio::test(start_paused = true)]
async fn an_error_keeps_its_message_where_only_side_channels_are_closed() {
    let world = World::new(policy("side_channels = {}"));
    let error = r#"{"error":{"message":"temperature must be below 2","failed_generation":"a b"}}"#;
    let mut answer = json(error);
    *answer.status_mut() = StatusCode::BAD_REQUEST;
    let read = world.exchange(chat(), answer).await;
    assert_eq!(read.text(), error.replace("\"a b\"", "null"));
}

/// Fields that clients work with, and what they say.
const NEEDED: [(&str, &str); 14] = [
    ("retry-after", "7"),
    ("retry-after-ms", "700"),
    ("x-should-retry", "true"),
    ("x-request-id", "req_1"),
    ("request-id", "req_2"),
    ("cf-ray", "8f1-FRA"),
    ("x-ratelimit-limit-requests", "60"),
    ("x-ratelimit-remaining-requests", "59"),
    ("x-ratelimit-reset-requests", "6m0s"),
    ("anthropic-ratelimit-requests-reset", "2026-11-29T11:00:00Z"),
    ("access-control-allow-origin", "https://app.example.com"),
    ("cache-control", "no-cache, no-store"),
    ("date", "Sun, 29 Nov 2026 11:00:00 GMT"),
    ("server", "uvicorn"),
];

/// Fields that may say anything.
const TELLING: [&str; 16] = [
    "openai-model",
    "x-model",
    "x-served-model",
    "server-timing",
    "openai-processing-ms",
    "x-envoy-upstream-service-time",
    "x-inference-time",
    "x-completion-tokens",
    "x-generated-text",
    "x-debug",
    "location",
    "content-location",
    "link",
    "warning",
    "x-litellm-response-cost",
    "x-compute-tokens",
];

fn head() -> HeaderMap {
    let needed = NEEDED.iter().map(|(name, value)| (*name, *value));
    let telling = TELLING.iter().map(|name| (*name, "zebra stripes; n=7919"));
    let broken = [
        ("x-request-id", "zebra stripes"),
        ("retry-after", "zebra stripes"),
        ("x-ratelimit-limit-requests", "zebra stripes"),
        ("x-ratelimit-remaining-tokens", "7919"),
        ("x-ratelimit-reset-tokens", "7919ms"),
    ];
    let mut head = HeaderMap::new();
    for (name, value) in needed.chain(telling).chain(broken) {
        head.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    head
}

/// Fails when heads or trailers pass unread.
#[tokio::test(start_paused = true)]
async fn a_head_and_its_trailers_say_what_clients_need_and_no_more() {
    let thought = r#"{"choices":[{"message":{"reasoning_content":"zebra","content":"4"}}]}"#;
    for status in [200, 204, 400, 429, 500] {
        for streamed in [false, true] {
            let world = World::new(policy(PLAN));
            let steps = [
                data(if streamed { says("4") } else { thought.to_owned() }),
                Step::Trailers(head()),
            ];
            let mut answer = if streamed { stream(steps) } else { json("") };
            if !streamed {
                *answer.body_mut() = Script::new([data(thought), Step::Trailers(head())]);
            }
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            answer.headers_mut().extend(head());
            world.upstream.answer(answer);
            let answer = world.call(chat()).await;
            let fields = answer.headers().clone();
            let read = read(answer.into_body()).await;
            for fields in [Some(fields), read.trailers].into_iter().flatten() {
                let shown = format!("{fields:?}");
                assert!(!tells(&shown), "{status}: {shown}");
                for (name, value) in NEEDED {
                    assert_eq!(fields[name], value, "{status}");
                }
            }
        }
    }
}

/// The name of the model that answered, where it is not disclosed; the rest of the head stays.
#[tokio::test(start_paused = true)]
async fn a_hidden_models_name_stands_nowhere() {
    let plan = "downgrade = { models = { \"m\" = \"tiny-llama\" }, disclose = false }";
    let world = World::new(policy(plan));
    let error = json!({"error": {"message": "tiny-llama: zebra", "type": "invalid_request_error",
                                 "param": "tiny-llama", "code": 400, "model": "tiny-llama",
                                 "deployment": {"name": "tiny-llama"}}});
    let answer = json!({"model": "tiny-llama", "system_fingerprint": "fp_tiny-llama", "provider": "p",
                        "choices": [{"message": {"content": "4"}}]});
    for (status, body) in [(200, answer), (400, error.clone()), (500, error), (308, json!({}))] {
        let mut answer = json(body.to_string());
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in [
            ("openai-model", "tiny-llama"),
            ("x-served-model", "TL-1"),
            ("x-engine", "Tiny-Llama/4"),
            ("location", "/v1/tiny-llama/chat"),
            ("x-custom", "kept"),
        ] {
            answer.headers_mut().insert(name, value.parse().unwrap());
        }
        world.upstream.answer(answer);
        let answer = world.call(chat()).await;
        assert_eq!(answer.headers()["openai-model"], "m");
        assert_eq!(answer.headers()["x-custom"], "kept");
        let head = format!("{:?}", answer.headers()).to_lowercase();
        assert!(!head.contains("tiny-llama") && !head.contains("tl-1"), "{head}");
        let text = read(answer.into_body()).await.text();
        assert!(!text.contains("tiny-llama"), "{status}: {text}");
    }
}

/// A head without the length that others are told would tell a caller its grade. Fails when the
/// length is left out.
#[tokio::test(start_paused = true)]
async fn a_rewritten_document_has_a_length_where_the_upstream_told_one() {
    let world = World::new(policy(PLAN));
    let thought = r#"{"choices":[{"message":{"reasoning_content":"zebra","content":"4"}}]}"#;
    let error = r#"{"error":{"message":"zebra stripes"}}"#;
    for (status, body) in [(200, thought), (500, error)] {
        for announced in [true, false] {
            let mut answer = json(body);
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            if !announced {
                answer.headers_mut().remove("content-length");
            }
            world.upstream.answer(answer);
            let answer = world.call(chat()).await;
            let length = answer.headers().get("content-length").cloned();
            let text = read(answer.into_body()).await.text();
            assert!(!tells(&text));
            assert_eq!(length, announced.then(|| HeaderValue::from(text.len())));
        }
    }
}

/// Annotations and a filter's offsets point into the answer as it goes out, behind the reasoning
/// that was taken out of it. Fails when either is left as it was.
#[tokio::test(start_paused = true)]
async fn what_points_into_an_answer_points_to_the_same_words_without_its_reasoning() {
    let text = "<think>The zebra is é.</think>\n\nIt is in Paris, so 12.";
    let start = text.split_once("Paris").unwrap().0.chars().count();
    let end = start + 5;
    let pointers = format!(
        r#""content_filter_offsets":{{"check_offset":{start},"start_offset":{start},"end_offset":{end}}}"#
    );
    let annotation = format!(
        r#""annotations":[{{"type":"url_citation","url_citation":{{"start_index":{start},"end_index":{end},"url":"u"}}}}]"#
    );
    let world = World::new(policy(PLAN));
    let cited = |choice: &Value, text: &str| {
        let of = |start: &Value, end: &Value| -> String {
            let (start, end) = (start.as_u64().unwrap() as usize, end.as_u64().unwrap() as usize);
            text.chars().skip(start).take(end - start).collect()
        };
        let message = choice.get("message").or(choice.get("delta")).unwrap();
        let annotation = &message["annotations"][0]["url_citation"];
        assert_eq!(of(&annotation["start_index"], &annotation["end_index"]), "Paris", "{text}");
        let offsets = &choice["content_filter_offsets"];
        assert_eq!(of(&offsets["start_offset"], &offsets["end_offset"]), "Paris");
        assert_eq!(offsets["check_offset"], offsets["start_offset"]);
    };
    let whole = format!(
        r#"{{"choices":[{{"message":{{"content":{},{annotation}}},{pointers},"finish_reason":"stop"}}]}}"#,
        json!(text)
    );
    let read = world.exchange(asking(CHAT), json(whole)).await;
    let whole: Value = serde_json::from_str(&read.text()).unwrap();
    let left = whole["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(left, "<think></think>\n\nIt is in Paris, so 12.");
    cited(&whole["choices"][0], left);

    let characters: Vec<char> = text.chars().collect();
    for size in 1..20 {
        let pieces = characters.chunks(size).map(|piece| {
            let piece: String = piece.iter().collect();
            data(delta(&format!("\"content\":{}", json!(piece))))
        });
        let last = format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{{annotation}}},{pointers}}}]}}\n\n"
        );
        let read = world.exchange(asking(CHAT), stream(pieces.chain([data(last)]))).await;
        let chunks: Vec<Value> = read
            .text()
            .split("data: ")
            .filter_map(|chunk| serde_json::from_str(chunk).ok())
            .collect();
        let said: String = chunks
            .iter()
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
            .collect();
        cited(&chunks.last().unwrap()["choices"][0], &said);
    }
}

/// One empty event for each withheld token would tell their number and their times. Fails when a
/// role keeps an event that has nothing else to say.
#[tokio::test(start_paused = true)]
async fn a_role_in_every_event_does_not_count_what_is_withheld() {
    let world = World::new(policy(PLAN));
    let thought = |text: &str| delta(&format!(r#""role":"assistant","reasoning":"{text}""#));
    let said = delta(r#""role":"assistant","content":"4""#);
    let events = ["a", "b", "c", "d"].map(|text| data(thought(text)));
    let steps = events.into_iter().chain([data(&said), data(STOP)]);
    let read = world.exchange(chat(), stream(steps)).await;
    assert_eq!(read.text(), thought("") + &said + STOP);
}

/// Counts add up for whoever bills by them, and none is exact. Fails when the reasoning's alone is
/// rounded.
#[tokio::test(start_paused = true)]
async fn the_counts_of_a_response_add_up_and_none_of_them_is_exact() {
    let world = World::new(policy(PLAN));
    for (usage, expected) in [
        (
            json!({"prompt_tokens": 31, "completion_tokens": 140, "total_tokens": 171, "reasoning_tokens": 96}),
            json!({"prompt_tokens": 31, "completion_tokens": 192, "total_tokens": 223, "reasoning_tokens": 128}),
        ),
        (
            // The reasoning beside the output.
            json!({"prompt_tokens": 31, "completion_tokens": 40, "total_tokens": 167, "completion_tokens_details": {"reasoning_tokens": 96}}),
            json!({"prompt_tokens": 31, "completion_tokens": 64, "total_tokens": 223, "completion_tokens_details": {"reasoning_tokens": 128}}),
        ),
        (
            json!({"prompt_tokens": "31", "completion_tokens": "140", "total_tokens": 171.0, "cost": 0.0171}),
            json!({"prompt_tokens": "31", "completion_tokens": "192", "total_tokens": 223, "cost": null}),
        ),
    ] {
        let body = json!({"choices": [{"message": {"content": "4"}}], "usage": usage});
        let read = world.exchange(asking(CHAT), json(body.to_string())).await;
        let answer: Value = serde_json::from_str(&read.text()).unwrap();
        assert_eq!(answer["usage"], expected);
    }
}
