//! Reading audit files: plain or compressed, on all cores, in bounded memory.
//!
//! Whoever judges by an audit must know what of it they have not seen. So a line that is no entry, a gap
//! that the writer left, and a file that ends where none should are told with file and line, and cost
//! nothing else.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use super::Line;
use super::entry::{Entry, EntryError};
use crate::lines::{Contents, LineReader, LineSpan, STANDARD_INPUT, open};

/// The longest line that is read, in bytes. A record has some six hundred.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// Problems of a file that are named; the others are counted.
const NAMED_PROBLEMS: usize = 5;

/// So many bytes of lines are looked at together.
const WINDOW_BYTES: usize = 4 << 20;

/// So many bytes, which hold several entries, tell a copy of a file, or what it was before it grew.
const HEAD_BYTES: u64 = 4 << 10;

/// Fewer lines than this are not worth another thread.
const LEAST_LINES: usize = 64;

/// A file cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct OpenError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub error: io::Error,
}

/// What was read of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileRead {
    /// Its name as it was given.
    pub name: String,
    /// How it was compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<&'static str>,
    /// Its bytes after decompression.
    pub bytes: u64,
    /// Records.
    pub records: u64,
    /// Requests about which the arms of an experiment decide differently.
    pub exposures: u64,
    /// Sums over the requests of a unit, and units that became a part of another.
    pub units: u64,
    /// Counts of requests that have left no record.
    pub passed: u64,
    /// Lines that the writer had no room for.
    pub lost: u64,
    /// Lines that are no entries.
    pub skipped: u64,
    /// The first of these, with their lines.
    pub problems: Vec<String>,
    /// Where and why it could not be read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

impl FileRead {
    /// Entries, of all kinds.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.records + self.exposures + self.units + self.passed
    }

    /// Whether something of it is not known: lines that are no entries, gaps, a missing end.
    #[must_use]
    pub fn has_gaps(&self) -> bool {
        self.broken.is_some() || self.lost > 0 || self.skipped > 0
    }

    fn skip(&mut self, line: u64, error: &EntryError) {
        self.skipped += 1;
        if self.problems.len() < NAMED_PROBLEMS {
            self.problems.push(format!("line {line}: {error}"));
        }
    }

    fn count(&mut self, kind: Kind) {
        let count = match kind {
            Kind::Record => &mut self.records,
            Kind::Exposure => &mut self.exposures,
            Kind::Unit => &mut self.units,
            Kind::Passed => &mut self.passed,
            Kind::Lost(lines) => {
                self.lost = self.lost.saturating_add(lines);
                return;
            }
        };
        *count += 1;
    }
}

/// Reads files front to back. `look` is called for every entry, on all cores; `take` with what it
/// made of it, in the order of the files and their lines, so that the result does not depend on the
/// number of cores; `progress` with the bytes read so far.
///
/// `-` is standard input. Memory does not grow with the files.
///
/// # Errors
/// If a file cannot be opened, is given twice or begins with the same lines as another, before any is read. What cannot be read of a file is
/// no error: its [`FileRead`] tells.
pub fn read<T: Send>(
    paths: &[PathBuf],
    look: impl Fn(Entry) -> T + Sync,
    mut take: impl FnMut(T),
    mut progress: impl FnMut(u64),
) -> Result<Vec<FileRead>, OpenError> {
    check(paths)?;
    let mut feed = Feed { paths: paths.iter(), current: None, files: Vec::new() };
    let (mut window, mut next) = (Window::default(), Window::default());
    feed.fill(&mut window);
    while !window.lines.is_empty() {
        // While a window is looked at, the next is read.
        let ((), seen) = rayon::join(|| feed.fill(&mut next), || window.look(&look));
        for ((file, line), outcome) in window.lines.iter().zip(seen) {
            let Some(report) = feed.files.get_mut(*file) else { continue };
            match outcome {
                Ok((kind, seen)) => {
                    report.count(kind);
                    take(seen);
                }
                Err(error) => report.skip(line.number, &error),
            }
        }
        progress(feed.files.iter().map(|file| file.bytes).sum());
        std::mem::swap(&mut window, &mut next);
    }
    Ok(feed.files)
}

