//! Requests of text-generation-inference's own protocol, and answers, whole and streamed.

use bytes::Bytes;
use serde_json::{Value, json};

use super::field::{self, put};
use super::prompted::Prompted;
use super::refusal::{Refusal, Vendor};
use crate::teacher::body::Event;
use crate::teacher::output::{Finish, Output};
use crate::teacher::tokens;

/// Tokens written when the request sets no limit.
const DEFAULT_LIMIT: u64 = 32_768;

/// The token that ends an answer.
const END: &str = "</s>";

/// A validated request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) asked: Prompted,
    pub(crate) stream: bool,
    prompt: String,
    /// The text begins with the prompt.
    full_text: bool,
    details: bool,
    /// The tokens of the prompt are told, too.
    prefill: bool,
    /// How many alternatives per token.
    top: usize,
    sequences: u64,
}

/// Reads and validates a request body.
pub(crate) fn read(body: &[u8]) -> Result<Request, Refusal> {
    let map = field::document(body)?;
    let prompt = field::present(&map, "inputs").and_then(Value::as_str).unwrap_or_default();
    if prompt.is_empty() {
        return Err(Refusal::invalid("inputs", "`inputs` cannot be empty"));
    }
    let parameters = field::present(&map, "parameters").and_then(Value::as_object);
    let parameters = parameters.cloned().unwrap_or_default();
    let limit = field::whole(&parameters, "max_new_tokens", 1, 1_000_000)?;
    let top = field::whole(&parameters, "top_n_tokens", 0, 20)?.unwrap_or(0);
    Ok(Request {
        asked: Prompted {
            model: Prompted::model(&map)?,
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            stop: field::strings(&parameters, "stop", 4)?,
            seed: field::present(&parameters, "seed").map_or(String::new(), Value::to_string),
        },
        stream: field::flag(&map, "stream")?,
        prompt: prompt.to_owned(),
        full_text: field::flag(&parameters, "return_full_text")?,
        details: field::flag(&parameters, "details")?,
        prefill: field::flag(&parameters, "decoder_input_details")?,
        top: usize::try_from(top).unwrap_or(0),
        sequences: field::whole(&parameters, "best_of", 1, 4)?.unwrap_or(1),
    })
}

/// A request with its outputs, the best one first.
#[derive(Debug)]
pub(crate) struct Reply {
    request: Request,
    outputs: Vec<Output>,
}

impl Reply {
    pub(crate) fn new(request: Request) -> Self {
        let complete = |choice| request.asked.complete(&request.prompt, choice);
        Self { outputs: (0..request.sequences).map(complete).collect(), request }
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.outputs.first().map_or(0, |output| output.tokens)
    }

    fn text(&self, output: &Output) -> String {
        let prompt = if self.request.full_text { self.request.prompt.as_str() } else { "" };
        let pieces = output.pieces.iter().map(|piece| piece.text());
        std::iter::once(prompt.to_owned()).chain(pieces).collect()
    }

    /// What is told of an output, token by token unless that has been streamed.
    fn details(&self, output: &Output, streamed: bool) -> Value {
        let reason = match &output.finish {
            Finish::Length => "length",
            Finish::StopSequence(_) => "stop_sequence",
            Finish::End | Finish::ToolCalls => "eos_token",
        };
        let read = tokens::count(&self.request.prompt);
        let mut details =
            json!({"finish_reason": reason, "generated_tokens": output.tokens, "seed": 7});
        if streamed {
            put(&mut details, "input_length", read.into());
            return details;
        }
        let words: Vec<&String> = output.pieces.iter().flat_map(|piece| &piece.tokens).collect();
        let words = words.iter().enumerate();
        put(&mut details, "tokens", words.clone().map(|(at, word)| token(word, at)).collect());
        let prompt = tokens::split(&self.request.prompt);
        let prefill = prompt.iter().filter(|_| self.request.prefill).enumerate().map(|(at, word)| {
            json!({"id": tokens::id(word), "text": word, "logprob": tokens::logprob(word, at)})
        });
        put(&mut details, "prefill", prefill.collect());
        if self.request.top > 0 {
            let top = words.map(|(at, word)| self.top(word, at));
            put(&mut details, "top_tokens", top.collect());
        }
        details
    }

    fn top(&self, word: &str, at: usize) -> Value {
        let others = tokens::alternatives(word, at, self.request.top).into_iter();
        others.map(|(word, _)| token(&word, at)).collect()
    }

    /// The whole response, in a list if it is that of `/`.
    pub(crate) fn document(&self, listed: bool) -> Value {
        let Some((best, others)) = self.outputs.split_first() else { return Value::Null };
        let mut whole = json!({"generated_text": self.text(best)});
        if self.request.details {
            let mut details = self.details(best, false);
            let others = others.iter().map(|output| {
                let mut sequence = self.details(output, false);
                put(&mut sequence, "generated_text", self.text(output).into());
                sequence
            });
            let others: Vec<Value> = others.collect();
            if !others.is_empty() {
                put(&mut details, "best_of_sequences", others.into());
            }
            put(&mut whole, "details", details);
        }
        if listed { json!([whole]) } else { whole }
    }

    /// The events of its stream, and the tokens that each carries.
    pub(crate) fn events(&self) -> Vec<Event> {
        let Some(output) = self.outputs.first() else { return Vec::new() };
        let pieces: Vec<_> =
            output.pieces.iter().filter(|piece| !piece.tokens.is_empty()).collect();
        let ends = matches!(output.finish, Finish::End | Finish::ToolCalls);
        let count = pieces.len() + usize::from(ends);
        let mut position = 0;
        let mut events = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            let text = piece.text();
            let mut event = json!({"index": at + 1, "token": token(&text, position)});
            if self.request.top > 0 {
                put(&mut event, "top_tokens", self.top(&text, position));
            }
            position += piece.tokens.len();
            self.end(&mut event, output, at + 1 == count);
            let tokens = u32::try_from(piece.tokens.len()).unwrap_or(u32::MAX);
            events.push(Event { data: framed(&event), tokens });
        }
        if ends {
            let last = json!({"id": 2, "text": END, "logprob": -0.1, "special": true});
            let mut event = json!({"index": count, "token": last});
            self.end(&mut event, output, true);
            events.push(Event { data: framed(&event), tokens: 0 });
        }
        events
    }

    /// What every event says of the end, which is nothing before the last one.
    fn end(&self, event: &mut Value, output: &Output, last: bool) {
        let text = if last { self.text(output).into() } else { Value::Null };
        let details = if last { self.details(output, true) } else { Value::Null };
        put(event, "generated_text", text);
        put(event, "details", details);
    }
}

fn token(text: &str, position: usize) -> Value {
    json!({"id": tokens::id(text), "text": text, "logprob": tokens::logprob(text, position),
        "special": false})
}

/// What a failure in mid-stream looks like.
pub(crate) fn error() -> Bytes {
    format!("data:{}\n\n", Refusal::ServerError.document(Vendor::Tgi, "").text()).into()
}

/// Without a space, as that server has it.
fn framed(event: &Value) -> Bytes {
    format!("data:{event}\n\n").into()
}
