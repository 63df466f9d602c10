//! The embedded upstream, driven through its service without a socket.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "the helpers below are test code, which clippy only sees inside test functions"
)]

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use guilloche::teacher::problem::{Problems, solve};
use guilloche::teacher::{Settings, Teacher, TeacherBody, final_answer};
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt;

const PROBLEM: &str =
    "Maria has 12 apples. She buys 5 more, then gives half of her apples to Tom... no, wait.";
const CHAIN: &str = "Maria has 12 apples. She buys 6 more. Then she gives 3 apples to Tom and doubles the number of apples. \
    She shares all the apples equally among 5 friends. How many apples does each friend get?";
const DIALECTS: &[&str] = &[
    "teacher-large",
    "teacher-large:reasoning",
    "teacher-large:think",
    "teacher-large:think-open",
    "teacher-large:details",
    "teacher-large:mistral",
    "teacher-large:plain",
    "teacher-small",
];

async fn send(teacher: &Teacher, path: &str, body: &Value) -> Response<TeacherBody> {
    let request = Request::post(path).body(Full::<bytes::Bytes>::from(body.to_string())).unwrap();
    teacher.clone().oneshot(request).await.unwrap()
}

async fn bytes(response: Response<TeacherBody>) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

async fn document(teacher: &Teacher, path: &str, body: &Value) -> Value {
    serde_json::from_slice(&bytes(send(teacher, path, body).await).await).unwrap()
}

/// What the events of a stream say.
async fn values(teacher: &Teacher, path: &str, body: &Value) -> Vec<Value> {
    let events = events(teacher, path, body).await;
    events.iter().map(|(_, data)| serde_json::from_str(data).unwrap()).collect()
}

/// Events as an independent decoder reads them.
async fn events(teacher: &Teacher, path: &str, body: &Value) -> Vec<(Option<String>, String)> {
    let mut body = body.clone();
    body["stream"] = json!(true);
    let bytes = bytes(send(teacher, path, &body).await).await;
    let chunks =
        stream::iter([Ok::<_, std::io::Error>(http_body::Frame::data(bytes::Bytes::from(bytes)))]);
    let events = sse_stream::SseStream::new(http_body_util::StreamBody::new(chunks));
    events
        .map(|event| event.map(|event| (event.event, event.data.unwrap_or_default())).unwrap())
        .collect()
        .await
}

fn chat(model: &str, content: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": content}]})
}

fn message(model: &str, content: &str) -> Value {
    json!({"model": model, "max_tokens": 4000, "messages": [{"role": "user", "content": content}]})
}

/// Puts a streamed chat choice together the way client libraries do: strings append, the rest is set.
fn assembled(events: &[(Option<String>, String)], choice: u64) -> (Value, Value) {
    let mut whole = json!({"content": "", "reasoning_content": "", "reasoning": "", "think": "", "signature": "", "calls": [], "finish": null});
    let mut usage = Value::Null;
    let append = |whole: &mut Value, key: &str, text: &str| {
        let joined = format!("{}{text}", whole[key].as_str().unwrap());
        whole[key] = json!(joined);
    };
    assert_eq!(events.last().unwrap().1, "[DONE]");
    for (_, data) in &events[..events.len() - 1] {
        let chunk: Value = serde_json::from_str(data).unwrap();
        assert_eq!(chunk["object"], "chat.completion.chunk");
        if !chunk["usage"].is_null() {
            usage = chunk["usage"].clone();
        }
        for part in
            chunk["choices"].as_array().unwrap().iter().filter(|part| part["index"] == choice)
        {
            let delta = &part["delta"];
            for key in ["reasoning_content", "reasoning"] {
                append(&mut whole, key, delta[key].as_str().unwrap_or(""));
            }
            match &delta["content"] {
                Value::String(text) => append(&mut whole, "content", text),
                Value::Array(parts) => {
                    for part in parts {
                        append(&mut whole, "think", part["thinking"][0]["text"].as_str().unwrap());
                    }
                }
                _ => {}
            }
            for detail in delta["reasoning_details"].as_array().into_iter().flatten() {
                append(&mut whole, "think", detail["text"].as_str().unwrap());
                append(&mut whole, "signature", detail["signature"].as_str().unwrap_or(""));
            }
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                let at = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
                let calls = whole["calls"].as_array_mut().unwrap();
                if calls.len() == at {
                    calls.push(json!({"id": call["id"], "name": call["function"]["name"], "arguments": ""}));
                }
                let arguments = format!(
                    "{}{}",
                    calls[at]["arguments"].as_str().unwrap(),
                    call["function"]["arguments"].as_str().unwrap()
                );
                calls[at]["arguments"] = json!(arguments);
            }
            if !part["finish_reason"].is_null() {
                whole["finish"] = part["finish_reason"].clone();
            }
        }
    }
    (whole, usage)
}

/// The same view of a whole response.
fn viewed(document: &Value, choice: usize) -> Value {
    let part = &document["choices"][choice];
    let message = &part["message"];
    let text = |value: &Value| json!(value.as_str().unwrap_or(""));
    let part_of = |kind: &str| {
        let parts = message["content"].as_array().into_iter().flatten();
        parts.filter(|part| part["type"] == kind).map(|part| text(&part[kind])).next()
    };
    let thought = message["content"][0]["thinking"][0]["text"].as_str().unwrap_or("");
    let (content, mut think) = match &message["content"] {
        Value::Array(_) => (part_of("text").unwrap_or(json!("")), json!(thought)),
        other => (text(other), json!("")),
    };
    if message["reasoning_details"].is_array() {
        think = text(&message["reasoning_details"][0]["text"]);
    }
    let calls: Vec<Value> = message["tool_calls"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|call| json!({"id": call["id"], "name": call["function"]["name"], "arguments": call["function"]["arguments"]}))
        .collect();
    json!({
        "content": content, "reasoning_content": text(&message["reasoning_content"]), "reasoning": text(&message["reasoning"]),
        "think": think, "signature": text(&message["reasoning_details"][0]["signature"]), "calls": calls,
        "finish": part["finish_reason"],
    })
}

