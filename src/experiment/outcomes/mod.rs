//! Outcome files: what somebody else has measured of units, such as complaints, retention, labels.
//!
//! Rows of CSV under a header, or objects of JSONL, plain or compressed:
//!
//! | column | |
//! |---|---|
//! | `account` or `cluster`, with `tenant` where there are several | of whom: its name, or without the deployment's secret its hash as in the audit |
//! | `unit` | instead of these: `account:`, `cluster:` or `slot:` and the hash or number; in JSONL as in the audit |
//! | `time` | when it was, or was known: a date (its first moment in UTC), or RFC 3339 |
//! | `metric` | the metric's name in the experiment file |
//! | `value` | a number, or `true` or `false` |
//!
//! A row that is none is told with file and line and costs nothing else. Nothing that stands in it is
//! told: names of accounts are in there.

mod csv;
mod row;

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::analysis::Outcome;
use crate::audit::AuditKey;
use crate::lines::{Contents, LineReader, LineSpan, STANDARD_INPUT, open};
use row::{Columns, Row};

/// The longest row that is read, in bytes.
const MAX_ROW_BYTES: usize = 64 << 10;

/// Problems of a file that are named; the others are counted.
const NAMED_PROBLEMS: usize = 5;

/// What was read of an outcome file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutcomesRead {
    /// Its name as it was given.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Rows that could not be read.
    pub skipped: u64,
    /// The first of these, with their lines.
    pub problems: Vec<String>,
    /// Where and why it could not be read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

/// A file is no outcome file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutcomesError {
    /// It cannot be opened.
    #[error("{}: {error}", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// Its header lacks a column.
    #[error("{}: line {line}: {problem}", path.display())]
    Header {
        /// Which.
        path: PathBuf,
        /// The header's line.
        line: u64,
        /// What is missing.
        problem: HeaderProblem,
    },
}

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderProblem {
    /// A column that every file has is absent.
    #[error("no column is named `{0}`")]
    Missing(&'static str),
    /// Nobody knows of whom the outcomes are.
    #[error("no column is named `unit`, `account` or `cluster`: of whom are the outcomes?")]
    OfNobody,
    /// Two columns have one name.
    #[error("two columns are named `{0}`")]
    Twice(&'static str),
}

/// Reads outcome files. Names of accounts and clusters are hashed with `key`; without one they are
/// taken for hashes. `take` gets every row, in the order of files and lines.
///
/// # Errors
/// If a file cannot be opened, or its header is none of an outcome file. What cannot be read of it
/// otherwise is no error: its [`OutcomesRead`] tells.
pub fn read_outcomes(
    paths: &[PathBuf],
    key: Option<&AuditKey>,
    mut take: impl FnMut(Outcome),
) -> Result<Vec<OutcomesRead>, OutcomesError> {
    paths.iter().map(|path| read_file(path, key, &mut take)).collect()
}

fn read_file(
    path: &Path,
    key: Option<&AuditKey>,
    take: &mut impl FnMut(Outcome),
) -> Result<OutcomesRead, OutcomesError> {
    let at = |error| OutcomesError::Open { path: path.to_owned(), error };
    if path != Path::new(STANDARD_INPUT) && path.is_dir() {
        return Err(at(io::ErrorKind::IsADirectory.into()));
    }
    let Contents { reader, .. } = open(path, |_| ()).map_err(at)?;
    let mut lines = LineReader::new(reader, MAX_ROW_BYTES);
    let mut read = OutcomesRead { name: path.display().to_string(), ..OutcomesRead::default() };
    let mut form = None;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let LineSpan { number, bytes, too_long, .. } = match lines.read(&mut buffer) {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(read),
            Err(error) => {
                let line = lines.number() + 1;
                read.broken = Some(format!("line {line}: cannot be read further: {error}"));
                return Ok(read);
            }
        };
        let line = buffer.get(bytes).unwrap_or_default();
        // Some spreadsheets begin with a byte order mark.
        let line =
            if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        let line = line.trim_ascii();
        if line.is_empty() && !too_long {
            continue;
        }
        let form = match &form {
            Some(form) => form,
            None if line.first() == Some(&b'{') => form.insert(Form::Json),
            None => {
                let header = Columns::of(line).map_err(|problem| OutcomesError::Header {
                    path: path.to_owned(),
                    line: number,
                    problem,
                })?;
                form = Some(Form::Csv(header));
                continue;
            }
        };
        let row = match form {
            _ if too_long => Err(row::RowError::TooLong),
            Form::Json => Row::of_json(line),
            Form::Csv(columns) => columns.row(line),
        };
        match row.and_then(|row| row.outcome(key)) {
            Ok(outcome) => {
                read.rows += 1;
                take(outcome);
            }
            Err(error) => {
                read.skipped += 1;
                if read.problems.len() < NAMED_PROBLEMS {
                    read.problems.push(format!("line {number}: {error}"));
                }
            }
        }
    }
}

/// How a file is written.
enum Form {
    Json,
    Csv(Columns),
}
