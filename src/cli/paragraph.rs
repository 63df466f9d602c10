//! Text for people, 80 columns wide.

use std::io::{self, Write};

/// Columns of a report.
const WIDTH: usize = 80;

/// Writes words behind `first`, wrapped, with `rest` before every further line.
pub(super) fn write_wrapped(
    out: &mut impl Write,
    first: &str,
    rest: &str,
    words: &str,
) -> io::Result<()> {
    write!(out, "{first}")?;
    let mut column = first.chars().count();
    let mut fresh = true;
    for word in words.split(' ') {
        let width = word.chars().count();
        if !fresh && column + 1 + width > WIDTH {
            write!(out, "\n{rest}")?;
            column = rest.chars().count();
            fresh = true;
        }
        if !fresh {
            write!(out, " ")?;
            column += 1;
        }
        write!(out, "{word}")?;
        column += width;
        fresh = false;
    }
    writeln!(out)
}

/// A name from outside without what would steer a terminal.
pub(super) fn printable(name: &str) -> String {
    name.chars()
        .map(|character| if character.is_control() { '\u{fffd}' } else { character })
        .collect()
}

/// A name from outside in so many columns.
pub(super) fn clipped(name: &str, columns: usize) -> String {
    let name = printable(name);
    if name.chars().count() <= columns {
        return name;
    }
    name.chars().take(columns - 1).chain(['…']).collect()
}
