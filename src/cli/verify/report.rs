//! The page of `verify --report`.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::super::Failure;
use crate::forensics::examination::Verdict;
use crate::forensics::report::{Run, page};

/// How a page begins.
const OPENING: &[u8] = b"<!DOCTYPE html>";

/// A file that is open for the page: a name that cannot be written fails before the work, and not
/// behind it.
pub(super) struct Report {
    path: PathBuf,
    file: File,
}

impl Report {
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

    /// Writes the page, with the command line of this process.
    pub(super) fn write(mut self, verdict: &Verdict) -> Result<(), Failure> {
        let command = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
        let run = Run { made: Some(Timestamp::now()), command: command.collect() };
        let page = page(verdict, &run);
        let written = self.file.set_len(0).and_then(|()| self.file.write_all(page.as_bytes()));
        Ok(written.map_err(|error| format!("{}: {error}", self.path.display()))?)
    }
}
