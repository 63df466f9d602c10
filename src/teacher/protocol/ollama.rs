//! Requests of Ollama's own protocol, and answers, whole and in lines.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::field::{self, put};
use super::refusal::{Refusal, Vendor};
use crate::teacher::ask::{Ask, Role, Tool, ToolChoice, Turn};
use crate::teacher::body::Event;
use crate::teacher::model::Dialect;
use crate::teacher::output::{Block, Finish, Output};
use crate::teacher::prose::Effort;
use crate::teacher::tokens;

/// `created_at` of every response: a fixed moment, so that the same request gives the same bytes.
const CREATED: &str = "2026-09-21T14:13:20.5Z";

/// Tokens written when the request sets no limit.
const DEFAULT_LIMIT: u64 = 32_768;

/// Nanoseconds that a token takes.
const TOKEN_TIME: u64 = 20_000_000;

/// A validated request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) ask: Ask,
    pub(crate) stream: bool,
    dialect: Dialect,
    /// It asks for a completion, not for a chat.
    generates: bool,
    /// How many alternatives per token, when probabilities are wanted.
    logprobs: Option<usize>,
}

/// Reads and validates a request body, `generates` being whether that is of `/api/generate`.
pub(crate) fn read(body: &[u8], generates: bool) -> Result<Request, Refusal> {
    let map = field::document(body)?;
    let model = field::model(&map, "model is required")?;
    let turns = if generates { prompt(&map)? } else { messages(&map)? };
    let options = field::present(&map, "options").and_then(Value::as_object);
    let options = options.cloned().unwrap_or_default();
    let asked = field::present(&options, "num_predict").and_then(Value::as_i64).unwrap_or(-1);
    let (shown, effort) = think(&map)?;
    let dialect = match model.dialect {
        Dialect::Plain | Dialect::Think | Dialect::ThinkOpen => model.dialect,
        _ if shown => Dialect::Reasoning,
        _ => Dialect::Plain,
    };
    let effort = if dialect == Dialect::Plain { Effort::None } else { effort };
    let top = field::whole(&map, "top_logprobs", 0, 20)?.unwrap_or(0);
    let wanted = field::flag(&map, "logprobs")?;
    let spoken = turns.iter().rev().find(|turn| turn.role == Role::User);
    let parallel = spoken.is_some_and(|turn| turn.text.to_lowercase().contains("in parallel"));
    let ask = Ask {
        model,
        turns,
        tools: tools(&map),
        tool_choice: ToolChoice::Auto,
        parallel,
        interleaved: false,
        effort,
        limit: u64::try_from(asked).unwrap_or(DEFAULT_LIMIT),
        stop: field::strings(&options, "stop", 16)?,
        seed: field::present(&options, "seed").map_or(String::new(), Value::to_string),
    };
    let stream = field::present(&map, "stream").and_then(Value::as_bool).unwrap_or(true);
    let logprobs = wanted.then(|| usize::try_from(top).unwrap_or(0));
    Ok(Request { ask, stream, dialect, generates, logprobs })
}

/// Whether the model thinks, and how much.
fn think(map: &Map<String, Value>) -> Result<(bool, Effort), Refusal> {
    match field::present(map, "think") {
        None | Some(Value::Bool(true)) => Ok((true, Effort::Normal)),
        Some(Value::Bool(false)) => Ok((false, Effort::None)),
        Some(Value::String(level)) => match level.as_str() {
            "low" => Ok((true, Effort::Brief)),
            "medium" => Ok((true, Effort::Normal)),
            "high" | "max" => Ok((true, Effort::Thorough)),
            _ => Err(Refusal::invalid("think", format!("invalid think value: \"{level}\""))),
        },
        Some(_) => Err(Refusal::invalid("think", "think must be a boolean or a string")),
    }
}

fn prompt(map: &Map<String, Value>) -> Result<Vec<Turn>, Refusal> {
    let text = |name: &str| field::present(map, name).and_then(Value::as_str).map(str::to_owned);
    let said = |role: Role| move |text: String| Turn { role, text };
    let prompt = text("prompt").unwrap_or_default();
    let system = text("system").map(said(Role::System));
    if prompt.is_empty() {
        return Err(Refusal::invalid("prompt", "prompt is required"));
    }
    Ok(system.into_iter().chain([said(Role::User)(prompt)]).collect())
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
        let mut text =
            message.get("content").and_then(Value::as_str).unwrap_or_default().to_owned();
        for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            let function = call.get("function");
            let part =
                |name: &str| function.and_then(|it| it.get(name)).cloned().unwrap_or_default();
            let name = part("name");
            let name = name.as_str().unwrap_or_default();
            text.push_str(&format!("\n{name}({})", part("arguments")));
        }
        Some(Turn { role, text })
    };
    let wrong = || Refusal::invalid("messages", "invalid role");
    list.iter().map(|message| turn(message).ok_or_else(wrong)).collect()
}

fn tools(map: &Map<String, Value>) -> Vec<Tool> {
    let list = field::present(map, "tools").and_then(Value::as_array);
    list.into_iter().flatten().take(128).filter_map(field::tool).collect()
}

/// A request with its output.
#[derive(Debug)]
pub(crate) struct Reply {
    request: Request,
    output: Output,
}

