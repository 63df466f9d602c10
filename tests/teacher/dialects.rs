//! Chat Completions and Messages, in every way that reasoning stands in them.

use guilloche::teacher::problem::solve;
use guilloche::teacher::{Settings, Teacher, final_answer};
use http::StatusCode;
use serde_json::{Value, json};

use crate::together::{assembled, message_of, viewed};
use crate::{CHAIN, DIALECTS, PROBLEM, bytes, chat, document, events, message, send};

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
