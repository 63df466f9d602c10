//! Requests of Amazon Bedrock's Converse, and answers, whole and in messages of an event stream; the envelope
//! of InvokeModel.
//!
//! What is asked is read as Messages would ask it: the models behind are the same.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::field::{self, put};
use super::messages_request::{self, Request};
use super::refusal::{Refusal, Vendor};
use crate::teacher::body::Event;
use crate::teacher::model::Dialect;
use crate::teacher::output::{Block, Finish, Output};
use crate::teacher::signature::Signer;
use crate::wire::framing::{self as sse, Framing, Unframed};

/// Tokens written when the request sets no limit.
const DEFAULT_LIMIT: u64 = 32_768;

/// What hides how long an event is, from its beginning.
const FILLING: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Reads and validates a request body to `model`.
pub(crate) fn read(body: &[u8], model: &str, signer: &Signer) -> Result<Request, Refusal> {
    let map = field::document(body)?;
    let none = Map::new();
    let object = |name: &str| field::present(&map, name).and_then(Value::as_object);
    let config = object("inferenceConfig").unwrap_or(&none);
    let limit = field::whole(config, "maxTokens", 1, 1_000_000)?.unwrap_or(DEFAULT_LIMIT);
    let mut asked = object("additionalModelRequestFields").cloned().unwrap_or_default();
    if let Some(thinking) = asked.remove("reasoning_config") {
        asked.insert("thinking".to_owned(), thinking);
    }
    let list = field::present(&map, "messages").and_then(Value::as_array);
    let messages: Vec<Value> = list.into_iter().flatten().map(message).collect();
    asked.extend([
        ("model".to_owned(), model.into()),
        ("max_tokens".to_owned(), limit.into()),
        ("messages".to_owned(), messages.into()),
    ]);
    let renamed = [("stop_sequences", "stopSequences"), ("temperature", "temperature")];
    for (name, here) in renamed {
        let set = field::present(config, here).cloned();
        asked.extend(set.map(|value| (name.to_owned(), value)));
    }
    if let Some(system) = field::present(&map, "system").and_then(Value::as_array) {
        asked.insert("system".to_owned(), blocks(system));
    }
    if let Some(effort) = object("outputConfig").and_then(|it| it.get("effort")) {
        asked.insert("output_config".to_owned(), json!({ "effort": effort }));
    }
    if let Some(config) = object("toolConfig") {
        tools(config, &mut asked);
    }
    messages_request::read(Value::Object(asked).to_string().as_bytes(), signer, false)
}

fn message(message: &Value) -> Value {
    let content = message.get("content").and_then(Value::as_array);
    json!({"role": message.get("role"), "content": content.map(|it| blocks(it))})
}

/// Blocks as Messages has them.
fn blocks(list: &[Value]) -> Value {
    let block = |block: &Value| {
        let (name, value) = block.as_object()?.iter().next()?;
        let member = |name: &str| value.get(name).cloned().unwrap_or_default();
        Some(match name.as_str() {
            "text" => json!({"type": "text", "text": value}),
            "reasoningContent" => match value.get("redactedContent") {
                Some(data) => json!({"type": "redacted_thinking", "data": data}),
                None => {
                    let text = member("reasoningText");
                    json!({"type": "thinking", "thinking": text.get("text"),
                        "signature": text.get("signature")})
                }
            },
            "toolUse" => json!({"type": "tool_use", "id": member("toolUseId"),
                "name": member("name"), "input": member("input")}),
            "toolResult" => {
                let given = member("content");
                let texts = given.as_array().into_iter().flatten().map(|part| {
                    let text = part.get("text").and_then(Value::as_str).map(str::to_owned);
                    let json = || part.get("json").map(Value::to_string);
                    json!({"type": "text", "text": text.or_else(json).unwrap_or_default()})
                });
                json!({"type": "tool_result", "tool_use_id": member("toolUseId"),
                    "content": texts.collect::<Vec<_>>()})
            }
            // Where a conversation is kept for the next turn: nothing is said.
            "cachePoint" => return None,
            "image" | "document" => json!({"type": name, "source": value}),
            other => json!({ "type": other }),
        })
    };
    list.iter().filter_map(block).collect()
}

fn tools(config: &Map<String, Value>, asked: &mut Map<String, Value>) {
    let list = config.get("tools").and_then(Value::as_array).into_iter().flatten();
    let tools: Vec<Value> = list
        .filter_map(|tool| {
            let tool = tool.get("toolSpec")?;
            let schema = tool.get("inputSchema").and_then(|it| it.get("json"));
            Some(json!({"name": tool.get("name"), "description": tool.get("description"),
                "input_schema": schema}))
        })
        .collect();
    asked.insert("tools".to_owned(), tools.into());
    let choice = config.get("toolChoice").and_then(Value::as_object);
    let choice = choice.and_then(|it| it.iter().next()).map(|(name, value)| {
        let mut choice = json!({ "type": name });
        value.get("name").into_iter().for_each(|name| put(&mut choice, "name", name.clone()));
        choice
    });
    asked.extend(choice.map(|choice| ("tool_choice".to_owned(), choice)));
}

/// A request with its output.
#[derive(Debug)]
pub(crate) struct Reply {
    request: Request,
    output: Output,
    signer: Signer,
}

impl Reply {
    pub(crate) fn new(request: Request, signer: Signer) -> Self {
        let output = request.ask.complete(0, Dialect::ReasoningContent);
        Self { request, output, signer }
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.output.tokens
    }

    /// The id of the request.
    pub(crate) fn id(&self) -> String {
        self.request.ask.id("request", 0)
    }

