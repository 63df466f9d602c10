//! Reading a suspect's texts, and counting the marks in them.
//!
//! A corpus is a list of files: JSONL, plain text, or counts that were made elsewhere; each may be
//! compressed with gzip or Zstandard, which its first bytes tell. Whether a file holds counts is for
//! the caller to say: a suspect whose text could say so would choose the numbers. It is read once, front to back,
//! in windows of a few megabytes, so that memory does not grow with it; documents are looked at on
//! all cores and put together in their order, so that the result does not depend on how many cores
//! there are.
//!
//! All of it is hostile input. A record that cannot be read is told with its file and line, and
//! the rest is read all the same; a file that cannot be read to its end is an error.
//!
//! # The text of a record
//!
//! A line of JSONL is an object, or a string, which is then the text. [`FieldPath`] says where the
//! text is; without one it is the first of these that holds any: `text`, `output`, `response`,
//! `completion`, `answer`, `content` of an assistant's turn, `messages`, `conversations`,
//! `choices`, `message`, `body`. A string is one document, a list of strings is several. Of a list
//! of turns each of the assistant's is a document. `prompt`, `instruction`, `question`, `input`,
//! `system` and all other turns are the record's prompts.

mod count;
mod feed;
mod field;
mod format;
mod record;
mod shard;
#[cfg(feature = "tokenizers")]
mod tokens;
mod windows;

use std::io;
use std::path::{Path, PathBuf};

pub use count::{Counted, Prompts, count_lexical};
pub use field::{FieldPath, FieldPathError};
pub use record::{Document, RecordProblem};
pub use shard::Shard;
#[cfg(feature = "tokenizers")]
pub use tokens::{CountedTokens, count_tokens, read_texts};
pub use windows::for_each_document;

pub use crate::lines::STANDARD_INPUT;

use crate::forensics::detect::MergeError;

/// The longest line of JSONL that is read, in bytes.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// Plain text is cut into documents of at most so many bytes, at the end of a paragraph where there
/// is one.
pub const TEXT_DOCUMENT_BYTES: usize = 8 << 10;

/// The files of one corpus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corpus {
    /// Texts.
    pub texts: Vec<PathBuf>,
    /// Counts of texts that were read elsewhere, as [`Shard`] writes them: numbers, which are
    /// believed.
    pub counts: Vec<PathBuf>,
}

/// A corpus cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct CorpusError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    #[source]
    pub problem: CorpusProblem,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusProblem {
    /// It cannot be opened.
    #[error(transparent)]
    Open(io::Error),
    /// It cannot be read to its end.
    #[error("cannot be read after {records} records: {error}")]
    Read {
        /// Records before.
        records: u64,
        /// What went wrong.
        error: io::Error,
    },
    /// Text in another encoding than UTF-8.
    #[error("the text is UTF-16; convert it to UTF-8")]
    Utf16,
    /// Counts that cannot be used.
    #[error("not counts of this version: {0}")]
    Shard(serde_json::Error),
    /// Counts that do not fit the others.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// Counts without those of an epoch whose buckets are keyed.
    #[error("was counted without the bucket key of epoch {0} (verify count --bucket-key)")]
    NoEpoch(u32),
    /// Counts of words, where tokens are needed.
    #[error("counts of words say nothing of tokens: give the text, or --scheme lexical")]
    NoTokens,
    /// Standard input, where a text is read for several schemes.
    #[error("standard input is read once, and each scheme reads the texts: give a file")]
    Once,
    /// Counts from which the contexts of other prompts were left out.
    #[error("was counted with other --prompts than these")]
    OtherPrompts,
    /// More contexts in prompts than are kept.
    #[error("the prompts have more than {0} distinct contexts")]
    Prompts(usize),
}

fn at(path: &Path) -> impl Fn(CorpusProblem) -> CorpusError {
    move |problem| CorpusError { path: path.to_owned(), problem }
}