/// Whether all files are there, each once: what is read twice counts twice.
fn check(paths: &[PathBuf]) -> Result<(), OpenError> {
    let (mut seen, mut heads) = (HashSet::new(), Vec::new());
    for path in paths {
        let mut name = path.clone();
        if path != Path::new(STANDARD_INPUT) {
            let at = |error| OpenError { path: path.clone(), error };
            let kind = File::open(path).and_then(|file| file.metadata()).map_err(at)?;
            if kind.is_dir() {
                return Err(at(io::ErrorKind::IsADirectory.into()));
            }
            name = path.canonicalize().map_err(at)?;
            // What comes through a pipe comes once.
            if kind.is_file() {
                heads.push((head(path), path));
            }
        }
        if !seen.insert(name) {
            return Err(counts_twice(path, "is given twice".to_owned()));
        }
    }
    // Behind what goes on in another file, that one comes.
    heads.sort();
    for pair in heads.windows(2) {
        let [(shorter, path), (longer, other)] = pair else { continue };
        if is_several_lines(shorter) && longer.starts_with(shorter) {
            let message = format!("begins as {} does: one is a copy", other.display());
            return Err(counts_twice(path, message));
        }
    }
    Ok(())
}

fn counts_twice(path: &Path, message: String) -> OpenError {
    let error = io::Error::new(io::ErrorKind::InvalidInput, message);
    OpenError { path: path.to_owned(), error }
}

/// The first bytes of a file, without its compression. What cannot be read is told where all is.
fn head(path: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    if let Ok(Contents { reader, .. }) = open(path, |_| ()) {
        let _told_later = reader.take(HEAD_BYTES).read_to_end(&mut head);
    }
    head
}

/// One line may stand in two files, as a gap does.
fn is_several_lines(head: &[u8]) -> bool {
    head.iter().filter(|byte| **byte == b'\n').count() > 1
}

/// Which kind of entry, to count it.
enum Kind {
    Record,
    Exposure,
    Unit,
    Passed,
    Lost(u64),
}

impl Kind {
    fn of(entry: &Entry) -> Self {
        match entry {
            Entry::Record(_) => Self::Record,
            Entry::Line(Line::Exposure(_)) => Self::Exposure,
            Entry::Line(Line::Unit(_) | Line::Joined(_)) => Self::Unit,
            Entry::Line(Line::Passed(_)) => Self::Passed,
            Entry::Line(Line::Lost(lines)) => Self::Lost(*lines),
        }
    }
}

/// Lines with the files that they stand in.
#[derive(Default)]
struct Window {
    bytes: Vec<u8>,
    lines: Vec<(usize, LineSpan)>,
}

impl Window {
    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(WINDOW_BYTES * 2);
        self.lines.clear();
    }

    fn look<T: Send>(
        &self,
        look: &(impl Fn(Entry) -> T + Sync),
    ) -> Vec<Result<(Kind, T), EntryError>> {
        let one = |(_, line): &(usize, LineSpan)| {
            if line.too_long {
                return Err(EntryError::TooLong);
            }
            let entry = Entry::parse(self.bytes.get(line.bytes.clone()).unwrap_or_default())?;
            Ok((Kind::of(&entry), look(entry)))
        };
        self.lines.par_iter().with_min_len(LEAST_LINES).map(one).collect()
    }
}

/// Files, and how far they have been read.
struct Feed<'p> {
    paths: std::slice::Iter<'p, PathBuf>,
    current: Option<LineReader>,
    files: Vec<FileRead>,
}

impl Feed<'_> {
    /// Reads the next window; it stays empty at the end of the last file.
    fn fill(&mut self, window: &mut Window) {
        window.clear();
        while window.bytes.len() < WINDOW_BYTES {
            let Some(lines) = &mut self.current else {
                let Some(path) = self.paths.next() else { break };
                let mut report =
                    FileRead { name: path.display().to_string(), ..FileRead::default() };
                match open(path, |_| ()) {
                    Ok(Contents { reader, compression }) => {
                        report.compression = compression;
                        self.current = Some(LineReader::new(reader, MAX_LINE_BYTES));
                    }
                    Err(error) => report.broken = Some(format!("cannot be opened: {error}")),
                }
                self.files.push(report);
                continue;
            };
            let file = self.files.len().saturating_sub(1);
            let Some(report) = self.files.last_mut() else { break };
            match lines.read(&mut window.bytes) {
                Ok(Some(line)) => {
                    report.bytes += line.length;
                    let bytes = window.bytes.get(line.bytes.clone()).unwrap_or_default();
                    if line.too_long || !bytes.trim_ascii().is_empty() {
                        window.lines.push((file, line));
                    } else {
                        // A window of nothing else would be taken for the end.
                        window.bytes.truncate(line.bytes.start);
                    }
                }
                Ok(None) => self.current = None,
                Err(error) => {
                    let line = lines.number() + 1;
                    report.broken = Some(format!("line {line}: cannot be read further: {error}"));
                    self.current = None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