/// Puts streamed Messages blocks together; checks the order of events on the way.
fn message_of(events: &[(Option<String>, String)]) -> Value {
    let mut message = Value::Null;
    let mut open: Option<usize> = None;
    let mut arguments = String::new();
    for (name, data) in events {
        let event: Value = serde_json::from_str(data).unwrap();
        assert_eq!(name.as_deref(), event["type"].as_str(), "event name and type agree");
        let at = event["index"].as_u64().map(|at| usize::try_from(at).unwrap());
        match event["type"].as_str().unwrap() {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => {
                assert_eq!(
                    (open, at.unwrap()),
                    (None, message["content"].as_array().unwrap().len())
                );
                open = at;
                message["content"].as_array_mut().unwrap().push(event["content_block"].clone());
                arguments.clear();
            }
            "content_block_delta" => {
                assert_eq!(open, at);
                let delta = &event["delta"];
                let block = &mut message["content"][at.unwrap()];
                let (key, text) = match delta["type"].as_str().unwrap() {
                    "thinking_delta" => ("thinking", &delta["thinking"]),
                    "text_delta" => ("text", &delta["text"]),
                    "signature_delta" => ("signature", &delta["signature"]),
                    _ => {
                        arguments.push_str(delta["partial_json"].as_str().unwrap());
                        continue;
                    }
                };
                let joined = format!("{}{}", block[key].as_str().unwrap(), text.as_str().unwrap());
                block[key] = json!(joined);
            }
            "content_block_stop" => {
                assert_eq!(open.take(), at);
                if message["content"][at.unwrap()]["type"] == "tool_use" {
                    message["content"][at.unwrap()]["input"] =
                        serde_json::from_str(&arguments).unwrap();
                }
            }
            "message_delta" => {
                for key in ["stop_reason", "stop_sequence"] {
                    message[key] = event["delta"][key].clone();
                }
                for (key, value) in event["usage"].as_object().unwrap() {
                    message["usage"][key] = value.clone();
                }
            }
            "ping" | "message_stop" => {}
            other => panic!("unexpected event {other}"),
        }
    }
    assert_eq!(events.last().unwrap().0.as_deref(), Some("message_stop"));
    message
}

#[test]
fn ten_thousand_generated_problems_are_solved_right() {
    let mut wrong = Vec::new();
    for problem in Problems::new(1).take(10_000) {
        let found = solve(&problem.text);
        if found.as_ref().map(|solution| solution.value) != Ok(problem.answer) {
            wrong.push(format!(
                "{} => {} got {:?}",
                problem.text,
                problem.answer,
                found.map(|found| found.expression)
            ));
        }
    }
    assert!(wrong.is_empty(), "{} wrong, first: {:?}", wrong.len(), wrong.first());
}

#[tokio::test]
async fn the_written_answer_states_the_right_result() {
    let teacher = Teacher::default();
    let mut openings = HashSet::new();
    for problem in Problems::new(2).take(200) {
        let response =
            document(&teacher, "/v1/chat/completions", &chat("teacher-large", &problem.text)).await;
        let message = &response["choices"][0]["message"];
        let content = message["content"].as_str().unwrap();
        assert_eq!(final_answer(content), Some(problem.answer), "{}\n{content}", problem.text);
        assert!(message["reasoning_content"].as_str().unwrap().split_whitespace().count() >= 25);
        openings.insert(content.split(['.', ':', '!']).next().unwrap().to_owned());
    }
    assert!(openings.len() >= 90, "{} distinct openings", openings.len());
}

#[tokio::test]
async fn one_takes_the_singular_and_every_other_number_the_plural() {
    let teacher = Teacher::default();
    let nouns = [
        ("apple", "apples"),
        ("box", "boxes"),
        ("child", "children"),
        ("peach", "peaches"),
        ("hour", "hours"),
        ("toy car", "toy cars"),
    ];
    for (one, many) in nouns {
        for (start, more) in [(1, 1), (1, 4), (5, 1), (0, 1)] {
            let (a, b) = (if start == 1 { one } else { many }, if more == 1 { one } else { many });
            let problem = format!(
                "Tom has {start} {a}. He finds {more} more {b}. Ben has twice as many {many} as Tom. How many {many} does Ben have?"
            );
            for seed in 0..12 {
                let mut request = chat("teacher-large", &problem);
                request["seed"] = json!(seed);
                let view = viewed(&document(&teacher, "/v1/chat/completions", &request).await, 0);
                let text = format!(" {} {}", view["reasoning_content"], view["content"])
                    .replace("\\n", " ")
                    .replace('*', " ");
                assert!(
                    !text.contains(&format!(" 1 {many}")) && text.contains(&format!(" {many}")),
                    "{text}"
                );
                let singular = text
                    .match_indices(&format!(" {one} "))
                    .all(|(at, _)| text[..at].ends_with(" 1"));
                let verbs = [
                    "1 apple are",
                    "1 box are",
                    "apples is",
                    "boxes is",
                    "children is",
                    "hours is",
                ]
                .iter()
                .all(|wrong| !text.contains(wrong));
                assert!(singular && verbs, "{text}");
            }
        }
    }
}

