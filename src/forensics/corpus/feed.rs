//! The records of a list of files, in windows of bounded size.

use std::io::{self, Read};
use std::ops::Range;
use std::path::PathBuf;

use super::format::{FileDigest, Format, Opened};
use super::record::RecordProblem;
use super::{CorpusError, CorpusProblem, MAX_LINE_BYTES, TEXT_DOCUMENT_BYTES, at};
use crate::forensics::examination::FileRead;
use crate::lines::{LineReader, LineSpan, Reader};

/// A window is full from so many bytes on.
const WINDOW_BYTES: usize = 4 << 20;

/// Records of one window, with their bytes.
#[derive(Default)]
pub(super) struct Window {
    bytes: Vec<u8>,
    records: Vec<Record>,
}

/// Where a record stands.
#[derive(Clone, Copy)]
pub(super) struct Record {
    /// The number of its file.
    pub(super) file: usize,
    /// The number of its line, or of its piece of the text, from 1.
    pub(super) number: u64,
    pub(super) format: Format,
    start: usize,
    end: usize,
    /// Too long to be kept.
    too_long: bool,
}

impl Window {
    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    /// The bytes of a record.
    pub(super) fn bytes(&self, record: &Record) -> Result<&[u8], RecordProblem> {
        if record.too_long {
            return Err(RecordProblem::TooLong);
        }
        Ok(self.bytes.get(record.start..record.end).unwrap_or_default())
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(WINDOW_BYTES * 2);
        self.records.clear();
    }
}

/// Files, and how far they have been read.
pub(super) struct Feed {
    paths: std::vec::IntoIter<PathBuf>,
    current: Option<Current>,
    pub(super) files: Vec<FileRead>,
}

struct Current {
    path: PathBuf,
    documents: Documents,
    digest: FileDigest,
}

/// How the documents of a file are told apart.
enum Documents {
    Lines(LineReader),
    Pieces(Pieces),
}

/// Pieces of a text.
struct Pieces {
    reader: Reader,
    number: u64,
    /// What was read and is not part of a document yet.
    rest: Vec<u8>,
}

impl Feed {
    pub(super) fn new(paths: Vec<PathBuf>) -> Self {
        Self { paths: paths.into_iter(), current: None, files: Vec::new() }
    }

    /// Reads the next window; false if there is none.
    pub(super) fn fill(&mut self, window: &mut Window) -> Result<bool, CorpusError> {
        window.clear();
        while window.bytes.len() < WINDOW_BYTES {
            let Some(current) = &mut self.current else {
                match self.paths.next() {
                    Some(path) => self.open(path)?,
                    None => break,
                }
                continue;
            };
            let file = self.files.len().saturating_sub(1);
            let Some(report) = self.files.last_mut() else { break };
            let read = match &mut current.documents {
                Documents::Lines(lines) => line(lines, window, file, report),
                Documents::Pieces(pieces) => pieces.next(window, file, report),
            };
            let more = read.map_err(|error| {
                at(&current.path)(CorpusProblem::Read { records: report.records, error })
            })?;
            if !more {
                report.sha256 = current.digest.digits();
                self.current = None;
            }
        }
        Ok(!window.records.is_empty())
    }

    fn open(&mut self, path: PathBuf) -> Result<(), CorpusError> {
        let Opened { reader, format, described, digest } =
            Opened::open(&path).map_err(at(&path))?;
        let name = path.display().to_string();
        self.files.push(FileRead { name, format: described, ..FileRead::default() });
        let documents = match format {
            Format::Jsonl => Documents::Lines(LineReader::new(reader, MAX_LINE_BYTES)),
            Format::Text => Documents::Pieces(Pieces { reader, number: 0, rest: Vec::new() }),
        };
        self.current = Some(Current { path, documents, digest });
        Ok(())
    }
}

