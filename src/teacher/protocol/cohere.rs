//! Requests of Cohere's Chat, and answers, whole and streamed.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::field::{self, put};
use super::refusal::Refusal;
use crate::teacher::ask::{Ask, Role, Tool, ToolChoice, Turn};
use crate::teacher::body::Event;
use crate::teacher::model::Dialect;
use crate::teacher::output::{Block, Finish, Output};
use crate::teacher::prose::Effort;
use crate::teacher::tokens;

/// Tokens written when the request sets no limit.
const DEFAULT_LIMIT: u64 = 32_768;

/// A validated request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) ask: Ask,
    pub(crate) stream: bool,
    dialect: Dialect,
    /// What is thought before tools are called is a plan.
    plans: bool,
    logprobs: bool,
}

/// Reads and validates a request body.
pub(crate) fn read(body: &[u8]) -> Result<Request, Refusal> {
    let map = field::document(body)?;
    let model = field::model(&map, "model is required")?;
    let plans = model.dialect == Dialect::Reasoning;
    let (thinks, budget) = thinking(&map)?;
    let dialect = match model.dialect {
        Dialect::Plain | Dialect::Think | Dialect::ThinkOpen => model.dialect,
        _ if thinks => Dialect::ReasoningContent,
        _ => Dialect::Plain,
    };
    let effort = match (dialect, budget) {
        (Dialect::Plain, _) => Effort::None,
        (_, Some(budget)) if budget < 1_000 => Effort::Brief,
        _ => Effort::Normal,
    };
    let turns = messages(&map)?;
    let spoken = turns.iter().rev().find(|turn| turn.role == Role::User);
    let parallel = spoken.is_some_and(|turn| turn.text.to_lowercase().contains("in parallel"));
    field::number(&map, "p", 0.0, 1.0)?;
    let ask = Ask {
        model,
        turns,
        tools: tools(&map),
        tool_choice: match field::present(&map, "tool_choice").and_then(Value::as_str) {
            None => ToolChoice::Auto,
            Some("REQUIRED") => ToolChoice::Any,
            Some("NONE") => ToolChoice::Never,
            Some(_) => return Err(Refusal::invalid("tool_choice", "invalid tool_choice")),
        },
        parallel,
        interleaved: false,
        effort,
        limit: field::whole(&map, "max_tokens", 1, 1_000_000)?.unwrap_or(DEFAULT_LIMIT),
        stop: field::strings(&map, "stop_sequences", 5)?,
        seed: field::present(&map, "seed").map_or(String::new(), Value::to_string),
    };
    let stream = field::flag(&map, "stream")?;
    Ok(Request { ask, stream, dialect, plans, logprobs: field::flag(&map, "logprobs")? })
}

/// Whether the model thinks, and by how many tokens at most.
fn thinking(map: &Map<String, Value>) -> Result<(bool, Option<u64>), Refusal> {
    let Some(setting) = field::present(map, "thinking") else { return Ok((true, None)) };
    let budget = setting.get("token_budget").and_then(Value::as_u64);
    match setting.get("type").and_then(Value::as_str) {
        Some("enabled") => Ok((true, budget)),
        Some("disabled") => Ok((false, None)),
        _ => Err(Refusal::invalid("thinking", "invalid thinking type")),
    }
}

fn messages(map: &Map<String, Value>) -> Result<Vec<Turn>, Refusal> {
    let list = field::present(map, "messages").and_then(Value::as_array);
    let list = list.filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| Refusal::invalid("messages", "messages is required"))?;
    let turn = |message: &Value| {
        let role = match message.get("role").and_then(Value::as_str)? {
            "system" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "tool" => Role::Tool,
            _ => return None,
        };
        let content = message.get("content");
        let mut text = content.map(said).unwrap_or_default();
        for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            let part = |name: &str| {
                call.get("function").and_then(|it| it.get(name)).and_then(Value::as_str)
            };
            let (name, arguments) = (part("name"), part("arguments"));
            let [name, arguments] = [name, arguments].map(Option::unwrap_or_default);
            text.push_str(&format!("\n{name}({arguments})"));
        }
        Some(Turn { role, text })
    };
    let wrong = || Refusal::invalid("messages", "invalid role");
    list.iter().map(|message| turn(message).ok_or_else(wrong)).collect()
}

