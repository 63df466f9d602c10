//! The files that were read, as pages tell of them.

use super::reader::FileRead;
use crate::page::markup::{Markup, text};
use crate::page::names;
use crate::page::table::{self, NUMBER, Row, TEXT};
use crate::page::words::grouped;

/// Writes the table of the files that were read.
pub(crate) fn write(page: &mut Markup, files: &[FileRead]) {
    let columns = [
        ("File", TEXT),
        ("Records", NUMBER),
        ("Other entries", NUMBER),
        ("Lost", NUMBER),
        ("Not read", NUMBER),
        ("Problems", TEXT),
    ];
    let paths: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let rows: Vec<_> = files
        .iter()
        .map(|file| {
            let mut name = Markup::default();
            name.name(&names::base_name(&file.name));
            let problems: Vec<_> = file
                .problems
                .iter()
                .chain(&file.broken)
                .map(|problem| names::message(problem, &paths))
                .collect();
            Row::new(vec![
                name,
                text(&grouped(file.records)),
                text(&grouped(file.entries() - file.records)),
                text(&grouped(file.lost)),
                text(&grouped(file.skipped)),
                text(&problems.join("; ")),
            ])
        })
        .collect();
    table::write(page, "Files", &columns, &rows);
}
