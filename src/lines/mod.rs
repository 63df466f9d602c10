//! Files of lines that only grow, and the one writer of them.

mod writer;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

pub use writer::{LineWriter, Lost};

/// Whether the last line of a file was cut, by a crash or a full disk: what is appended to it would
/// be read as one line with the next.
pub(crate) fn last_is_cut(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
