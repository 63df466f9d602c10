//! Anthropic Messages, on its own and by Bedrock's InvokeModel.

use guilloche::wire::framing::{Framing, Unframed};
use serde_json::{Value, json};

use super::amazon::payloads;
use super::dialect::{
    Asked, Dialect, LAST, Said, at, call_id, events, join, keep, pieces, signature, values,
};

pub(crate) struct Messages {
    pub(crate) by_invoke: bool,
}

fn blocks(said: &Said<'_>) -> Vec<Value> {
    let Said { turn, thought, .. } = *said;
    let mut blocks =
        vec![json!({"type": "thinking", "thinking": thought, "signature": signature(turn)})];
    if turn == 1 {
        blocks.push(json!({"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3p/ZIx"}));
    }
    blocks.push(match turn {
        LAST => json!({"type": "text", "text": "It is 17."}),
        _ => json!({"type": "tool_use", "id": call_id(turn), "name": "add", "input": {"a": turn}}),
    });
    blocks
}

fn stop(turn: usize) -> &'static str {
    if turn == LAST { "end_turn" } else { "tool_use" }
}

fn streamed(said: &Said<'_>) -> Vec<(&'static str, Value)> {
    let Said { turn, tokens, .. } = *said;
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [], "stop_reason": null, "usage": {"input_tokens": 9, "output_tokens": 1}});
    let mut out = vec![("message_start", json!({"message": message}))];
    for (index, block) in blocks(said).into_iter().enumerate() {
        let mut begun = block.clone();
        let mut deltas = Vec::new();
        for (name, kind) in [("thinking", "thinking_delta"), ("text", "text_delta")] {
            let Some(text) = block[name].as_str() else { continue };
            begun[name] = "".into();
            deltas.extend(pieces(text).into_iter().map(|it| json!({"type": kind, name: it})));
        }
        if block["signature"].is_string() {
            begun["signature"] = "".into();
            deltas.push(json!({"type": "signature_delta", "signature": block["signature"]}));
        }
        if block["input"].is_object() {
            begun["input"] = json!({});
            let input = block["input"].to_string();
            deltas.push(json!({"type": "input_json_delta", "partial_json": input}));
        }
        out.push(("content_block_start", json!({"index": index, "content_block": begun})));
        let delta = |it| ("content_block_delta", json!({"index": index, "delta": it}));
        out.extend(deltas.into_iter().map(delta));
        out.push(("content_block_stop", json!({"index": index})));
    }
    let delta = json!({"stop_reason": stop(turn), "stop_sequence": null});
    out.push(("message_delta", json!({"delta": delta, "usage": {"output_tokens": 2 * tokens}})));
    out.push(("message_stop", json!({})));
    out.iter_mut().for_each(|(name, event)| event["type"] = (*name).into());
    out
}

impl Dialect for Messages {
    fn name(&self) -> &'static str {
        if self.by_invoke { "invoke" } else { "messages" }
    }

    fn path(&self, model: &str, streamed: bool) -> String {
        match (self.by_invoke, streamed) {
            (false, _) => "/v1/messages".to_owned(),
            (true, false) => format!("/model/{model}/invoke"),
            (true, true) => format!("/model/{model}/invoke-with-response-stream"),
        }
    }

    fn body(&self, asked: &Asked<'_>) -> Value {
        let Asked { model, streamed, history, tools, system } = asked;
        let tools: Vec<Value> = tools
            .iter()
            .map(|it| json!({"name": it, "input_schema": {"type": "object"}}))
            .collect();
        let mut body = json!({"max_tokens": 4096, "messages": history, "tools": tools,
            "system": system});
        if self.by_invoke {
            body["anthropic_version"] = "bedrock-2023-05-31".into();
        } else {
            (body["model"], body["stream"]) = ((*model).into(), (*streamed).into());
        }
        body
    }

    fn user(&self, text: &str) -> Value {
        json!({"role": "user", "content": text})
    }

    fn result(&self, turn: usize) -> Value {
        let result = json!({"type": "tool_result", "tool_use_id": call_id(turn), "content": "17"});
        json!({"role": "user", "content": [result]})
    }

    fn answer(&self, said: &Said<'_>, stream: bool) -> (&'static str, Vec<u8>) {
        if !stream {
            let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
                "content": blocks(said), "stop_reason": stop(said.turn),
                "usage": {"input_tokens": 9, "output_tokens": 2 * said.tokens}});
            return ("application/json", message.to_string().into_bytes());
        }
        if !self.by_invoke {
            return ("text/event-stream", events(&streamed(said)));
        }
        let chunk = |(_, event): (_, Value)| {
            let payload = event.to_string().into_bytes();
            Framing::AwsChunks.frame(&Unframed { kind: None, payload, is_error: false })
        };
        let chunks = streamed(said).into_iter().flat_map(chunk).collect();
        ("application/vnd.amazon.eventstream", chunks)
    }

    fn read(&self, answer: &[u8], streamed: bool) -> Vec<Value> {
        let events = match (self.by_invoke, streamed) {
            (true, true) => payloads(answer),
            _ => values(answer),
        };
        if !streamed {
            return vec![json!({"role": "assistant", "content": events[0]["content"]})];
        }
        let (mut blocks, mut input) = (Vec::new(), Value::Null);
        for event in events {
            let index = at(&mut blocks, &event["index"]);
            if event["type"] == "content_block_start" {
                (blocks[index], input) = (event["content_block"].clone(), Value::Null);
            }
            let delta = &event["delta"];
            for name in ["thinking", "text", "signature"] {
                if delta.get(name).is_some() {
                    join(&mut blocks[index][name], &delta[name]);
                }
            }
            join(&mut input, &delta["partial_json"]);
            if event["type"] == "content_block_stop" {
                if let Some(input) = input.as_str() {
                    blocks[index]["input"] = serde_json::from_str(input).unwrap();
                }
            }
        }
        vec![json!({"role": "assistant", "content": blocks})]
    }

    fn without_reasoning(&self, entry: &mut Value) -> bool {
        keep(&mut entry["content"], |it| !it["type"].as_str().unwrap().ends_with("thinking"))
    }
}
