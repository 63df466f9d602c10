//! Who was issued which marks, when and how many: what tracing may accuse, and nothing else.
//!
//! The ledger is a file of JSON lines that only grows. It holds identifiers as they were given,
//! because a report has to name them and the keys are derived from them; where they are personal
//! data, give the proxy pseudonyms. It never holds text, and like the key file it is for its owner
//! alone.
//!
//! ```
//! use guilloche::mark::ledger::{Entry, Event};
//!
//! let line = r#"{"version":1,"time":"2026-11-23T00:00:00Z","event":"linked","account":"a-17","cluster":"hydra"}"#;
//! let entry: Entry = Entry::parse(line)?;
//! assert!(matches!(entry.event, Event::Linked { .. }));
//! # Ok::<(), guilloche::mark::ledger::EntryError>(())
//! ```

mod issue;
mod own;
mod tally;
mod writer;

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Read, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::keys::ArmMark;
use super::law::AuthorCounts;
use crate::lines;
#[cfg(feature = "cli")]
use crate::new_file;
use crate::secret::{OpenMode, Redacted, opaque_debug};

pub use issue::Issue;
pub use own::LedgerError;
#[cfg(feature = "cli")]
pub(crate) use own::OwnEntries;
#[cfg(feature = "proxy")]
pub(crate) use own::check_head;
pub use writer::{LedgerWriter, LostAnswers};

/// The version of the format that is written.
pub const VERSION: u32 = 1;

/// The longest line that is read, in bytes.
pub const MAX_LINE_BYTES: usize = 16 * 1024;

/// One line of a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The version of the format.
    pub version: u32,
    /// When it happened; of [`Event::Issued`], when the counting ended.
    pub time: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What a ledger records.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A new epoch began.
    Epoch {
        /// Its number.
        epoch: u32,
        /// The fingerprint of the key file, [`Keys::fingerprint`](super::keys::Keys::fingerprint).
        fingerprint: String,
        /// What the marks in words depend on besides the keys: lexicon, scanner, scheme and rates. Absent of
        /// epochs that began before there was more than one scheme.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rules: Option<String>,
        /// The deployment's own rates, if it had learned some.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rates: Option<String>,
    },
    /// What stood at the sites of answers before they were marked, since the entry before: by classes of
    /// the lexicon and words of its table of rates, never text.
    Authors {
        /// The epoch in which it was marked.
        epoch: u32,
        /// How often each variant.
        counts: AuthorCounts,
    },
    /// Answers of a principal were marked, since the entry before of the same principal.
    Issued {
        /// The epoch of the keys.
        epoch: u32,
        /// The tenant, if any.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        tenant: String,
        /// The account.
        account: String,
        /// The cluster whose keys its answers carried, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cluster: Option<String>,
        /// The arm of an experiment whose keys they carried, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arm: Option<ArmMark>,
        /// By what they carry the mark, by its name in the configuration; absent for the words
        /// themselves. Answers that their server marked while it generated them have no sites.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        carrier: Option<Cow<'static, str>>,
        /// At which strength, in 256ths; absent for all of it.
        #[serde(default = "full", skip_serializing_if = "is_full")]
        strength: u16,
        /// Answers.
        answers: u64,
        /// Sites in them at which a variant was chosen.
        sites: u64,
        /// Sites among them at which the other variant had stood.
        flips: u64,
    },
    /// From now on the answers of an account carry the keys of a cluster.
    Linked {
        /// The tenant, if any.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        tenant: String,
        /// The account.
        account: String,
        /// The cluster.
        cluster: String,
    },
}

opaque_debug!(Event);

/// All of a mark, in 256ths.
pub const FULL_STRENGTH: u16 = 256;

