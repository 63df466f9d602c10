//! Streams put together the way client libraries do, to be compared with whole documents.

use serde_json::{Value, json};

/// Puts a streamed chat choice together the way client libraries do: strings append, the rest is set.
pub(crate) fn assembled(events: &[(Option<String>, String)], choice: u64) -> (Value, Value) {
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
pub(crate) fn viewed(document: &Value, choice: usize) -> Value {
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
pub(crate) fn message_of(events: &[(Option<String>, String)]) -> Value {
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
