//! Answers in Anthropic's Messages, whole and streamed.

use bytes::Bytes;

use super::messages_request::Request;
use super::ordered::{Json, object};
use super::refusal::{Refusal, Vendor};
use crate::teacher::body::Event;
use crate::teacher::model::Dialect;
use crate::teacher::output::{Block, Finish, Output};
use crate::teacher::signature::Signer;

/// A request with its output.
#[derive(Debug)]
pub(crate) struct Reply {
    request: Request,
    output: Output,
    id: String,
    signer: Signer,
}

impl Reply {
    pub(crate) fn new(request: Request, signer: Signer) -> Self {
        let output = request.ask.complete(0, Dialect::ReasoningContent);
        let id = format!("msg_{}", request.ask.id("response", 0));
        Self { request, output, id, signer }
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.output.tokens
    }

    /// The id that errors carry.
    pub(crate) fn request_id(&self) -> String {
        format!("req_{}", self.request.ask.id("request", 0))
    }

    fn stop(&self) -> (&'static str, Json) {
        match &self.output.finish {
            Finish::End => ("end_turn", Json::null()),
            Finish::StopSequence(stop) => ("stop_sequence", Json::from_field(stop)),
            Finish::Length => ("max_tokens", Json::null()),
            Finish::ToolCalls => ("tool_use", Json::null()),
        }
    }

    fn details(&self) -> Json {
        object! { "thinking_tokens" => self.output.reasoning_tokens }
    }

    fn signature(&self, thinking: &str) -> String {
        self.signer.sign(&self.request.prefix, thinking)
    }