fn full() -> u16 {
    FULL_STRENGTH
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_full(strength: &u16) -> bool {
    *strength == FULL_STRENGTH
}

/// A line is no entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// It is not the JSON of an entry.
    #[error("not a ledger entry: {0}")]
    Json(#[from] serde_json::Error),
    /// Of a version that this one does not read.
    #[error("a ledger entry of version {0}, which this version does not read")]
    Version(u32),
    /// Longer than [`MAX_LINE_BYTES`].
    #[error("a line of more than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] io::Error),
}

impl Entry {
    /// An entry of the version that is written.
    #[must_use]
    pub fn new(time: Timestamp, event: Event) -> Self {
        Self { version: VERSION, time, event }
    }

    /// Reads a line.
    ///
    /// # Errors
    ///
    /// See [`EntryError`].
    pub fn parse(line: &str) -> Result<Self, EntryError> {
        let entry: Self = serde_json::from_str(line)?;
        if entry.version == VERSION { Ok(entry) } else { Err(EntryError::Version(entry.version)) }
    }
}

/// A ledger that is written.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    /// The file may end within a line: a write failed half-way, now or before a crash.
    cut: bool,
}

impl Ledger {
    /// Opens a ledger, or begins one that only its owner can read. A last line that a crash left
    /// unfinished is closed with the next entry, so that it spoils no other.
    ///
    /// # Errors
    ///
    /// What the file system says, and `PermissionDenied` if others than the owner have access (on
    /// Unix).
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        if let Some(mode) = OpenMode::of(&file.metadata()?) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, mode.to_string()));
        }
        let cut = lines::last_is_cut(&mut file)?;
        Ok(Self { file, cut })
    }

    /// Begins a ledger that was not there with its first entry, for its owner alone.
    #[cfg(feature = "cli")]
    pub(crate) fn create(path: &Path, first: &Entry) -> Result<(), EntryError> {
        let mut line = serde_json::to_vec(first)?;
        line.push(b'\n');
        Ok(new_file::create(path, &line, new_file::PRIVATE)?)
    }

    /// Has the disk take what was appended.
    #[cfg(feature = "cli")]
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Appends one entry, in one write.
    ///
    /// # Errors
    ///
    /// [`EntryError::Json`] or [`EntryError::File`].
    pub fn append(&mut self, entry: &Entry) -> Result<(), EntryError> {
        self.append_all(std::slice::from_ref(entry))
    }

    /// Appends entries, in one write.
    ///
    /// # Errors
    ///
    /// [`EntryError::Json`] or [`EntryError::File`].
    pub fn append_all(&mut self, entries: &[Entry]) -> Result<(), EntryError> {
        let mut lines = Vec::new();
        if self.cut {
            lines.push(b'\n');
        }
        for entry in entries {
            serde_json::to_writer(&mut lines, entry)?;
            lines.push(b'\n');
        }
        let written = self.file.write_all(&lines);
        self.cut = written.is_err();
        Ok(written?)
    }
}

/// Reads a ledger line by line, in bounded memory. A line that is no entry is an error of its own;
/// the lines after it are read all the same.
#[derive(Debug)]
pub struct Entries<R> {
    reader: R,
    line: Redacted<Vec<u8>>,
}

impl<R: BufRead> Entries<R> {
    /// The entries in this order.
    pub fn new(reader: R) -> Self {
        Self { reader, line: Redacted::default() }
    }

    fn next_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        let limit = MAX_LINE_BYTES as u64 + 1;
        let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut self.line)?;
        if read > MAX_LINE_BYTES && self.line.last() != Some(&b'\n') {
            self.reader.skip_until(b'\n')?;
        }
        Ok(read > 0)
    }
}

impl<R: BufRead> Iterator for Entries<R> {
    type Item = Result<Entry, EntryError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_line() {
                Err(error) => return Some(Err(error.into())),
                Ok(false) => return None,
                Ok(true) if self.line.len() > MAX_LINE_BYTES => {
                    return Some(Err(EntryError::TooLong));
                }
                Ok(true) if self.line.trim_ascii().is_empty() => {}
                Ok(true) => {
                    let line = String::from_utf8_lossy(&self.line);
                    return Some(Entry::parse(&line));
                }
            }
        }
    }
}
