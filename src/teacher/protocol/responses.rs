//! Answers in OpenAI's Responses, whole and streamed.

use bytes::Bytes;
use serde_json::{Value, json};

use super::refusal::{Refusal, Vendor};
use super::responses_request::Request;
use crate::teacher::ask::{Role, Turn};
use crate::teacher::body::Event;
use crate::teacher::model::Dialect;
use crate::teacher::output::{Block, Finish, Output};
use crate::teacher::signature::Signer;

/// `created_at` of every response: a fixed moment, so that the same request gives the same bytes.
const CREATED: u64 = 1_790_000_000;

/// A request with its output.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) request: Request,
    output: Output,
    pub(crate) id: String,
    signer: Signer,
}

/// An answer that can be asked for again.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) id: String,
    /// The conversation with the answer.
    pub(crate) turns: Vec<Turn>,
    pub(crate) input: Vec<Value>,
    pub(crate) document: Value,
    pub(crate) events: Vec<Value>,
}

/// The kind of an item of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Reasoning,
    Message,
    Call,
}

/// Blocks of the output that are one item.
#[derive(Debug)]
struct Item {
    kind: Kind,
    blocks: Vec<usize>,
}

impl Reply {
    pub(crate) fn new(request: Request, signer: Signer) -> Self {
        let output = request.ask.complete(0, request.dialect);
        let id = format!("resp_{}", request.ask.id("response", 0));
        Self { request, output, id, signer }
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.output.tokens
    }

