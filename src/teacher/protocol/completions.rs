//! Requests of OpenAI's legacy Completions, and answers, whole and streamed.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::chat::finish_reason;
use super::field;
use super::prompted::Prompted;
use super::refusal::Refusal;
use crate::teacher::body::Event;
use crate::teacher::output::Output;
use crate::teacher::tokens;

/// `created` of every response: a fixed moment, so that the same request gives the same bytes.
const CREATED: u64 = 1_790_000_000;

/// Tokens written when the request sets no limit, as the vendor has it.
const DEFAULT_LIMIT: u64 = 16;

/// A validated request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) asked: Prompted,
    pub(crate) stream: bool,
    /// Texts stand in messages, as Mistral's completions between a prefix and a suffix have them.
    messages: bool,
    include_usage: bool,
    prompts: Vec<String>,
    /// Choices for each prompt.
    choices: u64,
    /// The answer begins with its prompt.
    echo: bool,
    /// How many alternatives per token, when probabilities are wanted.
    logprobs: Option<usize>,
}

/// Reads and validates a request body; `messages` if the answer's texts stand in messages.
pub(crate) fn read(body: &[u8], messages: bool) -> Result<Request, Refusal> {
    let map = field::document(body)?;
    let model = field::model(&map, "you must provide a model parameter")?;
    let prompts = prompts(&map)?;
    let stream = field::flag(&map, "stream")?;
    let options = field::present(&map, "stream_options");
    let usage = options.and_then(|options| options.get("include_usage")).and_then(Value::as_bool);
    field::number(&map, "temperature", 0.0, 2.0)?;
    field::number(&map, "top_p", 0.0, 1.0)?;
    let choices = field::whole(&map, "n", 1, 8)?.unwrap_or(1);
    if field::whole(&map, "best_of", 1, 20)?.is_some_and(|best| best < choices) {
        let message = "You requested that the server return more choices than it will generate.";
        return Err(Refusal::invalid("best_of", message));
    }
    let logprobs = field::whole(&map, "logprobs", 0, 5)?;
    Ok(Request {
        asked: Prompted {
            model,
            limit: field::whole(&map, "max_tokens", 0, 1_000_000)?.unwrap_or(DEFAULT_LIMIT),
            stop: field::strings(&map, "stop", 4)?,
            seed: field::present(&map, "seed").map_or(String::new(), Value::to_string),
        },
        stream,
        messages,
        include_usage: usage.unwrap_or(messages),
        prompts,
        choices,
        echo: field::flag(&map, "echo")?,
        logprobs: logprobs.map(|top| usize::try_from(top).unwrap_or(0)),
    })
}

/// Texts; what tokens say this model cannot read.
fn prompts(map: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    match field::present(map, "prompt") {
        None => Ok(vec![String::new()]),
        Some(_) => field::strings(map, "prompt", 20),
    }
}

/// A request with its outputs.
#[derive(Debug)]
pub(crate) struct Reply {
    request: Request,
    id: String,
    /// Prompts and what goes on from them, in the order of the choices.
    outputs: Vec<(String, Output)>,
    prompt_tokens: u64,
}

impl Reply {
    pub(crate) fn new(request: Request) -> Self {
        let asked = &request.asked;
        let first = request.prompts.first();
        let id = first.map_or(String::new(), |prompt| asked.ask(prompt).id("response", 0));
        let outputs = request.prompts.iter().flat_map(|prompt| {
            (0..request.choices).map(|choice| (prompt.clone(), asked.complete(prompt, choice)))
        });
        let outputs = outputs.collect();
        let prompt_tokens = request.prompts.iter().map(|prompt| tokens::count(prompt)).sum();
        Self { id: format!("cmpl-{id}"), outputs, prompt_tokens, request }
    }

    pub(crate) fn tokens(&self) -> u64 {
        self.outputs.iter().map(|(_, output)| output.tokens).max().unwrap_or(0)
    }

