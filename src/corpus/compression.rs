//! Opening a file, compressed or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use super::STANDARD_INPUT;

/// The largest window of a Zstandard frame that is decoded: 128 MiB, as the `zstd` command has it.
const MAX_WINDOW_LOG: u32 = 27;

const BUFFER: usize = 256 << 10;

/// A file that can be read on its own thread.
pub(super) type Reader = Box<dyn BufRead + Send>;

/// The reader of a file's contents, and how they were compressed.
pub(super) fn open(path: &Path) -> io::Result<(Reader, Option<&'static str>)> {
    let file: Box<dyn Read + Send> = if path == Path::new(STANDARD_INPUT) {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path)?)
    };
    decompressed(file)
}

fn decompressed(file: Box<dyn Read + Send>) -> io::Result<(Reader, Option<&'static str>)> {
    let (start, file) = peek(BufReader::with_capacity(BUFFER, file), 4)?;
    Ok(match start.as_slice() {
        // RFC 1952: a file may have several members.
        [0x1f, 0x8b, ..] => (buffered(flate2::bufread::MultiGzDecoder::new(file)), Some("gzip")),
        // RFC 8878: a frame, or one to be skipped before the first.
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(file)?;
            decoder.window_log_max(MAX_WINDOW_LOG)?;
            (buffered(decoder), Some("zstd"))
        }
        _ => (Box::new(file), None),
    })
}

fn buffered(reader: impl Read + Send + 'static) -> Reader {
    Box::new(BufReader::with_capacity(BUFFER, reader))
}

/// A reader whose first bytes were looked at.
pub(super) type Whole<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// The first bytes, and a reader that still has them.
pub(super) fn peek<R: BufRead>(mut reader: R, bytes: u64) -> io::Result<(Vec<u8>, Whole<R>)> {
    let mut start = Vec::new();
    reader.by_ref().take(bytes).read_to_end(&mut start)?;
    Ok((start.clone(), Cursor::new(start).chain(reader)))
}
