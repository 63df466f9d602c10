//! The texts and prompts of one record.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::field::{FieldPath, Name};
use super::format::COUNTS_OPENING;
use crate::secret::opaque_debug;

/// A text with what was asked before it.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    /// The text.
    pub text: &'a str,
    /// Everything in the record that is not the suspect's: prompts, and turns of others.
    pub prompts: &'a [Cow<'a, str>],
}

opaque_debug!(Document<'_>);

/// Why a record is skipped. Says nothing of its contents.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordProblem {
    /// No JSON.
    #[error("not JSON (column {0})")]
    NotJson(usize),
    /// Neither an object nor a string.
    #[error("neither an object nor a string")]
    NoRecord,
    /// None of the usual fields has a text.
    #[error("no text in any of the usual fields; --field names another")]
    NoText,
    /// It is a file of counts, which was given as text.
    #[error("counts, not text; --suspect-counts and --control-counts read files of counts")]
    Counts,
    /// The field that was asked for has none.
    #[error("no text in the field {0}")]
    NoField(String),
    /// Longer than [`MAX_LINE_BYTES`](super::MAX_LINE_BYTES).
    #[error("longer than {} MiB", super::MAX_LINE_BYTES >> 20)]
    TooLong,
}

/// How deep texts are looked for: `body` of `response`, and the parts of a turn's content in it.
const MAX_DEPTH: u32 = 5;

/// What a record holds.
#[derive(Default)]
pub(super) struct Extracted<'a> {
    pub(super) texts: Vec<Cow<'a, str>>,
    pub(super) prompts: Vec<Cow<'a, str>>,
}

opaque_debug!(Extracted<'_>);

/// An object with the members that are known; a record, a turn, or a part of its content.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Object<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    output: Option<&'a RawValue>,
    response: Option<&'a RawValue>,
    completion: Option<&'a RawValue>,
    answer: Option<&'a RawValue>,
    #[serde(alias = "value")]
    content: Option<&'a RawValue>,
    messages: Option<&'a RawValue>,
    conversations: Option<&'a RawValue>,
    choices: Option<&'a RawValue>,
    message: Option<&'a RawValue>,
    body: Option<&'a RawValue>,
    #[serde(alias = "from")]
    role: Option<&'a RawValue>,
    prompt: Option<&'a RawValue>,
    instruction: Option<&'a RawValue>,
    question: Option<&'a RawValue>,
    input: Option<&'a RawValue>,
    system: Option<&'a RawValue>,
}

impl<'a> Extracted<'a> {
    /// Reads one line, in which there must be a text.
    pub(super) fn read(line: &'a str, field: Option<&FieldPath>) -> Result<Self, RecordProblem> {
        let found = Self::found(line, field)?;
        if found.texts.is_empty() {
            return Err(Self::without(line, field));
        }
        Ok(found)
    }

    /// Reads one line of a file of prompts, where nobody need have answered yet: then with an empty text.
    pub(super) fn read_prompts(
        line: &'a str,
        field: Option<&FieldPath>,
    ) -> Result<Self, RecordProblem> {
        let mut found = Self::found(line, field)?;
        if found.texts.is_empty() && found.prompts.is_empty() {
            return Err(Self::without(line, field));
        }
        if found.texts.is_empty() {
            found.texts.push(Cow::Borrowed(""));
        }
        Ok(found)
    }

    fn without(line: &str, field: Option<&FieldPath>) -> RecordProblem {
        match field {
            _ if line.starts_with(COUNTS_OPENING) => RecordProblem::Counts,
            Some(path) => RecordProblem::NoField(path.to_string()),
            None => RecordProblem::NoText,
        }
    }

    fn found(line: &'a str, field: Option<&FieldPath>) -> Result<Self, RecordProblem> {
        let record: &RawValue =
            serde_json::from_str(line).map_err(|error| RecordProblem::NotJson(error.column()))?;
        let mut found = Self::default();
        match kind(record) {
            b'"' => found.answers(record, 0),
            b'{' => match field {
                None => found.answers(record, 0),
                Some(path) => {
                    if let Some(value) = path.resolve(record) {
                        found.answers(value, 0);
                    }
                    found.prompts_of(&object(record), 0);
                }
            },
            _ => return Err(RecordProblem::NoRecord),
        }
        Ok(found)
    }