#[tokio::test]
async fn the_same_request_gives_the_same_bytes_and_another_seed_other_words() {
    let teacher = Teacher::default();
    let mut request = chat("teacher-large", CHAIN);
    let first = bytes(send(&teacher, "/v1/chat/completions", &request).await).await;
    assert_eq!(
        first,
        bytes(send(&Teacher::default(), "/v1/chat/completions", &request).await).await
    );
    request["seed"] = json!(7);
    assert_ne!(first, bytes(send(&teacher, "/v1/chat/completions", &request).await).await);
}

#[tokio::test]
async fn chat_says_the_same_whole_and_streamed_in_every_dialect() {
    let teacher = Teacher::default();
    let tool = json!([{"type": "function", "function": {"name": "calculator", "parameters": {"type": "object",
        "properties": {"expression": {"type": "string"}}}}}]);
    for model in DIALECTS {
        for (extra, content) in [
            (json!({}), CHAIN),
            (json!({"tools": tool, "parallel_tool_calls": true}), CHAIN),
            (json!({"n": 3, "max_tokens": 90}), CHAIN),
            (json!({"stop": "the"}), "Hello!"),
            (json!({}), PROBLEM),
        ] {
            let mut request = chat(model, content);
            request.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            let whole = document(&teacher, "/v1/chat/completions", &request).await;
            request["stream_options"] = json!({"include_usage": true});
            let events = events(&teacher, "/v1/chat/completions", &request).await;
            for choice in 0..whole["choices"].as_array().unwrap().len() {
                let (streamed, usage) = assembled(&events, choice as u64);
                assert_eq!(streamed, viewed(&whole, choice), "{model}");
                assert_eq!(usage, whole["usage"]);
            }
        }
    }
}

#[tokio::test]
async fn every_dialect_carries_the_same_reasoning_and_answer() {
    let teacher = Teacher::default();
    let mut seen = Vec::new();
    for model in &DIALECTS[..6] {
        let view =
            viewed(&document(&teacher, "/v1/chat/completions", &chat(model, CHAIN)).await, 0);
        let content = view["content"].as_str().unwrap();
        let inline = content.rsplit_once("\n</think>\n\n");
        let reasoning = match inline {
            Some((reasoning, _)) => reasoning.trim_start_matches("<think>\n").to_owned(),
            None => ["think", "reasoning", "reasoning_content"]
                .iter()
                .map(|key| view[key].as_str().unwrap())
                .find(|text| !text.is_empty())
                .unwrap()
                .to_owned(),
        };
        assert_eq!(content.starts_with("<think>"), *model == "teacher-large:think");
        seen.push((reasoning, inline.map_or(content, |(_, answer)| answer).to_owned()));
    }
    assert!(seen.iter().all(|view| *view == seen[0]));
}

#[tokio::test]
async fn messages_say_the_same_whole_and_streamed() {
    let teacher = Teacher::default();
    let tool = json!([{"name": "calculator", "input_schema": {"type": "object", "properties": {"expression": {"type": "string"}}}}]);
    for extra in [
        json!({}),
        json!({"thinking": {"type": "adaptive", "display": "omitted"}}),
        json!({"thinking": {"type": "disabled"}, "stop_sequences": ["so"]}),
        json!({"tools": tool, "tool_choice": {"type": "any", "disable_parallel_tool_use": false}}),
        json!({"max_tokens": 30}),
        json!({"messages": [{"role": "user", "content": format!("{CHAIN} {}", guilloche::teacher::REDACT_MARKER)}]}),
    ] {
        let mut request = message("teacher-large", CHAIN);
        request.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let whole = document(&teacher, "/v1/messages", &request).await;
        assert_eq!(message_of(&events(&teacher, "/v1/messages", &request).await), whole, "{extra}");
    }
}

#[tokio::test]
async fn a_thinking_block_comes_back_unmodified_or_emptied_but_never_altered() {
    let teacher = Teacher::default();
    let request = message("teacher-large", CHAIN);
    let reply = document(&teacher, "/v1/messages", &request).await;
    let next = |content: Value, first: &str| {
        json!({"model": "teacher-large", "max_tokens": 4000, "messages": [
            {"role": "user", "content": first}, {"role": "assistant", "content": content}, {"role": "user", "content": "Thanks!"}]})
    };
    let content = reply["content"].clone();
    let mut emptied = content.clone();
    emptied[0]["thinking"] = json!("");
    for accepted in [&content, &emptied] {
        assert_eq!(
            send(&teacher, "/v1/messages", &next(accepted.clone(), CHAIN)).await.status(),
            StatusCode::OK
        );
    }
    let mut altered = content.clone();
    altered[0]["thinking"] = json!("I never thought that.");
    let mut forged = content.clone();
    forged[0]["signature"] = json!("AAAA");
    for (refused, first, says) in [
        (altered, CHAIN, "cannot be modified"),
        (forged, CHAIN, "Invalid `signature`"),
        (content.clone(), "Hi", "different conversation"),
    ] {
        let response = send(&teacher, "/v1/messages", &next(refused, first)).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let error: Value = serde_json::from_slice(&bytes(response).await).unwrap();
        assert_eq!(error["error"]["type"], "invalid_request_error");
        assert!(error["error"]["message"].as_str().unwrap().contains(says), "{error}");
    }
    let lenient = Teacher::new(Settings { bind_prefix: false, ..Settings::default() });
    assert_eq!(send(&lenient, "/v1/messages", &next(content, "Hi")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_tool_is_called_and_its_result_is_used() {
    let teacher = Teacher::default();
    let mut request = chat("teacher-large", CHAIN);
    request["tools"] = json!([{"type": "function", "function": {"name": "calculator", "description": "Evaluates",
        "parameters": {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]}}}]);
    let first = document(&teacher, "/v1/chat/completions", &request).await;
    let call = &first["choices"][0]["message"]["tool_calls"][0];
    let arguments: Value =
        serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(
        solve(arguments["expression"].as_str().unwrap()).unwrap().value,
        solve(CHAIN).unwrap().value
    );
    let messages = request["messages"].as_array_mut().unwrap();
    messages.push(first["choices"][0]["message"].clone());
    messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "6"}));
    let second = document(&teacher, "/v1/chat/completions", &request).await;
    let answer = second["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(second["choices"][0]["finish_reason"], "stop");
    assert!(
        answer.contains("tool")
            && final_answer(answer) == solve(CHAIN).ok().map(|solution| solution.value),
        "{answer}"
    );
}

