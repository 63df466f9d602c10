//! Files of lines: the one writer of those that only grow, and the one reader of those that may be
//! compressed, or hostile.

#[cfg(feature = "decompress")]
mod compressed;
#[cfg(feature = "decompress")]
mod reader;
mod writer;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

#[cfg(feature = "decompress")]
pub use compressed::STANDARD_INPUT;
#[cfg(feature = "decompress")]
pub(crate) use compressed::{Contents, open};
#[cfg(feature = "forensics")]
pub(crate) use compressed::{Reader, peek};
#[cfg(feature = "decompress")]
pub(crate) use reader::{LineReader, LineSpan};
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
