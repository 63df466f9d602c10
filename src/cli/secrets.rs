//! Secrets that a command is given: never as an argument, which other users of the machine see.

use std::io::Write;
use std::path::Path;

use zeroize::Zeroizing;

use super::Failure;
use crate::risk::settings::read_secret_file;
use crate::secret;

/// The secret in an environment variable.
pub(super) fn from_environment(variable: &str) -> Result<Zeroizing<String>, Failure> {
    let text = std::env::var(variable).map_err(|error| format!("{variable}: {error}"))?;
    Ok(Zeroizing::new(text))
}

/// The secret in a file.
pub(super) fn from_file(file: &Path) -> Result<Zeroizing<String>, Failure> {
    warn_of_mode(file)?;
    let text = read_secret_file(file);
    Ok(text.map_err(|error| format!("{}: {error}", file.display()))?)
}

/// Says on standard error that others than its owner can read a file with a key.
pub(super) fn warn_of_mode(file: &Path) -> Result<(), Failure> {
    if let Some(mode) = secret::open_to_others(file) {
        writeln!(std::io::stderr(), "warning: {}: {mode}", file.display())?;
    }
    Ok(())
}
