//! Reading audit files: plain or compressed, on all cores, in bounded memory.
//!
//! Whoever judges by an audit must know what of it they have not seen. So a line that is no entry, a gap
//! that the writer left, and a file that ends where none should are told with file and line, and cost
//! nothing else.

use std::collections::HashSet;
use std::fs::File;
use std::io;
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
    /// Sums over the requests of a unit.
    pub units: u64,
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
        self.records + self.exposures + self.units
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
/// If a file cannot be opened or is given twice, before any is read. What cannot be read of a file is
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
    let mut seen = HashSet::new();
    for path in paths {
        let at = |error| OpenError { path: path.clone(), error };
        let mut name = path.clone();
        if path != Path::new(STANDARD_INPUT) {
            if File::open(path).and_then(|file| file.metadata()).map_err(at)?.is_dir() {
                return Err(at(io::ErrorKind::IsADirectory.into()));
            }
            name = path.canonicalize().map_err(at)?;
        }
        if !seen.insert(name) {
            return Err(at(io::Error::new(io::ErrorKind::InvalidInput, "is given twice")));
        }
    }
    Ok(())
}

/// Which kind of entry, to count it.
enum Kind {
    Record,
    Exposure,
    Unit,
    Lost(u64),
}

impl Kind {
    fn of(entry: &Entry) -> Self {
        match entry {
            Entry::Record(_) => Self::Record,
            Entry::Line(Line::Exposure(_)) => Self::Exposure,
            Entry::Line(Line::Unit(_)) => Self::Unit,
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
mod tests {
    use std::io::Write;

    use super::*;
    use crate::audit::{AuditKey, DecisionName, Durations, Outcome, PolicyIdentity, Record, Risk};
    use crate::policy::plan::Mode;

    fn record(number: u64) -> Record {
        Record {
            time: jiff::Timestamp::from_second(1_800_000_000).unwrap(),
            decision: DecisionName(format!("d-{number}")),
            principal: AuditKey::new([0; 32]).principal("a", None, None),
            risk: Risk::Unknown { reason: "missing".into() },
            grade: String::new(),
            arm: None,
            policy: PolicyIdentity { name: "ladder".into(), revision: "3f".into() },
            protocol: "chat".into(),
            stream: true,
            mode: Mode::Enforce,
            applied: Vec::new(),
            observed: Vec::new(),
            other_arms: std::collections::BTreeMap::new(),
            dry_run: None,
            outcome: Outcome::Complete,
            status: Some(200),
            durations: Durations::default(),
        }
    }

    fn lines(count: u64) -> Vec<u8> {
        let line = |number| serde_json::to_string(&record(number)).unwrap() + "\n";
        (0..count).map(line).collect::<String>().into_bytes()
    }

    /// Files in a folder of their own.
    fn written(name: &str, files: &[(&str, &[u8])]) -> (PathBuf, Vec<PathBuf>) {
        let folder =
            std::env::temp_dir().join(format!("guilloche-audit-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |(name, bytes): &(&str, &[u8])| {
            let path = folder.join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        (folder.clone(), files.iter().map(write).collect())
    }

    fn decisions(paths: &[PathBuf]) -> (Vec<String>, Vec<FileRead>) {
        let mut seen = Vec::new();
        let look = |entry| match entry {
            Entry::Record(record) => record.decision.0,
            Entry::Line(_) => "-".to_owned(),
        };
        let files = read(paths, look, |decision| seen.push(decision), |_| ()).unwrap();
        (seen, files)
    }

    #[test]
    fn files_of_every_form_are_read_in_their_order_and_more_than_one_window_of_them() {
        let plain = lines(20_000);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        let (gzip, zstd) = (gzip.finish().unwrap(), zstd::encode_all(&plain[..], 1).unwrap());
        let (folder, paths) =
            written("forms", &[("a.jsonl", &plain), ("b.gz", &gzip), ("c.zst", &zstd)]);
        let (seen, files) = decisions(&paths);
        let expected = (0..3).flat_map(|_| (0..20_000).map(|number| format!("d-{number}")));
        assert!(seen.iter().cloned().eq(expected));
        let read = |file: &FileRead| (file.bytes, file.records, file.has_gaps(), file.compression);
        assert_eq!(
            files.iter().map(read).collect::<Vec<_>>(),
            [None, Some("gzip"), Some("zstd")].map(|compression| (
                plain.len() as u64,
                20_000,
                false,
                compression
            ))
        );
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_line_and_costs_nothing_else() {
        let good = lines(2);
        let long = vec![b'x'; MAX_LINE_BYTES + 1];
        let gap = b"\n{\"lost\":4}\n{\"time\":\"2027\n\n";
        let hostile = [&good[..], gap, &long, b"\n", &good].concat();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&good).unwrap();
        let whole = gzip.finish().unwrap();
        let cut = &whole[..whole.len() - 12];
        let (folder, paths) =
            written("hostile", &[("a.jsonl", &hostile), ("b.gz", cut), ("c.jsonl", &good)]);
        let (seen, files) = decisions(&paths);
        assert_eq!(seen[..5], ["d-0", "d-1", "-", "d-0", "d-1"]);
        assert_eq!(seen[seen.len() - 2..], ["d-0", "d-1"]);
        let [hostile, cut, last] = &files[..] else { panic!("three files") };
        assert_eq!((hostile.records, hostile.lost, hostile.skipped), (4, 4, 2));
        assert_eq!(
            hostile.problems,
            ["line 5: is no JSON, or was cut: see column 13", "line 7: is longer than any entry"]
        );
        assert!(cut.broken.as_ref().unwrap().contains("cannot be read further"), "{cut:?}");
        assert!(hostile.has_gaps() && cut.has_gaps() && !last.has_gaps());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_is_not_there_or_given_twice_is_told_before_any_is_read() {
        let (folder, mut paths) = written("twice", &[("a.jsonl", &lines(1))]);
        for (other, message) in
            [(folder.join("none"), "os error 2"), (folder.join("./a.jsonl"), "is given twice")]
        {
            paths.truncate(1);
            paths.push(other);
            let error = read(&paths, |_| panic!("nothing is read"), |()| (), |_| ()).unwrap_err();
            assert!(error.to_string().contains(message), "{error}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
