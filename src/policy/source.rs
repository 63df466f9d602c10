//! Reads a TOML file into a typed value and collects every complaint on the way.
//!
//! serde stops at the first error. So each value it rejects is noted, cut out of the parsed
//! document, and the rest is read again: one pass over the file's author, not one per mistake.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

use super::Pattern;
use super::pattern::PatternError;
use super::problem::{LoadError, Notice, Problem};
use super::value::At;

/// Enough to mend a file by; a file with more is not a policy.
const MAX_PROBLEMS: usize = 64;

/// Names are labels of metrics and fields of audit records.
const MAX_NAME_BYTES: usize = 64;

/// A larger file is none of ours.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The text of a file.
pub(crate) fn text(path: &Path) -> Result<String, LoadError> {
    let read = || {
        let mut text = String::new();
        File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MAX_FILE_BYTES {
            let message = format!("larger than {MAX_FILE_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok(text)
    };
    read().map_err(|source| LoadError::Read { file: path.display().to_string(), source })
}

/// A parsed file with its text, and what was found wrong with it so far.
#[derive(Debug)]
pub(crate) struct Source<'t> {
    text: &'t str,
    document: Spanned<DeTable<'t>>,
    problems: Vec<Problem>,
    notices: Vec<Notice>,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
}

impl<'t> Source<'t> {
    /// Parses `text`; the error holds every syntax error.
    pub(crate) fn parse(text: &'t str) -> Result<Self, Vec<Problem>> {
        let (document, errors) = DeTable::parse_recoverable(text);
        let source = Self { text, document, problems: Vec::new(), notices: Vec::new() };
        if errors.is_empty() {
            return Ok(source);
        }
        let problem = |error: &toml::de::Error| {
            let (line, column) = source.position(error.span().unwrap_or_default().start);
            let message = format!("not TOML: {}", error.message());
            Problem { line, column, field: String::new(), message, hint: None }
        };
        let mut problems: Vec<_> = errors.iter().take(MAX_PROBLEMS).map(problem).collect();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        Err(problems)
    }

    /// Reads what can be read of a `T`, and notes a problem for each value that cannot.
    pub(crate) fn read<T: DeserializeOwned>(&mut self) -> Option<T> {
        let mut rest = self.document.clone();
        while self.problems.len() < MAX_PROBLEMS {
            let error = match T::deserialize(Deserializer::from(rest.clone())) {
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            let span = error.span().unwrap_or_default();
            let path = find(rest.get_ref(), &span);
            // What is left of a value may not do after a part of it was cut out.
            self.lack(&span, &in_words(error.message()), None);
            if !path.is_some_and(|path| remove(rest.get_mut(), &path)) {
                return None;
            }
        }
        None
    }

    /// Notes a problem with the value at `span`.
    pub(crate) fn problem(
        &mut self,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: Option<&str>,
    ) {
        let (line, column) = self.position(span.start);
        let field = self.field(span);
        let message = message.into();
        let hint = hint.map(str::to_owned);
        self.problems.push(Problem { line, column, field, message, hint });
    }

    /// Notes a problem with the value at `span`, unless values in it were already complained
    /// about: what it lacks may be what was rejected.
    pub(crate) fn lack(&mut self, span: &Range<usize>, message: &str, hint: Option<&str>) {
        if !self.has_problem_in(&self.field(span)) {
            self.problem(span, message, hint);
        }
    }

    /// Notes that the table at `span` lacks the field `name`, unless its value was rejected.
    pub(crate) fn missing(&mut self, span: &Range<usize>, name: &str, hint: Option<&str>) {
        let table = self.field(span);
        let field = if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") };
        if !self.has_problem_in(&field) {
            let (line, column) = self.position(span.start);
            let message = format!("`{name}` is missing");
            let hint = hint.map(str::to_owned);
            self.problems.push(Problem { line, column, field, message, hint });
        }
    }

    /// Looks at the version of the format.
    pub(crate) fn version(&mut self, version: Option<&At<i64>>) {
        match version {
            Some(At { value: 1, .. }) => {}
            Some(At { value, span }) => {
                let message = format!("version {value} is not known; this is version 1");
                self.problem(span, message, None);
            }
            None => {
                self.missing(&(0..0), "version", Some("begin the file with `version = 1`"));
            }
        }
    }

    /// The name that the table at `table` has to have.
    pub(crate) fn name(&mut self, table: &Range<usize>, name: Option<&At<String>>) -> String {
        let Some(At { value, span }) = name else {
            self.missing(table, "name", None);
            return String::new();
        };
        let plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
        };
        if value.is_empty() || value.len() > MAX_NAME_BYTES || !value.bytes().all(plain) {
            let message = format!(
                "{value:?} is not a name: use 1 to {MAX_NAME_BYTES} lowercase letters, digits, `-` \
                 and `_`"
            );
            self.problem(span, message, Some("names are labels of metrics and audit records"));
        }
        value.clone()
    }

    /// Notes a problem with a number that is not from 0 to 1.
    pub(crate) fn unit_interval(&mut self, number: &At<f64>) {
        if !(0.0..=1.0).contains(&number.value) {
            self.problem(&number.span, format!("{} is not between 0 and 1", number.value), None);
        }
    }

    /// Reads patterns, one by one, so that a wrong one is told from its neighbours.
    pub(crate) fn patterns(&mut self, texts: &[At<String>]) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for At { value, span } in texts {
            match value.parse() {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => self.problem(span, PatternError::to_string(&error), None),
            }
        }
        patterns
    }

    /// Notes something worth knowing about the value at `span`.
    pub(crate) fn notice(&mut self, span: &Range<usize>, message: impl Into<String>) {
        let notice = self.notice_at(span, message.into());
        self.notices.push(notice);
    }

    /// A notice that the caller keeps.
    pub(crate) fn notice_at(&self, span: &Range<usize>, message: String) -> Notice {
        let (line, column) = self.position(span.start);
        Notice { line, column, field: self.field(span), message }
    }

    /// The file's notices, or its problems if there are any; in the order of the lines.
    pub(crate) fn finish(self) -> Result<Vec<Notice>, Vec<Problem>> {
        let Self { mut problems, mut notices, .. } = self;
        if problems.is_empty() {
            notices.sort_by_key(|notice| (notice.line, notice.column));
            Ok(notices)
        } else {
            problems.sort_by_key(|problem| (problem.line, problem.column));
            Err(problems)
        }
    }

    fn has_problem_in(&self, field: &str) -> bool {
        self.problems.iter().any(|problem| match problem.field.strip_prefix(field) {
            Some(rest) => field.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']),
            None => false,
        })
    }

    fn field(&self, span: &Range<usize>) -> String {
        let mut field = String::new();
        for step in find(self.document.get_ref(), span).unwrap_or_default() {
            match step {
                Step::Index(index) => field.push_str(&format!("[{index}]")),
                Step::Key(key) => {
                    if !field.is_empty() {
                        field.push('.');
                    }
                    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
                    if key.bytes().all(bare) {
                        field.push_str(&key);
                    } else {
                        field.push_str(&format!("{key:?}"));
                    }
                }
            }
        }
        field
    }

    /// Line and column (in characters), both from 1.
    /// The line of an offset, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.position(offset).0
    }

    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let last = before.rsplit('\n').next().unwrap_or_default();
        (line, last.chars().count() + 1)
    }
}

