//! Bedrock's Converse, whose streams are binary messages, and the same in Nova's own form, by InvokeModel.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use guilloche::wire::framing::{Framing, Unframed};
use serde_json::{Value, json};

use super::dialect::{
    Asked, Dialect, LAST, Said, at, call_id, join, keep, pieces, signature, values,
};

pub(crate) struct Converse {
    pub(crate) by_invoke: bool,
}

/// The payloads of messages; what stands in them in base64 is decoded.
pub(crate) fn payloads(mut bytes: &[u8]) -> Vec<Value> {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
    let mut payloads = Vec::new();
    while !bytes.is_empty() {
        let (total, headers) = (number(bytes), number(&bytes[4..]));
        let payload: Value = serde_json::from_slice(&bytes[12 + headers..total - 4]).unwrap();
        payloads.push(match payload["bytes"].as_str() {
            Some(inner) => serde_json::from_slice(&STANDARD.decode(inner).unwrap()).unwrap(),
            None => payload,
        });
        bytes = &bytes[total..];
    }
    payloads
}

fn blocks(said: &Said<'_>) -> Vec<Value> {
    let Said { turn, thought, .. } = *said;
    let text = json!({"text": thought, "signature": signature(turn)});
    let mut blocks = vec![json!({"reasoningContent": {"reasoningText": text}})];
    if turn == 1 {
        blocks.push(json!({"reasoningContent": {"redactedContent": "EmwKAhgBEgy3va3p/ZIx"}}));
    }
    blocks.push(match turn {
        LAST => json!({"text": "It is 17."}),
        _ => json!({"toolUse": {"toolUseId": call_id(turn), "name": "add", "input": {"a": turn}}}),
    });
    blocks
}

fn stop(turn: usize) -> &'static str {
    if turn == LAST { "end_turn" } else { "tool_use" }
}

fn usage(said: &Said<'_>) -> Value {
    let output = 2 * said.tokens;
    json!({"inputTokens": 9, "outputTokens": output, "totalTokens": 9 + output})
}

fn streamed(said: &Said<'_>, by_invoke: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut say = |kind: &'static str, value: Value| {
        let (framing, kind, value) = match by_invoke {
            true => (Framing::AwsChunks, None, json!({ kind: value })),
            false => (Framing::AwsEventStream, Some(kind), value),
        };
        let payload = value.to_string().into_bytes();
        out.extend(framing.frame(&Unframed { kind, payload, is_error: false }));
    };
    say("messageStart", json!({"role": "assistant"}));
    for (index, block) in blocks(said).into_iter().enumerate() {
        let mut deltas = Vec::new();
        let reasoning = &block["reasoningContent"];
        if let Some(text) = reasoning["reasoningText"]["text"].as_str() {
            let of = |name: &str, it: Value| json!({"reasoningContent": {name: it}});
            deltas.extend(pieces(text).into_iter().map(|it| of("text", it.into())));
            deltas.push(of("signature", reasoning["reasoningText"]["signature"].clone()));
        } else if let Some(redacted) = reasoning["redactedContent"].as_str() {
            let bytes = STANDARD.decode(redacted).unwrap();
            let piece = |it| json!({"reasoningContent": {"redactedContent": STANDARD.encode(it)}});
            deltas.extend(bytes.chunks(5).map(piece));
        }
        if let Some(text) = block["text"].as_str() {
            deltas.extend(pieces(text).into_iter().map(|it| json!({"text": it})));
        }
        if let Some(call) = block.get("toolUse") {
            let start = json!({"toolUseId": call["toolUseId"], "name": call["name"]});
            say(
                "contentBlockStart",
                json!({"contentBlockIndex": index, "start": {"toolUse": start}}),
            );
            deltas.push(json!({"toolUse": {"input": call["input"].to_string()}}));
        }
        for delta in deltas {
            say(
                "contentBlockDelta",
                json!({"contentBlockIndex": index, "delta": delta, "p": "abcd"}),
            );
        }
        say("contentBlockStop", json!({"contentBlockIndex": index}));
    }
    say("messageStop", json!({"stopReason": stop(said.turn)}));
    say("metadata", json!({"usage": usage(said), "metrics": {"latencyMs": 9}}));
    out
}