    fn head(&self, content: Json, stop: Option<(&'static str, Json)>, usage: Json) -> Json {
        let (reason, sequence) = match stop {
            Some((reason, sequence)) => (Json::from_field(reason), sequence),
            None => (Json::null(), Json::null()),
        };
        object! {
            "id" => &self.id, "type" => "message", "role" => "assistant", "model" => &self.request.ask.model.name,
            "content" => content, "stop_reason" => reason, "stop_sequence" => sequence, "usage" => usage,
        }
    }

    /// The whole response document.
    pub(crate) fn document(&self) -> Json {
        let content: Vec<Json> = self.output.blocks.iter().map(|block| self.block(block)).collect();
        let usage = object! {
            "input_tokens" => self.request.ask.prompt_tokens(),
            "cache_creation_input_tokens" => 0_u64, "cache_read_input_tokens" => 0_u64,
            "output_tokens" => self.output.tokens, "service_tier" => "standard",
            "output_tokens_details" => self.details(),
        };
        self.head(Json::List(content), Some(self.stop()), usage)
    }

    fn block(&self, block: &Block) -> Json {
        match block {
            Block::Thinking(text) if self.request.redacted => {
                object! { "type" => "redacted_thinking", "data" => self.signer.seal(text) }
            }
            Block::Thinking(text) => {
                let shown = if self.request.omitted { "" } else { text };
                object! { "type" => "thinking", "thinking" => shown, "signature" => self.signature(text) }
            }
            Block::Text(text) | Block::Inline(text) => object! { "type" => "text", "text" => text },
            Block::Call { id, name, arguments } => {
                // Arguments cut by the limit are no JSON; like the API, an empty object stands for them.
                let input =
                    serde_json::from_str(arguments).unwrap_or_else(|_| serde_json::json!({}));
                object! { "type" => "tool_use", "id" => format!("toolu_{id}"), "name" => name, "input" => Json::Leaf(input) }
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Mark {
    Start,
    Ping,
    Open(usize),
    EmptyArguments(usize),
    Piece(usize),
    Signature(usize),
    Close(usize),
    Delta,
    Stop,
}

/// A streamed reply: writes one event at a time.
#[derive(Debug)]
pub(crate) struct Stream {
    reply: Reply,
    marks: std::vec::IntoIter<Mark>,
}

impl Stream {
    pub(crate) fn new(reply: Reply) -> Self {
        let mut marks = vec![Mark::Start];
        for (at, block) in reply.output.blocks.iter().enumerate() {
            marks.push(Mark::Open(at));
            if at == 0 {
                marks.push(Mark::Ping);
            }
            let thinking = matches!(block, Block::Thinking(_));
            if matches!(block, Block::Call { .. }) {
                marks.push(Mark::EmptyArguments(at));
            }
            if !(thinking && (reply.request.redacted || reply.request.omitted)) {
                let pieces =
                    reply.output.pieces.iter().enumerate().filter(|(_, piece)| piece.block == at);
                marks.extend(pieces.map(|(piece, _)| Mark::Piece(piece)));
            }
            if thinking && !reply.request.redacted {
                marks.push(Mark::Signature(at));
            }
            marks.push(Mark::Close(at));
        }
        marks.extend([Mark::Delta, Mark::Stop]);
        Self { reply, marks: marks.into_iter() }
    }

    pub(crate) fn next(&mut self) -> Option<Event> {
        let reply = &self.reply;
        let mut tokens = 0;
        let (kind, json) = match self.marks.next()? {
            Mark::Start => {
                let usage = object! {
                    "input_tokens" => reply.request.ask.prompt_tokens(),
                    "cache_creation_input_tokens" => 0_u64, "cache_read_input_tokens" => 0_u64,
                    "output_tokens" => 1_u64, "service_tier" => "standard",
                };
                let message = reply.head(Json::List(Vec::new()), None, usage);
                ("message_start", object! { "type" => "message_start", "message" => message })
            }
            Mark::Ping => ("ping", object! { "type" => "ping" }),
            Mark::Open(at) => {
                let block = match reply.output.blocks.get(at)? {
                    Block::Thinking(_) if !reply.request.redacted => {
                        object! { "type" => "thinking", "thinking" => "", "signature" => "" }
                    }
                    Block::Text(_) | Block::Inline(_) => object! { "type" => "text", "text" => "" },
                    Block::Call { id, name, .. } => object! {
                        "type" => "tool_use", "id" => format!("toolu_{id}"), "name" => name, "input" => Json::Object(Vec::new()),
                    },
                    redacted @ Block::Thinking(_) => reply.block(redacted),
                };
                (
                    "content_block_start",
                    object! { "type" => "content_block_start", "index" => at, "content_block" => block },
                )
            }
            Mark::EmptyArguments(at) => {
                delta(at, object! { "type" => "input_json_delta", "partial_json" => "" })
            }
            Mark::Piece(piece) => {
                let piece = reply.output.pieces.get(piece)?;
                tokens = u32::try_from(piece.tokens.len()).unwrap_or(u32::MAX);
                let text = piece.text();
                delta(
                    piece.block,
                    match reply.output.blocks.get(piece.block)? {
                        Block::Thinking(_) => {
                            object! { "type" => "thinking_delta", "thinking" => text }
                        }
                        Block::Text(_) | Block::Inline(_) => {
                            object! { "type" => "text_delta", "text" => text }
                        }
                        Block::Call { .. } => {
                            object! { "type" => "input_json_delta", "partial_json" => text }
                        }
                    },
                )
            }
            Mark::Signature(at) => {
                let signature = reply.signature(reply.output.blocks.get(at)?.text());
                delta(at, object! { "type" => "signature_delta", "signature" => signature })
            }
            Mark::Close(at) => {
                ("content_block_stop", object! { "type" => "content_block_stop", "index" => at })
            }
            Mark::Delta => {
                let (reason, sequence) = reply.stop();
                let usage = object! { "output_tokens" => reply.output.tokens, "output_tokens_details" => reply.details() };
                let delta = object! { "stop_reason" => reason, "stop_sequence" => sequence };
                (
                    "message_delta",
                    object! { "type" => "message_delta", "delta" => delta, "usage" => usage },
                )
            }
            Mark::Stop => ("message_stop", object! { "type" => "message_stop" }),
        };
        Some(Event { data: event(kind, &json), tokens })
    }

    /// What a failure in mid-stream looks like.
    pub(crate) fn error(&self) -> Bytes {
        event("error", &Refusal::Overloaded.document(Vendor::Anthropic, &self.reply.request_id()))
    }
}

fn delta(index: usize, delta: Json) -> (&'static str, Json) {
    (
        "content_block_delta",
        object! { "type" => "content_block_delta", "index" => index, "delta" => delta },
    )
}

fn event(kind: &str, json: &Json) -> Bytes {
    format!("event: {kind}\ndata: {}\n\n", json.text()).into()
}
