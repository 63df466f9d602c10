//! Answers in OpenAI's Chat Completions, whole and streamed, in every reasoning dialect.

use bytes::Bytes;

use super::chat_request::Request;
use super::ordered::{Json, object};
use super::refusal::{Refusal, Vendor};
use crate::teacher::body::Event;
use crate::teacher::model::Dialect;
use crate::teacher::output::{Block, Finish, Output};
use crate::teacher::signature::Signer;
use crate::teacher::tokens;

/// `created` of every response: a fixed moment, so that the same request gives the same bytes.
const CREATED: u64 = 1_790_000_000;

/// A request with its outputs.
#[derive(Debug)]
pub(crate) struct Reply {
    request: Request,
    outputs: Vec<Output>,
    id: String,
    signer: Signer,
}

impl Reply {
    pub(crate) fn new(request: Request, signer: Signer) -> Self {
        let outputs = (0..request.choices)
            .map(|choice| request.ask.complete(choice, request.dialect))
            .collect();
        let id = format!("chatcmpl-{}", request.ask.id("response", 0));
        Self { request, outputs, id, signer }
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.outputs.iter().map(|output| output.tokens).max().unwrap_or(0)
    }

    fn usage(&self) -> Json {
        let prompt = self.request.ask.prompt_tokens();
        let completion: u64 = self.outputs.iter().map(|output| output.tokens).sum();
        let reasoning: u64 = self.outputs.iter().map(|output| output.reasoning_tokens).sum();
        object! {
            "prompt_tokens" => prompt,
            "completion_tokens" => completion,
            "total_tokens" => prompt + completion,
            "prompt_tokens_details" => object! { "cached_tokens" => 0_u64, "audio_tokens" => 0_u64 },
            "completion_tokens_details" => object! {
                "reasoning_tokens" => reasoning, "audio_tokens" => 0_u64,
                "accepted_prediction_tokens" => 0_u64, "rejected_prediction_tokens" => 0_u64,
            },
        }
    }

    fn prompt_ids(&self) -> Vec<u32> {
        self.request
            .ask
            .turns
            .iter()
            .flat_map(|turn| tokens::split(&turn.text))
            .map(tokens::id)
            .collect()
    }

    fn envelope(&self, object: &'static str, choices: Vec<Json>) -> Vec<(&'static str, Json)> {
        vec![
            ("id", Json::from_field(&self.id)),
            ("object", Json::from_field(object)),
            ("created", Json::from_field(CREATED)),
            ("model", Json::from_field(&self.request.ask.model.name)),
            ("system_fingerprint", Json::from_field("fp_teacher_1")),
            ("choices", Json::List(choices)),
        ]
    }

    /// The whole response document.
    pub(crate) fn document(&self) -> Json {
        let choices = self.outputs.iter().enumerate().map(|(index, output)| {
            let logprobs = match self.request.logprobs {
                Some(top) => {
                    let mut position = 0;
                    let mut content = Vec::new();
                    for piece in output.pieces.iter().filter(|piece| !is_call(output, piece.block))
                    {
                        content.extend(token_logprobs(&piece.tokens, &mut position, top));
                    }
                    object! { "content" => content, "refusal" => Json::null() }
                }
                None => Json::null(),
            };
            let mut choice = vec![
                ("index", Json::from_field(index)),
                ("message", self.message(output)),
                ("logprobs", logprobs),
                ("finish_reason", Json::from_field(finish_reason(&output.finish))),
            ];
            if self.request.token_ids {
                let ids: Vec<u32> = output
                    .pieces
                    .iter()
                    .flat_map(|piece| &piece.tokens)
                    .map(|token| tokens::id(token))
                    .collect();
                choice.push(("token_ids", Json::from_field(ids)));
            }
            Json::Object(choice)
        });
        let mut fields = self.envelope("chat.completion", choices.collect());
        fields.push(("usage", self.usage()));
        if self.request.token_ids {
            fields.push(("prompt_token_ids", Json::from_field(self.prompt_ids())));
        }
        Json::Object(fields)
    }