    fn stop(&self) -> Value {
        let reason = match &self.output.finish {
            Finish::End => "end_turn",
            Finish::StopSequence(_) => "stop_sequence",
            Finish::Length => "max_tokens",
            Finish::ToolCalls => "tool_use",
        };
        json!({ "stopReason": reason })
    }

    /// What is said behind the texts.
    fn metadata(&self) -> Value {
        let (prompt, output) = (self.request.ask.prompt_tokens(), self.output.tokens);
        json!({
            "usage": {"inputTokens": prompt, "outputTokens": output, "totalTokens": prompt + output,
                "cacheReadInputTokens": 0, "cacheWriteInputTokens": 0},
            "metrics": {"latencyMs": 20 + output * 10},
        })
    }

    fn signature(&self, thinking: &str) -> String {
        self.signer.sign(&self.request.prefix, thinking)
    }

    fn call(&self, id: &str, name: &str) -> Value {
        json!({"toolUseId": format!("tooluse_{id}"), "name": name})
    }

    fn block(&self, block: &Block) -> Value {
        match block {
            Block::Thinking(text) if self.request.redacted => {
                json!({"reasoningContent": {"redactedContent": self.signer.seal(text)}})
            }
            Block::Thinking(text) => {
                let shown = if self.request.omitted { "" } else { text };
                json!({"reasoningContent": {"reasoningText": {"text": shown,
                    "signature": self.signature(text)}}})
            }
            Block::Text(text) | Block::Inline(text) => json!({ "text": text }),
            Block::Call { id, name, arguments } => {
                // Arguments cut by the limit are no JSON; like the API, an empty object stands for them.
                let input: Value = serde_json::from_str(arguments).unwrap_or_else(|_| json!({}));
                let mut call = self.call(id, name);
                put(&mut call, "input", input);
                json!({ "toolUse": call })
            }
        }
    }

    /// The whole response.
    pub(crate) fn document(&self) -> Value {
        let content: Vec<Value> = self.output.blocks.iter().map(|it| self.block(it)).collect();
        let mut document =
            json!({"output": {"message": {"role": "assistant", "content": content}}});
        for said in [self.stop(), self.metadata()] {
            for (name, value) in said.as_object().into_iter().flatten() {
                put(&mut document, name, value.clone());
            }
        }
        document
    }

    /// The events of its stream, and the tokens that each carries.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mut events = vec![event("messageStart", json!({"role": "assistant"}), 0)];
        for (at, block) in self.output.blocks.iter().enumerate() {
            let told = |kind, mut said: Value, tokens| {
                put(&mut said, "contentBlockIndex", at.into());
                event(kind, said, tokens)
            };
            let delta =
                |delta, tokens| told("contentBlockDelta", json!({ "delta": delta }), tokens);
            if let Block::Call { id, name, .. } = block {
                let start = json!({"start": {"toolUse": self.call(id, name)}});
                events.push(told("contentBlockStart", start, 0));
            }
            let thinking = matches!(block, Block::Thinking(_));
            if thinking && self.request.redacted {
                events.push(delta(self.block(block), 0));
            } else if !(thinking && self.request.omitted) {
                events.extend(self.output.pieces.iter().filter(|it| it.block == at).map(|piece| {
                    let text = piece.text();
                    let said = match block {
                        Block::Thinking(_) => json!({"reasoningContent": {"text": text}}),
                        Block::Text(_) | Block::Inline(_) => json!({ "text": text }),
                        Block::Call { .. } => json!({"toolUse": {"input": text}}),
                    };
                    delta(said, u32::try_from(piece.tokens.len()).unwrap_or(u32::MAX))
                }));
            }
            if thinking && !self.request.redacted {
                let signature = self.signature(block.text());
                events.push(delta(json!({"reasoningContent": {"signature": signature}}), 0));
            }
            events.push(told("contentBlockStop", json!({}), 0));
        }
        events.push(event("messageStop", self.stop(), 0));
        events.push(event("metadata", self.metadata(), 0));
        events
    }
}

fn event(kind: &'static str, mut said: Value, tokens: u32) -> Event {
    let filling = FILLING.get(..1 + said.to_string().len() % FILLING.len()).unwrap_or(FILLING);
    put(&mut said, "p", filling.into());
    let payload = said.to_string().into_bytes();
    let message = Unframed { kind: Some(kind), payload, is_error: false };
    Event { data: Framing::AwsEventStream.frame(&message).into(), tokens }
}

/// The body of an InvokeModel request to `model` as its vendor's own, and whether that is Messages.
pub(crate) fn invoked(
    body: &[u8],
    model: &str,
    streamed: bool,
) -> Result<(Vec<u8>, bool), Refusal> {
    let mut map = field::document(body)?;
    let is_messages = map.remove("anthropic_version").is_some();
    map.insert("model".to_owned(), model.into());
    map.insert("stream".to_owned(), streamed.into());
    Ok((Value::Object(map).to_string().into_bytes(), is_messages))
}

/// Server-sent events of a vendor's, each in a message.
pub(crate) fn chunks(events: impl Iterator<Item = Event>) -> Vec<Event> {
    let chunk = |Event { data, tokens }: Event| {
        let payload = sse::Event::parse(Framing::Sse, &data).payload()?.into_owned();
        // It has no such events.
        let ends = payload == b"[DONE]" || payload == br#"{"type":"ping"}"#;
        let message = Unframed { kind: None, payload, is_error: false };
        (!ends).then(|| Event { data: Framing::AwsChunks.frame(&message).into(), tokens })
    };
    events.filter_map(chunk).collect()
}

/// What a failure in mid-stream looks like.
pub(crate) fn error() -> Bytes {
    let payload = Refusal::ServerError.document(Vendor::Amazon, "").text().into_bytes();
    let kind = Some("internalServerException");
    Framing::AwsEventStream.frame(&Unframed { kind, payload, is_error: true }).into()
}
