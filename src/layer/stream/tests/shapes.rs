//! One answer in the shapes of the protocols that say each text once, as a document and as a stream.

use serde_json::{Value, json};

use super::responses::{Done, edits_of};
use super::{document, framed_stream};
use crate::countermeasure::ResponseEdits;
use crate::policy::plan::Keep;
use crate::wire::completions::Completions;
use crate::wire::converse::Converse;
use crate::wire::framing::{Event, Framing, Splitter, Unframed};
use crate::wire::gemini::Gemini;
use crate::wire::ollama::Ollama;
use crate::wire::{Protocol, ProtocolId};

/// How a protocol says an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shape {
    Completions,
    OllamaChat,
    OllamaGenerate,
    /// By a server that does not part the reasoning from the text.
    OllamaInline,
    Gemini,
    /// Without `alt=sse`.
    GeminiArray,
    /// By a gateway that does not part the reasoning from the text.
    GeminiInline,
    Converse,
    /// By a model that does not part the reasoning from the text.
    ConverseInline,
}

pub(super) const SHAPES: [Shape; 9] = [
    Shape::Completions,
    Shape::OllamaChat,
    Shape::OllamaGenerate,
    Shape::OllamaInline,
    Shape::Gemini,
    Shape::GeminiArray,
    Shape::GeminiInline,
    Shape::Converse,
    Shape::ConverseInline,
];

/// What a client has of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) reasoning: String,
    pub(super) text: String,
    pub(super) finish: String,
}

