//! The page of a report, and the file that it is written to.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::new_file::{PUBLIC, can_be_replaced, replace};

/// How a page begins.
const OPENING: &[u8] = b"<!DOCTYPE html>";

/// A file that is there when the page is, and not before: a name that cannot be written fails before the
/// work, and work that fails leaves the page that was there.
pub(super) struct PageFile {
    path: PathBuf,
}

impl PageFile {
    /// Looks whether the page can be written. Another page may be there, which it replaces; anything else
    /// is kept, such as the file of keys.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let at = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        // What a link leads to is replaced, and not the link.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match File::options().append(true).read(true).open(&target) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(at(&error).into()),
            Ok(file) => {
                let mut opening = Vec::new();
                // A device or a pipe would never end, or wait for others.
                let is_file = file.metadata().map_err(|error| at(&error))?.is_file();
                if is_file {
                    let read = file.take(OPENING.len() as u64).read_to_end(&mut opening);
                    read.map_err(|error| at(&error))?;
                }
                if !is_file || !(opening.is_empty() || opening == OPENING) {
                    return Err(at(&"is there already, and no report").into());
                }
            }
        }
        can_be_replaced(&target).map_err(|error| at(&error))?;
        Ok(Self { path: target })
    }

    /// Writes the page.
    pub(super) fn write(self, page: &str) -> Result<(), Failure> {
        let written = replace(&self.path, page.as_bytes(), PUBLIC);
        Ok(written.map_err(|error| format!("{}: {error}", self.path.display()))?)
    }
}
