//! Requests of Anthropic's Messages, with the check of thinking blocks that come back.

use serde_json::{Map, Value};

use super::field;
use super::refusal::Refusal;
use crate::teacher::ask::{Ask, Role, Tool, ToolChoice, Turn};
use crate::teacher::model::Dialect;
use crate::teacher::prose::Effort;
use crate::teacher::signature::{Rejected, Signer};

/// A user message with this marker gets its reasoning as `redacted_thinking`.
pub(crate) const REDACT_MARKER: &str = "TEACHER_TRIGGER_REDACTED_THINKING";

/// A validated request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) ask: Ask,
    pub(crate) stream: bool,
    /// `thinking.display: "omitted"`: signatures only.
    pub(crate) omitted: bool,
    pub(crate) redacted: bool,
    /// What new signatures are bound to.
    pub(crate) prefix: Vec<u8>,
}

/// Reads and validates a request body; `counting` is for `count_tokens`, which needs no limit.
pub(crate) fn read(body: &[u8], signer: &Signer, counting: bool) -> Result<Request, Refusal> {
    let map = field::document(body)?;
    let model = field::model(&map, "Field required")?;
    let limit = field::whole(&map, "max_tokens", 1, 1_000_000)?;
    if limit.is_none() && !counting {
        return Err(Refusal::invalid("max_tokens", "Field required"));
    }
    let limit = limit.unwrap_or(1);
    field::number(&map, "temperature", 0.0, 1.0)?;
    let (tools, tool_choice, parallel) = tools(&map)?;
    let (turns, prefix) = turns(&map, signer)?;
    let thinking = field::present(&map, "thinking");
    let effort = effort(&map, thinking, limit, counting)?;
    let redacted = turns
        .iter()
        .rev()
        .find(|turn| turn.role == Role::User)
        .is_some_and(|turn| turn.text.contains(REDACT_MARKER));
    let spoken = turns
        .iter()
        .rev()
        .find(|turn| turn.role == Role::User)
        .is_some_and(|turn| turn.text.to_lowercase().contains("in parallel"));
    let effort = if model.dialect == Dialect::Plain { Effort::None } else { effort };
    let ask = Ask {
        model,
        turns,
        tools,
        tool_choice,
        parallel: parallel.unwrap_or(spoken),
        interleaved: true,
        effort,
        limit,
        stop: field::strings(&map, "stop_sequences", 16)?,
        seed: field::present(&map, "seed").map_or(String::new(), Value::to_string),
    };
    Ok(Request {
        ask,
        stream: field::flag(&map, "stream")?,
        omitted: thinking.and_then(|thinking| thinking.get("display")).and_then(Value::as_str)
            == Some("omitted"),
        redacted,
        prefix,
    })
}

/// Thinking is on unless disabled, as on self-hosted reasoning models.
fn effort(
    map: &Map<String, Value>,
    thinking: Option<&Value>,
    limit: u64,
    counting: bool,
) -> Result<Effort, Refusal> {
    let by_level = match map
        .get("output_config")
        .and_then(|config| config.get("effort"))
        .and_then(Value::as_str)
    {
        Some("low") => Effort::Brief,
        Some("high" | "xhigh" | "max") => Effort::Thorough,
        _ => Effort::Normal,
    };
    let Some(thinking) = thinking else { return Ok(by_level) };
    match thinking.get("type").and_then(Value::as_str) {
        Some("disabled") => Ok(Effort::None),
        Some("adaptive" | "between_tools") => Ok(by_level),
        Some("enabled") => {
            let budget = thinking.get("budget_tokens").and_then(Value::as_u64).unwrap_or(0);
            if budget < 1_024 {
                return Err(Refusal::invalid(
                    "thinking.enabled.budget_tokens",
                    "Input should be greater than or equal to 1024",
                ));
            }
            if budget >= limit && !counting {
                return Err(Refusal::invalid(
                    "",
                    "`max_tokens` must be greater than `thinking.budget_tokens`.",
                ));
            }
            Ok(match budget {
                ..2_048 => Effort::Brief,
                2_048..8_192 => Effort::Normal,
                _ => Effort::Thorough,
            })
        }
        _ => Err(Refusal::invalid(
            "thinking",
            "Input tag does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'",
        )),
    }
}

/// Adds one entry to the bytes that signatures are bound to.
fn bind(prefix: &mut Vec<u8>, kind: &str, text: &str) {
    for part in [kind, text] {
        prefix.extend_from_slice(&(part.len() as u64).to_le_bytes());
        prefix.extend_from_slice(part.as_bytes());
    }
}

