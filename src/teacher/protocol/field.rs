//! Reading request fields, with the error the vendor would give.

use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::teacher::ask::Tool;
use crate::teacher::model::Model;

/// The request document as an object.
pub(crate) fn document(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(Refusal::Malformed),
    }
}

/// The field, when present and not null.
pub(crate) fn present<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name).filter(|value| !value.is_null())
}

pub(crate) fn flag(map: &Map<String, Value>, name: &str) -> Result<bool, Refusal> {
    match present(map, name) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => {
            Err(Refusal::invalid(name, format!("Invalid type for '{name}': expected a boolean.")))
        }
    }
}

/// A whole number within bounds.
pub(crate) fn whole(
    map: &Map<String, Value>,
    name: &str,
    low: u64,
    high: u64,
) -> Result<Option<u64>, Refusal> {
    let Some(value) = present(map, name) else { return Ok(None) };
    match value.as_u64().filter(|value| (low..=high).contains(value)) {
        Some(value) => Ok(Some(value)),
        None => Err(Refusal::invalid(
            name,
            format!("Invalid value for '{name}': expected an integer from {low} to {high}."),
        )),
    }
}

/// A number within bounds.
pub(crate) fn number(
    map: &Map<String, Value>,
    name: &str,
    low: f64,
    high: f64,
) -> Result<(), Refusal> {
    match present(map, name) {
        Some(value) if !value.as_f64().is_some_and(|value| (low..=high).contains(&value)) => {
            Err(Refusal::invalid(
                name,
                format!("Invalid value for '{name}': expected a number from {low} to {high}."),
            ))
        }
        _ => Ok(()),
    }
}

/// A string or a list of strings.
pub(crate) fn strings(
    map: &Map<String, Value>,
    name: &str,
    most: usize,
) -> Result<Vec<String>, Refusal> {
    let wrong = || {
        Refusal::invalid(
            name,
            format!("Invalid value for '{name}': expected a string or at most {most} strings."),
        )
    };
    match present(map, name) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(Value::Array(list)) if list.len() <= most => {
            list.iter().map(|entry| entry.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// The model that the request names.
pub(crate) fn model(map: &Map<String, Value>, missing: &str) -> Result<Model, Refusal> {
    let name = present(map, "model")
        .and_then(Value::as_str)
        .ok_or_else(|| Refusal::invalid("model", missing))?;
    Model::read(name).ok_or_else(|| Refusal::UnknownModel(name.chars().take(200).collect()))
}

/// A tool that is a function.
pub(crate) fn tool(tool: &Value) -> Option<Tool> {
    let function = tool.get("function")?;
    let text = |name: &str| function.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Tool {
        name: text("name")?,
        description: text("description").unwrap_or_default(),
        schema: function.get("parameters").cloned().unwrap_or_default(),
    })
}

/// Puts a member into an object.
pub(crate) fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

/// The text of string content or of its text parts.
pub(crate) fn text(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let mut all = String::new();
            for part in parts {
                let kind = part.get("type").and_then(Value::as_str)?;
                if matches!(kind, "text" | "input_text" | "output_text") {
                    all.push_str(part.get("text").and_then(Value::as_str)?);
                }
            }
            Some(all)
        }
        _ => None,
    }
}
