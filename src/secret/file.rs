//! Files that hold secrets are their owner's alone.

use std::fmt;
use std::fs::Metadata;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
#[cfg(feature = "proxy")]
use std::path::Path;

/// The mode of a file that others than its owner may read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenMode(u32);

impl OpenMode {
    /// The mode of a file, if others than its owner have any right on it.
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Option<Self> {
        let mode = metadata.permissions().mode() & 0o7777;
        (mode & 0o077 != 0).then_some(Self(mode))
    }

    /// The mode of a file, if others than its owner have any right on it.
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

/// The mode of the file at `path`, if others than its owner have any right on it.
#[cfg(feature = "proxy")]
pub(crate) fn open_to_others(path: &Path) -> Option<OpenMode> {
    let metadata = std::fs::metadata(path).ok()?;
    // A pipe, such as a shell's `<(…)`, is gone when it has been read.
    if metadata.is_file() { OpenMode::of(&metadata) } else { None }
}