/// What the contents of a message say, those of documents included.
fn said(content: &Value) -> String {
    let document = |part: &Value| {
        let document = part.get("document")?.get("data")?;
        Some(document.as_str().map_or_else(|| document.to_string(), str::to_owned))
    };
    let text = |part: &Value| part.get("text").and_then(Value::as_str).map(str::to_owned);
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| text(part).or_else(|| document(part))).collect()
        }
        _ => String::new(),
    }
}

fn tools(map: &Map<String, Value>) -> Vec<Tool> {
    let list = field::present(map, "tools").and_then(Value::as_array);
    list.into_iter().flatten().take(128).filter_map(field::tool).collect()
}

/// A request with its output.
#[derive(Debug)]
pub(crate) struct Reply {
    request: Request,
    id: String,
    output: Output,
}

impl Reply {
    pub(crate) fn new(request: Request) -> Self {
        let output = request.ask.complete(0, request.dialect);
        let id = request.ask.id("response", 0);
        Self { request, id, output }
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.output.tokens
    }

    /// Whether a block is a plan for the tools that are called.
    fn plans(&self, block: &Block) -> bool {
        let calls = self.output.blocks.iter().any(|it| matches!(it, Block::Call { .. }));
        self.request.plans && calls && matches!(block, Block::Thinking(_))
    }

    fn ending(&self) -> (&'static str, Value) {
        let reason = match self.output.finish {
            Finish::End => "COMPLETE",
            Finish::StopSequence(_) => "STOP_SEQUENCE",
            Finish::Length => "MAX_TOKENS",
            Finish::ToolCalls => "TOOL_CALL",
        };
        let (read, written) = (self.request.ask.prompt_tokens(), self.output.tokens);
        let usage = json!({
            "billed_units": {"input_tokens": read, "output_tokens": written},
            "tokens": {"input_tokens": read, "output_tokens": written},
            "cached_tokens": 0,
        });
        (reason, usage)
    }

    fn logprobs(&self, words: &[String], from: usize) -> Option<Value> {
        self.request.logprobs.then(|| {
            let ids = words.iter().map(|word| tokens::id(word)).collect::<Vec<_>>();
            let logprobs = words.iter().enumerate().map(|(at, it)| tokens::logprob(it, from + at));
            json!({"text": words.concat(), "token_ids": ids,
                "logprobs": logprobs.collect::<Vec<_>>()})
        })
    }

    /// The whole response.
    pub(crate) fn document(&self) -> Value {
        let (reason, usage) = self.ending();
        let (mut plan, mut content, mut calls) = (String::new(), Vec::new(), Vec::new());
        for block in &self.output.blocks {
            match block {
                block if self.plans(block) => plan.push_str(block.text()),
                Block::Thinking(text) => {
                    content.push(json!({"type": "thinking", "thinking": text}))
                }
                Block::Text(text) | Block::Inline(text) => match content.last_mut() {
                    Some(last) if last["type"] == "text" => {
                        let said = last["text"].as_str().unwrap_or_default().to_owned() + text;
                        put(last, "text", said.into());
                    }
                    _ => content.push(json!({"type": "text", "text": text})),
                },
                Block::Call { id, name, arguments } => calls.push(json!({"id": call_id(id),
                    "type": "function", "function": {"name": name, "arguments": arguments}})),
            }
        }
        let mut message = json!({"role": "assistant"});
        if !plan.is_empty() {
            put(&mut message, "tool_plan", plan.into());
        }
        if !content.is_empty() {
            put(&mut message, "content", content.into());
        }
        if !calls.is_empty() {
            put(&mut message, "tool_calls", calls.into());
        }
        let mut whole =
            json!({"id": self.id, "message": message, "finish_reason": reason, "usage": usage});
        let words: Vec<String> = self.said().flat_map(|piece| piece.tokens.clone()).collect();
        let logprobs = self.logprobs(&words, 0);
        logprobs.into_iter().for_each(|it| put(&mut whole, "logprobs", json!([it])));
        whole
    }

