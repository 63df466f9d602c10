//! What kind of file it is.

use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::CorpusProblem;
use crate::lines::{Contents, Reader, open, peek};

/// How a file of counts begins.
pub(super) const COUNTS_OPENING: &str = "{\"guilloche_counts\":";

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A record a line.
    Jsonl,
    /// Text.
    Text,
}

/// An open file.
pub(super) struct Opened {
    pub(super) reader: Reader,
    pub(super) format: Format,
    /// As a report names it.
    pub(super) described: String,
    pub(super) digest: FileDigest,
}

/// The SHA-256 of a file as it lies there, over what has been read of it.
#[derive(Clone, Default)]
pub(super) struct FileDigest(Arc<Mutex<Sha256>>);

impl FileDigest {
    pub(super) fn digits(&self) -> String {
        self.lock().clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Sha256> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const LOOK: u64 = 4 << 10;

impl Opened {
    pub(super) fn open(path: &Path) -> Result<Self, CorpusProblem> {
        let at_start = |error| CorpusProblem::Read { records: 0, error };
        let digest = FileDigest::default();
        let seen = digest.clone();
        let Contents { reader, compression } =
            open(path, move |bytes| seen.lock().update(bytes)).map_err(CorpusProblem::Open)?;
        let (mut start, reader) = peek(reader, LOOK).map_err(at_start)?;
        let mut reader: Reader = Box::new(reader);
        if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = start.as_slice() {
            return Err(CorpusProblem::Utf16);
        }
        if start.starts_with(b"\xef\xbb\xbf") {
            start.drain(..3);
            let mut mark = Vec::new();
            reader.by_ref().take(3).read_to_end(&mut mark).map_err(at_start)?;
        }
        let format = Format::of(path, &start);
        let mut described = format.as_str().to_owned();
        if let Some(compression) = compression {
            described.push(' ');
            described.push_str(compression);
        }
        Ok(Self { reader, format, described, digest })
    }
}

impl Format {
    fn of(path: &Path, start: &[u8]) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        let named = [".jsonl", ".ndjson", ".json"].iter().any(|ending| name.ends_with(ending));
        if named || start.trim_ascii_start().first() == Some(&b'{') {
            Self::Jsonl
        } else {
            Self::Text
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Text => "text",
        }
    }
}