    /// Takes what stands where an answer is: a string, a list of them, a turn, a list of turns, an
    /// object with the usual fields.
    fn answers(&mut self, value: &'a RawValue, depth: u32) {
        if depth > MAX_DEPTH {
            return;
        }
        match kind(value) {
            b'"' => self.texts.extend(string(value)),
            b'[' => {
                for element in list(value) {
                    self.answers(element, depth + 1);
                }
            }
            b'{' => self.object(&object(value), depth),
            _ => {}
        }
    }

    fn object(&mut self, object: &Object<'a>, depth: u32) {
        self.prompts_of(object, depth);
        if let Some(role) = object.role {
            let turn = joined(object, depth);
            if is_assistant(role) {
                self.texts.extend(turn)
            } else {
                self.prompts.extend(turn)
            }
            return;
        }
        let Object {
            text,
            output,
            response,
            completion,
            answer,
            messages,
            conversations,
            choices,
            message,
            body,
            ..
        } = object;
        let before = self.texts.len();
        for candidate in [
            text,
            output,
            response,
            completion,
            answer,
            messages,
            conversations,
            choices,
            message,
            body,
        ] {
            if let Some(value) = candidate {
                self.answers(value, depth + 1);
            }
            if self.texts.len() > before {
                return;
            }
        }
        // What a turn says whose role is not told, as in `choices`.
        if object.content.is_some() && depth > 0 {
            self.texts.extend(joined(object, depth));
        }
    }

    /// Takes the prompts of a record. The same field may be an answer's: it is then both, which
    /// costs sites and misleads nobody.
    fn prompts_of(&mut self, object: &Object<'a>, depth: u32) {
        let Object { prompt, instruction, question, input, system, .. } = object;
        for value in [prompt, instruction, question, input, system].into_iter().flatten() {
            self.prompt(value, depth + 1);
        }
    }

    /// Everything that is said in a prompt, whoever said it.
    fn prompt(&mut self, value: &'a RawValue, depth: u32) {
        if depth > MAX_DEPTH {
            return;
        }
        match kind(value) {
            b'"' => self.prompts.extend(string(value)),
            b'[' => {
                for element in list(value) {
                    self.prompt(element, depth + 1);
                }
            }
            b'{' => self.prompts.extend(joined(&object(value), depth)),
            _ => {}
        }
    }
}

/// The content of a turn, of which the parts make one text.
fn joined<'a>(object: &Object<'a>, depth: u32) -> Option<Cow<'a, str>> {
    let content = object.content.or(object.text)?;
    if depth > MAX_DEPTH {
        return None;
    }
    match kind(content) {
        b'"' => string(content),
        b'[' => {
            let parts: Vec<Cow<'a, str>> = list(content)
                .into_iter()
                .filter_map(|part| match kind(part) {
                    b'"' => string(part),
                    b'{' => self::object(part).text.and_then(string),
                    _ => None,
                })
                .collect();
            (!parts.is_empty()).then(|| Cow::Owned(parts.join("\n\n")))
        }
        _ => None,
    }
}

fn is_assistant(role: &RawValue) -> bool {
    string(role).is_some_and(|role| {
        ["assistant", "model", "gpt", "chatbot", "bot", "ai"].contains(&role.as_ref())
    })
}

/// The first byte of a value, which tells its kind.
fn kind(value: &RawValue) -> u8 {
    value.get().as_bytes().first().copied().unwrap_or(b'n')
}

fn string(value: &RawValue) -> Option<Cow<'_, str>> {
    let Name(text) = serde_json::from_str(value.get()).ok()?;
    (!text.trim().is_empty()).then_some(text)
}

fn list(value: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(value.get()).unwrap_or_default()
}