    fn message(&self, output: &Output) -> Json {
        let all = |wanted: fn(&Block) -> bool| -> Option<String> {
            let texts: Vec<&str> =
                output.blocks.iter().filter(|block| wanted(block)).map(Block::text).collect();
            (!texts.is_empty()).then(|| texts.concat())
        };
        let reasoning = all(|block| matches!(block, Block::Thinking(_)));
        let content = all(|block| matches!(block, Block::Text(_) | Block::Inline(_)));
        let mut message = vec![("role", Json::from_field("assistant"))];
        match self.request.dialect {
            Dialect::Mistral if reasoning.is_some() => {
                let mut parts: Vec<Json> =
                    reasoning.iter().map(|text| mistral_thinking(text)).collect();
                parts.extend(content.map(|text| object! { "type" => "text", "text" => text }));
                message.push(("content", Json::List(parts)));
            }
            _ => message.push(("content", Json::from_field(content))),
        }
        message.push(("refusal", Json::null()));
        match self.request.dialect {
            Dialect::ReasoningContent => {
                message.push(("reasoning_content", Json::from_field(reasoning)))
            }
            Dialect::Reasoning => message.push(("reasoning", Json::from_field(reasoning))),
            Dialect::Details => {
                if let Some(text) = &reasoning {
                    let signature = self.signer.sign(b"", text);
                    message.push(("reasoning", Json::from_field(text)));
                    message.push((
                        "reasoning_details",
                        Json::List(vec![object! {
                            "type" => "reasoning.text", "text" => text, "signature" => signature,
                            "format" => "anthropic-claude-v1", "index" => 0_u64,
                        }]),
                    ));
                }
            }
            Dialect::Think | Dialect::ThinkOpen | Dialect::Mistral | Dialect::Plain => {}
        }
        let calls: Vec<Json> = output
            .blocks
            .iter()
            .filter_map(|block| match block {
                Block::Call { id, name, arguments } => Some(object! {
                    "id" => format!("call_{id}"), "type" => "function",
                    "function" => object! { "name" => name, "arguments" => arguments },
                }),
                _ => None,
            })
            .collect();
        if !calls.is_empty() {
            message.push(("tool_calls", Json::List(calls)));
        }
        Json::Object(message)
    }
}

fn mistral_thinking(text: &str) -> Json {
    let inner = object! { "type" => "text", "text" => text };
    object! { "type" => "thinking", "thinking" => vec![inner] }
}

fn is_call(output: &Output, block: usize) -> bool {
    matches!(output.blocks.get(block), Some(Block::Call { .. }))
}

pub(super) fn finish_reason(finish: &Finish) -> &'static str {
    match finish {
        Finish::End | Finish::StopSequence(_) => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool_calls",
    }
}

fn token_logprobs(pieces: &[String], position: &mut usize, top: usize) -> Vec<Json> {
    let mut list = Vec::new();
    for token in pieces {
        let alternatives = tokens::alternatives(token, *position, top).into_iter().map(|(token, logprob)| {
            object! { "token" => &token, "logprob" => logprob, "bytes" => token.as_bytes().to_vec() }
        });
        list.push(object! {
            "token" => token, "logprob" => tokens::logprob(token, *position), "bytes" => token.as_bytes().to_vec(),
            "top_logprobs" => alternatives.collect::<Vec<_>>(),
        });
        *position += 1;
    }
    list
}

#[derive(Clone, Copy, Debug)]
enum Mark {
    Role(usize),
    /// A tool call's id and name, before its arguments.
    Call(usize, usize),
    Piece(usize, usize),
    Signature(usize),
    Finish(usize),
    Usage,
    Done,
}

/// A streamed reply: writes one event at a time.
#[derive(Debug)]
pub(crate) struct Stream {
    reply: Reply,
    marks: std::vec::IntoIter<Mark>,
    positions: Vec<usize>,
}

