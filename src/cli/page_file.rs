//! The page of a report, and the file that it is written to.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::Failure;

/// How a page begins.
const OPENING: &[u8] = b"<!DOCTYPE html>";

/// A file that is open for the page: a name that cannot be written fails before the work, and not
/// behind it.
pub(super) struct PageFile {
    path: PathBuf,
    file: File,
}

impl PageFile {
    /// Opens the file. A page that is there already is lost only when the new one is written;
    /// anything else is kept, such as the file of keys.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let opened = File::options().create(true).append(true).read(true).open(path);
        let file = opened.map_err(|error| at(&error))?;
        let mut opening = Vec::new();
        (&file).take(OPENING.len() as u64).read_to_end(&mut opening).map_err(|error| at(&error))?;
        if !opening.is_empty() && opening != OPENING {
            return Err(at(&"is there already, and no report").into());
        }
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes the page.
    pub(super) fn write(mut self, page: &str) -> Result<(), Failure> {
        let written = self.file.set_len(0).and_then(|()| self.file.write_all(page.as_bytes()));
        Ok(written.map_err(|error| format!("{}: {error}", self.path.display()))?)
    }
}
