//! Secrets that a command is given: never as an argument, which other users of the machine see.

use std::io::Write;
use std::path::Path;

use zeroize::Zeroizing;

use super::Failure;
use crate::audit::AuditKey;
use crate::risk::settings::read_secret_file;
use crate::secret::{self, Secret};

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

/// The key of an audit's hashes, by the deployment's secret: in a file, or else in the environment
/// variable that the proxy reads; none where it is in neither.
pub(super) fn audit_key(file: Option<&Path>) -> Result<Option<AuditKey>, Failure> {
    const VARIABLE: &str = "GUILLOCHE_SECRET_KEY";
    let text = match file {
        Some(file) => from_file(file)?,
        None if std::env::var_os(VARIABLE).is_some() => from_environment(VARIABLE)?,
        None => return Ok(None),
    };
    // The decoder of BLAKE3's own hash type is strict: 64 digits, nothing else.
    let bytes = blake3::Hash::from_hex(text.trim())
        .map_err(|_| "the deployment's secret has 64 hexadecimal digits")?;
    Ok(Some(AuditKey::of_deployment(&Secret::new(*bytes.as_bytes()))))
}

/// Says on standard error that others than its owner can read a file with a key.
pub(super) fn warn_of_mode(file: &Path) -> Result<(), Failure> {
    if let Some(mode) = secret::open_to_others(file) {
        writeln!(std::io::stderr(), "warning: {}: {mode}", file.display())?;
    }
    Ok(())
}