#[tokio::test]
async fn the_small_model_admits_what_is_beyond_it() {
    let teacher = Teacher::default();
    let long = document(&teacher, "/v1/chat/completions", &chat("teacher-small", CHAIN)).await;
    assert_eq!(final_answer(long["choices"][0]["message"]["content"].as_str().unwrap()), None);
    let short = document(
        &teacher,
        "/v1/chat/completions",
        &chat("teacher-small", "Tom has 3 pens and buys 4 more pens. How many pens does he have?"),
    )
    .await;
    assert_eq!(
        final_answer(short["choices"][0]["message"]["content"].as_str().unwrap()),
        solve("3 + 4").ok().map(|s| s.value)
    );
}

#[tokio::test]
async fn probabilities_and_token_ids_cover_the_reasoning_and_the_answer() {
    let teacher = Teacher::default();
    let mut request = chat("teacher-large", CHAIN);
    request["logprobs"] = json!(true);
    request["top_logprobs"] = json!(3);
    request["return_token_ids"] = json!(true);
    let whole = document(&teacher, "/v1/chat/completions", &request).await;
    let choice = &whole["choices"][0];
    let tokens = choice["logprobs"]["content"].as_array().unwrap();
    let text: String = tokens.iter().map(|token| token["token"].as_str().unwrap()).collect();
    let message = &choice["message"];
    assert_eq!(
        text,
        format!(
            "{}{}",
            message["reasoning_content"].as_str().unwrap(),
            message["content"].as_str().unwrap()
        )
    );
    assert!(tokens.iter().all(|token| token["top_logprobs"].as_array().unwrap().len() == 3
        && token["logprob"].as_f64().unwrap() <= 0.0));
    assert_eq!(
        choice["token_ids"].as_array().unwrap().len() as u64,
        whole["usage"]["completion_tokens"].as_u64().unwrap()
    );
    assert_eq!(tokens.len() as u64, whole["usage"]["completion_tokens"].as_u64().unwrap());

    let (mut streamed, mut ids) = (Vec::new(), Vec::new());
    for (_, data) in events(&teacher, "/v1/chat/completions", &request).await {
        let Ok(chunk) = serde_json::from_str::<Value>(&data) else { continue };
        let part = &chunk["choices"][0];
        streamed.extend(part["logprobs"]["content"].as_array().into_iter().flatten().cloned());
        ids.extend(part["token_ids"].as_array().into_iter().flatten().cloned());
    }
    assert_eq!((&streamed, &ids), (tokens, choice["token_ids"].as_array().unwrap()));
}