fn turns(map: &Map<String, Value>, signer: &Signer) -> Result<(Vec<Turn>, Vec<u8>), Refusal> {
    let mut turns = Vec::new();
    let mut prefix = Vec::new();
    if let Some(system) = field::present(map, "system") {
        let text = field::text(system).ok_or_else(|| {
            Refusal::invalid("system", "Input should be a valid string or list of text blocks")
        })?;
        bind(&mut prefix, "system", &text);
        turns.push(Turn { role: Role::System, text });
    }
    let list = field::present(map, "messages")
        .ok_or_else(|| Refusal::invalid("messages", "Field required"))?;
    let list = list
        .as_array()
        .ok_or_else(|| Refusal::invalid("messages", "Input should be a valid list"))?;
    if list.is_empty() {
        return Err(Refusal::invalid("messages", "at least one message is required"));
    }
    for (at, message) in list.iter().enumerate() {
        let role = match message.get("role").and_then(Value::as_str) {
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("system") => {
                return Err(Refusal::invalid(
                    "messages",
                    "Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, not \"system\" as an input message role.",
                ));
            }
            _ => {
                return Err(Refusal::invalid(
                    format!("messages.{at}.role"),
                    "Input should be 'user' or 'assistant'",
                ));
            }
        };
        let content = message
            .get("content")
            .ok_or_else(|| Refusal::invalid(format!("messages.{at}.content"), "Field required"))?;
        // A signature covers what came before the message that it stands in.
        let before = prefix.clone();
        bind(&mut prefix, "role", role.name());
        match content {
            Value::String(text) if text.is_empty() => {
                return Err(Refusal::invalid(
                    format!("messages.{at}"),
                    "all messages must have non-empty content except for the optional final assistant message",
                ));
            }
            Value::String(text) => {
                bind(&mut prefix, "text", text);
                turns.push(Turn { role, text: text.clone() });
            }
            Value::Array(blocks) => {
                blocks_of(blocks, at, role, &before, &mut prefix, &mut turns, signer)?
            }
            _ => {
                return Err(Refusal::invalid(
                    format!("messages.{at}.content"),
                    "Input should be a valid string or list",
                ));
            }
        }
    }
    Ok((turns, prefix))
}

fn blocks_of(
    blocks: &[Value],
    at: usize,
    role: Role,
    before: &[u8],
    prefix: &mut Vec<u8>,
    turns: &mut Vec<Turn>,
    signer: &Signer,
) -> Result<(), Refusal> {
    let mut text = String::new();
    for (index, block) in blocks.iter().enumerate() {
        let place = format!("messages.{at}.content.{index}");
        let string = |name: &str| {
            block
                .get(name)
                .and_then(Value::as_str)
                .ok_or_else(|| Refusal::invalid(format!("{place}.{name}"), "Field required"))
        };
        match block.get("type").and_then(Value::as_str) {
            Some("text") => {
                bind(prefix, "text", string("text")?);
                text.push_str(string("text")?);
            }
            Some("thinking") => {
                match signer.check(before, string("thinking")?, string("signature")?) {
                    Ok(()) => {}
                    Err(Rejected::Signature) => {
                        return Err(Refusal::invalid(
                            place,
                            "Invalid `signature` in `thinking` block",
                        ));
                    }
                    Err(Rejected::Modified) => {
                        return Err(Refusal::invalid(
                            place,
                            "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response.",
                        ));
                    }
                    Err(Rejected::OtherConversation) => {
                        return Err(Refusal::invalid(
                            place,
                            "`thinking` block is bound to a different conversation. The messages before it must remain as they were.",
                        ));
                    }
                }
            }
            Some("redacted_thinking") => {
                if !signer.is_sealed(string("data")?) {
                    return Err(Refusal::invalid(
                        place,
                        "Invalid `data` in `redacted_thinking` block",
                    ));
                }
            }
            Some("tool_use") => {
                let input = block.get("input").map_or(String::new(), Value::to_string);
                let call = format!("\n{}({input})", string("name")?);
                bind(prefix, "tool_use", &call);
                text.push_str(&call);
            }
            Some("tool_result") => {
                string("tool_use_id")?;
                let result = block
                    .get("content")
                    .map_or(Some(String::new()), field::text)
                    .unwrap_or_default();
                bind(prefix, "tool_result", &result);
                turns.push(Turn { role: Role::Tool, text: result });
            }
            // Images and documents are not looked at.
            Some("image" | "document" | "search_result") => {
                bind(prefix, "other", &block.to_string())
            }
            other => {
                let other = other.unwrap_or("null").chars().take(60).collect::<String>();
                return Err(Refusal::invalid(
                    place,
                    format!(
                        "Input tag '{other}' found using 'type' does not match any of the expected tags"
                    ),
                ));
            }
        }
    }
    if !text.is_empty() {
        turns.push(Turn { role, text });
    }
    Ok(())
}

fn tools(map: &Map<String, Value>) -> Result<(Vec<Tool>, ToolChoice, Option<bool>), Refusal> {
    let mut tools = Vec::new();
    for (at, tool) in field::present(map, "tools")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .take(128)
        .enumerate()
    {
        let name = tool
            .get("name")
            .and_then(Value::as_str)
            .ok_or_else(|| Refusal::invalid(format!("tools.{at}.name"), "Field required"))?;
        tools.push(Tool {
            name: name.to_owned(),
            description: tool
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            schema: tool.get("input_schema").cloned().unwrap_or(Value::Null),
        });
    }
    let Some(choice) = field::present(map, "tool_choice") else {
        return Ok((tools, ToolChoice::Auto, None));
    };
    let parallel =
        choice.get("disable_parallel_tool_use").and_then(Value::as_bool).map(|disabled| !disabled);
    let named = choice.get("name").and_then(Value::as_str);
    let kind = match (choice.get("type").and_then(Value::as_str), named) {
        (Some("auto"), _) => ToolChoice::Auto,
        (Some("none"), _) => ToolChoice::Never,
        (Some("any"), _) if !tools.is_empty() => ToolChoice::Any,
        (Some("tool"), Some(name)) if tools.iter().any(|tool| tool.name == name) => {
            ToolChoice::Named(name.to_owned())
        }
        (Some("tool"), Some(name)) => {
            let name: String = name.chars().take(60).collect();
            return Err(Refusal::invalid(
                "tool_choice.name",
                format!("Tool '{name}' not found in provided tools"),
            ));
        }
        _ => {
            return Err(Refusal::invalid(
                "tool_choice",
                "Input tag does not match any of the expected tags: 'auto', 'any', 'tool', 'none'",
            ));
        }
    };
    Ok((tools, kind, parallel))
}
