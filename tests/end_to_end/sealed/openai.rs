//! OpenAI's Responses, and Chat Completions with details as OpenRouter has them or with strings.

use serde_json::{Value, json};

use super::dialect::{
    Asked, Dialect, LAST, Said, at, call_id, events, join, pieces, signature, values,
};

pub(crate) struct Responses;

fn items(said: &Said<'_>) -> Vec<Value> {
    let Said { turn, thought, .. } = *said;
    let reasoning = json!({"type": "reasoning", "id": format!("rs_{turn}"),
        "encrypted_content": format!("gAAAAABo_{turn}_cipher"),
        "summary": [{"type": "summary_text", "text": format!("Sum {turn} of it.")}],
        "content": [{"type": "reasoning_text", "text": thought}]});
    let said = match turn {
        LAST => {
            json!({"type": "message", "id": "msg_3", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "It is 17.", "annotations": []}]})
        }
        _ => json!({"type": "function_call", "id": format!("fc_{turn}"), "call_id": call_id(turn),
            "name": "add", "arguments": json!({"a": turn}).to_string(), "status": "completed"}),
    };
    vec![reasoning, said]
}

fn response(said: &Said<'_>, output: &[Value], status: &str) -> Value {
    let Said { tokens, .. } = *said;
    json!({"id": "resp_1", "object": "response", "created_at": 1_800_000_000, "status": status,
        "model": "m", "output": output, "usage": {"input_tokens": 9, "output_tokens": 2 * tokens,
        "output_tokens_details": {"reasoning_tokens": tokens}, "total_tokens": 9 + 2 * tokens}})
}

fn response_events(said: &Said<'_>) -> Vec<(&'static str, Value)> {
    let Said { thought, .. } = *said;
    let mut out =
        vec![("response.created", json!({"response": response(said, &[], "in_progress")}))];
    for (index, item) in items(said).into_iter().enumerate() {
        let mut begun = item.clone();
        for (name, nothing) in
            [("summary", json!([])), ("content", json!([])), ("arguments", json!(""))]
        {
            if begun.get(name).is_some() {
                begun[name] = nothing;
            }
        }
        let about = |mut more: Value| {
            (more["output_index"], more["item_id"]) = (index.into(), item["id"].clone());
            more
        };
        out.push(("response.output_item.added", json!({"output_index": index, "item": begun})));
        if item["type"] == "reasoning" {
            let piece = |it| {
                ("response.reasoning_text.delta", about(json!({"content_index": 0, "delta": it})))
            };
            out.extend(pieces(thought).into_iter().map(piece));
            let done = about(json!({"content_index": 0, "text": thought}));
            out.push(("response.reasoning_text.done", done));
        }
        if let Some(arguments) = item.get("arguments") {
            out.push((
                "response.function_call_arguments.delta",
                about(json!({"delta": arguments})),
            ));
            let done = about(json!({"arguments": arguments}));
            out.push(("response.function_call_arguments.done", done));
        }
        out.push(("response.output_item.done", json!({"output_index": index, "item": item})));
    }
    out.push((
        "response.completed",
        json!({"response": response(said, &items(said), "completed")}),
    ));
    for (number, (name, event)) in out.iter_mut().enumerate() {
        (event["type"], event["sequence_number"]) = ((*name).into(), number.into());
    }
    out
}

impl Dialect for Responses {
    fn name(&self) -> &'static str {
        "responses"
    }

    fn path(&self, _: &str, _: bool) -> String {
        "/v1/responses".to_owned()
    }

    fn body(&self, asked: &Asked<'_>) -> Value {
        let tools: Vec<Value> =
            asked.tools.iter().map(|it| json!({"type": "function", "name": it})).collect();
        json!({"model": asked.model, "input": asked.history, "tools": tools, "store": false,
            "instructions": asked.system, "stream": asked.streamed,
            "include": ["reasoning.encrypted_content"]})
    }

    fn user(&self, text: &str) -> Value {
        json!({"role": "user", "content": text})
    }

    fn result(&self, turn: usize) -> Value {
        json!({"type": "function_call_output", "call_id": call_id(turn), "output": "17"})
    }

    fn answer(&self, said: &Said<'_>, streamed: bool) -> (&'static str, Vec<u8>) {
        match streamed {
            true => ("text/event-stream", events(&response_events(said))),
            false => {
                let whole = response(said, &items(said), "completed");
                ("application/json", whole.to_string().into_bytes())
            }
        }
    }

    fn read(&self, answer: &[u8], streamed: bool) -> Vec<Value> {
        let last = values(answer).pop().unwrap();
        let response = if streamed { &last["response"] } else { &last };
        response["output"].as_array().unwrap().clone()
    }

    fn list(&self) -> &'static str {
        "input"
    }

    fn without_reasoning(&self, entry: &mut Value) -> bool {
        entry["type"] != "reasoning"
    }
}

pub(crate) struct Chat {
    /// Else OpenRouter's details are signed.
    pub(crate) in_strings: bool,
}

impl Chat {
    fn message(&self, said: &Said<'_>) -> Value {
        let Said { turn, thought, .. } = *said;
        let mut message = json!({"role": "assistant", "content": null});
        if turn == LAST {
            message["content"] = "It is 17.".into();
        } else {
            let function = json!({"name": "add", "arguments": json!({"a": turn}).to_string()});
            message["tool_calls"] = json!([{"id": call_id(turn), "type": "function", "function": function, "index": 0}]);
        }
        if self.in_strings {
            message["reasoning_content"] = thought.into();
        } else {
            message["reasoning_details"] = json!([
                {"type": "reasoning.text", "text": thought, "signature": signature(turn), "index": 0},
                {"type": "reasoning.encrypted", "data": "EmwKAhgBEgy3va3p", "index": 1},
            ]);
        }
        message
    }