#[tokio::test]
async fn wrong_requests_are_refused_in_the_vendors_shape() {
    let teacher = Teacher::new(Settings { request_limit: 2_000, ..Settings::default() });
    let cases = [
        (
            "/v1/chat/completions",
            json!({"messages": [{"role": "user", "content": "x"}]}),
            400,
            "model",
        ),
        (
            "/v1/chat/completions",
            json!({"model": "gpt-9", "messages": [{"role": "user", "content": "x"}]}),
            404,
            "gpt-9",
        ),
        ("/v1/chat/completions", json!({"model": "teacher-large"}), 400, "messages"),
        (
            "/v1/chat/completions",
            json!({"model": "teacher-large", "messages": []}),
            400,
            "messages",
        ),
        (
            "/v1/chat/completions",
            json!({"model": "teacher-large", "messages": [{"role": "robot", "content": "x"}]}),
            400,
            "Invalid value",
        ),
        (
            "/v1/chat/completions",
            json!({"model": "teacher-large", "n": 100, "messages": [{"role": "user", "content": "x"}]}),
            400,
            "'n'",
        ),
        ("/v1/chat/completions", chat("teacher-large", &"x".repeat(3_000)), 413, "size"),
        ("/v1/chat/completions", chat("teacher-error-429", "x"), 429, "Rate limit"),
        (
            "/v1/messages",
            json!({"model": "teacher-large", "messages": [{"role": "user", "content": "x"}]}),
            400,
            "max_tokens: Field required",
        ),
        (
            "/v1/messages",
            json!({"model": "teacher-large", "max_tokens": 9, "messages": [{"role": "system", "content": "x"}]}),
            400,
            "system",
        ),
        ("/v1/messages", message("gpt-9", "x"), 404, "gpt-9"),
        ("/v1/messages", message("teacher-error-529", "x"), 529, "Overloaded"),
        ("/v1/nothing", json!({}), 404, "URL"),
    ];
    for (path, body, status, says) in cases {
        let response = send(&teacher, path, &body).await;
        assert_eq!(response.status().as_u16(), status, "{path} {body}");
        let error: Value = serde_json::from_slice(&bytes(response).await).unwrap();
        assert!(error["error"]["message"].as_str().unwrap().contains(says), "{error}");
        assert_eq!(error["type"] == "error", path.starts_with("/v1/messages"));
    }
    let request =
        Request::post("/v1/chat/completions").body(Full::<bytes::Bytes>::from("{nope")).unwrap();
    assert_eq!(teacher.clone().oneshot(request).await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_required_key_is_required() {
    let teacher =
        Teacher::new(Settings { api_key: Some("sesame".to_owned()), ..Settings::default() });
    assert_eq!(
        send(&teacher, "/v1/messages", &message("teacher-large", "Hi")).await.status(),
        StatusCode::UNAUTHORIZED
    );
    for (name, value, status) in [
        ("authorization", "Bearer sesame", 200),
        ("x-api-key", "sesame", 200),
        ("x-api-key", "sesam", 401),
    ] {
        let request = Request::post("/v1/chat/completions")
            .header(name, value)
            .body(Full::<bytes::Bytes>::from(chat("teacher-large", "Hi").to_string()))
            .unwrap();
        assert_eq!(teacher.clone().oneshot(request).await.unwrap().status().as_u16(), status);
    }
    assert!(
        !format!("{:?}", Settings { api_key: Some("sesame".to_owned()), ..Settings::default() })
            .contains("sesame")
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_paced_and_ends_when_its_body_is_dropped() {
    let teacher = Teacher::new(Settings {
        tokens_per_second: Some(10.0),
        first_token_delay: Duration::from_secs(2),
        ..Settings::default()
    });
    let mut request = chat("teacher-large", CHAIN);
    request["stream"] = json!(true);
    let started = Instant::now();
    let mut body = send(&teacher, "/v1/chat/completions", &request).await.into_body();
    assert_eq!((teacher.open_streams(), teacher.in_flight()), (1, 1));
    body.frame().await.unwrap().unwrap();
    assert_eq!(started.elapsed(), Duration::from_secs(2));
    body.frame().await.unwrap().unwrap();
    assert!(started.elapsed() > Duration::from_secs(2));
    drop(body);
    assert_eq!(
        (teacher.open_streams(), teacher.in_flight(), teacher.cancelled(), teacher.served()),
        (0, 0, 1, 0)
    );

    let whole = document(&teacher, "/v1/chat/completions", &chat("teacher-large", CHAIN)).await;
    let tokens = whole["usage"]["completion_tokens"].as_f64().unwrap();
    let started = Instant::now();
    request["stream"] = json!(true);
    bytes(send(&teacher, "/v1/chat/completions", &request).await).await;
    let expected = 2.0 + tokens / 10.0;
    assert!(
        (started.elapsed().as_secs_f64() - expected).abs() < 1.0,
        "{:?} for {tokens} tokens",
        started.elapsed()
    );
    assert_eq!(teacher.served(), 2);
}

#[tokio::test(start_paused = true)]
async fn failures_are_acted_out_in_mid_stream() {
    let teacher = Teacher::default();
    for path in ["/v1/chat/completions", "/v1/messages"] {
        let mut request = message("teacher-error-midstream", CHAIN);
        request["stream"] = json!(true);
        let text = String::from_utf8(bytes(send(&teacher, path, &request).await).await).unwrap();
        assert!(
            text.contains("\"error\":{")
                && !text.contains("message_stop")
                && !text.contains("\"finish_reason\":\"stop\"")
        );

        request["model"] = json!("teacher-error-cut");
        for streamed in [true, false] {
            request["stream"] = json!(streamed);
            let body = send(&teacher, path, &request).await.into_body();
            assert!(body.collect().await.is_err());
        }

        request["model"] = json!("teacher-error-stall");
        request["stream"] = json!(true);
        let body = send(&teacher, path, &request).await.into_body();
        let mut reading = pin!(body.collect());
        assert!(tokio::time::timeout(Duration::from_secs(86_400), &mut reading).await.is_err());

        request["model"] = json!("teacher-error-gzip");
        let response = send(&teacher, path, &request).await;
        assert_eq!(response.headers()["content-encoding"], "gzip");
        assert_eq!(bytes(response).await[..3], [0x1f, 0x8b, 8]);
    }
    assert_eq!(teacher.open_streams(), 0);
}

#[tokio::test]
async fn a_whole_document_states_its_length() {
    let response =
        send(&Teacher::default(), "/v1/chat/completions", &chat("teacher-large", "Hi")).await;
    let exact = response.body().size_hint().exact().unwrap();
    assert_eq!(exact, bytes(response).await.len() as u64);
}

#[tokio::test]
async fn counting_tokens_agrees_with_usage() {
    let teacher = Teacher::default();
    let whole = document(&teacher, "/v1/messages", &message("teacher-large", CHAIN)).await;
    let counted =
        document(&teacher, "/v1/messages/count_tokens", &message("teacher-large", CHAIN)).await;
    assert_eq!(counted["input_tokens"], whole["usage"]["input_tokens"]);
}

#[test]
fn arithmetic_on_hostile_input_neither_panics_nor_lies() {
    for text in [
        "How many apples does 999999999999999 times 999999999999999 make?",
        "What is 5 / 0?",
        "What is ((((((((((((((((((((1+1))))))))))))))))))))?",
        "Tom has 3 apples. He gives 5 apples to Ben. How many apples does Tom have?",
        "how many",
        "$ £ % 1/0 half of of of each each",
        "Each each 5 per per 5. How many more than than?",
    ] {
        assert!(solve(text).is_err(), "{text}: {:?}", solve(text));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]
    #[test]
    fn word_soup_never_panics(words in proptest::collection::vec(proptest::sample::select(vec![
        "Tom", "Maria", "she", "has", "buys", "gives", "to", "each", "every", "per", "of", "half", "twice", "as", "many", "than", "more",
        "fewer", "5", "0", "12.50", "$", "%", "/", "3", "dozen", "hundred", "thousand", "twenty", "-", "apples", "boxes", "hours", "km",
        "shares", "among", "into", "costs", "how", "much", "many", "left", "over", "?", ".", ",", "and", "then", "a", "the", "is", "their",
        "doubles", "does", "pays", "with", "change", "in", "for", "percent", "one", "all", "999999999999999",
    ]), 0..40)) {
        let _ = solve(&words.join(" "));
    }

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
        let _ = solve(&text);
    }
}

fn response(model: &str, input: &str) -> Value {
    json!({"model": model, "input": input})
}

// Break it: leave a copy of a text out of what is counted for it, or forget an answer that was kept.
#[tokio::test]
async fn a_response_says_every_text_alike_and_is_read_again() {
    let teacher = Teacher::default();
    for model in ["teacher-large", "teacher-large:reasoning", "teacher-large:think"] {
        let body = response(model, CHAIN);
        let whole = document(&teacher, "/v1/responses", &body).await;
        let told: Vec<Value> = events(&teacher, "/v1/responses", &body)
            .await
            .into_iter()
            .map(|(name, data)| {
                let event: Value = serde_json::from_str(&data).unwrap();
                assert_eq!(name.as_deref(), event["type"].as_str());
                event
            })
            .collect();
        for (at, event) in told.iter().enumerate() {
            assert_eq!(event["sequence_number"], at);
        }
        assert_eq!(told.last().unwrap()["response"], whole, "{model}");
        for (index, item) in whole["output"].as_array().unwrap().iter().enumerate() {
            let of = |kind: &str| {
                let events = told.iter().filter(|it| it["output_index"] == index);
                let texts = events.filter(|it| it["type"].as_str().unwrap().ends_with(kind));
                texts
                    .filter_map(|it| it["delta"].as_str().or(it["text"].as_str()))
                    .collect::<String>()
            };
            let text = ["content", "summary"].map(|list| item[list][0]["text"].as_str());
            let text = text.into_iter().flatten().next().unwrap();
            assert_eq!((of(".delta").as_str(), of("text.done").as_str()), (text, text));
        }
        let id = whole["id"].as_str().unwrap();
        let ask = async |target: String| {
            let request = Request::get(target).body(Full::<bytes::Bytes>::default()).unwrap();
            String::from_utf8(bytes(teacher.clone().oneshot(request).await.unwrap()).await).unwrap()
        };
        let again = ask(format!("/v1/responses/{id}")).await;
        assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), whole);
        let rest = ask(format!("/v1/responses/{id}?stream=true&starting_after=3")).await;
        assert_eq!(rest.matches("\n\n").count(), told.len() - 4);
        let input = ask(format!("/v1/responses/{id}/input_items")).await;
        assert!(input.contains("Maria has 12"), "{input}");
        let mut next = response(model, "And what if she buys 5 more?");
        next["previous_response_id"] = id.into();
        let next = document(&teacher, "/v1/responses", &next).await;
        assert_eq!(next["previous_response_id"], *id);
        assert_eq!(next["status"], "completed");
    }
}

#[tokio::test]
async fn a_legacy_completion_reads_the_same_in_both_forms() {
    let teacher = Teacher::default();
    let asked = |more: Value| {
        let mut body = json!({"model": "teacher-large", "prompt": CHAIN, "max_tokens": 9000});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for more in [
        json!({}),
        json!({"echo": true, "logprobs": 2}),
        json!({"n": 2, "prompt": [CHAIN, PROBLEM]}),
        json!({"prompt": format!("{CHAIN}\n<think>")}),
        json!({"max_tokens": 30}),
    ] {
        let whole = document(&teacher, "/v1/completions", &asked(more.clone())).await;
        let streamed = events(&teacher, "/v1/completions", &asked(more.clone())).await;
        let choices = whole["choices"].as_array().unwrap();
        let mut texts = vec![(String::new(), Value::Null); choices.len()];
        assert_eq!(streamed.last().unwrap().1, "[DONE]");
        for (_, data) in &streamed[..streamed.len() - 1] {
            let chunk: Value = serde_json::from_str(data).unwrap();
            let choice = &chunk["choices"][0];
            let (text, finish) = &mut texts[choice["index"].as_u64().unwrap() as usize];
            text.push_str(choice["text"].as_str().unwrap());
            *finish = choice["finish_reason"].clone();
        }
        for (choice, (text, finish)) in choices.iter().zip(texts) {
            assert_eq!(
                (choice["text"].as_str().unwrap(), &choice["finish_reason"]),
                (&*text, &finish)
            );
            if let Some(tokens) = choice["logprobs"]["tokens"].as_array() {
                let said: String = tokens.iter().map(|token| token.as_str().unwrap()).collect();
                assert_eq!(said, text);
                assert!(text.starts_with(CHAIN));
            }
        }
        let begun = more["prompt"].as_str().is_some_and(|prompt| prompt.ends_with("<think>"));
        let text = choices[0]["text"].as_str().unwrap();
        assert_eq!(text.contains("<think>"), !begun, "{text}");
    }
    let wrong = json!({"model": "teacher-large", "prompt": [1, 2]});
    assert_eq!(send(&teacher, "/v1/completions", &wrong).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_answer_in_lines_reads_like_the_whole_one() {
    let teacher = Teacher::default();
    let tool = json!({"type": "function", "function": {"name": "calculate", "parameters":
        {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]}}});
    for (path, body) in [
        ("/api/chat", json!({"messages": [{"role": "user", "content": CHAIN}], "logprobs": true})),
        ("/api/chat", json!({"messages": [{"role": "user", "content": CHAIN}], "tools": [tool]})),
        ("/api/chat", json!({"messages": [{"role": "user", "content": CHAIN}], "think": false})),
        ("/api/generate", json!({"prompt": CHAIN, "think": "low"})),
        ("/api/generate", json!({"prompt": CHAIN, "options": {"num_predict": 12}})),
    ] {
        let mut body = body;
        body["model"] = json!("teacher-large");
        let lines = bytes(send(&teacher, path, &body).await).await;
        body["stream"] = json!(false);
        let whole = document(&teacher, path, &body).await;
        let (mut content, mut thinking, mut last) = (String::new(), String::new(), Value::Null);
        for line in String::from_utf8(lines).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_ne!(last["done"], true, "nothing stands behind the last line");
            let said = if line["message"].is_object() { &line["message"] } else { &line };
            let text = said["content"].as_str().or(said["response"].as_str());
            content.push_str(text.unwrap());
            thinking.push_str(said["thinking"].as_str().unwrap_or_default());
            last = line;
        }
        let said = if whole["message"].is_object() { &whole["message"] } else { &whole };
        let text = said["content"].as_str().or(said["response"].as_str());
        assert_eq!(
            (text.unwrap(), said["thinking"].as_str().unwrap_or_default()),
            (&*content, &*thinking)
        );
        assert_eq!(thinking.is_empty(), body["think"] == false);
        for name in ["done", "done_reason", "eval_count", "context"] {
            assert_eq!(whole[name], last[name], "{name}");
        }
        assert_eq!(whole["context"].is_array(), path == "/api/generate");
    }
    let error = document(&teacher, "/api/chat", &json!({"model": "none", "messages": []})).await;
    assert!(error["error"].is_string());
}

#[tokio::test]
async fn gemini_says_the_same_whole_as_events_and_as_an_array() {
    let teacher = Teacher::default();
    let path = |method: &str| format!("/v1beta/models/teacher-large:{method}");
    let tool = json!({"functionDeclarations": [{"name": "calculate", "parameters": {"type": "OBJECT",
        "properties": {"expression": {"type": "STRING"}}, "required": ["expression"]}}]});
    let thinking = json!({"thinkingConfig": {"includeThoughts": true}, "candidateCount": 2});
    for (config, tools) in [
        (json!({}), json!([])),
        (thinking, json!([])),
        (json!({"thinkingConfig": {"includeThoughts": true}}), json!([tool])),
        (json!({"maxOutputTokens": 9}), json!([])),
    ] {
        let body = json!({"contents": [{"parts": [{"text": CHAIN}]}], "generationConfig": config, "tools": tools});
        let whole = document(&teacher, &path("generateContent"), &body).await;
        let array = document(&teacher, &path("streamGenerateContent"), &body).await;
        let told = events(&teacher, &path("streamGenerateContent?alt=sse"), &body).await;
        let told: Vec<Value> =
            told.iter().map(|(_, it)| serde_json::from_str(it).unwrap()).collect();
        assert_eq!(array.as_array().unwrap(), &told);
        for (index, candidate) in whole["candidates"].as_array().unwrap().iter().enumerate() {
            let texts = |candidates: Vec<&Value>, thought: bool| -> String {
                let parts =
                    candidates.iter().flat_map(|it| it["content"]["parts"].as_array().unwrap());
                let parts = parts.filter(|it| it["thought"].as_bool().unwrap_or(false) == thought);
                parts.filter_map(|part| part["text"].as_str()).collect()
            };
            let candidates = told.iter().map(|chunk| &chunk["candidates"][0]);
            let own: Vec<&Value> = candidates.filter(|it| it["index"] == index).collect();
            for thought in [false, true] {
                assert_eq!(texts(own.clone(), thought), texts(vec![candidate], thought));
            }
            assert_eq!(own.last().unwrap()["finishReason"], candidate["finishReason"]);
        }
        assert_eq!(told.last().unwrap()["usageMetadata"], whole["usageMetadata"]);
        let counted = document(&teacher, &path("countTokens"), &body).await;
        assert_eq!(counted["totalTokens"], whole["usageMetadata"]["promptTokenCount"]);
    }
    let error =
        document(&teacher, "/v1beta/models/none:generateContent", &json!({"contents": []})).await;
    assert_eq!(error["error"]["status"], "NOT_FOUND");
}

#[tokio::test]
async fn a_completion_of_llama_cpp_reads_the_same_in_both_forms() {
    let teacher = Teacher::default();
    for (path, body) in [
        ("/completion", json!({"prompt": CHAIN, "n_probs": 2, "return_tokens": true})),
        ("/completion", json!({"prompt": CHAIN, "n_predict": 12, "model": "teacher-small"})),
        ("/infill", json!({"input_prefix": CHAIN, "input_suffix": "", "prompt": ""})),
    ] {
        let mut body = body;
        let whole = document(&teacher, path, &body).await;
        body["stream"] = json!(true);
        let events = values(&teacher, path, &body).await;
        let text: String = events.iter().map(|it| it["content"].as_str().unwrap()).collect();
        assert_eq!(whole["content"], *text);
        assert!(text.starts_with("<think>"));
        let last = events.last().unwrap();
        for name in ["stop", "stop_type", "tokens_predicted", "prompt", "model", "timings"] {
            assert_eq!(whole[name], last[name], "{name}");
        }
        assert_eq!(whole["completion_probabilities"].is_array(), body["n_probs"] == 2);
    }
    let several = json!({"prompt": [CHAIN, "x"]});
    assert_eq!(document(&teacher, "/completion", &several).await.as_array().unwrap().len(), 2);
    let error = document(&teacher, "/completion", &json!({"n_predict": 1})).await;
    assert_eq!(error["error"]["code"], 400);
}

#[tokio::test]
async fn a_completion_of_text_generation_inference_reads_the_same_in_both_forms() {
    let teacher = Teacher::default();
    for parameters in [
        json!({"details": true, "decoder_input_details": true, "top_n_tokens": 2, "best_of": 2}),
        json!({"details": true, "max_new_tokens": 12, "return_full_text": true}),
        json!({}),
    ] {
        let body = json!({"inputs": CHAIN, "parameters": parameters});
        let whole = document(&teacher, "/generate", &body).await;
        let events = values(&teacher, "/generate_stream", &body).await;
        let last = events.last().unwrap();
        assert_eq!(whole["generated_text"], last["generated_text"]);
        let tokens = events.iter().map(|it| &it["token"]).filter(|it| it["special"] == false);
        let text: String = tokens.map(|it| it["text"].as_str().unwrap()).collect();
        assert!(whole["generated_text"].as_str().unwrap().ends_with(&text));
        assert!(text.starts_with("<think>"));
        let numbers: Vec<u64> = events.iter().map(|it| it["index"].as_u64().unwrap()).collect();
        assert!(numbers.iter().copied().eq(1..=numbers.len() as u64));
        if whole["details"].is_object() {
            for name in ["finish_reason", "generated_tokens"] {
                assert_eq!(whole["details"][name], last["details"][name], "{name}");
            }
        }
        let listed = document(&teacher, "/", &body).await;
        assert_eq!(listed[0], whole);
    }
    let error = document(&teacher, "/generate", &json!({"inputs": ""})).await;
    assert_eq!(error["error_type"], "validation");
}

#[tokio::test]
async fn a_message_of_coheres_reads_the_same_in_both_forms() {
    let teacher = Teacher::default();
    let tool = json!({"type": "function", "function": {"name": "calculate", "parameters":
        {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]}}});
    let said = json!([{"role": "user", "content": CHAIN}]);
    for (model, more) in [
        ("teacher-large", json!({"logprobs": true})),
        ("teacher-large", json!({"tools": [tool]})),
        ("teacher-large:reasoning", json!({"tools": [tool]})),
        ("teacher-small", json!({"thinking": {"type": "disabled"}, "max_tokens": 12})),
    ] {
        let mut body = more;
        body["model"] = json!(model);
        body["messages"] = said.clone();
        let whole = document(&teacher, "/v2/chat", &body).await;
        let (mut plan, mut arguments) = (String::new(), String::new());
        let mut blocks: Vec<(String, String)> = Vec::new();
        let events = values(&teacher, "/v2/chat", &body).await;
        for event in &events {
            let message = &event["delta"]["message"];
            plan += message["tool_plan"].as_str().unwrap_or_default();
            let function = &message["tool_calls"]["function"];
            arguments += function["arguments"].as_str().unwrap_or_default();
            let content = &message["content"];
            if event["type"] == "content-start" {
                assert_eq!(event["index"], blocks.len());
                blocks.push((content["type"].as_str().unwrap().to_owned(), String::new()));
            }
            if let Some((kind, text)) = blocks.last_mut() {
                text.push_str(content[&**kind].as_str().unwrap_or_default());
            }
        }
        let message = &whole["message"];
        assert_eq!(plan, message["tool_plan"].as_str().unwrap_or_default());
        let contents = message["content"].as_array().into_iter().flatten();
        let contents = contents.map(|block| {
            let kind = block["type"].as_str().unwrap();
            (kind.to_owned(), block[kind].as_str().unwrap().to_owned())
        });
        assert!(contents.eq(blocks.iter().cloned()), "{whole}");
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        let calls: String =
            calls.map(|call| call["function"]["arguments"].as_str().unwrap()).collect();
        assert_eq!(calls, arguments);
        let plans = model.ends_with(":reasoning") && !calls.is_empty();
        assert_eq!(plan.is_empty(), !plans);
        let last = events.last().unwrap();
        assert_eq!(last["delta"]["finish_reason"], whole["finish_reason"]);
        assert_eq!(last["delta"]["usage"], whole["usage"]);
    }
    let error = document(&teacher, "/v2/chat", &json!({"model": "none", "messages": []})).await;
    assert!(error["message"].is_string());
}
