//! Documents of a list of files, looked at on all cores and put together in their order.

use std::borrow::Cow;
use std::path::PathBuf;

use rayon::prelude::*;

use super::CorpusError;
use super::feed::{Feed, Record, Window};
use super::field::FieldPath;
use super::format::Format;
use super::record::{Document, Extracted, RecordProblem};
use crate::forensics::examination::FileRead;
use crate::mark::ascii::words_between_white;

/// Problems that a report names; the others it counts.
const NAMED_PROBLEMS: usize = 5;

/// Calls `map` for every document, on all cores, and `apply` with what came of it, in the order of
/// the files; `progress` with the bytes read so far, after each window. While a window is looked at,
/// the next is read.
///
/// # Errors
///
/// If a file cannot be opened or read to its end. Records that cannot be read are no errors: the
/// report on their file tells.
pub fn for_each_document<T: Send>(
    paths: Vec<PathBuf>,
    field: Option<&FieldPath>,
    map: impl Fn(Document<'_>) -> T + Sync,
    apply: impl FnMut(T),
    progress: impl FnMut(u64),
) -> Result<Vec<FileRead>, CorpusError> {
    for_each(paths, |line| Extracted::read(line, field), map, apply, progress)
}

/// The same of files of prompts: a record need not have a text.
pub(super) fn for_each_prompt<T: Send>(
    paths: Vec<PathBuf>,
    field: Option<&FieldPath>,
    map: impl Fn(Document<'_>) -> T + Sync,
    apply: impl FnMut(T),
) -> Result<Vec<FileRead>, CorpusError> {
    for_each(paths, |line| Extracted::read_prompts(line, field), map, apply, |_| ())
}

fn for_each<T: Send>(
    paths: Vec<PathBuf>,
    read: impl Fn(&str) -> Result<Extracted<'_>, RecordProblem> + Sync,
    map: impl Fn(Document<'_>) -> T + Sync,
    mut apply: impl FnMut(T),
    mut progress: impl FnMut(u64),
) -> Result<Vec<FileRead>, CorpusError> {
    let mut feed = Feed::new(paths);
    let (mut window, mut next) = (Window::default(), Window::default());
    let mut more = feed.fill(&mut window)?;
    while more {
        let (filled, read) = rayon::join(|| feed.fill(&mut next), || look_at(&window, &read, &map));
        for (record, outcome) in window.records().iter().zip(read) {
            let Some(report) = feed.files.get_mut(record.file) else { continue };
            match outcome {
                Ok(documents) => {
                    report.documents += documents.len() as u64;
                    for (words, document) in documents {
                        report.words += words;
                        apply(document);
                    }
                }
                Err(problem) => skip(report, record, &problem),
            }
        }
        progress(feed.files.iter().map(|file| file.bytes).sum());
        more = filled?;
        std::mem::swap(&mut window, &mut next);
    }
    Ok(feed.files)
}

fn skip(report: &mut FileRead, record: &Record, problem: &RecordProblem) {
    report.skipped += 1;
    if report.problems.len() < NAMED_PROBLEMS {
        report.problems.push(format!("line {}: {problem}", record.number));
    }
}

fn look_at<T: Send>(
    window: &Window,
    read: &(impl Fn(&str) -> Result<Extracted<'_>, RecordProblem> + Sync),
    map: &(impl Fn(Document<'_>) -> T + Sync),
) -> Vec<Result<Vec<(u64, T)>, RecordProblem>> {
    let map = |document: Document<'_>| (words_between_white(document.text), map(document));
    let look = |record: &Record| {
        let bytes = window.bytes(record)?;
        // What is valid, as most is, is told faster by this.
        let text = std::str::from_utf8(bytes)
            .map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
        if record.format == Format::Text {
            return Ok(vec![map(Document { text: &text, prompts: &[] })]);
        }
        let Extracted { texts, prompts } = read(text.trim())?;
        Ok(texts
            .iter()
            .map(|text: &Cow<'_, str>| map(Document { text, prompts: &prompts }))
            .collect())
    };
    window.records().par_iter().map(look).collect()
}