    fn deltas(&self, said: &Said<'_>) -> Vec<Value> {
        let Said { turn, thought, .. } = *said;
        let whole = self.message(said);
        let mut deltas = vec![json!({"role": "assistant", "content": ""})];
        if self.in_strings {
            let pieces = pieces(thought).into_iter();
            deltas.extend(pieces.map(|it| json!({ "reasoning_content": it })));
        } else {
            let detail = |mut it: Value| {
                (it["type"], it["index"]) = ("reasoning.text".into(), 0.into());
                json!({ "reasoning_details": [it] })
            };
            deltas.extend(pieces(thought).into_iter().map(|it| detail(json!({"text": it}))));
            deltas.push(detail(json!({"signature": signature(turn)})));
            deltas.push(json!({"reasoning_details": [whole["reasoning_details"][1]]}));
        }
        let said = if turn == LAST { "content" } else { "tool_calls" };
        deltas.push(json!({ said: whole[said] }));
        deltas
    }
}

/// Puts calls of tools together from the pieces of a stream, as the vendor's libraries do.
pub(crate) fn join_calls(calls: &mut Vec<Value>, delta: &Value) {
    for call in delta["tool_calls"].as_array().into_iter().flatten() {
        let index = at(calls, &call["index"]);
        let arguments = calls[index]["function"]["arguments"].take();
        for (name, value) in call.as_object().unwrap() {
            let known = calls[index].get(name).is_some();
            let says = value.as_object().is_none_or(|it| it.values().any(|it| !it.is_null()));
            if !value.is_null() && name != "function" && (!known || says) {
                calls[index][name] = value.clone();
            }
        }
        let called = &call["function"]["name"];
        if called.as_str().is_some_and(|it| !it.is_empty()) {
            calls[index]["function"]["name"] = called.clone();
        }
        calls[index]["function"]["arguments"] = arguments;
        join(&mut calls[index]["function"]["arguments"], &call["function"]["arguments"]);
    }
}

impl Dialect for Chat {
    fn name(&self) -> &'static str {
        if self.in_strings { "chat in strings" } else { "chat" }
    }

    fn in_strings(&self) -> bool {
        self.in_strings
    }

    fn path(&self, _: &str, _: bool) -> String {
        "/v1/chat/completions".to_owned()
    }

    fn body(&self, asked: &Asked<'_>) -> Value {
        let tool = |it| json!({"type": "function", "function": {"name": it}});
        let tools: Vec<Value> = asked.tools.iter().map(tool).collect();
        let mut messages = vec![json!({"role": "system", "content": asked.system})];
        messages.extend_from_slice(asked.history);
        json!({"model": asked.model, "messages": messages, "tools": tools, "stream": asked.streamed})
    }

    fn user(&self, text: &str) -> Value {
        json!({"role": "user", "content": text})
    }

    fn result(&self, turn: usize) -> Value {
        json!({"role": "tool", "tool_call_id": call_id(turn), "content": "17"})
    }

    fn answer(&self, said: &Said<'_>, streamed: bool) -> (&'static str, Vec<u8>) {
        let Said { turn, tokens, .. } = *said;
        let reason = if turn == LAST { "stop" } else { "tool_calls" };
        let usage = json!({"prompt_tokens": 9, "completion_tokens": 2 * tokens,
            "total_tokens": 9 + 2 * tokens, "completion_tokens_details": {"reasoning_tokens": tokens}});
        if !streamed {
            let choice =
                json!({"index": 0, "message": self.message(said), "finish_reason": reason});
            let whole = json!({"id": "c", "object": "chat.completion", "choices": [choice],
                "usage": usage});
            return ("application/json", whole.to_string().into_bytes());
        }
        let chunk = |delta: Value, reason: Value| {
            let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
            ("", json!({"id": "c", "object": "chat.completion.chunk", "choices": [choice]}))
        };
        let said = self.deltas(said).into_iter().map(|it| chunk(it, Value::Null));
        let counts = json!({"id": "c", "object": "chat.completion.chunk", "choices": [],
            "usage": usage});
        let all: Vec<_> = said.chain([chunk(json!({}), reason.into()), ("", counts)]).collect();
        ("text/event-stream", [events(&all), b"data: [DONE]\n\n".to_vec()].concat())
    }

    fn read(&self, answer: &[u8], streamed: bool) -> Vec<Value> {
        let values = values(answer);
        if !streamed {
            return vec![values[0]["choices"][0]["message"].clone()];
        }
        let mut message = json!({"role": "assistant", "content": null});
        let (mut details, mut calls) = (Vec::new(), Vec::new());
        for delta in values.iter().map(|it| &it["choices"][0]["delta"]) {
            for name in ["content", "reasoning_content"] {
                if delta[name].as_str().is_some_and(|it| !it.is_empty()) {
                    join(&mut message[name], &delta[name]);
                }
            }
            for detail in delta["reasoning_details"].as_array().into_iter().flatten() {
                let index = at(&mut details, &detail["index"]);
                let text = details[index]["text"].take();
                for (name, value) in detail.as_object().unwrap() {
                    details[index][name] = value.clone();
                }
                let mut whole = text;
                join(&mut whole, &detail["text"]);
                details[index]["text"] = whole;
                details[index].as_object_mut().unwrap().retain(|_, it| !it.is_null());
            }
            join_calls(&mut calls, delta);
        }
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        if !details.is_empty() {
            message["reasoning_details"] = details.into();
        }
        vec![message]
    }

    fn without_reasoning(&self, entry: &mut Value) -> bool {
        for name in ["reasoning_content", "reasoning_details"] {
            entry.as_object_mut().unwrap().remove(name);
        }
        true
    }
}
