//! Another model's tokenizer, from its `tokenizer.json`: what marks that act on tokens, and their
//! detection, count in.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest `tokenizer.json` that is read, in bytes. The largest of public models have 35 MB.
pub const MAX_TOKENIZER_BYTES: u64 = 256 * 1024 * 1024;

/// A tokenizer cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct TokenizerError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    #[source]
    pub problem: TokenizerProblem,
}

/// What is wrong with a tokenizer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerProblem {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] io::Error),
    /// Larger than any tokenizer.
    #[error("the file is larger than {MAX_TOKENIZER_BYTES} bytes")]
    TooLarge,
    /// Not what Hugging Face's `tokenizers` saves.
    #[error("not a tokenizer.json of Hugging Face: {0}")]
    Format(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A tokenizer of Hugging Face.
#[derive(Clone)]
pub struct Tokenizer {
    pub(crate) inner: tokenizers::Tokenizer,
    fingerprint: String,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// See [`TokenizerProblem`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, TokenizerError> {
        let path = path.as_ref();
        let read = || {
            let mut content = Vec::new();
            File::open(path)?.take(MAX_TOKENIZER_BYTES + 1).read_to_end(&mut content)?;
            Self::parse(&content)
        };
        read().map_err(|problem| TokenizerError { path: path.to_owned(), problem })
    }

    /// Reads the content of a `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// See [`TokenizerProblem`].
    pub fn parse(content: &[u8]) -> Result<Self, TokenizerProblem> {
        if content.len() as u64 > MAX_TOKENIZER_BYTES {
            return Err(TokenizerProblem::TooLarge);
        }
        let mut inner =
            tokenizers::Tokenizer::from_bytes(content).map_err(TokenizerProblem::Format)?;
        // What a training set-up wants of its batches is not what a reader of texts wants.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(TokenizerProblem::Format)?;
        // It adds what stands around a text, and takes spaces out of the tokens' places.
        inner.with_post_processor(None::<tokenizers::PostProcessorWrapper>);
        let fingerprint = blake3::hash(content).to_hex().chars().take(16).collect();
        Ok(Self { inner, fingerprint })
    }

    /// Sixteen hexadecimal digits that tell this file from others.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Number of tokens, added ones included. The model's own vocabulary is often larger.
    #[must_use]
    pub fn vocabulary(&self) -> u32 {
        u32::try_from(self.inner.get_vocab_size(true)).unwrap_or(u32::MAX)
    }

    /// The text of some tokens, or nothing if they have none.
    #[must_use]
    pub fn decode(&self, tokens: &[u32]) -> Option<String> {
        self.inner.decode(tokens, false).ok()
    }

    /// The token that `text` is directly behind `before`; none if it is several.
    #[must_use]
    pub fn single(&self, before: &str, text: &str) -> Option<u32> {
        let tokens =
            |text: &str| Some(self.inner.encode_fast(text, false).ok()?.get_ids().to_vec());
        let (alone, whole) = (tokens(before)?, tokens(&format!("{before}{text}"))?);
        match whole.strip_prefix(&*alone)? {
            [token] => Some(*token),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tokenizer")
            .field("fingerprint", &self.fingerprint)
            .field("vocabulary", &self.vocabulary())
            .finish_non_exhaustive()
    }
}
