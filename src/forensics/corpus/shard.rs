//! Counts of a corpus that is too large for one machine, as a file: counted where it lies, examined
//! elsewhere. It holds neither text nor keys.

use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::format::Opened;
use super::{CorpusError, CorpusProblem, Counted, Prompts, at};
use crate::forensics::detect::{CellCounts, LawCounts, MergeError};
use crate::forensics::examination::{FileRead, Material};
use crate::secret::opaque_debug;

/// The largest file of counts that is read: two million documents take 40 MB.
const MAX_BYTES: u64 = 256 << 20;

/// Counts of a part of a corpus.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// The version of the file.
    #[serde(rename = "guilloche_counts")]
    version: Version,
    /// What was read.
    pub files: Vec<FileRead>,
    /// The digests of the files of prompts whose contexts were left out.
    pub prompts: Vec<String>,
    /// Sites left out because of prompts.
    pub excluded: u64,
    /// The counts.
    pub counts: CellCounts,
    /// Those of epochs whose buckets are keyed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub law: Vec<LawCounts>,
}

opaque_debug!(Shard);

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
struct Version;

impl From<Version> for u32 {
    fn from(_: Version) -> Self {
        1
    }
}

impl TryFrom<u32> for Version {
    type Error = String;

    fn try_from(version: u32) -> Result<Self, String> {
        if version == 1 { Ok(Self) } else { Err(format!("version {version}")) }
    }
}

impl Shard {
    /// Counts with what they were made of.
    #[must_use]
    pub fn new(counted: Counted, prompts: &Prompts) -> Self {
        let Counted { counts, law, material: Material { files, excluded, .. } } = counted;
        Self { version: Version, files, prompts: prompts.digests(), excluded, counts, law }
    }

    /// Writes the file.
    ///
    /// # Errors
    ///
    /// What the writer says.
    pub fn write(&self, mut writer: impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut writer, self)?;
        writer.write_all(b"\n")?;
        writer.flush()
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, or holds no counts of this version.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, CorpusError> {
        let path = path.as_ref();
        let opened = Opened::open(path).map_err(at(path))?;
        let shard: Self = serde_json::from_reader(opened.reader.take(MAX_BYTES))
            .map_err(|error| at(path)(CorpusProblem::Shard(error)))?;
        // What was skipped was a record.
        if shard.files.iter().any(|file| file.skipped > file.records) {
            let damaged = MergeError::Damaged("more records skipped than read");
            return Err(at(path)(damaged.into()));
        }
        Ok(shard)
    }
}
