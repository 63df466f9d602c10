//! Why a configuration was not taken up.

use crate::mark::keys::KeyFileError;
use crate::proxy::config::ConfigErrors;
use crate::proxy::start_error::StartError;

/// Why a configuration was not taken up. What decided before goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// Everything that is wrong with it.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// It changes what was made at the start: the fields.
    #[error("cannot change while clients are served: {}; restart the proxy to change it", .0.join(", "))]
    Bound(Vec<String>),
    /// Its parts do not go together, or cannot be made.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The key file has another master key, and the ledger belongs to the one before.
    #[error(
        "marks.keys: the file has another master key, and marks.ledger belongs to the one before; \
         restart the proxy with a ledger of its own"
    )]
    OtherKeys,
    /// The key file of the marks cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// Something in it failed that is not meant to.
    #[error("the configuration could not be checked")]
    Unchecked,
    /// The proxy has stopped.
    #[error("the proxy has stopped")]
    Stopped,
}

impl ReloadError {
    /// Each of the things that are wrong, with what caused it, on a line of its own.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Config(ConfigErrors(errors)) => errors.iter().map(ToString::to_string).collect(),
            Self::Start(error) => vec![error.with_causes()],
            other => vec![other.to_string()],
        }
    }
}
