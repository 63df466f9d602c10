//! Requests of OpenAI's Chat Completions, with the fields vLLM adds.

use serde_json::{Map, Value};

use super::field;
use super::refusal::Refusal;
use crate::teacher::ask::{Ask, Role, Tool, ToolChoice, Turn};
use crate::teacher::model::{Dialect, Model};
use crate::teacher::prose::Effort;

/// Tokens written when the request sets no limit.
const DEFAULT_LIMIT: u64 = 32_768;

/// A validated request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) ask: Ask,
    pub(crate) dialect: Dialect,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    pub(crate) choices: u64,
    /// How many alternatives per token, when probabilities are wanted.
    pub(crate) logprobs: Option<usize>,
    pub(crate) token_ids: bool,
}

/// Reads and validates a request body.
pub(crate) fn read(body: &[u8]) -> Result<Request, Refusal> {
    let map = field::document(body)?;
    let model = match field::present(&map, "agent_id").and_then(Value::as_str) {
        // An agent of Mistral's is called like the model that it has.
        Some(agent) => Model::read(agent).ok_or(Refusal::UnknownPath)?,
        None => field::model(&map, "you must provide a model parameter")?,
    };
    let turns = turns(&map)?;
    let stream = field::flag(&map, "stream")?;
    let options = field::present(&map, "stream_options");
    if options.is_some() && !stream {
        return Err(Refusal::invalid(
            "stream_options",
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        ));
    }
    let include_usage = options
        .and_then(|options| options.get("include_usage"))
        .and_then(Value::as_bool)
        .unwrap_or(false);
    field::number(&map, "temperature", 0.0, 2.0)?;
    field::number(&map, "top_p", 0.0, 1.0)?;
    field::number(&map, "presence_penalty", -2.0, 2.0)?;
    field::number(&map, "frequency_penalty", -2.0, 2.0)?;
    let top = field::whole(&map, "top_logprobs", 0, 20)?;
    let wanted = field::flag(&map, "logprobs")?;
    if top.is_some() && !wanted {
        return Err(Refusal::invalid(
            "top_logprobs",
            "'top_logprobs' may only be specified when 'logprobs' is true.",
        ));
    }
    let logprobs = wanted.then(|| usize::try_from(top.unwrap_or(0)).unwrap_or(0));
    let limit = field::whole(&map, "max_completion_tokens", 1, 1_000_000)?
        .or(field::whole(&map, "max_tokens", 1, 1_000_000)?)
        .unwrap_or(DEFAULT_LIMIT);
    let (tools, tool_choice) = tools(&map)?;
    let shown = field::present(&map, "include_reasoning").and_then(Value::as_bool).unwrap_or(true);
    let effort = effort(&map)?;
    let dialect = if shown { model.dialect } else { Dialect::Plain };
    let effort = if dialect == Dialect::Plain { Effort::None } else { effort };
    let seed = field::present(&map, "seed").map_or(String::new(), Value::to_string);
    let parallel = field::present(&map, "parallel_tool_calls").and_then(Value::as_bool);
    let spoken = turns
        .iter()
        .rev()
        .find(|turn| turn.role == Role::User)
        .is_some_and(|turn| turn.text.to_lowercase().contains("in parallel"));
    let ask = Ask {
        model,
        turns,
        tools,
        tool_choice,
        parallel: parallel.unwrap_or(spoken),
        interleaved: false,
        effort,
        limit,
        stop: field::strings(&map, "stop", 4)?,
        seed,
    };
    Ok(Request {
        ask,
        dialect,
        stream,
        include_usage,
        choices: field::whole(&map, "n", 1, 8)?.unwrap_or(1),
        logprobs,
        token_ids: field::flag(&map, "return_token_ids")?,
    })
}

fn effort(map: &Map<String, Value>) -> Result<Effort, Refusal> {
    let named = field::present(map, "reasoning_effort")
        .or_else(|| field::present(map, "reasoning").and_then(|reasoning| reasoning.get("effort")));
    let Some(named) = named else { return Ok(Effort::Normal) };
    match named.as_str() {
        Some("none") => Ok(Effort::None),
        Some("minimal" | "low") => Ok(Effort::Brief),
        Some("medium") => Ok(Effort::Normal),
        Some("high" | "xhigh" | "max") => Ok(Effort::Thorough),
        _ => Err(Refusal::invalid(
            "reasoning_effort",
            "Invalid value for 'reasoning_effort': expected none, minimal, low, medium, high, xhigh or max.",
        )),
    }
}