    fn usage(&self) -> Value {
        let completion: u64 = self.outputs.iter().map(|(_, output)| output.tokens).sum();
        json!({"prompt_tokens": self.prompt_tokens, "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion})
    }

    fn envelope(&self, choices: Vec<Value>) -> Value {
        let object = match (self.request.messages, self.request.stream) {
            (false, _) => "text_completion",
            (true, false) => "chat.completion",
            (true, true) => "chat.completion.chunk",
        };
        json!({"id": self.id, "object": object, "created": CREATED,
            "model": self.request.asked.model.name, "system_fingerprint": "fp_teacher_1", "choices": choices})
    }

    /// A choice that says this much.
    fn choice(&self, index: usize, text: &str, logprobs: Value, finish: Option<&str>) -> Value {
        if !self.request.messages {
            return json!({"index": index, "text": text, "logprobs": logprobs,
                "finish_reason": finish});
        }
        let message = json!({"role": "assistant", "content": text});
        let name = if self.request.stream { "delta" } else { "message" };
        json!({"index": index, name: message, "finish_reason": finish})
    }

    fn logprobs(&self, words: &[String], from: (usize, usize)) -> Value {
        let Some(top) = self.request.logprobs else { return Value::Null };
        let (position, mut offset) = from;
        let (mut offsets, mut values, mut alternatives) = (Vec::new(), Vec::new(), Vec::new());
        for (at, token) in words.iter().enumerate() {
            offsets.push(offset);
            offset += token.chars().count();
            values.push(tokens::logprob(token, position + at));
            let others: Map<String, Value> = tokens::alternatives(token, position + at, top)
                .into_iter()
                .map(|(token, logprob)| (token, logprob.into()))
                .collect();
            alternatives.push(others);
        }
        json!({"tokens": words, "token_logprobs": values, "top_logprobs": alternatives,
            "text_offset": offsets})
    }

    /// The whole response.
    pub(crate) fn document(&self) -> Value {
        let choices = self.outputs.iter().enumerate().map(|(index, (prompt, output))| {
            let words = self.words(prompt, output);
            let logprobs = self.logprobs(&words, (0, 0));
            let finish = finish_reason(&output.finish);
            self.choice(index, &words.concat(), logprobs, Some(finish))
        });
        let mut whole = self.envelope(choices.collect());
        if let Some(members) = whole.as_object_mut() {
            members.insert("usage".to_owned(), self.usage());
        }
        whole
    }

    /// The tokens of a choice, its prompt's among them if it is echoed.
    fn words(&self, prompt: &str, output: &Output) -> Vec<String> {
        let echoed = if self.request.echo { tokens::split(prompt) } else { Vec::new() };
        let echoed = echoed.into_iter().map(str::to_owned);
        echoed.chain(output.pieces.iter().flat_map(|piece| piece.tokens.clone())).collect()
    }

    /// The events of its stream, and the tokens that each carries. Choices take turns.
    pub(crate) fn events(&self) -> Vec<Event> {
        let lanes: Vec<Vec<(Value, u32)>> = self
            .outputs
            .iter()
            .enumerate()
            .map(|(index, (prompt, output))| self.lane(index, prompt, output))
            .collect();
        let longest = lanes.iter().map(Vec::len).max().unwrap_or(0);
        let mut events: Vec<Event> = (0..longest)
            .flat_map(|at| lanes.iter().filter_map(move |lane| lane.get(at)))
            .map(|(choice, tokens)| {
                let mut chunk = self.envelope(vec![choice.clone()]);
                if let (true, Some(members)) = (self.request.include_usage, chunk.as_object_mut()) {
                    members.insert("usage".to_owned(), Value::Null);
                }
                Event { data: framed(&chunk), tokens: *tokens }
            })
            .collect();
        if self.request.include_usage {
            let mut last = self.envelope(Vec::new());
            if let Some(members) = last.as_object_mut() {
                members.insert("usage".to_owned(), self.usage());
            }
            events.push(Event { data: framed(&last), tokens: 0 });
        }
        events.push(Event { data: Bytes::from_static(b"data: [DONE]\n\n"), tokens: 0 });
        events
    }

    fn lane(&self, index: usize, prompt: &str, output: &Output) -> Vec<(Value, u32)> {
        let echoed = tokens::split(prompt).into_iter().map(str::to_owned).collect::<Vec<_>>();
        let echoed = Some(echoed).filter(|words| self.request.echo && !words.is_empty());
        let pieces = output.pieces.iter().map(|piece| piece.tokens.clone());
        let (mut position, mut offset) = (0, 0);
        let mut chunks: Vec<(Value, u32)> = echoed
            .into_iter()
            .chain(pieces)
            .map(|words| {
                let text = words.concat();
                let logprobs = self.logprobs(&words, (position, offset));
                position += words.len();
                offset += text.chars().count();
                let choice = self.choice(index, &text, logprobs, None);
                (choice, u32::try_from(words.len()).unwrap_or(u32::MAX))
            })
            .collect();
        let finish = finish_reason(&output.finish);
        chunks.push((self.choice(index, "", Value::Null, Some(finish)), 0));
        chunks
    }
}

fn framed(chunk: &Value) -> Bytes {
    format!("data: {chunk}\n\n").into()
}
