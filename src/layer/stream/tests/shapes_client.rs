//! What a client has of an answer, whatever its shape.

use serde_json::Value;

use super::shapes::{Answer, Shape};
use crate::wire::ProtocolId;
use crate::wire::framing::{Event, Framing, Splitter};

impl Shape {
    /// The JSON of a stream, as the strictest of its clients takes it.
    pub(super) fn payloads(self, stream: &[u8]) -> Vec<Value> {
        if self == Self::GeminiArray {
            // One that breaks off has no end.
            let whole = String::from_utf8_lossy(stream).into_owned();
            let whole = if whole.trim_end().ends_with(']') { whole } else { whole + "]" };
            return serde_json::from_str(&whole).expect("one array");
        }
        if self.protocol().id() == ProtocolId::Gemini {
            // Its libraries take nothing of an event but its data, in one line.
            let text = String::from_utf8_lossy(stream);
            let mut lines = text.split('\n').filter(|line| !line.trim().is_empty());
            assert!(lines.all(|line| line.starts_with("data: ")));
        }
        let mut splitter = Splitter::new(self.framing(), 1 << 20);
        splitter.push(stream.to_vec().into());
        let mut found = Vec::new();
        while let Some(raw) = splitter.next_event().unwrap() {
            let event = Event::parse(self.framing(), &raw);
            // No client of lines takes an empty one.
            let payload = event.payload().unwrap();
            let said = String::from_utf8_lossy(&payload);
            let kind = event.kind().filter(|_| self.framing() == Framing::AwsEventStream);
            assert!(kind.is_none_or(|kind| kind == converse_kind(&said).as_bytes()), "{said}");
            if !self.protocol().is_terminator(&payload) {
                let value: Value = serde_json::from_slice(&payload).unwrap();
                let named = value.as_object().and_then(|it| it.values().next());
                let named = named.filter(|_| self == Self::Nova && value.get("message").is_none());
                found.push(named.unwrap_or(&value).clone());
            }
        }
        assert!(splitter.take_rest().is_empty());
        found
    }

    /// What a client makes of a response.
    pub(super) fn read(self, values: &[Value]) -> Answer {
        let mut answer = Answer::default();
        for value in values {
            let (reasoning, text, finish) = match self {
                _ if value["error"].is_string() => continue,
                Self::Cohere | Self::CohereInline => {
                    for block in value["message"]["content"].as_array().into_iter().flatten() {
                        answer.reasoning += block["thinking"].as_str().unwrap_or_default();
                        answer.text += block["text"].as_str().unwrap_or_default();
                    }
                    let content = &value["delta"]["message"]["content"];
                    let finish = [&value["finish_reason"], &value["delta"]["finish_reason"]];
                    let finish = finish.into_iter().find(|it| it.is_string());
                    (&content["thinking"], &content["text"], finish.unwrap_or(&Value::Null))
                }
                Self::LlamaCpp => {
                    let ended = value["stop"].as_bool().unwrap();
                    let finish = if ended { &value["stop_type"] } else { &Value::Null };
                    (&Value::Null, &value["content"], finish)
                }
                Self::Tgi => {
                    let (token, whole) = (&value["token"], &value["generated_text"]);
                    let said = match token["special"].as_bool() {
                        None => whole,
                        Some(special) => {
                            // What pydantic takes for a token of the library's.
                            assert!(token["id"].is_number() && token["logprob"].is_number());
                            if special { &Value::Null } else { &token["text"] }
                        }
                    };
                    if token.is_object() && whole.is_string() {
                        let before = answer.text.clone() + said.as_str().unwrap_or_default();
                        assert_eq!(whole.as_str(), Some(&*before), "all of it is said again");
                    }
                    (&Value::Null, said, &value["details"]["finish_reason"])
                }
                Self::Sglang => {
                    let said = value["text"].as_str().unwrap();
                    let begins = said.starts_with(&answer.text);
                    assert!(begins, "{said:?} takes back {:?}", answer.text);
                    said.clone_into(&mut answer.text);
                    (&Value::Null, &Value::Null, &value["meta_info"]["finish_reason"]["type"])
                }
                Self::Invoked(form) => {
                    if let Some(whole) = value["response"]["text"].as_str() {
                        assert_eq!(whole, answer.text, "all of it is said again");
                    }
                    let (text, finish) = form.read(value);
                    (&Value::Null, text, finish)
                }
                Self::Completions => {
                    let choice = &value["choices"][0];
                    (&Value::Null, &choice["text"], &choice["finish_reason"])
                }
                Self::Gemini | Self::GeminiArray | Self::GeminiInline => {
                    for candidate in value["candidates"].as_array().unwrap() {
                        assert_eq!(candidate["content"]["role"], "model", "{value}");
                        for part in candidate["content"]["parts"].as_array().unwrap() {
                            // A part of nothing spoils a history.
                            assert!(!part.as_object().unwrap().is_empty());
                            let said = part["text"].as_str().unwrap_or_default();
                            match part["thought"].as_bool().unwrap_or_default() {
                                true => answer.reasoning += said,
                                false => answer.text += said,
                            }
                        }
                    }
                    (&Value::Null, &Value::Null, &value["candidates"][0]["finishReason"])
                }
                Self::Converse | Self::ConverseInline | Self::Nova => {
                    let blocks = value["output"]["message"]["content"].as_array();
                    for block in blocks.into_iter().flatten().chain([&value["delta"]]) {
                        let thought = &block["reasoningContent"];
                        let thought = thought.get("reasoningText").unwrap_or(thought);
                        answer.reasoning += thought["text"].as_str().unwrap_or_default();
                        answer.text += block["text"].as_str().unwrap_or_default();
                    }
                    (&Value::Null, &Value::Null, &value["stopReason"])
                }
                Self::OllamaChat | Self::OllamaInline => {
                    // What pydantic takes for a message of the library's.
                    assert_eq!(value["message"]["role"], "assistant", "{value}");
                    assert_eq!(value["done"].as_bool().unwrap(), value["done_reason"].is_string());
                    let message = &value["message"];
                    (&message["thinking"], &message["content"], &value["done_reason"])
                }
                Self::OllamaGenerate => {
                    assert!(value["response"].is_string(), "{value}");
                    (&value["thinking"], &value["response"], &value["done_reason"])
                }
            };
            answer.reasoning += reasoning.as_str().unwrap_or_default();
            answer.text += text.as_str().unwrap_or_default();
            if let Some(finish) = finish.as_str() {
                assert_eq!(answer.finish, "", "it ends twice");
                finish.clone_into(&mut answer.finish);
            }
        }
        answer
    }

