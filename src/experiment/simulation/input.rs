//! Files of points of a curve, and of scores with labels: CSV with a head, JSONL, or one JSON list.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::detector::{Point, Reach};
use super::labelled::Labelled;
use crate::lines::{Contents, LineReader, open};

/// The longest line, and the longest JSON list.
const MAX_LINE_BYTES: usize = 64 << 20;
const MAX_LIST_BYTES: usize = MAX_LINE_BYTES;

/// More rows than a detector's curve or sample needs.
const MOST_ROWS: usize = 10_000_000;

/// A file is not what was expected.
#[derive(Debug, thiserror::Error)]
#[error("{}: line {line}: {problem}", path.display())]
pub struct InputError {
    /// The file.
    pub path: PathBuf,
    /// The line.
    pub line: u64,
    /// What is wrong.
    pub problem: String,
}

#[derive(Debug, Deserialize)]
struct PointRow {
    threshold: f64,
    fpr: f64,
    tpr: f64,
}

#[derive(Debug, Deserialize)]
struct ScoreRow {
    score: f64,
    label: Label,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Label {
    Bool(bool),
    Number(f64),
}

/// Reads points of a curve: `threshold`, `fpr` (the share of ordinary accounts that reach it), `tpr` (that of
/// those who harvest).
///
/// # Errors
/// [`InputError`] of the first line that is none.
pub fn read_curve(path: impl AsRef<Path>) -> Result<Vec<Point>, InputError> {
    let point = |PointRow { threshold, fpr, tpr }| Point {
        threshold,
        reach: Reach { harvesters: tpr, ordinary: fpr },
        error: Reach::default(),
    };
    Ok(rows::<PointRow>(path.as_ref())?.into_iter().map(point).collect())
}

/// Reads scores with their labels, one an account: `score`, and `label` (true or false, 1 or 0).
///
/// # Errors
/// [`InputError`] of the first line that is none.
pub fn read_scores(path: impl AsRef<Path>) -> Result<Vec<Labelled>, InputError> {
    let scored = |ScoreRow { score, label }| Labelled {
        score,
        positive: match label {
            Label::Bool(positive) => positive,
            Label::Number(number) => number > 0.5,
        },
    };
    Ok(rows::<ScoreRow>(path.as_ref())?.into_iter().map(scored).collect())
}

fn rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, InputError> {
    let at = |line: u64, problem: String| InputError { path: path.to_owned(), line, problem };
    let failed = |line: u64, error: &io::Error| at(line, error.to_string());
    let Contents { reader, .. } = open(path, |_| ()).map_err(|error| failed(0, &error))?;
    let mut lines = LineReader::new(reader, MAX_LINE_BYTES);
    let (mut rows, mut buffer, mut columns) = (Vec::new(), Vec::new(), None);
    loop {
        buffer.clear();
        let number = lines.number() + 1;
        let Some(span) = lines.read(&mut buffer).map_err(|error| failed(number, &error))? else {
            break;
        };
        if span.too_long || rows.len() >= MOST_ROWS {
            return Err(at(number, "is more than is read".to_owned()));
        }
        let line = std::str::from_utf8(&buffer)
            .map_err(|_| at(number, "is not UTF-8".to_owned()))?
            .trim_start_matches('\u{feff}')
            .trim();
        if line.is_empty() {
            continue;
        }
        if rows.is_empty() && columns.is_none() && line.starts_with('[') {
            return list(path, lines, buffer);
        }
        let read = match (&columns, line.chars().next()) {
            (None, Some('{')) => json(line).map(|row| rows.push(row)),
            (None, _) => {
                columns = Some(head(line));
                continue;
            }
            (Some(columns), _) => cells(columns, line).map(|row| rows.push(row)),
        };
        read.map_err(|problem| at(number, problem))?;
    }
    Ok(rows)
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("is no row: see column {}", error.column()))
}

/// One JSON list, whose first line is in `text`.
fn list<T: DeserializeOwned>(
    path: &Path,
    mut lines: LineReader,
    mut text: Vec<u8>,
) -> Result<Vec<T>, InputError> {
    let at = |line: usize, problem: String| InputError {
        path: path.to_owned(),
        line: line as u64,
        problem,
    };
    let first = lines.number() as usize;
    while let Some(span) =
        lines.read(&mut text).map_err(|error| at(first, format!("cannot be read: {error}")))?
    {
        if span.too_long || text.len() > MAX_LIST_BYTES {
            return Err(at(first, "is more than is read".to_owned()));
        }
    }
    serde_json::from_slice(&text).map_err(|error| {
        at(
            first + error.line().saturating_sub(1),
            format!("is no row: see column {}", error.column()),
        )
    })
}

/// A row of CSV: numbers, `true` and `false`.
fn cells<T: DeserializeOwned>(head: &[String], line: &str) -> Result<T, String> {
    let value = |cell: &str| match cell.trim() {
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        number => number.parse::<f64>().map_or(Value::Null, Value::from),
    };
    let row: serde_json::Map<String, Value> =
        head.iter().cloned().zip(line.split(',').map(value)).collect();
    serde_json::from_value(Value::Object(row))
        .map_err(|_| "has not a number in each column that is read".to_owned())
}

/// Rows of CSV begin behind a line with the names of the columns.
fn head(line: &str) -> Vec<String> {
    line.split(',').map(|name| name.trim().to_owned()).collect()
}