impl Dialect for Converse {
    fn name(&self) -> &'static str {
        if self.by_invoke { "invoke, nova" } else { "converse" }
    }

    fn path(&self, model: &str, streamed: bool) -> String {
        match (self.by_invoke, streamed) {
            (false, false) => format!("/model/{model}/converse"),
            (false, true) => format!("/model/{model}/converse-stream"),
            (true, false) => format!("/model/{model}/invoke"),
            (true, true) => format!("/model/{model}/invoke-with-response-stream"),
        }
    }

    fn body(&self, asked: &Asked<'_>) -> Value {
        let tool =
            |it| json!({"toolSpec": {"name": it, "inputSchema": {"json": {"type": "object"}}}});
        let tools: Vec<Value> = asked.tools.iter().map(tool).collect();
        json!({"messages": asked.history, "system": [{"text": asked.system}],
            "toolConfig": {"tools": tools}, "inferenceConfig": {"maxTokens": 4096}})
    }

    fn user(&self, text: &str) -> Value {
        json!({"role": "user", "content": [{"text": text}]})
    }

    fn result(&self, turn: usize) -> Value {
        let result = json!({"toolUseId": call_id(turn), "content": [{"text": "17"}]});
        json!({"role": "user", "content": [{"toolResult": result}]})
    }

    fn answer(&self, said: &Said<'_>, stream: bool) -> (&'static str, Vec<u8>) {
        if stream {
            return ("application/vnd.amazon.eventstream", streamed(said, self.by_invoke));
        }
        let message = json!({"role": "assistant", "content": blocks(said)});
        let whole = json!({"output": {"message": message}, "stopReason": stop(said.turn), "usage": usage(said)});
        ("application/json", whole.to_string().into_bytes())
    }

    fn read(&self, answer: &[u8], streamed: bool) -> Vec<Value> {
        if !streamed {
            return vec![values(answer)[0]["output"]["message"].clone()];
        }
        let (mut blocks, mut input) = (Vec::new(), Value::Null);
        for event in payloads(answer) {
            let named = event.as_object().and_then(|it| it.values().next());
            let event = if self.by_invoke { named.unwrap() } else { &event };
            if event["contentBlockIndex"].is_null() {
                continue;
            }
            let index = at(&mut blocks, &event["contentBlockIndex"]);
            if let Some(start) = event["start"].get("toolUse") {
                (blocks[index], input) = (json!({ "toolUse": start }), Value::Null);
            }
            let delta = &event["delta"];
            let reasoning = &delta["reasoningContent"];
            for name in ["text", "signature"] {
                if let Some(more) = reasoning.get(name) {
                    join(&mut blocks[index]["reasoningContent"]["reasoningText"][name], more);
                }
            }
            if let Some(piece) = reasoning["redactedContent"].as_str() {
                let redacted = &mut blocks[index]["reasoningContent"]["redactedContent"];
                let so_far = STANDARD.decode(redacted.as_str().unwrap_or_default()).unwrap();
                let bytes = [so_far, STANDARD.decode(piece).unwrap()].concat();
                *redacted = STANDARD.encode(bytes).into();
            }
            if delta.get("text").is_some() {
                join(&mut blocks[index]["text"], &delta["text"]);
            }
            join(&mut input, &delta["toolUse"]["input"]);
            if let Some(input) = input.as_str().filter(|_| blocks[index]["toolUse"].is_object()) {
                blocks[index]["toolUse"]["input"] = serde_json::from_str(input).unwrap();
            }
        }
        vec![json!({"role": "assistant", "content": blocks})]
    }

    fn without_reasoning(&self, entry: &mut Value) -> bool {
        keep(&mut entry["content"], |it| it.get("reasoningContent").is_none())
    }
}
