//! Requests of Google's Gemini, and answers, whole, as events and as an array.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::field::{self, put};
use super::refusal::{Refusal, Vendor};
use crate::teacher::ask::{Ask, Role, Tool, ToolChoice, Turn};
use crate::teacher::body::Event;
use crate::teacher::model::{Dialect, Model};
use crate::teacher::output::{Block, Finish, Output};
use crate::teacher::prose::Effort;
use crate::teacher::signature::Signer;

/// Tokens written when the request sets no limit.
const DEFAULT_LIMIT: u64 = 32_768;

/// A validated request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) ask: Ask,
    dialect: Dialect,
    candidates: u64,
}

/// Reads and validates a request body to `model`.
pub(crate) fn read(body: &[u8], model: &str) -> Result<Request, Refusal> {
    let map = camel_case(field::document(body)?);
    let model = Model::read(model).ok_or_else(|| Refusal::UnknownModel(model.to_owned()))?;
    let none = Map::new();
    let config = field::present(&map, "generationConfig").and_then(Value::as_object);
    let config = config.unwrap_or(&none);
    let (shown, effort) = thinking(config);
    let dialect = match model.dialect {
        Dialect::Plain | Dialect::Think | Dialect::ThinkOpen => model.dialect,
        _ if shown => Dialect::Reasoning,
        _ => Dialect::Plain,
    };
    let turns = turns(&map)?;
    let spoken = turns.iter().rev().find(|turn| turn.role == Role::User);
    let parallel = spoken.is_some_and(|turn| turn.text.to_lowercase().contains("in parallel"));
    let ask = Ask {
        model,
        turns,
        tools: tools(&map),
        tool_choice: tool_choice(&map),
        parallel,
        interleaved: false,
        effort,
        limit: field::whole(config, "maxOutputTokens", 1, 1_000_000)?.unwrap_or(DEFAULT_LIMIT),
        stop: field::strings(config, "stopSequences", 5)?,
        seed: field::present(config, "seed").map_or(String::new(), Value::to_string),
    };
    let candidates = field::whole(config, "candidateCount", 1, 8)?.unwrap_or(1);
    Ok(Request { ask, dialect, candidates })
}

/// The same with the names of members in one of their two spellings: the vendor's library sends both.
fn camel_case(map: Map<String, Value>) -> Map<String, Value> {
    fn within(value: Value) -> Value {
        match value {
            Value::Object(members) => Value::Object(camel_case(members)),
            Value::Array(items) => Value::Array(items.into_iter().map(within).collect()),
            other => other,
        }
    }
    let spelled = |name: String| {
        let mut parts = name.split('_');
        let mut spelled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let mut letters = part.chars();
            spelled.extend(letters.next().into_iter().flat_map(char::to_uppercase));
            spelled.push_str(letters.as_str());
        }
        spelled
    };
    map.into_iter()
        .map(|(name, member)| {
            // What a caller named itself stays.
            let own = matches!(name.as_str(), "args" | "response" | "properties" | "labels");
            (spelled(name), if own { member } else { within(member) })
        })
        .collect()
}

/// Whether thoughts are shown, and how much the model thinks.
fn thinking(config: &Map<String, Value>) -> (bool, Effort) {
    let Some(thinking) = field::present(config, "thinkingConfig") else {
        return (false, Effort::Normal);
    };
    let shown = thinking.get("includeThoughts").and_then(Value::as_bool).unwrap_or(false);
    let level = thinking.get("thinkingLevel").and_then(Value::as_str).unwrap_or_default();
    let effort = match (thinking.get("thinkingBudget").and_then(Value::as_i64), level) {
        (Some(0), _) => Effort::None,
        (Some(1..2_048), _) | (None, "minimal" | "low" | "MINIMAL" | "LOW") => Effort::Brief,
        (Some(8_192..), _) | (None, "high" | "HIGH") => Effort::Thorough,
        _ => Effort::Normal,
    };
    (shown && effort != Effort::None, effort)
}

