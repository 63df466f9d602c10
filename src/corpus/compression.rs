//! Opening a file, compressed or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::STANDARD_INPUT;

/// The largest window of a Zstandard frame that is decoded: 128 MiB, as the `zstd` command has it.
const MAX_WINDOW_LOG: u32 = 27;

const BUFFER: usize = 256 << 10;

/// A file that can be read on its own thread.
pub(super) type Reader = Box<dyn BufRead + Send>;

/// The SHA-256 of a file as it lies there, over what has been read of it.
#[derive(Clone, Default)]
pub(super) struct FileDigest(Arc<Mutex<Sha256>>);

impl FileDigest {
    pub(super) fn digits(&self) -> String {
        let hasher = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

struct Digested<R> {
    inner: R,
    digest: FileDigest,
}

impl<R: Read> Read for Digested<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let mut hasher = self.digest.0.lock().unwrap_or_else(PoisonError::into_inner);
        hasher.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// A file that was opened.
pub(super) struct Contents {
    pub(super) reader: Reader,
    /// How it was compressed.
    pub(super) compression: Option<&'static str>,
    pub(super) digest: FileDigest,
}

/// Opens a file.
pub(super) fn open(path: &Path) -> io::Result<Contents> {
    let file: Box<dyn Read + Send> = if path == Path::new(STANDARD_INPUT) {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path)?)
    };
    let digest = FileDigest::default();
    let file = Digested { inner: file, digest: digest.clone() };
    let (reader, compression) = decompressed(file)?;
    Ok(Contents { reader, compression, digest })
}

fn decompressed(file: impl Read + Send + 'static) -> io::Result<(Reader, Option<&'static str>)> {
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