    /// The model that a sample names, if it does.
    pub(super) fn model_of(self, stream: &str) -> String {
        let mut events = self.payloads(stream.as_bytes());
        let event = events.remove(0);
        match self {
            Self::LlamaCpp => events.pop().unwrap()["model"].as_str().unwrap().to_owned(),
            Self::Tgi | Self::Sglang | Self::Cohere | Self::CohereInline => String::new(),
            Self::Converse | Self::ConverseInline => String::new(),
            Self::Nova | Self::Invoked(_) => String::new(),
            Self::Completions | Self::OllamaChat | Self::OllamaGenerate | Self::OllamaInline => {
                event["model"].as_str().unwrap().to_owned()
            }
            Self::Gemini | Self::GeminiArray | Self::GeminiInline => {
                event["modelVersion"].as_str().unwrap().to_owned()
            }
        }
    }

    pub(super) fn finishes(self) -> [&'static str; 2] {
        match self {
            Self::Completions
            | Self::OllamaChat
            | Self::OllamaGenerate
            | Self::OllamaInline
            | Self::Sglang => ["stop", "length"],
            Self::Invoked(form) => form.finishes(),
            Self::Cohere | Self::CohereInline => ["COMPLETE", "MAX_TOKENS"],
            Self::LlamaCpp => ["eos", "limit"],
            Self::Tgi => ["eos_token", "length"],
            Self::Gemini | Self::GeminiArray | Self::GeminiInline => ["STOP", "MAX_TOKENS"],
            Self::Converse | Self::ConverseInline | Self::Nova => ["end_turn", "max_tokens"],
        }
    }

    /// A completion with a reasoning, an answer, and what else servers say of one, in both forms.
    pub(super) fn samples(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Completions => &[("openai_completions.json", "openai_completions_stream.sse")],
            Self::OllamaChat => &[("ollama_chat.json", "ollama_chat.ndjson")],
            Self::Gemini => &[("gemini.json", "gemini_stream.sse")],
            Self::Converse => &[("converse.json", "converse_stream.bin")],
            Self::Cohere => &[("cohere_chat.json", "cohere_chat_stream.sse")],
            Self::LlamaCpp => &[("llama_cpp.json", "llama_cpp_stream.sse")],
            Self::Tgi => &[("tgi.json", "tgi_stream.sse")],
            Self::Sglang => &[("sglang_generate.json", "sglang_generate_stream.sse")],
            Self::Invoked(form) => form.samples(),
            _ => &[],
        }
    }
}

/// What Converse calls an event that says this.
pub(super) fn converse_kind(said: &str) -> &'static str {
    let kinds = [
        ("\"message\"", "internalServerException"),
        ("\"delta\"", "contentBlockDelta"),
        ("\"start\"", "contentBlockStart"),
        ("\"stopReason\"", "messageStop"),
        ("\"usage\"", "metadata"),
        ("\"role\"", "messageStart"),
    ];
    let kind = kinds.into_iter().find(|(name, _)| said.contains(name));
    kind.map_or("contentBlockStop", |(_, kind)| kind)
}