fn turns(map: &Map<String, Value>) -> Result<Vec<Turn>, Refusal> {
    let list = field::present(map, "contents").and_then(Value::as_array);
    let list = list.filter(|list| !list.is_empty()).ok_or_else(|| {
        Refusal::invalid("contents", "* GenerateContentRequest.contents: contents is not specified")
    })?;
    let system = field::present(map, "systemInstruction").map(|it| (Role::System, it));
    let role = |content: &Value| match content.get("role").and_then(Value::as_str) {
        Some("model") => Role::Assistant,
        _ => Role::User,
    };
    let contents = system.into_iter().chain(list.iter().map(|content| (role(content), content)));
    let mut turns = Vec::new();
    for (role, content) in contents {
        let mut text = String::new();
        for part in content.get("parts").and_then(Value::as_array).into_iter().flatten() {
            if part.get("thought").and_then(Value::as_bool).unwrap_or(false) {
                continue;
            }
            text.push_str(part.get("text").and_then(Value::as_str).unwrap_or_default());
            if let Some(call) = part.get("functionCall") {
                let name = call.get("name").and_then(Value::as_str).unwrap_or_default();
                text.push_str(&format!("\n{name}({})", call.get("args").unwrap_or(&Value::Null)));
            }
            if let Some(result) = part.get("functionResponse").and_then(|it| it.get("response")) {
                turns.push(Turn { role: Role::Tool, text: result.to_string() });
            }
        }
        if !text.is_empty() {
            turns.push(Turn { role, text });
        }
    }
    Ok(turns)
}

fn tools(map: &Map<String, Value>) -> Vec<Tool> {
    let list = field::present(map, "tools").and_then(Value::as_array).into_iter().flatten();
    let declared = list.filter_map(|tool| tool.get("functionDeclarations")?.as_array()).flatten();
    let tool = |function: &Value| {
        let text = |name: &str| function.get(name).and_then(Value::as_str).map(str::to_owned);
        let schema = function.get("parameters").or(function.get("parametersJsonSchema"));
        Some(Tool {
            name: text("name")?,
            description: text("description").unwrap_or_default(),
            schema: lowered(schema.cloned().unwrap_or_default()),
        })
    };
    declared.take(128).filter_map(tool).collect()
}

/// A schema with the names of its types in lower case, as others have them.
fn lowered(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                *value = match value.take() {
                    Value::String(kind) if name == "type" => kind.to_lowercase().into(),
                    other => lowered(other),
                };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = lowered(item.take())),
        _ => {}
    }
    schema
}

fn tool_choice(map: &Map<String, Value>) -> ToolChoice {
    let config = field::present(map, "toolConfig").and_then(|it| it.get("functionCallingConfig"));
    match config.and_then(|it| it.get("mode")).and_then(Value::as_str) {
        Some("NONE") => ToolChoice::Never,
        Some("ANY") => ToolChoice::Any,
        _ => ToolChoice::Auto,
    }
}

/// A request with its outputs.
#[derive(Debug)]
pub(crate) struct Reply {
    request: Request,
    outputs: Vec<Output>,
    signer: Signer,
}

impl Reply {
    pub(crate) fn new(request: Request, signer: Signer) -> Self {
        let choices = 0..request.candidates;
        let outputs = choices.map(|choice| request.ask.complete(choice, request.dialect)).collect();
        Self { request, outputs, signer }
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.outputs.iter().map(|output| output.tokens).max().unwrap_or(0)
    }