impl Shape {
    pub(super) fn protocol(self) -> &'static dyn Protocol {
        match self {
            Self::Completions => &Completions,
            Self::OllamaChat | Self::OllamaGenerate | Self::OllamaInline => &Ollama,
            Self::Gemini | Self::GeminiArray | Self::GeminiInline => &Gemini,
            Self::Converse | Self::ConverseInline => &Converse,
        }
    }

    pub(super) fn framing(self) -> Framing {
        match self {
            Self::Completions => Framing::Sse,
            Self::OllamaChat | Self::OllamaGenerate | Self::OllamaInline => Framing::Ndjson,
            Self::Gemini | Self::GeminiInline => Framing::Sse,
            Self::GeminiArray => Framing::JsonArray,
            Self::Converse | Self::ConverseInline => Framing::AwsEventStream,
        }
    }

    /// A request for a stream.
    fn asked(self) -> (&'static str, &'static str) {
        match self {
            Self::Completions => (
                "/v1/completions",
                r#"{"model":"big","prompt":"x","stream":true,"max_tokens":900}"#,
            ),
            Self::OllamaChat | Self::OllamaInline => (
                "/api/chat",
                r#"{"model":"big","messages":[{"role":"user","content":"x"}],"options":{"num_predict":900}}"#,
            ),
            Self::Gemini | Self::GeminiInline => (
                "/v1beta/models/big:streamGenerateContent?alt=sse",
                r#"{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"maxOutputTokens":900}}"#,
            ),
            Self::GeminiArray => (
                "/v1beta/models/big:streamGenerateContent",
                r#"{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"maxOutputTokens":900}}"#,
            ),
            Self::Converse | Self::ConverseInline => (
                "/model/big/converse-stream",
                r#"{"messages":[{"role":"user","content":[{"text":"x"}]}],"inferenceConfig":{"maxTokens":900}}"#,
            ),
            Self::OllamaGenerate => {
                ("/api/generate", r#"{"model":"big","prompt":"x","options":{"num_predict":900}}"#)
            }
        }
    }

    pub(super) fn edits(self, done: Done) -> ResponseEdits {
        let (target, body) = self.asked();
        edits_of(done, self.protocol(), target, body).unwrap().1
    }

    /// Whether the reasoning stands in the answer's own text.
    pub(super) fn inline(self) -> bool {
        matches!(
            self,
            Self::Completions | Self::OllamaInline | Self::GeminiInline | Self::ConverseInline
        )
    }

    pub(super) fn document(self, answer: &Answer) -> String {
        let Answer { reasoning, text, finish } = answer;
        let whole = match self {
            Self::Completions => json!({
                "id": "cmpl-1", "object": "text_completion", "created": 1_790_000_000, "model": "m",
                "choices": [{"index": 0, "text": inlined(reasoning, text), "logprobs": null,
                    "finish_reason": finish}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12},
            }),
            Self::Converse => {
                let thought = json!({"reasoningContent": {"reasoningText": {"text": reasoning}}});
                converse(vec![thought, json!({ "text": text })], finish)
            }
            Self::ConverseInline => {
                converse(vec![json!({"text": inlined(reasoning, text)})], finish)
            }
            Self::OllamaInline | Self::GeminiInline => {
                self.event("", &inlined(reasoning, text), Some(finish))
            }
            Self::OllamaChat | Self::OllamaGenerate | Self::Gemini | Self::GeminiArray => {
                self.event(reasoning, text, Some(finish))
            }
        };
        whole.to_string()
    }

    /// What one event of a stream says; the last one says how it ends.
    pub(super) fn event(self, reasoning: &str, text: &str, finish: Option<&str>) -> Value {
        match self {
            Self::Completions => json!({
                "id": "cmpl-1", "object": "text_completion", "created": 1_790_000_000, "model": "m",
                "choices": [{"index": 0, "text": text.to_owned() + reasoning, "logprobs": null,
                    "finish_reason": finish}],
            }),
            Self::OllamaChat | Self::OllamaInline => {
                let mut message = json!({"role": "assistant", "content": text});
                if !reasoning.is_empty() {
                    message["thinking"] = reasoning.into();
                }
                ended(json!({"model": "m", "created_at": CREATED, "message": message}), finish)
            }
            Self::Gemini | Self::GeminiArray | Self::GeminiInline => {
                let mut parts = Vec::new();
                if !reasoning.is_empty() {
                    parts.push(json!({"text": reasoning, "thought": true}));
                }
                if !text.is_empty() || reasoning.is_empty() {
                    parts.push(json!({"text": text}));
                }
                let mut candidate =
                    json!({"content": {"parts": parts, "role": "model"}, "index": 0});
                if let Some(finish) = finish {
                    candidate["finishReason"] = finish.into();
                }
                json!({"candidates": [candidate], "modelVersion": "m", "responseId": "r1",
                    "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}})
            }
            Self::Converse | Self::ConverseInline => match (finish, reasoning.is_empty()) {
                (Some(finish), _) => json!({ "stopReason": finish }),
                (None, true) => json!({"contentBlockIndex": 1, "delta": {"text": text}}),
                (None, false) => json!({"contentBlockIndex": 0,
                    "delta": {"reasoningContent": {"text": reasoning}}}),
            },
            Self::OllamaGenerate => {
                let mut line = json!({"model": "m", "created_at": CREATED, "response": text});
                if !reasoning.is_empty() {
                    line["thinking"] = reasoning.into();
                }
                ended(line, finish)
            }
        }
    }

    /// The stream, its texts cut behind so many characters each.
    pub(super) fn stream(self, answer: &Answer, cuts: &[usize]) -> Vec<u8> {
        let Answer { reasoning, text, finish } = answer;
        let mut cuts = cuts.iter().copied().cycle();
        let mut pieces = |text: &str| -> Vec<String> {
            let mut characters = text.chars().peekable();
            let mut pieces = Vec::new();
            while characters.peek().is_some() {
                pieces.push(characters.by_ref().take(cuts.next().unwrap()).collect());
            }
            pieces
        };
        let mut events = Vec::new();
        let blocks = self.protocol().id() == ProtocolId::Converse;
        let end = |index: u32| blocks.then(|| json!({"contentBlockIndex": index, "p": "abc"}));
        events.extend(blocks.then(|| json!({"role": "assistant", "p": "ab"})));
        if self.inline() {
            let pieces = pieces(&inlined(reasoning, text));
            events.extend(pieces.iter().map(|piece| self.event("", piece, None)));
        } else {
            events.extend(pieces(reasoning).iter().map(|piece| self.event(piece, "", None)));
            events.extend(end(0));
            events.extend(pieces(text).iter().map(|piece| self.event("", piece, None)));
        }
        events.extend(end(1));
        events.push(self.event("", "", Some(finish)));
        self.framed(&events)
    }

    pub(super) fn framed(self, events: &[Value]) -> Vec<u8> {
        let texts: Vec<String> = events.iter().map(Value::to_string).collect();
        self.framed_texts(&texts)
    }

    pub(super) fn framed_texts(self, events: &[String]) -> Vec<u8> {
        let event = |event: &String| format!("data: {event}\n\n");
        match self {
            Self::Completions => {
                (events.iter().map(event).collect::<String>() + "data: [DONE]\n\n").into_bytes()
            }
            Self::Gemini | Self::GeminiInline => {
                let event = |event: &String| format!("data: {event}\r\n\r\n");
                events.iter().map(event).collect::<String>().into_bytes()
            }
            Self::Converse | Self::ConverseInline => {
                events.iter().flat_map(|event| message(event)).collect()
            }
            Self::GeminiArray => format!("[{}\n]\n", events.join("\n,\r\n")).into_bytes(),
            Self::OllamaChat | Self::OllamaGenerate | Self::OllamaInline => {
                events.iter().map(|line| line.to_owned() + "\n").collect::<String>().into_bytes()
            }
        }
    }

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
                found.push(serde_json::from_slice(&payload).unwrap());
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
                Self::Completions => {
                    let choice = &value["choices"][0];
                    (&Value::Null, &choice["text"], &choice["finish_reason"])
                }
                _ if value["error"].is_string() => continue,
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
                Self::Converse | Self::ConverseInline => {
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

    pub(super) fn finishes(self) -> [&'static str; 2] {
        match self {
            Self::Completions | Self::OllamaChat | Self::OllamaGenerate | Self::OllamaInline => {
                ["stop", "length"]
            }
            Self::Gemini | Self::GeminiArray | Self::GeminiInline => ["STOP", "MAX_TOKENS"],
            Self::Converse | Self::ConverseInline => ["end_turn", "max_tokens"],
        }
    }

    /// A completion with a reasoning, an answer, and what else servers say of one, in both forms.
    pub(super) fn samples(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Completions => &[("openai_completions.json", "openai_completions_stream.sse")],
            Self::OllamaChat => &[("ollama_chat.json", "ollama_chat.ndjson")],
            Self::Gemini => &[("gemini.json", "gemini_stream.sse")],
            Self::Converse => &[("converse.json", "converse_stream.bin")],
            _ => &[],
        }
    }

    pub(super) fn streamed(self, done: Done, from: &[u8], cut: usize) -> Vec<u8> {
        framed_stream(self.protocol(), self.framing(), self.edits(done), from.chunks(cut)).unwrap()
    }

    pub(super) fn whole(self, done: Done, from: &str) -> Value {
        let out = document(self.protocol(), self.edits(done), from.as_bytes()).unwrap();
        serde_json::from_slice(&out).unwrap()
    }
}

const CREATED: &str = "2026-11-30T10:00:00.123456789Z";

/// A line as it ends, if it is the last one.
fn ended(mut line: Value, finish: Option<&str>) -> Value {
    line["done"] = finish.is_some().into();
    if let Some(finish) = finish {
        line["done_reason"] = finish.into();
        line["eval_count"] = 40.into();
    }
    line
}

fn inlined(reasoning: &str, text: &str) -> String {
    if reasoning.is_empty() { text.to_owned() } else { format!("<think>{reasoning}</think>{text}") }
}

/// A whole answer of Converse's.
fn converse(content: Vec<Value>, finish: &str) -> Value {
    json!({"output": {"message": {"role": "assistant", "content": content}}, "stopReason": finish})
}

/// What Converse calls an event that says this.
fn converse_kind(said: &str) -> &'static str {
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

/// An event of Converse's.
fn message(said: &str) -> Vec<u8> {
    let (kind, payload) = (Some(converse_kind(said)), said.as_bytes().to_vec());
    Framing::AwsEventStream.frame(&Unframed { kind, payload, is_error: false })
}

pub(super) fn withheld() -> Done {
    Done { keep: Some(Keep::None), ..Done::default() }
}

pub(super) const PROSE: &str = "For example, you can begin to purchase a large tool, and then it is possible to \
    show the answer. However, it can also help to select another method, since the big one is often \
    slow. In addition, it is important to check the result again before you start.";

impl Shape {
    /// The model that a sample names.
    pub(super) fn model_of(self, stream: &str) -> String {
        let event = self.payloads(stream.as_bytes()).remove(0);
        match self {
            Self::Completions | Self::OllamaChat | Self::OllamaGenerate | Self::OllamaInline => {
                event["model"].as_str().unwrap().to_owned()
            }
            Self::Gemini | Self::GeminiArray | Self::GeminiInline => {
                event["modelVersion"].as_str().unwrap().to_owned()
            }
            // It names none.
            Self::Converse | Self::ConverseInline => String::new(),
        }
    }
}
