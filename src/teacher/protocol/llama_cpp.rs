//! Requests of llama.cpp's own protocol, and answers, whole and streamed.

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

/// Milliseconds that a token takes.
const TOKEN_TIME: f64 = 20.0;

/// A validated request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) asked: Prompted,
    pub(crate) stream: bool,
    prompts: Vec<String>,
    /// Several are answered by a list.
    listed: bool,
    choices: u64,
    /// How many alternatives per token, when probabilities are wanted.
    probabilities: usize,
    /// The ids of tokens are wanted in a document; a stream has them anyway.
    tokens: bool,
}

/// Reads and validates a request body; `infills` unless what goes on is the prompt alone.
pub(crate) fn read(body: &[u8], infills: bool) -> Result<Request, Refusal> {
    let map = field::document(body)?;
    let text = |name: &str| field::present(&map, name).and_then(Value::as_str).unwrap_or_default();
    let prompts = match infills {
        true => vec![text("input_prefix").to_owned() + text("input_suffix") + text("prompt")],
        false => field::strings(&map, "prompt", 20)?,
    };
    if prompts.is_empty() {
        return Err(Refusal::invalid("prompt", "\"prompt\" is required"));
    }
    let limit = ["n_predict", "max_tokens"].iter().find_map(|name| field::present(&map, name));
    let limit = limit.and_then(Value::as_i64).and_then(|limit| u64::try_from(limit).ok());
    let choices = field::whole(&map, "n_cmpl", 1, 8)?.unwrap_or(1);
    let probabilities = field::whole(&map, "n_probs", 0, 20)?.unwrap_or(0);
    Ok(Request {
        asked: Prompted {
            model: Prompted::model(&map)?,
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            stop: field::strings(&map, "stop", 16)?,
            seed: field::present(&map, "seed").map_or(String::new(), Value::to_string),
        },
        stream: field::flag(&map, "stream")?,
        listed: prompts.len() as u64 * choices > 1,
        prompts,
        choices,
        probabilities: usize::try_from(probabilities).unwrap_or(0),
        tokens: field::flag(&map, "return_tokens")?,
    })
}

/// A request with its outputs.
#[derive(Debug)]
pub(crate) struct Reply {
    request: Request,
    /// Prompts and what goes on from them, in the order of the answers.
    outputs: Vec<(String, Output)>,
}

impl Reply {
    pub(crate) fn new(request: Request) -> Self {
        let asked = &request.asked;
        let outputs = request.prompts.iter().flat_map(|prompt| {
            (0..request.choices).map(|choice| (prompt.clone(), asked.complete(prompt, choice)))
        });
        Self { outputs: outputs.collect(), request }
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.outputs.iter().map(|(_, output)| output.tokens).max().unwrap_or(0)
    }

    fn probabilities(&self, words: &[String], from: usize) -> Option<Value> {
        let top = Some(self.request.probabilities).filter(|top| *top > 0)?;
        let words = words.iter().enumerate().map(|(at, token)| {
            let others = tokens::alternatives(token, from + at, top).into_iter();
            let others = others.map(|(token, logprob)| {
                json!({"id": tokens::id(&token), "token": token, "bytes": token.as_bytes(),
                    "logprob": logprob})
            });
            json!({"id": tokens::id(token), "token": token, "bytes": token.as_bytes(),
                "logprob": tokens::logprob(token, from + at),
                "top_logprobs": others.collect::<Vec<_>>()})
        });
        Some(words.collect())
    }

    /// What is said when an answer has ended, `content` being what is said of it then.
    fn end(&self, index: usize, prompt: &str, output: &Output, content: &str) -> Value {
        let model = &self.request.asked.model.name;
        let (read, written) = (tokens::count(prompt), output.tokens);
        let (kind, word) = match &output.finish {
            Finish::Length => ("limit", ""),
            Finish::StopSequence(word) => ("word", word.as_str()),
            Finish::End | Finish::ToolCalls => ("eos", ""),
        };
        json!({
            "index": index, "content": content, "tokens": [], "id_slot": 0, "stop": true,
            "model": model, "tokens_predicted": written, "tokens_evaluated": read,
            "generation_settings": {"n_predict": self.request.asked.limit,
                "stop": self.request.asked.stop, "stream": self.request.stream},
            "prompt": prompt, "has_new_line": content.contains('\n'), "truncated": false,
            "stop_type": kind, "stopping_word": word, "tokens_cached": read + written,
            "timings": {"prompt_n": read, "prompt_ms": read as f64 * TOKEN_TIME,
                "predicted_n": written, "predicted_ms": written as f64 * TOKEN_TIME},
        })
    }

    /// The whole response.
    pub(crate) fn document(&self) -> Value {
        let answers = self.outputs.iter().enumerate().map(|(index, (prompt, output))| {
            let words: Vec<String> =
                output.pieces.iter().flat_map(|piece| piece.tokens.clone()).collect();
            let mut answer = self.end(index, prompt, output, &words.concat());
            if self.request.tokens {
                let ids: Vec<u32> = words.iter().map(|token| tokens::id(token)).collect();
                put(&mut answer, "tokens", json!(ids));
            }
            let probabilities = self.probabilities(&words, 0);
            probabilities.into_iter().for_each(|it| put(&mut answer, PROBABILITIES, it));
            answer
        });
        let mut answers: Vec<Value> = answers.collect();
        match answers.pop() {
            Some(only) if answers.is_empty() && !self.request.listed => only,
            last => answers.into_iter().chain(last).collect(),
        }
    }

    /// The events of its stream, and the tokens that each carries. Answers follow each other.
    pub(crate) fn events(&self) -> Vec<Event> {
        let outputs = self.outputs.iter().enumerate();
        let events = outputs.flat_map(|(index, (prompt, output))| {
            let mut written = 0;
            let read = tokens::count(prompt);
            let mut events: Vec<Event> = Vec::new();
            for piece in &output.pieces {
                let ids: Vec<u32> = piece.tokens.iter().map(|token| tokens::id(token)).collect();
                let probabilities = self.probabilities(&piece.tokens, written);
                written += piece.tokens.len();
                let mut event = json!({"index": index, "content": piece.text(), "tokens": ids,
                    "stop": false, "id_slot": 0, "tokens_predicted": written,
                    "tokens_evaluated": read});
                probabilities.into_iter().for_each(|it| put(&mut event, PROBABILITIES, it));
                let tokens = u32::try_from(piece.tokens.len()).unwrap_or(u32::MAX);
                events.push(Event { data: framed(&event), tokens });
            }
            let last = self.end(index, prompt, output, "");
            events.push(Event { data: framed(&last), tokens: 0 });
            events
        });
        events.collect()
    }
}

const PROBABILITIES: &str = "completion_probabilities";

/// What a failure in mid-stream looks like.
pub(crate) fn error() -> Bytes {
    format!("data: {}\n\n", Refusal::ServerError.document(Vendor::LlamaCpp, "").text()).into()
}

fn framed(event: &Value) -> Bytes {
    format!("data: {event}\n\n").into()
}