/// What the parser says of a type, in words of the file's author.
fn in_words(message: &str) -> String {
    const TYPES: [(&str, &str); 7] = [
        ("f64", "a number"),
        ("i64", "a whole number"),
        ("u64", "a whole number"),
        ("u32", "a whole number"),
        ("usize", "a whole number"),
        ("bool", "true or false"),
        ("a boolean", "true or false"),
    ];
    let in_words = |(name, words): (&str, &str)| {
        message
            .strip_suffix(name)
            .and_then(|it| it.strip_suffix("expected "))
            .map(|before| format!("{before}expected {words}"))
    };
    TYPES.into_iter().find_map(in_words).unwrap_or_else(|| message.to_owned())
}

/// The way to the key or value at `span`; `None` for the document itself.
fn find(table: &DeTable<'_>, span: &Range<usize>) -> Option<Vec<Step>> {
    table.iter().find_map(|(key, value)| {
        let here = || Step::Key(key.get_ref().to_string());
        let below = || find_in_value(value, span);
        match below() {
            Some(mut path) => {
                path.insert(0, here());
                Some(path)
            }
            None => (key.span() == *span).then(|| vec![here()]),
        }
    })
}

/// The deepest value counts: the parser gives an array of tables the span of its first table.
fn find_in_value(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<Vec<Step>> {
    let below = match value.get_ref() {
        DeValue::Table(table) => find(table, span),
        DeValue::Array(array) => array.iter().enumerate().find_map(|(index, element)| {
            let mut path = find_in_value(element, span)?;
            path.insert(0, Step::Index(index));
            Some(path)
        }),
        _ => None,
    };
    below.or_else(|| (value.span() == *span).then(Vec::new))
}

fn remove(table: &mut DeTable<'_>, path: &[Step]) -> bool {
    match path {
        [Step::Key(key)] => table.remove(key.as_str()).is_some(),
        [Step::Key(key), rest @ ..] => {
            table.get_mut(key.as_str()).is_some_and(|value| remove_in_value(value, rest))
        }
        _ => false,
    }
}

fn remove_in_value<'t>(value: &mut Spanned<DeValue<'t>>, path: &[Step]) -> bool {
    match (value.get_mut(), path) {
        (DeValue::Table(table), path) => remove(table, path),
        (DeValue::Array(array), [Step::Index(index)]) => {
            let length = array.len();
            let elements = std::mem::replace(array, DeArray::new()).into_iter().enumerate();
            *array = elements.filter(|(place, _)| place != index).map(|(_, kept)| kept).collect();
            array.len() < length
        }
        (DeValue::Array(array), [Step::Index(index), rest @ ..]) => {
            array.get_mut(*index).is_some_and(|element| remove_in_value(element, rest))
        }
        _ => false,
    }
}