impl Stream {
    pub(crate) fn new(reply: Reply) -> Self {
        let lanes: Vec<Vec<Mark>> = reply
            .outputs
            .iter()
            .enumerate()
            .map(|(choice, output)| lane(&reply, choice, output))
            .collect();
        let mut marks: Vec<Mark> = (0..lanes.len()).map(Mark::Role).collect();
        // Choices take turns, as a server that samples them together writes them.
        let longest = lanes.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..longest {
            marks.extend(lanes.iter().filter_map(|lane| lane.get(at)));
        }
        if reply.request.include_usage {
            marks.push(Mark::Usage);
        }
        marks.push(Mark::Done);
        let positions = vec![0; reply.outputs.len()];
        Self { reply, marks: marks.into_iter(), positions }
    }

    pub(crate) fn next(&mut self) -> Option<Event> {
        let (data, tokens) = match self.marks.next()? {
            Mark::Role(choice) => {
                let mut delta = vec![
                    ("role", Json::from_field("assistant")),
                    ("content", Json::from_field("")),
                ];
                if let Some(key) = reasoning_key(self.reply.request.dialect) {
                    delta.push((key, Json::null()));
                }
                (self.chunk(choice, delta, Json::null(), None, true), 0)
            }
            Mark::Call(choice, block) => {
                (self.chunk(choice, self.call(choice, block)?, Json::null(), None, false), 0)
            }
            Mark::Piece(choice, piece) => self.piece(choice, piece)?,
            Mark::Signature(choice) => {
                let output = self.reply.outputs.get(choice)?;
                let text = output.blocks.iter().find_map(|block| match block {
                    Block::Thinking(text) => Some(text),
                    _ => None,
                })?;
                let detail = object! {
                    "type" => "reasoning.text", "text" => "", "signature" => self.reply.signer.sign(b"", text),
                    "format" => "anthropic-claude-v1", "index" => 0_u64,
                };
                let delta = vec![
                    ("content", Json::from_field("")),
                    ("reasoning", Json::null()),
                    ("reasoning_details", Json::List(vec![detail])),
                ];
                (self.chunk(choice, delta, Json::null(), None, false), 0)
            }
            Mark::Finish(choice) => {
                let finish = finish_reason(&self.reply.outputs.get(choice)?.finish);
                (self.chunk(choice, Vec::new(), Json::null(), Some(finish), false), 0)
            }
            Mark::Usage => {
                let mut fields = self.reply.envelope("chat.completion.chunk", Vec::new());
                fields.push(("usage", self.reply.usage()));
                (event(&Json::Object(fields)), 0)
            }
            Mark::Done => (Bytes::from_static(b"data: [DONE]\n\n"), 0),
        };
        Some(Event { data, tokens })
    }

