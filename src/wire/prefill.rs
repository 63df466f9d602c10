//! Whether a conversation ends with words put into the model's mouth.
//!
//! Servers continue a last message of the assistant's. What counts as last differs: gateways move
//! system messages elsewhere and leave empty ones out, so a message behind the assistant's own only
//! ends its turn if it says something for someone else, and a system message only where it stays.

use super::json::{Error, Kind, Reader, fold};

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
    /// Its last part is one behind which the server pauses a turn. `None` before its content.
    pausing: Option<bool>,
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
                let mut pausing = false;
                self.content(reader, &mut pausing)?;
                // Of two, either may be read.
                self.pausing = Some(pausing && self.pausing.is_none());
                Ok(())
            }
            "reasoning" | "reasoning_content" | "parts" | "refusal" | "thinking" => {
                self.content(reader, &mut false)
            }
            "images" => reader.elements(|reader, _| {
                self.says = true;
                reader.pass()
            }),
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

    /// It holds words of the model's, by what kind of message it is.
    pub(super) fn is_said_by_model(&mut self) {
        (self.assistant, self.says) = (true, true);
    }

    /// It calls a tool, likewise.
    pub(super) fn is_call(&mut self) {
        (self.assistant, self.calls) = (true, true);
    }

    /// It tells what a call gave, likewise.
    pub(super) fn is_result(&mut self) {
        (self.other, self.says) = (true, true);
    }

    fn content(&mut self, reader: &mut Reader<'_>, pausing: &mut bool) -> Result<(), Error> {
        if reader.kind()? != Kind::Array {
            return self.text(reader);
        }
        // A summary of what came before stands first, and text in front of it is words of someone's:
        // a gateway that does not know the block would continue them.
        let mut summary = true;
        reader.elements(|reader, _| {
            *pausing = false;
            if reader.kind()? != Kind::Object {
                summary = false;
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
            let is_text = matches!(kind, "text" | "input_text" | "output_text")
                || kind.is_empty() && text.is_some();
            self.says |= !is_text || text.is_some_and(|text| !text.trim().is_empty());
            summary &= kind == "compaction";
            *pausing = summary || is_server_tool(kind);
            Ok(())
        })
    }

    fn text(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        let text = reader.name()?;
        self.says |= text.is_some_and(|(_, text)| !text.trim().is_empty());
        Ok(())
    }

    /// Whether a message before it may still be taken for the last, because it says nothing.
    fn leaves_open(&self) -> bool {
        let Self { assistant, system, other, says, calls, .. } = *self;
        !assistant && !says && (system || !other && !calls)
    }

    /// Whether it may, because this one is moved to the front.
    fn is_hoisted(&self) -> bool {
        self.system && !self.assistant
    }

    /// Whether it is the assistant's own, with words or with nothing: servers continue both. One
    /// that only calls tools waits for their results.
    fn is_prefill(&self) -> bool {
        self.assistant && (self.says || !self.calls)
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
pub(super) struct LastMessage {
    last: Option<Message>,
    /// Messages that may be moved to the front have followed it.
    hoisted: bool,
}

impl LastMessage {
    /// Another message follows.
    pub(super) fn followed_by(&mut self, message: Message) {
        if self.last.is_some() && (message.leaves_open() || message.is_hoisted()) {
            self.hoisted |= !message.leaves_open();
        } else {
            *self = Self { last: Some(message), hoisted: false };
        }
    }

    /// Whether words in the assistant's mouth stand last wherever system messages are put.
    pub(super) fn is_prefilled(&self) -> bool {
        !self.hoisted && self.is_prefilled_if_hoisted()
    }

    /// Whether they stand last once system messages are moved to the front.
    pub(super) fn is_prefilled_if_hoisted(&self) -> bool {
        self.last.as_ref().is_some_and(Message::is_prefill)
    }

    /// Whether the assistant's turn was paused by the server.
    pub(super) fn is_paused(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.assistant && last.pausing == Some(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(messages: &str) -> (bool, bool) {
        let last = read(messages);
        (last.is_prefilled(), last.is_paused())
    }

    fn read(messages: &str) -> LastMessage {
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
        last
    }

    #[test]
    fn words_in_the_models_mouth_are_found_behind_whatever_does_not_end_its_turn() {
        let said = r#"{"role":"assistant","content":"<think>"}"#;
        for messages in [
            format!("[{said}]"),
            format!(r#"[{said},{{"role":"system","content":""}}]"#),
            format!(r#"[{said},{{"role":"developer","content":" "}},{{"role":"system"}}]"#),
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
    fn what_a_system_message_closes_is_open_where_it_is_moved_to_the_front() {
        let said = r#"{"role":"assistant","content":"<think>"}"#;
        for closing in [
            r#"{"role":"developer","content":"be brief"}"#,
            r#"{"role":"system","content":"Now summarise"},{"role":"system","content":""}"#,
            r#"{"role":"user","content":""},{"role":"system","content":[{"type":"text","text":"x"}]}"#,
        ] {
            let last = read(&format!("[{said},{closing}]"));
            assert!(!last.is_prefilled() && last.is_prefilled_if_hoisted(), "{closing}");
            let user = r#"{"role":"user","content":"x"}"#;
            assert!(!read(&format!("[{said},{closing},{user}]")).is_prefilled_if_hoisted());
            assert!(read(&format!("[{user},{closing},{said}]")).is_prefilled());
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
        let summary = r#"{"type":"compaction","content":"s"}"#;
        assert!(last(&blocks(summary)).1);
        for said in
            [format!("{text},{summary}"), format!("{summary},{text}"), format!(r#""x",{summary}"#)]
        {
            assert!(!last(&blocks(&said)).1, "{said}");
        }
        assert!(!last(&blocks(r#"{"type":"tool_result"}"#)).1);
        assert!(!last(&blocks(r#"{"type":"tool_use"}"#)).1);
    }
}
