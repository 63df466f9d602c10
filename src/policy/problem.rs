//! What is wrong with a policy file, or worth knowing about it, and where.

use std::fmt;
use std::io;

use serde::Serialize;

use crate::secret::NoRandomness;

/// One thing that keeps a policy file from being loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The field, as in `grade[1].rate.account.requests` (array elements count from 0); empty for
    /// the file as a whole and for syntax errors.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it, where that is not plain from the message.
    pub hint: Option<String>,
}

/// One thing about a valid policy that its author may not have meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The field; see [`Problem::field`].
    pub field: String,
    /// What to know.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, field, message, hint } = self;
        write!(formatter, "{line}:{column}: ")?;
        if !field.is_empty() {
            write!(formatter, "{field}: ")?;
        }
        formatter.write_str(message)?;
        match hint {
            Some(hint) => write!(formatter, "\n    hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, field, message } = self;
        write!(formatter, "{line}:{column}: {field}: {message}")
    }
}

/// A policy file was not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file could not be read.
    #[error("{file}: {source}")]
    Read {
        /// The file's name.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// It has to be signed, and is not, or by somebody else.
    #[cfg(feature = "signatures")]
    #[error(
        "{file} is not signed by anybody whose signature is required: {source} (`guilloche policy sign` \
         signs it)"
    )]
    Unsigned {
        /// The file's name.
        file: String,
        /// What is wrong with its signature.
        source: super::signature::SignatureError,
    },
    /// The operating system gives no randomness to name decisions with.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The file was read, and these are all the problems found in it, in the order of their lines.
    #[error("{}", Listing { file, problems })]
    Invalid {
        /// The file's name.
        file: String,
        /// At least one.
        problems: Vec<Problem>,
    },
}

impl LoadError {
    /// Whether the file could not be read.
    #[must_use]
    pub fn is_io(&self) -> bool {
        matches!(self, Self::Read { .. })
    }

    /// Whether it was read and breaks the rules of policies, or their form.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        matches!(self, Self::Invalid { .. })
    }

    /// The problems found in the file; none if it could not be read.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid { problems, .. } => problems,
            _ => &[],
        }
    }
}

struct Listing<'a> {
    file: &'a str,
    problems: &'a [Problem],
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{}:{problem}", self.file)?;
        }
        Ok(())
    }
}