impl Reply {
    pub(crate) fn new(request: Request) -> Self {
        let output = request.ask.complete(0, request.dialect);
        Self { request, output }
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.output.tokens
    }

    /// A line that says this much.
    fn line(&self, content: &str, thinking: Option<&str>, calls: Vec<Value>, done: bool) -> Value {
        let model = &self.request.ask.model.name;
        let mut line = json!({"model": model, "created_at": CREATED});
        if self.request.generates {
            put(&mut line, "response", content.into());
            thinking.into_iter().for_each(|it| put(&mut line, "thinking", it.into()));
        } else {
            let mut message = json!({"role": "assistant", "content": content});
            thinking.into_iter().for_each(|it| put(&mut message, "thinking", it.into()));
            if !calls.is_empty() {
                put(&mut message, "tool_calls", calls.into());
            }
            put(&mut line, "message", message);
        }
        put(&mut line, "done", done.into());
        if done {
            self.end(&mut line);
        }
        line
    }

    /// What the last line says besides.
    fn end(&self, line: &mut Value) {
        let reason = if self.output.finish == Finish::Length { "length" } else { "stop" };
        let (read, written) = (self.request.ask.prompt_tokens(), self.output.tokens);
        put(line, "done_reason", reason.into());
        for (name, count) in [
            ("total_duration", (read + written) * TOKEN_TIME),
            ("load_duration", TOKEN_TIME),
            ("prompt_eval_count", read),
            ("prompt_eval_duration", read * TOKEN_TIME),
            ("eval_count", written),
            ("eval_duration", written * TOKEN_TIME),
        ] {
            put(line, name, count.into());
        }
        if self.request.generates {
            let turns = self.request.ask.turns.iter().flat_map(|turn| tokens::split(&turn.text));
            let pieces = self.output.pieces.iter().flat_map(|piece| &piece.tokens);
            let ids = turns.map(tokens::id).chain(pieces.map(|token| tokens::id(token)));
            put(line, "context", ids.collect::<Vec<_>>().into());
        }
    }

    fn logprobs(&self, words: &[String], from: usize) -> Option<Value> {
        let top = self.request.logprobs?;
        let words = words.iter().enumerate().map(|(at, token)| {
            let others = tokens::alternatives(token, from + at, top).into_iter();
            let others = others.map(|(token, logprob)| json!({"token": token, "logprob": logprob}));
            json!({"token": token, "logprob": tokens::logprob(token, from + at),
                "top_logprobs": others.collect::<Vec<_>>()})
        });
        Some(words.collect())
    }

    /// The calls of the output, their arguments as objects.
    fn calls(&self) -> Vec<Value> {
        let blocks = self.output.blocks.iter().filter_map(|block| match block {
            Block::Call { id, name, arguments } => Some((id, name, arguments)),
            _ => None,
        });
        let calls = blocks.enumerate().map(|(index, (id, name, arguments))| {
            let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
            json!({"id": format!("call_{id}"),
                "function": {"index": index, "name": name, "arguments": arguments}})
        });
        calls.collect()
    }

    /// The whole response.
    pub(crate) fn document(&self) -> Value {
        let text = |wanted: fn(&Block) -> bool| -> String {
            self.output.blocks.iter().filter(|block| wanted(block)).map(Block::text).collect()
        };
        let content = text(|block| matches!(block, Block::Text(_) | Block::Inline(_)));
        let thinking = text(|block| matches!(block, Block::Thinking(_)));
        let thinking = Some(thinking.as_str()).filter(|it| !it.is_empty());
        let mut whole = self.line(&content, thinking, self.calls(), true);
        let said = |block: usize| {
            !matches!(self.output.blocks.get(block), Some(Block::Call { .. }) | None)
        };
        let pieces = self.output.pieces.iter().filter(|piece| said(piece.block));
        let words: Vec<String> = pieces.flat_map(|piece| piece.tokens.clone()).collect();
        self.logprobs(&words, 0).into_iter().for_each(|it| put(&mut whole, "logprobs", it));
        whole
    }

    /// The lines of its stream, and the tokens that each carries.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mut position = 0;
        let mut events = Vec::new();
        for piece in &self.output.pieces {
            let text = piece.text();
            let mut line = match self.output.blocks.get(piece.block) {
                Some(Block::Thinking(_)) => self.line("", Some(&text), Vec::new(), false),
                Some(Block::Text(_) | Block::Inline(_)) => {
                    self.line(&text, None, Vec::new(), false)
                }
                _ => continue,
            };
            let logprobs = self.logprobs(&piece.tokens, position);
            logprobs.into_iter().for_each(|it| put(&mut line, "logprobs", it));
            position += piece.tokens.len();
            let tokens = u32::try_from(piece.tokens.len()).unwrap_or(u32::MAX);
            events.push(Event { data: framed(&line), tokens });
        }
        let calls = self.calls();
        if !calls.is_empty() {
            events.push(Event { data: framed(&self.line("", None, calls, false)), tokens: 0 });
        }
        events.push(Event { data: framed(&self.line("", None, Vec::new(), true)), tokens: 0 });
        events
    }
}

/// What a failure in mid-stream looks like.
pub(crate) fn error() -> Bytes {
    format!("{}\n", Refusal::ServerError.document(Vendor::Ollama, "").text()).into()
}

fn framed(line: &Value) -> Bytes {
    format!("{line}\n").into()
}
