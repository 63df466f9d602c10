//! One answer in the shapes of the protocols that say each text once, as a document and as a stream.

use serde_json::{Value, json};

use super::responses::{Done, edits_of};
use super::shapes_client::converse_kind;
use super::shapes_invoked::Invoked;
use super::{document, framed_stream};
use crate::countermeasure::ResponseEdits;
use crate::policy::plan::Keep;
use crate::wire::cohere::Cohere;
use crate::wire::completions::Completions;
use crate::wire::converse::Converse;
use crate::wire::framing::{Framing, Unframed};
use crate::wire::gemini::Gemini;
use crate::wire::invoke::Invoke;
use crate::wire::llama_cpp::LlamaCpp;
use crate::wire::ollama::Ollama;
use crate::wire::tgi::Tgi;
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
    /// By InvokeModel, in Amazon's own form.
    Nova,
    /// By InvokeModel, as a text.
    Invoked(Invoked),
    LlamaCpp,
    Tgi,
    /// SGLang's form of it, whose pieces say all so far.
    Sglang,
    Cohere,
    /// By a gateway that does not part the reasoning from the text.
    CohereInline,
}

pub(super) const SHAPES: [Shape; 22] = [
    Shape::Completions,
    Shape::OllamaChat,
    Shape::OllamaGenerate,
    Shape::OllamaInline,
    Shape::Gemini,
    Shape::GeminiArray,
    Shape::GeminiInline,
    Shape::Converse,
    Shape::ConverseInline,
    Shape::Nova,
    Shape::Invoked(Invoked::Llama),
    Shape::Invoked(Invoked::Mistral),
    Shape::Invoked(Invoked::DeepSeek),
    Shape::Invoked(Invoked::Claude),
    Shape::Invoked(Invoked::Command),
    Shape::Invoked(Invoked::CommandR),
    Shape::Invoked(Invoked::Titan),
    Shape::LlamaCpp,
    Shape::Tgi,
    Shape::Sglang,
    Shape::Cohere,
    Shape::CohereInline,
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
            Self::Nova | Self::Invoked(_) => &Invoke,
            Self::LlamaCpp => &LlamaCpp,
            Self::Tgi | Self::Sglang => &Tgi,
            Self::Cohere | Self::CohereInline => &Cohere,
        }
    }

    pub(super) fn framing(self) -> Framing {
        match self {
            Self::Completions | Self::LlamaCpp | Self::Tgi | Self::Sglang => Framing::Sse,
            Self::Cohere | Self::CohereInline => Framing::Sse,
            Self::OllamaChat | Self::OllamaGenerate | Self::OllamaInline => Framing::Ndjson,
            Self::Gemini | Self::GeminiInline => Framing::Sse,
            Self::GeminiArray => Framing::JsonArray,
            Self::Converse | Self::ConverseInline => Framing::AwsEventStream,
            Self::Nova | Self::Invoked(_) => Framing::AwsChunks,
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
            Self::Nova => (
                "/model/big/invoke-with-response-stream",
                r#"{"messages":[{"role":"user","content":[{"text":"x"}]}],"inferenceConfig":{"maxTokens":900}}"#,
            ),
            Self::Invoked(form) => ("/model/big/invoke-with-response-stream", form.asked()),
            Self::Cohere | Self::CohereInline => (
                "/v2/chat",
                r#"{"model":"big","messages":[{"role":"user","content":"x"}],"stream":true,"max_tokens":900}"#,
            ),
            Self::LlamaCpp => {
                ("/completion", r#"{"model":"big","prompt":"x","stream":true,"n_predict":900}"#)
            }
            Self::Tgi => (
                "/generate_stream",
                r#"{"model":"big","inputs":"x","parameters":{"max_new_tokens":900}}"#,
            ),
            Self::Sglang => (
                "/generate",
                r#"{"model":"big","text":"x","sampling_params":{"max_new_tokens":900},"stream":true}"#,
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
        let own =
            [Self::OllamaInline, Self::GeminiInline, Self::CohereInline, Self::ConverseInline];
        let raw = [Self::Completions, Self::LlamaCpp, Self::Tgi, Self::Sglang];
        own.contains(&self) || raw.contains(&self) || matches!(self, Self::Invoked(_))
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
            Self::Converse | Self::Nova => {
                let thought = json!({"reasoningContent": {"reasoningText": {"text": reasoning}}});
                converse(vec![thought, json!({ "text": text })], finish)
            }
            Self::ConverseInline => {
                converse(vec![json!({"text": inlined(reasoning, text)})], finish)
            }
            Self::Cohere | Self::CohereInline => {
                let inline = self == Self::CohereInline;
                let said = if inline { inlined(reasoning, text) } else { text.clone() };
                let mut content = vec![json!({"type": "text", "text": said})];
                if !inline && !reasoning.is_empty() {
                    content.insert(0, json!({"type": "thinking", "thinking": reasoning}));
                }
                json!({"id": "c1", "finish_reason": finish,
                    "message": {"role": "assistant", "content": content}})
            }
            Self::Tgi => json!({
                "generated_text": inlined(reasoning, text),
                "details": {"finish_reason": finish, "generated_tokens": 9, "prefill": [],
                    "tokens": []},
            }),
            Self::Invoked(form) => form.document(&inlined(reasoning, text), finish),
            Self::OllamaInline | Self::GeminiInline | Self::LlamaCpp | Self::Sglang => {
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
            Self::Invoked(form) => form.event(text, finish, text),
            Self::Converse | Self::ConverseInline | Self::Nova => {
                match (finish, reasoning.is_empty()) {
                    (Some(finish), _) => json!({ "stopReason": finish }),
                    (None, true) => json!({"contentBlockIndex": 1, "delta": {"text": text}}),
                    (None, false) => json!({"contentBlockIndex": 0,
                    "delta": {"reasoningContent": {"text": reasoning}}}),
                }
            }
            Self::LlamaCpp => {
                let mut event =
                    json!({"index": 0, "content": text, "tokens": [], "stop": finish.is_some()});
                if let Some(finish) = finish {
                    event["stop_type"] = finish.into();
                    event["model"] = "m".into();
                }
                event
            }
            Self::Tgi => {
                let text = if finish.is_some() { "</s>" } else { text };
                let token =
                    json!({"id": 0, "text": text, "logprob": 0, "special": finish.is_some()});
                let details = finish.map(|it| json!({"finish_reason": it, "generated_tokens": 9}));
                json!({"token": token, "generated_text": null, "details": details})
            }
            Self::Cohere | Self::CohereInline => {
                let content = |index: u64, kind: &str, text: &str| {
                    json!({"type": "content-delta", "index": index,
                        "delta": {"message": {"content": {kind: text}}}})
                };
                match finish {
                    Some(finish) => {
                        json!({"type": "message-end", "delta": {"finish_reason": finish}})
                    }
                    None if reasoning.is_empty() => content(1, "text", text),
                    None => content(0, "thinking", reasoning),
                }
            }
            Self::Sglang => {
                let finish = finish.map(|it| json!({"type": it}));
                json!({"text": text, "meta_info": {"id": "g1", "finish_reason": finish}})
            }
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
        let blocks = self == Self::Nova || self.protocol().id() == ProtocolId::Converse;
        let end = |index: u32| blocks.then(|| json!({"contentBlockIndex": index, "p": "abc"}));
        events.extend(blocks.then(|| json!({"role": "assistant", "p": "ab"})));
        let whole = inlined(reasoning, text);
        if self == Self::Sglang {
            let mut said = String::new();
            for piece in pieces(&whole) {
                said += &piece;
                events.push(self.event("", &said, None));
            }
            events.push(self.event("", &whole, Some(finish)));
            return self.framed(&events);
        }
        if self.inline() {
            events.extend(pieces(&whole).iter().map(|piece| self.event("", piece, None)));
        } else {
            events.extend(pieces(reasoning).iter().map(|piece| self.event(piece, "", None)));
            events.extend(end(0));
            events.extend(pieces(text).iter().map(|piece| self.event("", piece, None)));
        }
        events.extend(end(1));
        if self.protocol().id() == ProtocolId::Cohere {
            let opened =
                events.iter().filter_map(|event| event["index"].as_u64()).collect::<Vec<_>>();
            let begins = |index: u64, kind: &str| {
                json!({"type": "content-start", "index": index,
                    "delta": {"message": {"content": {"type": kind, kind: ""}}}})
            };
            let ends = |index: u64| json!({"type": "content-end", "index": index});
            let answer = opened.iter().filter(|index| **index == 0).count();
            // The answer has a block even where it says nothing.
            events.insert(answer, begins(1, "text"));
            if answer > 0 {
                events.insert(answer, ends(0));
                events.insert(0, begins(0, "thinking"));
            }
            events.push(ends(1));
        }
        let mut last = self.event("", "", Some(finish));
        if self == Self::Tgi {
            last["generated_text"] = whole.into();
        } else if let Self::Invoked(form) = self {
            last = form.event("", Some(finish), &whole);
        }
        events.push(last);
        self.framed(&events)
    }

    pub(super) fn framed(self, events: &[Value]) -> Vec<u8> {
        let texts: Vec<String> = events.iter().map(Value::to_string).collect();
        self.framed_texts(&texts)
    }

    pub(super) fn framed_texts(self, events: &[String]) -> Vec<u8> {
        let event = |event: &String| format!("data: {event}\n\n");
        match self {
            Self::Completions | Self::Sglang => {
                (events.iter().map(event).collect::<String>() + "data: [DONE]\n\n").into_bytes()
            }
            Self::LlamaCpp => events.iter().map(event).collect::<String>().into_bytes(),
            Self::Cohere | Self::CohereInline => {
                let event = |event: &String| {
                    let value: Value = serde_json::from_str(event).unwrap();
                    let name = value["type"].as_str().unwrap_or("message");
                    format!("event: {name}\ndata: {event}\n\n")
                };
                events.iter().map(event).collect::<String>().into_bytes()
            }
            Self::Tgi => {
                let event = |event: &String| format!("data:{event}\n\n");
                events.iter().map(event).collect::<String>().into_bytes()
            }
            Self::Gemini | Self::GeminiInline => {
                let event = |event: &String| format!("data: {event}\r\n\r\n");
                events.iter().map(event).collect::<String>().into_bytes()
            }
            Self::Converse | Self::ConverseInline => {
                events.iter().flat_map(|event| message(event)).collect()
            }
            Self::Nova => {
                let named = |event: &String| format!("{{\"{}\":{event}}}", converse_kind(event));
                events.iter().flat_map(|event| chunk(named(event))).collect()
            }
            Self::Invoked(_) => events.iter().flat_map(|event| chunk(event.clone())).collect(),
            Self::GeminiArray => format!("[{}\n]\n", events.join("\n,\r\n")).into_bytes(),
            Self::OllamaChat | Self::OllamaGenerate | Self::OllamaInline => {
                events.iter().map(|line| line.to_owned() + "\n").collect::<String>().into_bytes()
            }
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

/// A vendor's event, in a message of Amazon's.
fn chunk(said: String) -> Vec<u8> {
    let payload = said.into_bytes();
    Framing::AwsChunks.frame(&Unframed { kind: None, payload, is_error: false })
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
