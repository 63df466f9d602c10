//! Files that cannot be read: which, why, and what to do about it.

use std::io::{Error, ErrorKind};
use std::path::Path;

/// What makes a configuration.
pub(super) const CONFIGURATION: &str = "`guilloche init` writes one to begin with";

/// What makes a policy.
pub(super) const POLICY: &str = "`guilloche init` writes one that only observes";

/// What makes a key or a secret of our own.
pub(super) const KEY: &str =
    "`openssl rand -hex 32` makes one, and `guilloche init` all that is needed";

/// What makes a key file of marks.
pub(super) const MARK_KEYS: &str = "`guilloche keys new` makes one";

/// Where the key of somebody else's server comes from.
pub(super) const API_KEY: &str = "whoever runs the server issues it";

/// The file and the [`reason`].
pub(super) fn unreadable(path: &Path, error: &Error, maker: &str) -> String {
    format!("{} {}", path.display(), reason(error, maker))
}

/// The system's reason, and what helps: `maker` where there is no such file.
pub(super) fn reason(error: &Error, maker: &str) -> String {
    let help = match error.kind() {
        ErrorKind::NotFound => maker,
        ErrorKind::PermissionDenied => "the user that the proxy runs as has to be able to read it",
        ErrorKind::InvalidData => "it is no text",
        _ => return format!("cannot be read: {error}"),
    };
    format!("cannot be read: {error} ({help})")
}