/// The next line; false at the end.
fn line(
    lines: &mut LineReader,
    window: &mut Window,
    file: usize,
    report: &mut FileRead,
) -> io::Result<bool> {
    let Some(LineSpan { number, bytes: Range { start, end }, length, too_long }) =
        lines.read(&mut window.bytes)?
    else {
        return Ok(false);
    };
    report.bytes += length;
    let blank = window.bytes.get(start..end).unwrap_or_default().trim_ascii().is_empty();
    if too_long || !blank {
        report.records += 1;
        window.records.push(Record { file, number, format: Format::Jsonl, start, end, too_long });
    } else {
        // A window of nothing else would be taken for the end.
        window.bytes.truncate(start);
    }
    Ok(true)
}

impl Pieces {
    /// The next piece of a text; false at the end.
    fn next(
        &mut self,
        window: &mut Window,
        file: usize,
        report: &mut FileRead,
    ) -> io::Result<bool> {
        let wanted = (TEXT_DOCUMENT_BYTES + 1).saturating_sub(self.rest.len()) as u64;
        let read = self.reader.by_ref().take(wanted).read_to_end(&mut self.rest)?;
        report.bytes += read as u64;
        if self.rest.is_empty() {
            return Ok(false);
        }
        let length = cut(&self.rest);
        let start = window.bytes.len();
        window.bytes.extend(self.rest.drain(..length));
        let end = window.bytes.len();
        self.number += 1;
        let piece = window.bytes.get(start..end).unwrap_or_default();
        if !piece.trim_ascii().is_empty() {
            report.records += 1;
            let (number, format) = (self.number, Format::Text);
            window.records.push(Record { file, number, format, start, end, too_long: false });
        } else {
            window.bytes.truncate(start);
        }
        Ok(true)
    }
}

/// Where a document ends: behind the last paragraph that fits, else the last line, else the last
/// word, else the last character.
fn cut(text: &[u8]) -> usize {
    if text.len() <= TEXT_DOCUMENT_BYTES {
        return text.len();
    }
    let text = text.get(..TEXT_DOCUMENT_BYTES).unwrap_or(text);
    let behind = |wanted: &[u8]| {
        memchr::memmem::rfind(text, wanted).map(|start| start + wanted.len()).filter(|end| *end > 0)
    };
    let paragraph = behind(b"\n\n").max(behind(b"\n\r\n"));
    let boundary = || {
        let continued = text.iter().rev().take_while(|byte| **byte & 0xc0 == 0x80).count();
        match text.len() - continued {
            0 => text.len(),
            // The first byte of a character that is cut.
            start => start - usize::from(text.get(start - 1).is_some_and(|byte| *byte >= 0xc0)),
        }
    };
    paragraph
        .or_else(|| behind(b"\n"))
        .or_else(|| behind(b" "))
        .unwrap_or_else(|| boundary().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_behind_its_last_paragraph_line_word_or_character_that_fits() {
        let filled = |unit: &str| unit.repeat(2 * TEXT_DOCUMENT_BYTES / unit.len());
        assert_eq!(cut(b"short"), 5);
        for unit in
            ["word\n\nand more\nor less ", "word\r\n\r\nmore\r\n", "line\nof ", "word ", "é", "x"]
        {
            let text = filled(unit);
            let at = cut(text.as_bytes());
            assert!(at <= TEXT_DOCUMENT_BYTES && at > TEXT_DOCUMENT_BYTES - 40, "{unit:?} {at}");
            assert!(text.is_char_boundary(at));
            let before = &text.as_bytes()[..at];
            let end: &[u8] = match unit {
                "word\n\nand more\nor less " => b"word\n\n",
                "word\r\n\r\nmore\r\n" => b"word\r\n\r\n",
                "line\nof " => b"line\n",
                "word " => b"word ",
                unit => unit.as_bytes(),
            };
            assert!(before.ends_with(end), "{unit:?}");
        }
        assert!(cut(&[0x80; 20_000]) > 0);
    }
}
