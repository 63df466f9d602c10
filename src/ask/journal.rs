//! The files that a run leaves: answers, and what they cost.
//!
//! Both only grow, a line at a time. Of a request, the last line in the file of what was spent
//! counts: first what it may cost, then what it did.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::AskError;
use super::endpoint::Answer;
use super::prompt::Prompt;
use super::spending::{Cap, Spending, Tokens};

/// The longest line that is read back, in bytes.
const MAX_LINE_BYTES: u64 = 32 << 20;

/// A line of the file of answers, in the members that the reader of texts knows.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    model: &'a str,
    asked: Timestamp,
    prompt: Value,
    answer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Tokens>,
}

/// What of it is read back.
#[derive(Deserialize)]
struct Answered {
    id: String,
}

/// A line of the file of what was spent.
#[derive(Serialize, Deserialize)]
struct Cost {
    request: u64,
    #[serde(flatten)]
    tokens: Tokens,
}

/// Both files, open for one run.
pub(super) struct Journal {
    answers: Appended,
    costs: Appended,
    answered: HashSet<String>,
    spending: Spending,
}

impl Journal {
    /// Opens or begins the files.
    pub(super) fn open(path: &Path) -> Result<Self, AskError> {
        let mut beside: OsString = path.as_os_str().to_owned();
        beside.push(".spending");
        let (mut answered, mut spending) = (HashSet::new(), Spending::default());
        let answers = Appended::open(path.to_owned(), |line| {
            // A line that a crash left unfinished is no answer: its prompt is asked again.
            answered.extend(serde_json::from_slice(line).map(|Answered { id }| id));
        })?;
        let costs = Appended::open(beside.into(), |line| {
            if let Ok(Cost { request, tokens }) = serde_json::from_slice(line) {
                spending.set(request, tokens);
            }
        })?;
        Ok(Self { answers, costs, answered, spending })
    }

    /// Whether a prompt was answered before.
    pub(super) fn is_answered(&self, id: &str) -> bool {
        self.answered.contains(id)
    }

    /// What was spent and what is set aside, in this run and in those before.
    pub(super) fn spent(&self) -> Tokens {
        self.spending.total()
    }

    /// Sets aside what a request may cost; none if the cap has no room for it.
    pub(super) fn reserve(&mut self, cap: &Cap, tokens: Tokens) -> Result<Option<u64>, AskError> {
        let Some(request) = self.spending.reserve(cap, tokens) else { return Ok(None) };
        self.costs.append(&Cost { request, tokens })?;
        Ok(Some(request))
    }

    /// Writes down what a request did cost.
    pub(super) fn settle(&mut self, request: u64, tokens: Tokens) -> Result<(), AskError> {
        self.spending.set(request, tokens);
        self.costs.append(&Cost { request, tokens })
    }

    /// Writes down an answer.
    pub(super) fn answer(
        &mut self,
        id: String,
        model: &str,
        prompt: &Prompt,
        answer: &Answer,
    ) -> Result<(), AskError> {
        let Answer { text, reasoning, finish_reason, usage } = answer;
        self.answers.append(&Line {
            id: &id,
            model,
            asked: Timestamp::now(),
            prompt: prompt.written(),
            answer: text,
            reasoning: reasoning.as_deref(),
            finish_reason: finish_reason.as_deref(),
            usage: *usage,
        })?;
        self.answered.insert(id);
        Ok(())
    }
}

/// A file of JSON lines that only grows.
struct Appended {
    path: PathBuf,
    file: File,
}

impl Appended {
    fn open(path: PathBuf, mut line: impl FnMut(&[u8])) -> Result<Self, AskError> {
        let mut opened = || {
            let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
            let mut reader = BufReader::new(&mut file);
            let (mut text, mut whole) = (Vec::new(), true);
            loop {
                text.clear();
                if reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut text)? == 0 {
                    break;
                }
                whole = text.last() == Some(&b'\n');
                line(&text);
            }
            if !whole {
                file.seek(SeekFrom::End(0))?;
                file.write_all(b"\n")?;
            }
            Ok(file)
        };
        match opened() {
            Ok(file) => Ok(Self { path, file }),
            Err(source) => Err(AskError::File { path, source }),
        }
    }

    /// Appends one line, in one write.
    fn append(&mut self, line: &impl Serialize) -> Result<(), AskError> {
        let written = || {
            let mut text = serde_json::to_vec(line).map_err(io::Error::from)?;
            text.push(b'\n');
            Ok(text)
        };
        let appended = written().and_then(|text| self.file.write_all(&text));
        appended.map_err(|source| AskError::File { path: self.path.clone(), source })
    }
}
