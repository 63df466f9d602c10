//! Chat Completions as gateways and vendors extend them: Anthropic's thinking blocks and Google's signatures as
//! LiteLLM passes them on, and Mistral's thinking parts.

use serde_json::{Value, json};

use super::dialect::{
    Asked, Dialect, LAST, Said, call_id, events, join, keep, pieces, signature, values,
};
use super::openai::{Chat, join_calls};

pub(crate) struct LiteLlm;

/// What both have in common with every other dialect of Chat Completions.
const CHAT: Chat = Chat { in_strings: false };

fn chunk(delta: &Value, reason: Value) -> (&'static str, Value) {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
    ("", json!({"id": "c", "object": "chat.completion.chunk", "choices": [choice]}))
}

fn usage(said: &Said<'_>) -> Value {
    let tokens = said.tokens;
    json!({"prompt_tokens": 9, "completion_tokens": 2 * tokens, "total_tokens": 9 + 2 * tokens,
        "completion_tokens_details": {"reasoning_tokens": tokens}})
}

fn reason(turn: usize) -> &'static str {
    if turn == LAST { "stop" } else { "tool_calls" }
}

/// A document of this message, or a stream of these deltas.
fn answer(
    said: &Said<'_>,
    streamed: bool,
    message: Value,
    deltas: &[Value],
) -> (&'static str, Vec<u8>) {
    if !streamed {
        let choice = json!({"index": 0, "message": message, "finish_reason": reason(said.turn)});
        let whole = json!({"id": "c", "choices": [choice], "usage": usage(said)});
        return ("application/json", whole.to_string().into_bytes());
    }
    let mut all: Vec<_> = deltas.iter().map(|it| chunk(it, Value::Null)).collect();
    all.push(chunk(&json!({}), reason(said.turn).into()));
    all.push(("", json!({"id": "c", "choices": [], "usage": usage(said)})));
    ("text/event-stream", [events(&all), b"data: [DONE]\n\n".to_vec()].concat())
}

/// The call of a turn, if there is one.
fn calls(turn: usize) -> Value {
    let function = json!({"name": "add", "arguments": json!({"a": turn}).to_string()});
    json!([{"id": call_id(turn), "type": "function", "function": function, "index": 0}])
}

/// The thought in one block, in the third turn in two, in the second with one that is redacted.
fn blocks(said: &Said<'_>) -> Vec<Value> {
    let Said { turn, thought, .. } = *said;
    let block = |text: &str, number: usize| json!({"type": "thinking", "thinking": text, "signature": signature(number)});
    match turn {
        1 => vec![
            block(thought, turn),
            json!({"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3p"}),
        ],
        2 => {
            let (first, second) = thought.split_at(thought.len() / 2);
            vec![block(first, turn), block(second, 7)]
        }
        _ => vec![block(thought, turn)],
    }
}

impl LiteLlm {
    fn calls(turn: usize) -> Value {
        let mut calls = calls(turn);
        calls[0]["provider_specific_fields"] = json!({"thought_signature": signature(turn + 10)});
        calls
    }
}

