//! The prompts to ask.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

/// The longest prompt, in bytes of its line.
pub const MAX_PROMPT_BYTES: usize = 1 << 20;

/// The most prompts that a file may have.
const MAX_PROMPTS: usize = 1_000_000;

/// A file of prompts cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct PromptsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    #[source]
    pub problem: PromptsProblem,
}

/// What is wrong with a file of prompts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PromptsProblem {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] io::Error),
    /// A line is longer than [`MAX_PROMPT_BYTES`].
    #[error("line {0} is longer than {MAX_PROMPT_BYTES} bytes")]
    TooLong(usize),
    /// A line is not JSON, as the first line is.
    #[error("line {line}: {source}")]
    Json {
        /// Its number.
        line: usize,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// A line of JSON has none of the members that a prompt is read from.
    #[error("line {0}: no `prompt`, `question`, `instruction` or `messages` with a user's turn")]
    NoPrompt(usize),
    /// There is none.
    #[error("there is no prompt in it")]
    Empty,
    /// More than a million.
    #[error("more than {MAX_PROMPTS} prompts")]
    TooMany,
}

/// One prompt: the turns of a conversation that ends with the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Its turns, as `messages` has them.
    messages: Vec<Value>,
    /// How many equal ones came before.
    repetition: u64,
}

/// The members of a record that a prompt is read from.
#[derive(Deserialize)]
struct Record {
    prompt: Option<Value>,
    question: Option<Value>,
    instruction: Option<Value>,
    input: Option<Value>,
    system: Option<Value>,
    messages: Option<Vec<Value>>,
}

impl Prompt {
    /// A conversation of one turn.
    #[must_use]
    pub fn user(text: &str) -> Self {
        Self { messages: vec![json!({ "role": "user", "content": text })], repetition: 0 }
    }

    fn from_line(line: &str, number: usize) -> Result<Self, PromptsProblem> {
        let source = |source| PromptsProblem::Json { line: number, source };
        let value: Value = serde_json::from_str(line).map_err(source)?;
        let found = match &value {
            Value::String(text) => Some(Self::user(text)),
            Value::Object(_) => Self::from_record(Record::deserialize(&value).map_err(source)?),
            _ => None,
        };
        found.ok_or(PromptsProblem::NoPrompt(number))
    }

    fn from_record(record: Record) -> Option<Self> {
        let Record { prompt, question, instruction, input, system, messages } = record;
        let role = |turn: &Value| turn.get("role").and_then(Value::as_str).map(str::to_owned);
        let turn = |role: &str, content: &str| json!({ "role": role, "content": content });
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) if !text.trim().is_empty() => Some(text),
            _ => None,
        };
        let (instruction, input) = (text(instruction), text(input));
        let instruction = match (instruction, input) {
            (Some(instruction), Some(input)) => Some(format!("{instruction}\n\n{input}")),
            (instruction, _) => instruction,
        };
        let mut turns = messages.unwrap_or_default();
        if let Some(Value::Array(listed)) = &prompt {
            turns.clone_from(listed);
        }
        // The record of a conversation is asked again: what the assistant said last is the answer.
        while turns.last().and_then(role).is_some_and(|role| role == "assistant") {
            turns.pop();
        }
        if turns.is_empty() {
            let asked = text(prompt).or_else(|| text(question)).or(instruction)?;
            turns.push(turn("user", &asked));
        }
        if let (Some(system), false) =
            (text(system), turns.first().and_then(role).is_some_and(|role| role == "system"))
        {
            turns.insert(0, turn("system", &system));
        }
        let users = turns.last().and_then(role).is_some_and(|role| role == "user");
        users.then_some(Self { messages: turns, repetition: 0 })
    }

    /// Its turns, as a request has them.
    #[must_use]
    pub fn messages(&self) -> &[Value] {
        &self.messages
    }

    /// As the file of answers has it: the text of a single turn, else all turns.
    pub(super) fn written(&self) -> Value {
        match self.messages.as_slice() {
            [turn] => turn.get("content").cloned().unwrap_or_default(),
            turns => turns.into(),
        }
    }

    /// By which answers of a model are told from those to other prompts: sixteen hexadecimal
    /// digits.
    #[must_use]
    pub fn id(&self, model: &str) -> String {
        let content = json!([model, self.messages, self.repetition]).to_string();
        blake3::hash(content.as_bytes()).to_hex().chars().take(16).collect()
    }

    /// No tokenizer makes more tokens than this of it: bytes, and what templates add.
    pub(super) fn most_tokens(&self) -> u64 {
        const TEMPLATE: u64 = 256;
        let bytes: usize = self.messages.iter().map(|turn| turn.to_string().len()).sum();
        bytes as u64 + TEMPLATE
    }
}