    /// The items, in order. Text inside which the model reasons is one with the text behind it.
    fn items(&self) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        for (at, block) in self.output.blocks.iter().enumerate() {
            let kind = match block {
                Block::Thinking(_) => Kind::Reasoning,
                Block::Text(_) | Block::Inline(_) => Kind::Message,
                Block::Call { .. } => Kind::Call,
            };
            match items.last_mut().filter(|it| kind == Kind::Message && it.kind == kind) {
                Some(message) => message.blocks.push(at),
                None => items.push(Item { kind, blocks: vec![at] }),
            }
        }
        items
    }

    fn text(&self, item: &Item) -> String {
        let blocks = item.blocks.iter().filter_map(|at| self.output.blocks.get(*at));
        blocks.map(Block::text).collect()
    }

    /// Whether reasoning is told as it was thought, not summed up.
    fn in_full(&self) -> bool {
        self.request.dialect == Dialect::Reasoning
    }

    /// A part of a reasoning item or a message.
    fn part(&self, kind: Kind, text: &str) -> Value {
        match kind {
            Kind::Reasoning if self.in_full() => json!({"type": "reasoning_text", "text": text}),
            Kind::Reasoning => json!({"type": "summary_text", "text": text}),
            _ => json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []}),
        }
    }

    /// An item, as it begins (`text` is `None`) or as it is.
    fn item(&self, index: usize, item: &Item, text: Option<&str>) -> Value {
        let status = match &self.output.finish {
            _ if text.is_none() => "in_progress",
            Finish::Length if index + 1 == self.items().len() => "incomplete",
            _ => "completed",
        };
        let parts: Vec<Value> = text.iter().map(|text| self.part(item.kind, text)).collect();
        let id = self.request.ask.id("item", index as u64);
        match item.kind {
            Kind::Reasoning => {
                let (summary, content) =
                    if self.in_full() { (Vec::new(), parts) } else { (parts, Vec::new()) };
                let mut item =
                    json!({"id": format!("rs_{id}"), "type": "reasoning", "summary": summary});
                if self.in_full() {
                    put(&mut item, "content", content);
                }
                if let Some(text) = text.filter(|_| self.request.sealed) {
                    put(&mut item, "encrypted_content", self.signer.sign(b"", text));
                }
                item
            }
            Kind::Message => json!({"id": format!("msg_{id}"), "type": "message", "status": status,
                "role": "assistant", "content": parts}),
            Kind::Call => {
                let block = item.blocks.first().and_then(|at| self.output.blocks.get(*at));
                let (call, name) = match block {
                    Some(Block::Call { id, name, .. }) => (id.as_str(), name.as_str()),
                    _ => ("", ""),
                };
                json!({"id": format!("fc_{id}"), "type": "function_call", "status": status, "name": name,
                    "call_id": format!("call_{call}"), "arguments": text.unwrap_or_default()})
            }
        }
    }

    fn response(&self, status: &str, output: Vec<Value>, usage: Value) -> Value {
        let details = match status {
            "incomplete" => json!({"reason": "max_output_tokens"}),
            _ => Value::Null,
        };
        json!({
            "id": self.id, "object": "response", "created_at": CREATED, "status": status,
            "background": false, "error": null, "incomplete_details": details, "instructions": null,
            "max_output_tokens": null, "model": self.request.ask.model.name, "output": output,
            "parallel_tool_calls": true, "previous_response_id": self.request.previous,
            "reasoning": {"effort": null, "summary": null}, "store": self.request.store,
            "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [],
            "top_p": 1.0, "truncation": "disabled", "usage": usage, "user": null, "metadata": {},
        })
    }

    /// The whole response.
    pub(crate) fn document(&self) -> Value {
        let items = self.items();
        let output = items.iter().enumerate();
        let output = output.map(|(at, it)| self.item(at, it, Some(&self.text(it)))).collect();
        let input = self.request.ask.prompt_tokens();
        let Output { tokens, reasoning_tokens, .. } = self.output;
        let usage = json!({
            "input_tokens": input, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": tokens,
            "output_tokens_details": {"reasoning_tokens": reasoning_tokens},
            "total_tokens": input + tokens,
        });
        self.response(self.status(), output, usage)
    }

    fn status(&self) -> &'static str {
        if self.output.finish == Finish::Length { "incomplete" } else { "completed" }
    }

    /// The events of its stream, and the tokens that each carries.
    pub(crate) fn events(&self) -> Vec<(Value, u32)> {
        let mut events = Vec::new();
        let mut say = |kind: &str, tokens: u32, mut event: Value| {
            put(&mut event, "type", kind);
            put(&mut event, "sequence_number", events.len());
            events.push((event, tokens));
        };
        for kind in ["response.created", "response.in_progress"] {
            let response = self.response("in_progress", Vec::new(), Value::Null);
            say(kind, 0, json!({"response": response}));
        }
        for (index, item) in self.items().iter().enumerate() {
            let begun = self.item(index, item, None);
            let told = |name: &str| begun.get(name).cloned().unwrap_or_default();
            let (id, name) = (told("id"), told("name"));
            say("response.output_item.added", 0, json!({"output_index": index, "item": begun}));
            let (subject, part, at) = match item.kind {
                Kind::Reasoning if self.in_full() => {
                    ("response.reasoning_text", Some("response.content_part"), "content_index")
                }
                Kind::Reasoning => (
                    "response.reasoning_summary_text",
                    Some("response.reasoning_summary_part"),
                    "summary_index",
                ),
                Kind::Message => {
                    ("response.output_text", Some("response.content_part"), "content_index")
                }
                Kind::Call => ("response.function_call_arguments", None, ""),
            };
            let event = |mut more: Value| {
                put(&mut more, "item_id", id.clone());
                put(&mut more, "output_index", index);
                if part.is_some() {
                    put(&mut more, at, 0);
                }
                if subject == "response.output_text" && more.get("part").is_none() {
                    put(&mut more, "logprobs", json!([]));
                }
                more
            };
            if let Some(part) = part {
                let empty = event(json!({"part": self.part(item.kind, "")}));
                say(&format!("{part}.added"), 0, empty);
            }
            let pieces = self.output.pieces.iter().filter(|it| item.blocks.contains(&it.block));
            for piece in pieces {
                let tokens = u32::try_from(piece.tokens.len()).unwrap_or(u32::MAX);
                say(&format!("{subject}.delta"), tokens, event(json!({"delta": piece.text()})));
            }
            let text = self.text(item);
            let whole = match item.kind {
                Kind::Call => json!({"arguments": text, "name": name}),
                _ => json!({"text": text}),
            };
            say(&format!("{subject}.done"), 0, event(whole));
            if let Some(part) = part {
                let whole = event(json!({"part": self.part(item.kind, &text)}));
                say(&format!("{part}.done"), 0, whole);
            }
            let whole = self.item(index, item, Some(&text));
            say("response.output_item.done", 0, json!({"output_index": index, "item": whole}));
        }
        say(&format!("response.{}", self.status()), 0, json!({"response": self.document()}));
        events
    }

    /// What is kept of it.
    pub(crate) fn kept(&self) -> Kept {
        let mut turns = self.request.ask.turns.clone();
        for item in self.items().iter().filter(|it| it.kind != Kind::Reasoning) {
            turns.push(Turn { role: Role::Assistant, text: self.text(item) });
        }
        let events = self.events().into_iter().map(|(event, _)| event).collect();
        let (id, input) = (self.id.clone(), self.request.input.clone());
        Kept { id, turns, input, document: self.document(), events }
    }
}

impl Kept {
    /// What it was given to, as a list.
    pub(crate) fn input_list(&self) -> Value {
        let items = self.input.iter().enumerate().map(|(at, item)| {
            let mut item = item.clone();
            if item.get("id").is_none() {
                put(&mut item, "id", format!("in_{at}_{}", self.id));
            }
            if let Some(text) = item.get("content").and_then(Value::as_str).map(str::to_owned) {
                put(&mut item, "content", json!([{"type": "input_text", "text": text}]));
            }
            item
        });
        json!({"object": "list", "data": items.collect::<Vec<_>>(), "has_more": false})
    }
}

/// Events as they are sent.
pub(crate) fn sent(events: impl IntoIterator<Item = (Value, u32)>) -> Vec<Event> {
    events.into_iter().map(|(event, tokens)| Event { data: framed(&event), tokens }).collect()
}

/// What a failure in mid-stream looks like.
pub(crate) fn error() -> Bytes {
    let error = Refusal::ServerError.document(Vendor::OpenAi, "").text();
    let error: Value = serde_json::from_str(&error).unwrap_or_default();
    framed(&json!({"type": "error", "error": error.get("error")}))
}

fn framed(event: &Value) -> Bytes {
    let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
    format!("event: {kind}\ndata: {event}\n\n").into()
}

/// Puts a member into an object.
fn put(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
}
