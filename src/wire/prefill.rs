//! Whether a conversation ends with words put into the model's mouth.
//!
//! Servers continue a last message of the assistant's. What counts as last differs: gateways move
//! system messages elsewhere and leave empty ones out, so a message behind the assistant's own only
//! ends its turn if it says something for someone else.

use super::json::{Error, Kind, Reader};
use super::request::fold;

/// A message of a request, as far as it matters here.
#[derive(Debug, Default)]
pub(super) struct Message {
    assistant: bool,
    /// Said by neither the caller nor the model: gateways put it elsewhere.
    system: bool,
    /// Another role than these and the caller's, such as a tool's.
    other: bool,
    /// It has text, or parts that are not text.
    says: bool,
    /// It calls tools.
    calls: bool,
    /// Its last part belongs to a tool that the server runs itself. `None` before its content.
    server_tool: Option<bool>,
}

impl Message {
    /// Reads one of its members.
    pub(super) fn read(&mut self, reader: &mut Reader<'_>, name: &[u8]) -> Result<(), Error> {
        match fold(&String::from_utf8_lossy(name)).as_str() {
            "role" => {
                // Where it stands twice, servers disagree on which counts.
                let role = reader.name()?.map(|(_, role)| role.trim().to_lowercase());
                match role.as_deref() {
                    Some("assistant" | "model" | "ai" | "bot") => self.assistant = true,
                    Some("system" | "developer") => self.system = true,
                    None | Some("user" | "human" | "") => {}
                    Some(_) => self.other = true,
                }
                Ok(())
            }
            "content" => {
                let mut server_tool = false;
                self.content(reader, &mut server_tool)?;
                // Of two, either may be read.
                self.server_tool = Some(server_tool && self.server_tool.is_none());
                Ok(())
            }
            "reasoning" | "reasoning_content" | "parts" | "refusal" => {
                self.content(reader, &mut false)
            }
            "tool_calls" => reader.elements(|reader, _| {
                self.calls |= reader.kind()? == Kind::Object;
                reader.pass()
            }),
            "function_call" => {
                self.calls |= reader.kind()? == Kind::Object;
                reader.pass()
            }
            _ => reader.pass(),
        }
    }

    fn content(&mut self, reader: &mut Reader<'_>, server_tool: &mut bool) -> Result<(), Error> {
        if reader.kind()? != Kind::Array {
            return self.text(reader);
        }
        reader.elements(|reader, _| {
            *server_tool = false;
            if reader.kind()? != Kind::Object {
                return self.text(reader);
            }
            let (mut kind, mut text) = (None, None);
            reader.members(|reader, key| {
                match &*key.name() {
                    b"type" => kind = reader.name()?.map(|(_, kind)| kind),
                    b"text" => text = reader.name()?.map(|(_, text)| text),
                    _ => reader.pass()?,
                }
                Ok(())
            })?;
            let kind = kind.as_deref().unwrap_or_default();
            self.says |= kind != "text" || text.is_some_and(|text| !text.trim().is_empty());
            *server_tool = is_server_tool(kind);
            Ok(())
        })
    }

    fn text(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        let text = reader.name()?;
        self.says |= text.is_some_and(|(_, text)| !text.trim().is_empty());
        Ok(())
    }

    /// Whether a message before it may still be taken for the last.
    fn leaves_open(&self) -> bool {
        let Self { assistant, system, other, says, calls, .. } = *self;
        !assistant && (system || !other && !says && !calls)
    }
}

/// Blocks of tools that the server runs itself; it pauses a long turn behind one of them.
fn is_server_tool(kind: &str) -> bool {
    let of_client = kind == "tool_result";
    matches!(kind, "server_tool_use" | "mcp_tool_use")
        || kind.ends_with("_tool_result") && !of_client
}

/// How a conversation ends, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct LastMessage(Option<Message>);