    fn usage(&self) -> Value {
        let prompt = self.request.ask.prompt_tokens();
        let all: u64 = self.outputs.iter().map(|output| output.tokens).sum();
        let thoughts: u64 = self.outputs.iter().map(|output| output.reasoning_tokens).sum();
        let mut usage = json!({"promptTokenCount": prompt, "candidatesTokenCount": all - thoughts,
            "totalTokenCount": prompt + all,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}]});
        if thoughts > 0 {
            put(&mut usage, "thoughtsTokenCount", thoughts.into());
        }
        usage
    }

    fn wrap(&self, candidates: Vec<Value>, usage: Option<Value>) -> Value {
        let mut response = json!({"candidates": candidates,
            "modelVersion": self.request.ask.model.name,
            "responseId": self.request.ask.id("response", 0)});
        usage.into_iter().for_each(|usage| put(&mut response, "usageMetadata", usage));
        response
    }

    fn candidate(&self, index: usize, parts: Vec<Value>, finish: Option<&Finish>) -> Value {
        let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": index});
        if let Some(finish) = finish {
            let reason = if *finish == Finish::Length { "MAX_TOKENS" } else { "STOP" };
            put(&mut candidate, "finishReason", reason.into());
        }
        candidate
    }

    /// A block, or a piece of one, as a part; `first` if it is the first call of a tool.
    fn part(&self, block: &Block, text: &str, first: bool) -> Value {
        match block {
            Block::Thinking(_) => json!({"text": text, "thought": true}),
            Block::Text(_) | Block::Inline(_) => json!({"text": text}),
            Block::Call { name, arguments, .. } => {
                let args: Value = serde_json::from_str(arguments).unwrap_or_default();
                let mut part = json!({"functionCall": {"name": name, "args": args}});
                if first {
                    put(&mut part, "thoughtSignature", self.signer.sign(b"", arguments).into());
                }
                part
            }
        }
    }

    /// The whole response.
    pub(crate) fn document(&self) -> Value {
        let candidates = self.outputs.iter().enumerate().map(|(index, output)| {
            let mut calls = 0;
            let parts = output.blocks.iter().map(|block| {
                calls += usize::from(matches!(block, Block::Call { .. }));
                self.part(block, block.text(), calls == 1)
            });
            self.candidate(index, parts.collect(), Some(&output.finish))
        });
        self.wrap(candidates.collect(), Some(self.usage()))
    }

    /// The events of its stream, and the tokens that each carries. Candidates take turns.
    pub(crate) fn events(&self, array: bool) -> Vec<Event> {
        let lanes: Vec<Vec<(Value, u32)>> =
            self.outputs.iter().enumerate().map(|(at, output)| self.lane(at, output)).collect();
        let longest = lanes.iter().map(Vec::len).max().unwrap_or(0);
        let mut chunks: Vec<(Value, u32)> = (0..longest)
            .flat_map(|at| lanes.iter().filter_map(move |lane| lane.get(at)))
            .map(|(candidate, tokens)| (self.wrap(vec![candidate.clone()], None), *tokens))
            .collect();
        if let Some((last, _)) = chunks.last_mut() {
            put(last, "usageMetadata", self.usage());
        }
        let count = chunks.len();
        let framed = chunks.into_iter().enumerate().map(|(at, (chunk, tokens))| {
            let data = match array {
                false => format!("data: {chunk}\r\n\r\n"),
                true => {
                    let before = if at == 0 { "[" } else { ",\r\n" };
                    let behind = if at + 1 == count { "\n]\n" } else { "\n" };
                    format!("{before}{chunk:#}{behind}")
                }
            };
            Event { data: data.into(), tokens }
        });
        framed.collect()
    }

    fn lane(&self, index: usize, output: &Output) -> Vec<(Value, u32)> {
        let mut chunks = Vec::new();
        let mut calls = 0;
        for (at, block) in output.blocks.iter().enumerate() {
            if matches!(block, Block::Call { .. }) {
                calls += 1;
                let part = self.part(block, "", calls == 1);
                chunks.push((self.candidate(index, vec![part], None), 0));
                continue;
            }
            for piece in output.pieces.iter().filter(|piece| piece.block == at) {
                let part = self.part(block, &piece.text(), false);
                let tokens = u32::try_from(piece.tokens.len()).unwrap_or(u32::MAX);
                chunks.push((self.candidate(index, vec![part], None), tokens));
            }
        }
        let last = self.candidate(index, vec![json!({"text": ""})], Some(&output.finish));
        chunks.push((last, 0));
        chunks
    }
}

/// What a failure in mid-stream looks like.
pub(crate) fn error(array: bool) -> Bytes {
    let error = Refusal::ServerError.document(Vendor::Google, "").text();
    if array { format!(",\r\n{error}\n]\n") } else { format!("data: {error}\r\n\r\n") }.into()
}
