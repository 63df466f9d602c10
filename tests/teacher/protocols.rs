//! The other protocols: whole documents and streams say the same.

use guilloche::teacher::Teacher;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{CHAIN, PROBLEM, bytes, document, events, send, values};

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