    fn chunk(
        &self,
        choice: usize,
        delta: Vec<(&'static str, Json)>,
        logprobs: Json,
        finish: Option<&str>,
        first: bool,
    ) -> Bytes {
        let mut fields = vec![
            ("index", Json::from_field(choice)),
            ("delta", Json::Object(delta)),
            ("logprobs", logprobs),
            ("finish_reason", Json::from_field(finish.map(str::to_owned))),
        ];
        if self.reply.request.token_ids {
            fields.push(("token_ids", Json::null()));
        }
        self.wrap(fields, first)
    }

    fn wrap(&self, choice: Vec<(&'static str, Json)>, first: bool) -> Bytes {
        let mut fields = self.reply.envelope("chat.completion.chunk", vec![Json::Object(choice)]);
        if self.reply.request.include_usage {
            fields.push(("usage", Json::null()));
        }
        if first && self.reply.request.token_ids {
            fields.push(("prompt_token_ids", Json::from_field(self.reply.prompt_ids())));
        }
        event(&Json::Object(fields))
    }

    fn call(&self, choice: usize, block: usize) -> Option<Vec<(&'static str, Json)>> {
        let output = self.reply.outputs.get(choice)?;
        let Some(Block::Call { id, name, .. }) = output.blocks.get(block) else { return None };
        let call = object! {
            "index" => call_index(output, block), "id" => format!("call_{id}"), "type" => "function",
            "function" => object! { "name" => name, "arguments" => "" },
        };
        Some(vec![("tool_calls", Json::List(vec![call]))])
    }

    fn piece(&mut self, choice: usize, at: usize) -> Option<(Bytes, u32)> {
        let output = self.reply.outputs.get(choice)?;
        let piece = output.pieces.get(at)?;
        let text = piece.text();
        let dialect = self.reply.request.dialect;
        let delta = match output.blocks.get(piece.block)? {
            Block::Call { .. } => {
                let call = object! {
                    "index" => call_index(output, piece.block), "function" => object! { "arguments" => &text },
                };
                vec![("tool_calls", Json::List(vec![call]))]
            }
            Block::Thinking(_) => match dialect {
                Dialect::Mistral => vec![("content", Json::List(vec![mistral_thinking(&text)]))],
                Dialect::Details => {
                    let detail = object! {
                        "type" => "reasoning.text", "text" => &text, "format" => "anthropic-claude-v1", "index" => 0_u64,
                    };
                    vec![
                        ("content", Json::from_field("")),
                        ("reasoning", Json::from_field(&text)),
                        ("reasoning_details", Json::List(vec![detail])),
                    ]
                }
                other => match reasoning_key(other) {
                    Some(key) => vec![("content", Json::null()), (key, Json::from_field(&text))],
                    None => vec![("content", Json::from_field(&text))],
                },
            },
            Block::Text(_) | Block::Inline(_) => {
                let mut delta = vec![("content", Json::from_field(&text))];
                if let Some(key) = reasoning_key(dialect) {
                    delta.push((key, Json::null()));
                }
                delta
            }
        };
        let logprobs = match (self.reply.request.logprobs, is_call(output, piece.block)) {
            (Some(top), false) => {
                let position = self.positions.get_mut(choice)?;
                object! { "content" => token_logprobs(&piece.tokens, position, top), "refusal" => Json::null() }
            }
            _ => Json::null(),
        };
        let mut fields = vec![
            ("index", Json::from_field(choice)),
            ("delta", Json::Object(delta)),
            ("logprobs", logprobs),
            ("finish_reason", Json::null()),
        ];
        if self.reply.request.token_ids {
            let ids: Vec<u32> = piece.tokens.iter().map(|token| tokens::id(token)).collect();
            fields.push(("token_ids", Json::from_field(ids)));
        }
        let tokens = u32::try_from(piece.tokens.len()).unwrap_or(u32::MAX);
        Some((self.wrap(fields, false), tokens))
    }
}

/// What a failure in mid-stream looks like: the error, then the end marker, as vLLM sends them.
pub(crate) fn error() -> Bytes {
    let mut data = event(&Refusal::ServerError.document(Vendor::OpenAi, "")).to_vec();
    data.extend_from_slice(b"data: [DONE]\n\n");
    data.into()
}

fn lane(reply: &Reply, choice: usize, output: &Output) -> Vec<Mark> {
    let mut marks = Vec::new();
    for (block, content) in output.blocks.iter().enumerate() {
        if matches!(content, Block::Call { .. }) {
            marks.push(Mark::Call(choice, block));
        }
        marks.extend(
            (0..output.pieces.len())
                .filter(|at| output.pieces.get(*at).is_some_and(|piece| piece.block == block))
                .map(|at| Mark::Piece(choice, at)),
        );
        if matches!(content, Block::Thinking(_)) && reply.request.dialect == Dialect::Details {
            marks.push(Mark::Signature(choice));
        }
    }
    marks.push(Mark::Finish(choice));
    marks
}

fn call_index(output: &Output, block: usize) -> usize {
    output.blocks.iter().take(block).filter(|block| matches!(block, Block::Call { .. })).count()
}

fn reasoning_key(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::ReasoningContent => Some("reasoning_content"),
        Dialect::Reasoning | Dialect::Details => Some("reasoning"),
        Dialect::Think | Dialect::ThinkOpen | Dialect::Mistral | Dialect::Plain => None,
    }
}

fn event(json: &Json) -> Bytes {
    format!("data: {}\n\n", json.text()).into()
}