fn turns(map: &Map<String, Value>) -> Result<Vec<Turn>, Refusal> {
    let list = field::present(map, "messages")
        .ok_or_else(|| Refusal::invalid("messages", "Missing required parameter: 'messages'."))?;
    let list = list.as_array().filter(|list| !list.is_empty()).ok_or_else(|| {
        Refusal::invalid("messages", "Invalid 'messages': expected a non-empty array of messages.")
    })?;
    let mut turns = Vec::new();
    for (at, message) in list.iter().enumerate() {
        let role = match message.get("role").and_then(Value::as_str) {
            Some("system" | "developer") => Role::System,
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("tool" | "function") => Role::Tool,
            _ => {
                let message = "Invalid value: supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.";
                return Err(Refusal::invalid(format!("messages[{at}].role"), message));
            }
        };
        if role == Role::Tool
            && message.get("role").and_then(Value::as_str) == Some("tool")
            && message.get("tool_call_id").and_then(Value::as_str).is_none()
        {
            return Err(Refusal::invalid(
                format!("messages[{at}].tool_call_id"),
                "Missing parameter 'tool_call_id': messages with role 'tool' must have a 'tool_call_id'.",
            ));
        }
        let calls =
            message.get("tool_calls").and_then(Value::as_array).filter(|calls| !calls.is_empty());
        let text = match message.get("content") {
            None | Some(Value::Null) if calls.is_some() || role == Role::Assistant => {
                Some(String::new())
            }
            Some(content) => match (field::text(content), content, role) {
                // Mistral's thinking parts come back with the history.
                (None, Value::Array(_), Role::Assistant) => Some(String::new()),
                (text, ..) => text,
            },
            None => None,
        };
        let mut text = text.ok_or_else(|| {
            Refusal::invalid(
                format!("messages[{at}].content"),
                "Invalid value for 'content': expected a string or an array of content parts.",
            )
        })?;
        for call in calls.into_iter().flatten() {
            let part =
                |pointer: &str| call.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            text.push_str(&format!(
                "\n{}({})",
                part("/function/name"),
                part("/function/arguments")
            ));
        }
        turns.push(Turn { role, text });
    }
    Ok(turns)
}

fn tools(map: &Map<String, Value>) -> Result<(Vec<Tool>, ToolChoice), Refusal> {
    let mut tools = Vec::new();
    for (at, tool) in field::present(map, "tools")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .take(128)
        .enumerate()
    {
        let name = tool.pointer("/function/name").and_then(Value::as_str).ok_or_else(|| {
            Refusal::invalid(
                format!("tools[{at}].function.name"),
                format!("Missing required parameter: 'tools[{at}].function.name'."),
            )
        })?;
        tools.push(Tool {
            name: name.to_owned(),
            description: tool
                .pointer("/function/description")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            schema: tool.pointer("/function/parameters").cloned().unwrap_or(Value::Null),
        });
    }
    let choice = match field::present(map, "tool_choice") {
        None => ToolChoice::Auto,
        Some(Value::String(word)) if word == "auto" => ToolChoice::Auto,
        Some(Value::String(word)) if word == "none" => ToolChoice::Never,
        Some(Value::String(word)) if word == "required" => ToolChoice::Any,
        Some(choice) => match choice.pointer("/function/name").and_then(Value::as_str) {
            Some(name) if tools.iter().any(|tool| tool.name == name) => {
                ToolChoice::Named(name.to_owned())
            }
            _ => {
                return Err(Refusal::invalid(
                    "tool_choice",
                    "Invalid value for 'tool_choice': no such tool.",
                ));
            }
        },
    };
    if tools.is_empty() && matches!(choice, ToolChoice::Any) {
        return Err(Refusal::invalid(
            "tool_choice",
            "'tool_choice' is only allowed when 'tools' are specified.",
        ));
    }
    Ok((tools, choice))
}
