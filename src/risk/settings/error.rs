//! What can be wrong with the settings.

use std::io;

use http::header::InvalidHeaderName;

use super::MAX_CLOCK_SKEW;
use crate::risk::KeyError;
use crate::secret::NoRandomness;

/// A setting cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct SettingError {
    /// Where it stands, such as `keys[1].file`.
    pub field: String,
    /// What is wrong.
    #[source]
    pub problem: SettingProblem,
}

/// What is wrong with a setting. No variant holds any secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingProblem {
    /// Signatures are required, and there is no key to check them with.
    #[error(
        "trust = \"signature\" needs at least one key, or peers whose certificates are believed"
    )]
    NoKeys,
    /// A name is empty.
    #[error("a name in a certificate is not empty")]
    NoName,
    /// The setting has no meaning under this trust.
    #[error("has no meaning with this trust")]
    Meaningless,
    /// Two keys with one id.
    #[error("another key has this id")]
    DuplicateId,
    /// Neither or both of `file` and `env`.
    #[error("needs exactly one of `file` and `env`")]
    OneOf,
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    File(#[source] io::Error),
    /// The environment variable is not set or not text. Its name, unless that may be a key.
    #[error("{}", environment(.0.as_deref()))]
    Environment(Option<String>),
    /// What was read is no key.
    #[error("{0}")]
    Key(#[source] KeyError),
    /// Not a structured-field key.
    #[error("a label has lower-case letters, digits and `_-.*`, and begins with a letter")]
    Label,
    /// Not a header name.
    #[error("{0}")]
    Header(#[source] InvalidHeaderName),
    /// No key for accounts is set, and none can be drawn.
    #[error(transparent)]
    Randomness(NoRandomness),
    /// More than ten minutes.
    #[error("at most {} seconds", MAX_CLOCK_SKEW.as_secs())]
    ClockSkew,
}

fn environment(variable: Option<&str>) -> String {
    match variable {
        Some(name) => format!("the environment variable {name} is not set, or not text"),
        None => "names no variable that is set (a key itself does not belong here)".to_owned(),
    }
}
