//! Protocols with nothing but a string of reasoning that comes back: Ollama's and Cohere's own.

use serde_json::{Value, json};

use super::dialect::{Asked, Dialect, LAST, Said, at, call_id, events, join, pieces, values};

pub(crate) struct Ollama;

impl Dialect for Ollama {
    fn name(&self) -> &'static str {
        "ollama"
    }

    fn in_strings(&self) -> bool {
        true
    }

    fn path(&self, _: &str, _: bool) -> String {
        "/api/chat".to_owned()
    }

    fn body(&self, asked: &Asked<'_>) -> Value {
        let tool = |it| json!({"type": "function", "function": {"name": it}});
        let tools: Vec<Value> = asked.tools.iter().map(tool).collect();
        let mut messages = vec![json!({"role": "system", "content": asked.system})];
        messages.extend_from_slice(asked.history);
        json!({"model": asked.model, "messages": messages, "tools": tools, "stream": asked.streamed,
            "think": true})
    }

    fn user(&self, text: &str) -> Value {
        json!({"role": "user", "content": text})
    }

    fn result(&self, _: usize) -> Value {
        json!({"role": "tool", "tool_name": "add", "content": "17"})
    }

    fn answer(&self, said: &Said<'_>, streamed: bool) -> (&'static str, Vec<u8>) {
        let Said { turn, thought, tokens } = *said;
        let line = |message: Value, done: bool| {
            let mut line = json!({"model": "m", "created_at": "2026-11-30T11:00:00Z",
                "message": message, "done": done});
            if done {
                line["done_reason"] = "stop".into();
                (line["prompt_eval_count"], line["eval_count"]) = (9.into(), (2 * tokens).into());
            }
            line
        };
        let calls = json!([{"function": {"name": "add", "arguments": {"a": turn}}}]);
        let mut said = json!({"role": "assistant", "content": ""});
        match turn {
            LAST => said["content"] = "It is 17.".into(),
            _ => said["tool_calls"] = calls,
        }
        if !streamed {
            said["thinking"] = thought.into();
            return ("application/json", line(said, true).to_string().into_bytes());
        }
        let piece = |it| line(json!({"role": "assistant", "content": "", "thinking": it}), false);
        let end = line(json!({"role": "assistant", "content": ""}), true);
        let lines = pieces(thought).into_iter().map(piece).chain([line(said, false), end]);
        let lines: String = lines.map(|it| format!("{it}\n")).collect();
        ("application/x-ndjson", lines.into_bytes())
    }

    fn read(&self, answer: &[u8], _: bool) -> Vec<Value> {
        let mut message = json!({"role": "assistant", "content": "", "thinking": ""});
        for line in values(answer) {
            for name in ["content", "thinking"] {
                join(&mut message[name], &line["message"][name]);
            }
            if line["message"]["tool_calls"].is_array() {
                message["tool_calls"] = line["message"]["tool_calls"].clone();
            }
        }
        vec![message]
    }

    fn without_reasoning(&self, entry: &mut Value) -> bool {
        entry.as_object_mut().unwrap().remove("thinking");
        true
    }
}

pub(crate) struct Cohere;

impl Cohere {
    fn calls(turn: usize) -> Value {
        let function = json!({"name": "add", "arguments": json!({"a": turn}).to_string()});
        json!({"id": call_id(turn), "type": "function", "function": function})
    }
}

impl Dialect for Cohere {
    fn name(&self) -> &'static str {
        "cohere"
    }

    fn in_strings(&self) -> bool {
        true
    }

    fn path(&self, _: &str, _: bool) -> String {
        "/v2/chat".to_owned()
    }

    fn body(&self, asked: &Asked<'_>) -> Value {
        let mut body = Ollama.body(asked);
        body.as_object_mut().unwrap().remove("think");
        body
    }

    fn user(&self, text: &str) -> Value {
        json!({"role": "user", "content": text})
    }

    fn result(&self, turn: usize) -> Value {
        json!({"role": "tool", "tool_call_id": call_id(turn), "content": "17"})
    }

    fn answer(&self, said: &Said<'_>, streamed: bool) -> (&'static str, Vec<u8>) {
        let Said { turn, thought, tokens } = *said;
        let counts = json!({"input_tokens": 9, "output_tokens": 2 * tokens});
        let usage = json!({"billed_units": counts, "tokens": counts});
        let text = |kind: &str, text: &str| json!({"type": kind, kind: text});
        let mut content = vec![text("thinking", thought)];
        if turn == LAST {
            content.push(text("text", "It is 17."));
        }
        let reason = if turn == LAST { "COMPLETE" } else { "TOOL_CALL" };
        if !streamed {
            let mut message = json!({"role": "assistant", "content": content});
            if turn != LAST {
                message["tool_calls"] = json!([Self::calls(turn)]);
            }
            let whole = json!({"id": "c", "message": message, "finish_reason": reason,
                "usage": usage});
            return ("application/json", whole.to_string().into_bytes());
        }
        let begun = json!({"role": "assistant", "content": []});
        let mut out = vec![("message-start", json!({"id": "c", "delta": {"message": begun}}))];
        for (index, block) in content.iter().enumerate() {
            let kind = block["type"].as_str().unwrap();
            let of = |content| json!({"index": index, "delta": {"message": {"content": content}}});
            out.push(("content-start", of(text(kind, ""))));
            let pieces = pieces(block[kind].as_str().unwrap()).into_iter();
            out.extend(pieces.map(|it| ("content-delta", of(json!({ kind: it })))));
            out.push(("content-end", json!({ "index": index })));
        }
        if turn != LAST {
            let calls = json!({"message": {"tool_calls": Self::calls(turn)}});
            out.push(("tool-call-start", json!({"index": 0, "delta": calls})));
            out.push(("tool-call-end", json!({"index": 0})));
        }
        out.push(("message-end", json!({"delta": {"finish_reason": reason, "usage": usage}})));
        out.iter_mut().for_each(|(name, event)| event["type"] = (*name).into());
        ("text/event-stream", events(&out))
    }

    fn read(&self, answer: &[u8], streamed: bool) -> Vec<Value> {
        let values = values(answer);
        if !streamed {
            return vec![values[0]["message"].clone()];
        }
        let mut content = Vec::new();
        let mut message = json!({"role": "assistant"});
        for event in &values {
            let said = &event["delta"]["message"];
            if event["type"] == "tool-call-start" {
                message["tool_calls"] = json!([said["tool_calls"]]);
            }
            if !said["content"].is_object() {
                continue;
            }
            let index = at(&mut content, &event["index"]);
            if event["type"] == "content-start" {
                content[index] = said["content"].clone();
                continue;
            }
            for name in ["thinking", "text"] {
                if said["content"].get(name).is_some() {
                    join(&mut content[index][name], &said["content"][name]);
                }
            }
        }
        message["content"] = content.into();
        vec![message]
    }

    fn without_reasoning(&self, entry: &mut Value) -> bool {
        for block in entry["content"].as_array_mut().into_iter().flatten() {
            block.as_object_mut().unwrap().remove("thinking");
        }
        true
    }
}
