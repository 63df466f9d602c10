//! What a client makes of a response: the vendors' SDKs in a few lines, with serde_json.

use std::collections::BTreeMap;

use serde_json::Value;

/// Texts by where a client keeps them: `0/content`, `0/tool/1`, `2/thinking`.
pub(super) type Texts = BTreeMap<String, String>;

/// One event as a line-based SSE decoder sees it.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) name: Option<String>,
    pub(super) data: Option<String>,
}

/// Decodes a stream; the last event may lack its blank line.
pub(super) fn decode(stream: &[u8]) -> Vec<Event> {
    let text = String::from_utf8_lossy(stream).replace("\r\n", "\n").replace('\r', "\n");
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
    let event = |block: &str| {
        let field = |name: &str| {
            let values = block.lines().filter_map(|line| {
                let value = line.strip_prefix(name)?.strip_prefix(':')?;
                Some(value.strip_prefix(' ').unwrap_or(value))
            });
            Some(values.collect::<Vec<_>>()).filter(|values| !values.is_empty())
        };
        Event {
            name: field("event").map(|name| name.join("")),
            data: field("data").map(|data| data.join("\n")),
        }
    };
    text.split("\n\n").filter(|block| !block.trim().is_empty()).map(event).collect()
}

/// The JSON payloads of a stream, terminator left out.
pub(super) fn payloads(stream: &[u8]) -> Vec<Value> {
    let data = decode(stream).into_iter().filter_map(|event| event.data);
    let json = data.filter(|data| data != "[DONE]" && !data.is_empty());
    json.map(|data| serde_json::from_str(&data).expect("every payload is JSON")).collect()
}

pub(super) fn accumulate(messages: bool, response: &[u8], streamed: bool) -> Texts {
    let values = if streamed {
        payloads(response)
    } else {
        vec![serde_json::from_slice(response).expect("the document is JSON")]
    };
    let mut texts = Texts::new();
    for value in &values {
        if messages { message(value, &mut texts) } else { chat(value, &mut texts) }
    }
    texts.retain(|_, text| !text.is_empty());
    texts
}

fn add(texts: &mut Texts, key: String, value: &Value) {
    if let Some(text) = value.as_str() {
        texts.entry(key).or_default().push_str(text);
    }
}

fn chat(value: &Value, texts: &mut Texts) {
    for (position, choice) in value["choices"].as_array().into_iter().flatten().enumerate() {
        let index = choice["index"].as_u64().unwrap_or(position as u64);
        let said =
            if choice["message"].is_object() { &choice["message"] } else { &choice["delta"] };
        for key in ["reasoning", "reasoning_content", "content", "refusal"] {
            add(texts, format!("{index}/{key}"), &said[key]);
        }
        for part in said["content"].as_array().into_iter().flatten() {
            add(texts, format!("{index}/content"), &part["text"]);
            for thought in part["thinking"].as_array().into_iter().flatten() {
                add(texts, format!("{index}/thinking"), &thought["text"]);
            }
        }
        for (position, detail) in
            said["reasoning_details"].as_array().into_iter().flatten().enumerate()
        {
            let at = detail["index"].as_u64().unwrap_or(position as u64);
            for key in ["text", "summary", "signature", "data"] {
                add(texts, format!("{index}/details/{at}/{key}"), &detail[key]);
            }
        }
        for (position, call) in said["tool_calls"].as_array().into_iter().flatten().enumerate() {
            let at = call["index"].as_u64().unwrap_or(position as u64);
            add(texts, format!("{index}/tool/{at}"), &call["function"]["arguments"]);
            add(texts, format!("{index}/tool/{at}/name"), &call["function"]["name"]);
        }
    }
}

fn message(value: &Value, texts: &mut Texts) {
    let mut block = |index: u64, block: &Value, deltas: bool| {
        for key in ["thinking", "text", "signature", "data"] {
            add(texts, format!("{index}/{key}"), &block[key]);
        }
        if deltas {
            add(texts, format!("{index}/input"), &block["partial_json"]);
        } else if block["input"].as_object().is_some_and(|input| !input.is_empty()) {
            add(texts, format!("{index}/input"), &Value::String(block["input"].to_string()));
        }
    };
    let blocks = [&value["content"], &value["message"]["content"]];
    for (position, item) in blocks.iter().filter_map(|list| list.as_array()).flatten().enumerate() {
        block(position as u64, item, false);
    }
    let index = value["index"].as_u64().unwrap_or(0);
    block(index, &value["content_block"], false);
    block(index, &value["delta"], true);
}
