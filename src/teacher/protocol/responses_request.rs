//! Requests of OpenAI's Responses.

use serde_json::{Map, Value};

use super::field;
use super::refusal::Refusal;
use crate::teacher::ask::{Ask, Role, Tool, ToolChoice, Turn};
use crate::teacher::model::Dialect;
use crate::teacher::prose::Effort;

/// Tokens written when the request sets no limit.
const DEFAULT_LIMIT: u64 = 32_768;

/// A validated request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) ask: Ask,
    pub(crate) dialect: Dialect,
    pub(crate) stream: bool,
    pub(crate) store: bool,
    /// Reasoning is also handed out sealed.
    pub(crate) sealed: bool,
    /// The answer that this one goes on from.
    pub(crate) previous: Option<String>,
    /// What it asks again, as it asks it.
    pub(crate) input: Vec<Value>,
}

/// Reads and validates a request body; `stored` gives the turns of an answer by its id.
pub(crate) fn read(
    body: &[u8],
    stored: impl FnOnce(&str) -> Option<Vec<Turn>>,
) -> Result<Request, Refusal> {
    let map = field::document(body)?;
    let model = field::model(&map, "Missing required parameter: 'model'.")?;
    let previous = field::present(&map, "previous_response_id").and_then(Value::as_str);
    let before = previous.map(|id| {
        let missing = format!("Previous response with id '{id}' not found.");
        stored(id).ok_or_else(|| Refusal::invalid("previous_response_id", missing))
    });
    let mut turns = before.transpose()?.unwrap_or_default();
    if let Some(text) = field::present(&map, "instructions").and_then(Value::as_str) {
        turns.insert(0, Turn { role: Role::System, text: text.to_owned() });
    }
    let input = match field::present(&map, "input") {
        Some(Value::String(text)) => {
            vec![serde_json::json!({"type": "message", "role": "user", "content": text})]
        }
        Some(Value::Array(items)) => items.clone(),
        _ => return Err(Refusal::invalid("input", "Missing required parameter: 'input'.")),
    };
    for (at, item) in input.iter().enumerate() {
        turns.extend(turn(at, item)?);
    }
    field::number(&map, "temperature", 0.0, 2.0)?;
    field::number(&map, "top_p", 0.0, 1.0)?;
    let (tools, tool_choice) = tools(&map)?;
    let effort = effort(&map)?;
    let dialect = model.dialect;
    let limit = field::whole(&map, "max_output_tokens", 1, 1_000_000)?.unwrap_or(DEFAULT_LIMIT);
    let spoken = turns.iter().rev().find(|turn| turn.role == Role::User);
    let spoken = spoken.is_some_and(|turn| turn.text.to_lowercase().contains("in parallel"));
    let parallel = field::present(&map, "parallel_tool_calls").and_then(Value::as_bool);
    let extras = field::present(&map, "include").and_then(Value::as_array);
    let sealed =
        extras.is_some_and(|list| list.iter().any(|it| it == "reasoning.encrypted_content"));
    let ask = Ask {
        model,
        turns,
        tools,
        tool_choice,
        parallel: parallel.unwrap_or(spoken),
        interleaved: false,
        effort: if dialect == Dialect::Plain { Effort::None } else { effort },
        limit,
        stop: Vec::new(),
        seed: String::new(),
    };
    let store = field::present(&map, "store").and_then(Value::as_bool).unwrap_or(true);
    let (stream, previous) = (field::flag(&map, "stream")?, previous.map(str::to_owned));
    Ok(Request { ask, dialect, stream, store, sealed, previous, input })
}

/// What an item says; `None` if that is nothing to the model.
fn turn(at: usize, item: &Value) -> Result<Option<Turn>, Refusal> {
    let said = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
    let wrong = || Refusal::invalid(format!("input[{at}]"), "Invalid value: expected an item.");
    let content = |name: &str| item.get(name).and_then(field::text).ok_or_else(wrong);
    Ok(match said("type") {
        "function_call" => {
            let text = format!("\n{}({})", said("name"), said("arguments"));
            Some(Turn { role: Role::Assistant, text })
        }
        "function_call_output" => Some(Turn { role: Role::Tool, text: content("output")? }),
        "reasoning" => None,
        "message" | "" => {
            let role = match said("role") {
                "system" | "developer" => Role::System,
                "user" => Role::User,
                "assistant" => Role::Assistant,
                _ => return Err(wrong()),
            };
            Some(Turn { role, text: content("content")? })
        }
        _ => return Err(wrong()),
    })
}

fn effort(map: &Map<String, Value>) -> Result<Effort, Refusal> {
    let named = field::present(map, "reasoning").and_then(|reasoning| reasoning.get("effort"));
    match named.filter(|named| !named.is_null()).map(Value::as_str) {
        None | Some(Some("medium")) => Ok(Effort::Normal),
        Some(Some("none")) => Ok(Effort::None),
        Some(Some("minimal" | "low")) => Ok(Effort::Brief),
        Some(Some("high" | "xhigh" | "max")) => Ok(Effort::Thorough),
        Some(_) => Err(Refusal::invalid("reasoning.effort", "Invalid value for 'effort'.")),
    }
}

fn tools(map: &Map<String, Value>) -> Result<(Vec<Tool>, ToolChoice), Refusal> {
    let list = field::present(map, "tools").and_then(Value::as_array);
    let text = |tool: &Value, name: &str| {
        tool.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let tools: Vec<Tool> = list
        .into_iter()
        .flatten()
        .filter(|tool| tool.get("type").is_some_and(|kind| kind == "function"))
        .take(128)
        .map(|tool| Tool {
            name: text(tool, "name"),
            description: text(tool, "description"),
            schema: tool.get("parameters").cloned().unwrap_or(Value::Null),
        })
        .collect();
    let choice = match field::present(map, "tool_choice") {
        None => ToolChoice::Auto,
        Some(Value::String(word)) if word == "none" => ToolChoice::Never,
        Some(Value::String(word)) if word == "required" => ToolChoice::Any,
        Some(Value::String(_)) => ToolChoice::Auto,
        Some(choice) => ToolChoice::Named(text(choice, "name")),
    };
    Ok((tools, choice))
}