    fn said(&self) -> impl Iterator<Item = &crate::teacher::output::Piece> {
        self.output.pieces.iter().filter(|piece| {
            !matches!(self.output.blocks.get(piece.block), Some(Block::Call { .. }) | None)
        })
    }

    /// The events of its stream, and the tokens that each carries.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mut stream = Stream { events: Vec::new(), contents: 0, calls: 0, open: None };
        let start = json!({"id": self.id, "type": "message-start", "delta": {"message":
            {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}});
        stream.push(&start, 0);
        let (mut last, mut position) = (None, 0);
        for piece in &self.output.pieces {
            let Some(block) = self.output.blocks.get(piece.block) else { continue };
            let begins = last != Some(piece.block);
            let tokens = u32::try_from(piece.tokens.len()).unwrap_or(u32::MAX);
            last = Some(piece.block);
            let text = piece.text();
            match block {
                Block::Call { id, name, .. } => {
                    if begins {
                        stream.end();
                        stream.call(id, name);
                    }
                    let calls = json!({"function": {"arguments": text}});
                    stream.about(
                        "tool-call-delta",
                        stream.calls,
                        &json!({"tool_calls": calls}),
                        tokens,
                    );
                    continue;
                }
                block if self.plans(block) => {
                    let event = json!({"type": "tool-plan-delta",
                        "delta": {"message": {"tool_plan": text}}});
                    stream.push(&event, tokens);
                }
                block => {
                    let kind =
                        if matches!(block, Block::Thinking(_)) { "thinking" } else { "text" };
                    stream.begin(kind);
                    let mut event = json!({"type": "content-delta", "index": stream.contents,
                        "delta": {"message": {"content": {kind: text}}}});
                    let logprobs = self.logprobs(&piece.tokens, position);
                    logprobs.into_iter().for_each(|it| put(&mut event, "logprobs", it));
                    stream.push(&event, tokens);
                }
            }
            position += piece.tokens.len();
        }
        stream.end();
        let (reason, usage) = self.ending();
        let delta = json!({"finish_reason": reason, "usage": usage});
        stream.push(&json!({"type": "message-end", "id": self.id, "delta": delta}), 0);
        stream.events
    }
}

/// A block of a stream that is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Content(&'static str),
    Call,
}

/// A stream as far as it is written.
struct Stream {
    events: Vec<Event>,
    /// The index of the contents that are open, or come next.
    contents: usize,
    /// The same of calls.
    calls: usize,
    open: Option<Open>,
}

impl Stream {
    fn push(&mut self, event: &Value, tokens: u32) {
        let name = event["type"].as_str().unwrap_or_default();
        let data = format!("event: {name}\ndata: {event}\n\n").into();
        self.events.push(Event { data, tokens });
    }

    fn about(&mut self, kind: &str, index: usize, message: &Value, tokens: u32) {
        self.push(&json!({"type": kind, "index": index, "delta": {"message": message}}), tokens);
    }

    fn begin(&mut self, kind: &'static str) {
        if self.open == Some(Open::Content(kind)) {
            return;
        }
        self.end();
        self.open = Some(Open::Content(kind));
        let content = json!({"content": {"type": kind, kind: ""}});
        self.about("content-start", self.contents, &content, 0);
    }

    fn call(&mut self, id: &str, name: &str) {
        self.open = Some(Open::Call);
        let call = json!({"id": call_id(id), "type": "function",
            "function": {"name": name, "arguments": ""}});
        self.about("tool-call-start", self.calls, &json!({"tool_calls": call}), 0);
    }

    fn end(&mut self) {
        let (kind, index) = match self.open.take() {
            None => return,
            Some(Open::Content(_)) => ("content-end", &mut self.contents),
            Some(Open::Call) => ("tool-call-end", &mut self.calls),
        };
        let ended = *index;
        *index += 1;
        self.push(&json!({"type": kind, "index": ended}), 0);
    }
}

fn call_id(id: &str) -> String {
    format!("call_{id}")
}

/// What a failure in mid-stream looks like.
pub(crate) fn error() -> Bytes {
    let message = Refusal::ServerError.to_string();
    let delta = json!({"finish_reason": "ERROR", "error": message});
    let event = json!({"type": "message-end", "delta": delta});
    format!("event: message-end\ndata: {event}\n\n").into()
}
