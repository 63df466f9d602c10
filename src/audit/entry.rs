//! A line of an audit file, read back.

use serde::Deserialize;

use super::{Line, Record};

/// What a line of an audit file says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Entry {
    /// A decided request.
    Record(Box<Record>),
    /// Something else.
    Line(Line),
}

/// A line is no entry of an audit. What stands in it is never part of the message: it may be anything,
/// and from anybody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Longer than [`MAX_LINE_BYTES`](super::reader::MAX_LINE_BYTES).
    #[error("is longer than any entry")]
    TooLong,
    /// It is no JSON, or was cut.
    #[error("is no JSON, or was cut: see column {column}")]
    NotJson {
        /// Where it is found, in bytes from 1.
        column: usize,
    },
    /// A field that every entry of its kind has is absent.
    #[error("{0}")]
    Missing(String),
    /// JSON of another kind.
    #[error("is no entry of an audit: see column {column}")]
    Other {
        /// Where it is found, in bytes from 1.
        column: usize,
    },
}

impl Entry {
    /// Reads one line.
    ///
    /// # Errors
    /// [`EntryError`] of anything but a record or a [`Line`].
    pub fn parse(line: &[u8]) -> Result<Self, EntryError> {
        // Columns count from the line's beginning; its end is not a line more.
        let line = line.trim_ascii_end();
        // Records are by far the most, and both are told apart by their first member.
        let entry = match first_member(line) {
            Some(b"exposure" | b"unit" | b"joined" | b"passed" | b"lost") => {
                parsed(line).map(Self::Line)
            }
            _ => parsed(line).map(|record| Self::Record(Box::new(record))),
        };
        entry.map_err(|error| EntryError::of(&error))
    }
}

impl EntryError {
    fn of(error: &serde_json::Error) -> Self {
        let column = error.column();
        if !error.is_data() {
            return Self::NotJson { column };
        }
        // The one message that quotes nothing but our own names.
        let message = error.to_string();
        match message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
            Some((field, _)) => Self::Missing(format!("missing field `{field}`")),
            None => Self::Other { column },
        }
    }
}

/// A line that is looked at as a text once, and not each of its strings again.
fn parsed<'l, T: Deserialize<'l>>(line: &'l [u8]) -> serde_json::Result<T> {
    match std::str::from_utf8(line) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(line),
    }
}

/// The name of an object's first member, if it is written without escapes.
fn first_member(line: &[u8]) -> Option<&[u8]> {
    let name =
        line.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"")?;
    name.get(..memchr::memchr(b'"', name)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_an_entry_and_what_is_none_is_told_without_its_contents() {
        assert_eq!(Entry::parse(b" { \"lost\" : 3 }\n"), Ok(Entry::Line(Line::Lost(3))));
        for (line, message) in [
            (&b"{\"lost\":\"secret\"}"[..], "is no entry of an audit: see column 16"),
            (b"{\"secret\":1}", "missing field `time`"),
            (b"[\"secret\"]", "is no entry of an audit: see column 9"),
            (b"{\"time\":\"secret", "is no JSON, or was cut: see column 15"),
            (b"secret", "is no JSON, or was cut: see column 1"),
            (b"{\"\xff", "is no JSON, or was cut: see column 3"),
            (b"{\"time\":\"secret\"}", "is no entry of an audit: see column 16"),
        ] {
            assert_eq!(Entry::parse(line).unwrap_err().to_string(), message);
        }
        let deep = [b"{\"unit\":".repeat(100_000), b"1".to_vec()].concat();
        assert!(Entry::parse(&deep).is_err());
    }
}