impl Dialect for LiteLlm {
    fn name(&self) -> &'static str {
        "chat with thinking blocks"
    }

    fn path(&self, model: &str, streamed: bool) -> String {
        CHAT.path(model, streamed)
    }

    fn body(&self, asked: &Asked<'_>) -> Value {
        CHAT.body(asked)
    }

    fn user(&self, text: &str) -> Value {
        CHAT.user(text)
    }

    fn result(&self, turn: usize) -> Value {
        CHAT.result(turn)
    }

    fn answer(&self, said: &Said<'_>, streamed: bool) -> (&'static str, Vec<u8>) {
        let Said { turn, thought, .. } = *said;
        let mut message = json!({"role": "assistant", "content": null,
            "reasoning_content": thought, "thinking_blocks": blocks(said)});
        let mut deltas = vec![json!({"role": "assistant", "content": ""})];
        for block in blocks(said) {
            if let Some(text) = block["thinking"].as_str() {
                deltas.extend(pieces(text).into_iter().map(|piece| {
                    let more = json!({"type": "thinking", "thinking": piece, "signature": ""});
                    json!({"reasoning_content": piece, "thinking_blocks": [more],
                        "provider_specific_fields": {"thinking_blocks": [more]}})
                }));
            }
            let mut last = block;
            if last["thinking"].is_string() {
                last["thinking"] = "".into();
            }
            deltas.push(json!({ "thinking_blocks": [last] }));
        }
        let (said_as, what) = match turn {
            LAST => ("content", "It is 17.".into()),
            _ => ("tool_calls", Self::calls(turn)),
        };
        message[said_as] = what.clone();
        deltas.push(json!({ said_as: what }));
        answer(said, streamed, message, &deltas)
    }

    /// A client that sends back what is signed, and not what is only shown.
    fn read(&self, answer: &[u8], streamed: bool) -> Vec<Value> {
        let values = values(answer);
        if !streamed {
            let mut message = values[0]["choices"][0]["message"].clone();
            message.as_object_mut().unwrap().remove("reasoning_content");
            return vec![message];
        }
        let mut message = json!({"role": "assistant", "content": null});
        let (mut blocks, mut calls) = (Vec::<Value>::new(), Vec::new());
        for delta in values.iter().map(|it| &it["choices"][0]["delta"]) {
            if delta["content"].as_str().is_some_and(|it| !it.is_empty()) {
                join(&mut message["content"], &delta["content"]);
            }
            join_calls(&mut calls, delta);
            for block in delta["thinking_blocks"].as_array().into_iter().flatten() {
                let open = blocks.last_mut().filter(|it| it["signature"] == "");
                match open.filter(|_| block["type"] == "thinking") {
                    Some(last) => {
                        join(&mut last["thinking"], &block["thinking"]);
                        join(&mut last["signature"], &block["signature"]);
                    }
                    None => blocks.push(block.clone()),
                }
            }
        }
        message["thinking_blocks"] = blocks.into();
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        vec![message]
    }

    fn without_reasoning(&self, entry: &mut Value) -> bool {
        entry.as_object_mut().unwrap().remove("thinking_blocks");
        for call in entry["tool_calls"].as_array_mut().into_iter().flatten() {
            call.as_object_mut().unwrap().remove("provider_specific_fields");
        }
        true
    }
}

pub(crate) struct Mistral;

fn thinking(text: &str) -> Value {
    json!({"type": "thinking", "thinking": [{"type": "text", "text": text}]})
}

impl Dialect for Mistral {
    fn name(&self) -> &'static str {
        "chat with thinking parts"
    }

    fn in_strings(&self) -> bool {
        true
    }

    fn path(&self, model: &str, streamed: bool) -> String {
        CHAT.path(model, streamed)
    }

    fn body(&self, asked: &Asked<'_>) -> Value {
        CHAT.body(asked)
    }

    fn user(&self, text: &str) -> Value {
        CHAT.user(text)
    }

    fn result(&self, turn: usize) -> Value {
        CHAT.result(turn)
    }

    fn answer(&self, said: &Said<'_>, streamed: bool) -> (&'static str, Vec<u8>) {
        let Said { turn, thought, .. } = *said;
        let text = json!({"type": "text", "text": "It is 17."});
        let mut content = vec![thinking(thought)];
        let mut deltas = vec![json!({"role": "assistant", "content": ""})];
        let part = |it: Value| json!({ "content": [it] });
        deltas.extend(pieces(thought).iter().map(|it| part(thinking(it))));
        let mut message = json!({"role": "assistant"});
        if turn == LAST {
            content.push(text.clone());
            deltas.push(part(text));
        } else {
            message["tool_calls"] = calls(turn);
            deltas.push(json!({ "tool_calls": calls(turn) }));
        }
        message["content"] = content.into();
        answer(said, streamed, message, &deltas)
    }

    fn read(&self, answer: &[u8], streamed: bool) -> Vec<Value> {
        let values = values(answer);
        if !streamed {
            return vec![values[0]["choices"][0]["message"].clone()];
        }
        let mut message = json!({"role": "assistant"});
        let (mut content, mut calls) = (Vec::<Value>::new(), Vec::new());
        for delta in values.iter().map(|it| &it["choices"][0]["delta"]) {
            for part in delta["content"].as_array().into_iter().flatten() {
                let open = content.last_mut().filter(|it| it["type"] == part["type"]);
                match open {
                    Some(last) if part["type"] == "thinking" => {
                        let more = part["thinking"][0]["text"].clone();
                        join(&mut last["thinking"][0]["text"], &more);
                    }
                    Some(last) => join(&mut last["text"], &part["text"]),
                    None => content.push(part.clone()),
                }
            }
            join_calls(&mut calls, delta);
        }
        message["content"] = content.into();
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        vec![message]
    }

    fn without_reasoning(&self, entry: &mut Value) -> bool {
        keep(&mut entry["content"], |it| it["type"] != "thinking");
        true
    }
}