fn object(value: &RawValue) -> Object<'_> {
    serde_json::from_str(value.get()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forensics::corpus::FieldPathError;

    fn read(line: &str) -> (Vec<String>, Vec<String>) {
        let Extracted { texts, prompts } = Extracted::read(line, None).unwrap();
        let owned = |list: Vec<Cow<'_, str>>| list.into_iter().map(Cow::into_owned).collect();
        (owned(texts), owned(prompts))
    }

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_usual_shapes_of_records_are_read() {
        for (line, texts, prompts) in [
            (r#""plain""#, &["plain"][..], &[][..]),
            (r#"{"text":"a","output":"b"}"#, &["a"], &[]),
            (r#"{"text":"","output":"b\n\u00e9"}"#, &["b\né"], &[]),
            (r#"{"instruction":"i","input":"n","output":"o"}"#, &["o"], &["i", "n"]),
            (r#"{"prompt":"p","completion":["one","two"]}"#, &["one", "two"], &["p"]),
            (
                r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"},
                {"role":"assistant","content":"one"},{"role":"user","content":[{"type":"text","text":"v"}]},
                {"role":"assistant","content":[{"type":"text","text":"two"},{"type":"text","text":"three"}]}]}"#,
                &["one", "two\n\nthree"],
                &["s", "u", "v"],
            ),
            (
                r#"{"conversations":[{"from":"human","value":"h"},{"from":"gpt","value":"g"}]}"#,
                &["g"],
                &["h"],
            ),
            (
                r#"{"messages":[{"role":"user","content":"u"}],
                "choices":[{"index":0,"message":{"role":"assistant","content":"a"}},{"message":{"content":"b"}}]}"#,
                &["a", "b"],
                &["u"],
            ),
            (
                r#"{"choices":[{"text":"t"}],"prompt":["p",{"role":"user","content":"q"}]}"#,
                &["t"],
                &["p", "q"],
            ),
            (
                r#"{"custom_id":"1","response":{"status_code":200,"body":{"choices":[{"message":{"role":"assistant","content":"deep"}}]}}}"#,
                &["deep"],
                &[],
            ),
            (r#"{"role":"assistant","content":[{"type":"text","text":"m"}]}"#, &["m"], &[]),
            (
                r#"{"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"r"}]}],"input":"q"}"#,
                &["r"],
                &["q"],
            ),
            (
                r#"{"model":"m","message":{"role":"assistant","content":"ollama"}}"#,
                &["ollama"],
                &[],
            ),
        ] {
            assert_eq!(read(line), (strings(texts), strings(prompts)), "{line}");
        }
    }

    #[test]
    fn a_field_is_followed_through_objects_and_lists() {
        let line = r#"{"id":7,"prompt":"p","rows":[{"x":"no"},{"x":{"deep":"yes"}}]}"#;
        let field = |path: &str| path.parse::<FieldPath>().unwrap();
        let found = Extracted::read(line, Some(&field("rows.1.x.deep"))).unwrap();
        assert_eq!((found.texts, found.prompts), (vec!["yes".into()], vec!["p".into()]));
        for missing in ["rows.2.x", "rows.x", "id", "rows.1.x.deep.er", "nothing"] {
            let problem = Extracted::read(line, Some(&field(missing))).unwrap_err();
            assert_eq!(problem, RecordProblem::NoField(missing.to_owned()));
        }
        assert_eq!("a..b".parse::<FieldPath>(), Err(FieldPathError));
    }

    #[test]
    fn what_is_no_record_is_told_without_its_contents() {
        for line in ["", "{", "{\"text\":\"secret\"", "nonsense", "{\"text\":\"\\ud800\"}"] {
            let problem = Extracted::read(line, None).unwrap_err().to_string();
            assert!(!problem.contains("secret"), "{problem}");
        }
        assert_eq!(Extracted::read("[1]", None).unwrap_err(), RecordProblem::NoRecord);
        assert_eq!(Extracted::read("{\"other\":1}", None).unwrap_err(), RecordProblem::NoText);
        let deep = format!("{}\"x\"{}", "{\"body\":".repeat(100_000), "}".repeat(100_000));
        assert!(Extracted::read(&deep, None).is_err());
    }
}
