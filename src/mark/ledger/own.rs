//! Whether a file is the ledger of these keys.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::{Entries, Entry, EntryError, Event};

/// How each entry begins, as it is written.
const OPENING: &[u8] = br#"{"version":"#;

/// How much of a ledger's beginning tells whose it is.
const HEAD_BYTES: u64 = 64 * 1024;

/// A file is not the ledger of these keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// An epoch of it began under another master key.
    #[error(
        "is the ledger of other keys: its epoch {epoch} began with the master {found}, not {expected}"
    )]
    OtherKeys {
        /// The epoch.
        epoch: u32,
        /// The fingerprint in the ledger.
        found: String,
        /// That of the keys.
        expected: String,
    },
    /// It has lines, and none of them is an entry. What stands there is not told: it may be anything.
    #[error("is no ledger: none of its {lines} lines is an entry")]
    NoLedger {
        /// How many lines.
        lines: u64,
    },
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
}

/// The entries of a file that has to be the ledger of these keys, if it is one at all: a file without a
/// line is a ledger that has not begun. Single lines that are no entries are passed over.
#[derive(Debug)]
pub(crate) struct OwnEntries<R> {
    entries: Entries<R>,
    /// That of the keys.
    fingerprint: String,
    /// Lines that are read at most.
    most: u64,
    lines: u64,
    skipped: u64,
    /// Whether the first line is one of a file of another kind.
    foreign: bool,
}

impl<R: BufRead> OwnEntries<R> {
    /// The entries in this order, for the keys of this fingerprint.
    pub(crate) fn new(reader: R, fingerprint: String) -> Self {
        let entries = Entries::new(reader);
        Self { entries, fingerprint, most: u64::MAX, lines: 0, skipped: 0, foreign: false }
    }

    /// Only those of the first so many lines.
    #[cfg(feature = "cli")]
    pub(crate) fn up_to(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// Lines that were read.
    #[cfg(feature = "cli")]
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// Those of them that are no entries.
    #[cfg(feature = "cli")]
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }

    fn own(&self, entry: Entry) -> Result<Entry, LedgerError> {
        match &entry.event {
            Event::Epoch { epoch, fingerprint, .. } if *fingerprint != self.fingerprint => {
                Err(LedgerError::OtherKeys {
                    epoch: *epoch,
                    found: fingerprint.clone(),
                    expected: self.fingerprint.clone(),
                })
            }
            _ => Ok(entry),
        }
    }

    /// Whether the line that was read last is the beginning of one, as a crash leaves it.
    fn is_torn(&self) -> bool {
        let line: &[u8] = &self.entries.line;
        line.last() != Some(&b'\n') && (line.starts_with(OPENING) || OPENING.starts_with(line))
    }

    /// What the lines that were read amount to, told once.
    fn end(&mut self) -> Option<LedgerError> {
        let foreign = std::mem::take(&mut self.foreign) && self.lines == self.skipped;
        foreign.then_some(LedgerError::NoLedger { lines: self.lines })
    }
}

impl<R: BufRead> Iterator for OwnEntries<R> {
    type Item = Result<Entry, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.lines < self.most {
            match self.entries.next() {
                None => break,
                Some(Err(EntryError::File(error))) => return Some(Err(error.into())),
                Some(Ok(entry)) => {
                    self.lines += 1;
                    return Some(self.own(entry));
                }
                Some(Err(_)) => {
                    self.lines += 1;
                    self.skipped += 1;
                    self.foreign |= !self.is_torn();
                }
            }
        }
        self.end().map(Err)
    }
}

/// Looks at the beginning of a ledger that is there, if it is: whether it is that of the keys of this
/// fingerprint. What comes after is looked at by whoever reads it.
pub(crate) fn check_head(path: &Path, fingerprint: &str) -> Result<(), LedgerError> {
    let head = BufReader::new(File::open(path)?.take(HEAD_BYTES));
    OwnEntries::new(head, fingerprint.to_owned()).try_for_each(|entry| entry.map(drop))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn line(fingerprint: &str) -> String {
        let fingerprint = fingerprint.to_owned();
        let event = Event::Epoch { epoch: 1, fingerprint, rules: None, rates: None };
        let mut line = serde_json::to_string(&Entry::new(Timestamp::UNIX_EPOCH, event)).unwrap();
        line.push('\n');
        line
    }

    fn read(text: &[u8]) -> Result<usize, LedgerError> {
        let mut count = 0;
        for entry in OwnEntries::new(text, "ours".to_owned()) {
            entry?;
            count += 1;
        }
        Ok(count)
    }

    #[test]
    fn a_ledger_of_other_keys_is_told_wherever_it_says_so() {
        let (ours, other) = (line("ours"), line("theirs"));
        assert!(matches!(read(ours.repeat(3).as_bytes()), Ok(3)));
        for text in [other.clone(), format!("{ours}{other}"), format!("cut\n{other}{ours}")] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(matches!(&error, LedgerError::OtherKeys { .. }), "{error:?}");
            let said = error.to_string();
            assert!(said.contains("theirs") && said.contains("ours"), "{said}");
        }
    }

    #[test]
    fn a_file_without_any_entry_is_no_ledger_unless_it_has_no_line() {
        for text in [&b"a,b\n1,2\n"[..], b"{\"a\":1}\n", b"\xff\x00\xfe", b"{}", b"[1]\n\n"] {
            let error = read(text).unwrap_err();
            assert!(matches!(error, LedgerError::NoLedger { .. }), "{error:?}");
        }
        for text in ["", "\n\n"] {
            assert!(matches!(read(text.as_bytes()), Ok(0)), "{text:?}");
        }
    }

    #[test]
    fn a_line_that_a_crash_cut_makes_no_other_file_of_a_ledger() {
        let whole = line("ours");
        for end in 0..whole.len() {
            let torn = whole.as_bytes().get(..end).unwrap();
            assert!(read(torn).is_ok(), "{end}");
            assert!(matches!(read(&[whole.as_bytes(), torn].concat()), Ok(1 | 2)), "{end}");
            assert!(matches!(read(&[torn, b"\n", whole.as_bytes()].concat()), Ok(1 | 2)), "{end}");
        }
    }
}