/// Reads prompts: JSON lines, if the first one is JSON, else a prompt in every line of text.
///
/// A line of JSON is the prompt as a string, or an object with `messages`, `prompt`, `question`, or
/// `instruction` with `input`; and `system`. Equal prompts are asked as often as they stand there.
///
/// # Errors
///
/// See [`PromptsProblem`].
pub fn read_prompts(path: impl AsRef<Path>) -> Result<Vec<Prompt>, PromptsError> {
    let path = path.as_ref();
    let read = || parse(BufReader::new(File::open(path)?));
    read().map_err(|problem| PromptsError { path: path.to_owned(), problem })
}

fn parse(mut reader: impl BufRead) -> Result<Vec<Prompt>, PromptsProblem> {
    let (mut prompts, mut seen): (Vec<Prompt>, HashMap<String, u64>) = Default::default();
    let (mut line, mut number, mut is_json) = (Vec::new(), 0, None);
    loop {
        line.clear();
        number += 1;
        let limit = MAX_PROMPT_BYTES as u64 + 1;
        if reader.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() > MAX_PROMPT_BYTES {
            return Err(PromptsProblem::TooLong(number));
        }
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let text = std::str::from_utf8(&line).map_err(invalid)?.trim();
        let text = text.trim_start_matches('\u{feff}');
        if text.is_empty() {
            continue;
        }
        let is_json = *is_json.get_or_insert_with(|| {
            matches!(serde_json::from_str(text), Ok(Value::Object(_) | Value::String(_)))
        });
        let mut prompt =
            if is_json { Prompt::from_line(text, number)? } else { Prompt::user(text) };
        if prompts.len() == MAX_PROMPTS {
            return Err(PromptsProblem::TooMany);
        }
        let before = seen.entry(prompt.id("")).or_default();
        prompt.repetition = *before;
        *before += 1;
        prompts.push(prompt);
    }
    if prompts.is_empty() { Err(PromptsProblem::Empty) } else { Ok(prompts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Vec<String> {
        let prompts = parse(text.as_bytes()).unwrap();
        prompts.iter().map(|prompt| prompt.written().to_string()).collect()
    }

    #[test]
    fn every_line_of_text_is_a_prompt() {
        assert_eq!(written("What is it?\r\n\n  Why? \n"), [r#""What is it?""#, r#""Why?""#]);
    }

    #[test]
    fn the_usual_records_are_prompts() {
        assert_eq!(
            written(
                r#""plain"
                {"prompt": "p"}
                {"question": "q", "answer": "not this"}
                {"instruction": "i", "input": "n", "output": "o"}
                {"prompt": [{"role": "user", "content": "a"}]}"#
            ),
            [r#""plain""#, r#""p""#, r#""q""#, r#""i\n\nn""#, r#""a""#]
        );
        let prompts = parse(
            r#"{"system": "s", "messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]}"#
                .as_bytes(),
        )
        .unwrap();
        let roles: Vec<_> = prompts[0].messages().iter().map(|turn| turn["role"].clone()).collect();
        assert_eq!(roles, ["system", "user"]);
    }

    #[test]
    fn what_is_no_prompt_is_named_by_its_line() {
        let problem = |text: &str| parse(text.as_bytes()).unwrap_err().to_string();
        assert!(problem("{\"prompt\": \"p\"}\n{").starts_with("line 2: "));
        assert!(problem("{\"text\": \"p\"}").starts_with("line 1: no `prompt`"));
        assert!(
            problem("{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}]}")
                .contains("user")
        );
        assert_eq!(problem("\n \n"), "there is no prompt in it");
        let long = "x".repeat(MAX_PROMPT_BYTES + 1);
        assert_eq!(
            problem(&format!("a\n{long}")),
            format!("line 2 is longer than {MAX_PROMPT_BYTES} bytes")
        );
        assert!(parse(&b"\xff\xfe"[..]).is_err());
    }

    #[test]
    fn equal_prompts_and_other_models_are_asked_for_themselves() {
        let prompts = parse("a\nb\na\n".as_bytes()).unwrap();
        let mut ids: Vec<String> = prompts.iter().map(|prompt| prompt.id("m")).collect();
        ids.extend(prompts.iter().map(|prompt| prompt.id("n")));
        let distinct: std::collections::HashSet<&String> = ids.iter().collect();
        assert_eq!(distinct.len(), 6);
        assert_eq!(ids[0], Prompt::user("a").id("m"));
    }
}
