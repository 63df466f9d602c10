//! What is wrong with a configuration.

use std::fmt;

/// One thing that is wrong: where, with which field, and what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file and line, or the environment variable.
    pub place: String,
    /// The field as `section.field`, or the section; absent when the file is no TOML.
    pub field: Option<String>,
    /// What is wrong. Never the value, which may be a secret.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, field, message } = self;
        match field {
            Some(field) => write!(formatter, "{place}: {field}: {message}"),
            None => write!(formatter, "{place}: {message}"),
        }
    }
}

/// Everything that is wrong with a configuration, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the configuration has {} error(s)", self.0.len())?;
        self.0.iter().try_for_each(|error| write!(formatter, "\n  {error}"))
    }
}
