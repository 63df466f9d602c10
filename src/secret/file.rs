//! Files that hold secrets are their owner's alone.

use std::fmt;
use std::fs::Metadata;
#[cfg(unix)]
use std::os::unix::fs::{MetadataExt, PermissionsExt};
#[cfg(feature = "signatures")]
use std::path::Path;

/// The mode of a file that others than its owner may read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenMode(u32);

impl OpenMode {
    /// The mode of a file, if others than its owner have a right on it.
    ///
    /// What root owns may be read by a group, too: so are secrets given to a service that runs as
    /// somebody else, by systemd's `LoadCredential` and by Kubernetes, and the group can change
    /// nothing.
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Option<Self> {
        Self::of_owned_by(metadata.uid(), metadata.permissions().mode() & 0o7777)
    }

    #[cfg(unix)]
    fn of_owned_by(owner: u32, mode: u32) -> Option<Self> {
        let rights = if owner == 0 { 0o037 } else { 0o077 };
        (mode & rights != 0).then_some(Self(mode))
    }

    /// The mode of a file, if others than its owner have a right on it.
    #[cfg(not(unix))]
    pub(crate) fn of(_: &Metadata) -> Option<Self> {
        None
    }

    /// The twelve bits.
    pub(crate) fn bits(self) -> u32 {
        self.0
    }
}

impl fmt::Display for OpenMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the file mode is {:o}; no one but its owner should have access (chmod 600)",
            self.0
        )
    }
}

/// The mode of the file at `path`, if others than its owner have a right on it.
#[cfg(feature = "signatures")]
pub(crate) fn open_to_others(path: &Path) -> Option<OpenMode> {
    let metadata = std::fs::metadata(path).ok()?;
    // A pipe, such as a shell's `<(…)`, is gone when it has been read.
    if metadata.is_file() { OpenMode::of(&metadata) } else { None }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_what_root_owns_may_be_read_by_a_group() {
        for (owner, mode, open) in [
            (1000, 0o600, false),
            (1000, 0o400, false),
            (1000, 0o640, true),
            (1000, 0o604, true),
            (0, 0o600, false),
            (0, 0o440, false),
            (0, 0o640, false),
            (0, 0o660, true),
            (0, 0o644, true),
            (0, 0o610, true),
        ] {
            assert_eq!(OpenMode::of_owned_by(owner, mode).is_some(), open, "{owner} {mode:o}");
        }
    }
}