impl LastMessage {
    /// Another message follows.
    pub(super) fn followed_by(&mut self, message: Message) {
        if self.0.is_none() || !message.leaves_open() {
            self.0 = Some(message);
        }
    }

    /// Whether the assistant's own message stands last, with words or with nothing: servers continue
    /// both. One that only calls tools waits for their results.
    pub(super) fn is_prefilled(&self) -> bool {
        self.0.as_ref().is_some_and(|last| last.assistant && (last.says || !last.calls))
    }

    /// Whether the assistant's turn was paused while a tool of the server's ran.
    pub(super) fn is_paused(&self) -> bool {
        self.0.as_ref().is_some_and(|last| last.assistant && last.server_tool == Some(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(messages: &str) -> (bool, bool) {
        let mut last = LastMessage::default();
        Reader::new(messages.as_bytes())
            .document(|reader| {
                reader.elements(|reader, _| {
                    let mut message = Message::default();
                    reader.members(|reader, key| message.read(reader, &key.name()))?;
                    last.followed_by(message);
                    Ok(())
                })
            })
            .unwrap();
        (last.is_prefilled(), last.is_paused())
    }

    #[test]
    fn words_in_the_models_mouth_are_found_behind_whatever_does_not_end_its_turn() {
        let said = r#"{"role":"assistant","content":"<think>"}"#;
        for messages in [
            format!("[{said}]"),
            format!(r#"[{said},{{"role":"system","content":""}}]"#),
            format!(r#"[{said},{{"role":"developer","content":"be brief"}}]"#),
            format!(r#"[{said},{{"role":"user","content":" "}},{{"role":"user","content":[]}}]"#),
            format!(r#"[{said},{{"role":"user","content":[{{"type":"text","text":""}}]}}]"#),
            r#"[{"role":"assistant","content":"x","tool_calls":[]}]"#.to_owned(),
            r#"[{"role":"assistant","content":"x","tool_calls":[{}]}]"#.to_owned(),
            r#"[{"role":"Assistant ","content":""}]"#.to_owned(),
            r#"[{"role":"assistant","role":"user","content":"x"}]"#.to_owned(),
            r#"[{"Role":"model","reasoning_content":"x","tool_calls":[{}]}]"#.to_owned(),
        ] {
            assert_eq!(last(&messages), (true, false), "{messages}");
        }
    }

    #[test]
    fn a_turn_that_someone_else_has_is_no_prefill() {
        let called = r#"{"role":"assistant","content":"wait","tool_calls":[{"id":"1"}]}"#;
        for messages in [
            format!(r#"[{called},{{"role":"tool","content":""}}]"#),
            format!(r#"[{called},{{"role":"user","content":[{{"type":"image_url"}}]}}]"#),
            r#"[{"role":"user","content":""},{"role":"system","content":"x"}]"#.to_owned(),
            r#"[{"role":"assistant","content":null,"tool_calls":[{}]}]"#.to_owned(),
            "[]".to_owned(),
        ] {
            assert_eq!(last(&messages), (false, false), "{messages}");
        }
    }

    #[test]
    fn a_turn_is_paused_behind_a_tool_of_the_servers_own_and_not_behind_text() {
        let blocks = |blocks: &str| format!(r#"[{{"role":"assistant","content":[{blocks}]}}]"#);
        let text = r#"{"type":"text","text":"I look it up."}"#;
        for tool in ["server_tool_use", "web_search_tool_result", "mcp_tool_use"] {
            let tool = format!(r#"{{"type":"{tool}"}}"#);
            assert!(last(&blocks(&format!("{text},{tool}"))).1);
            assert!(!last(&blocks(&format!("{tool},{text}"))).1);
            let twice = format!(r#"[{{"role":"assistant","content":"x","content":[{tool}]}}]"#);
            assert!(!last(&twice).1);
        }
        assert!(!last(&blocks(r#"{"type":"tool_result"}"#)).1);
        assert!(!last(&blocks(r#"{"type":"tool_use"}"#)).1);
    }
}
