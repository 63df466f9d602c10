//! What is said of the audit files that were read.

use std::io::{self, Write};

use super::Answer;
use super::paragraph::{printable, write_wrapped};
use crate::audit::reader::FileRead;
use crate::page::words::grouped;

/// Whether all of them could be read.
pub(super) fn answer(files: &[FileRead]) -> Answer {
    let unread = |file: &FileRead| file.broken.is_some() || file.skipped > 0;
    if files.iter().any(unread) { Answer::Unread } else { Answer::Done }
}

/// Names what is missing of each.
pub(super) fn write(out: &mut impl Write, files: &[FileRead]) -> io::Result<()> {
    for file in files.iter().filter(|file| file.has_gaps()) {
        let name = printable(&file.name);
        let (lost, skipped) = (grouped(file.lost), grouped(file.skipped));
        let told = format!("{lost} lines lost by the writer, {skipped} that are no entries");
        writeln!(out)?;
        write_wrapped(out, "", "  ", &format!("{name}: {told}"))?;
        for problem in file.problems.iter().chain(&file.broken) {
            write_wrapped(out, "  - ", "    ", &printable(problem))?;
        }
    }
    Ok(())
}
