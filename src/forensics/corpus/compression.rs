//! Opening a file, compressed or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::STANDARD_INPUT;

/// The largest window of a Zstandard frame that is decoded: 128 MiB, as the `zstd` command has it.
const MAX_WINDOW_LOG: u32 = 27;

const BUFFER: usize = 256 << 10;

/// What is compressed may come to so many times its size: text compresses to a tenth, records that
/// repeat one another to a hundredth.
const MAX_EXPANSION: u64 = 250;

/// So many bytes are read whatever they were compressed to.
const FREE_BYTES: u64 = 64 << 20;

/// A file that can be read on its own thread.
pub(super) type Reader = Box<dyn BufRead + Send>;

/// The SHA-256 and the size of a file as it lies there, over what has been read of it.
#[derive(Clone, Default)]
pub(super) struct FileDigest(Arc<Mutex<(Sha256, u64)>>);

impl FileDigest {
    pub(super) fn digits(&self) -> String {
        let (hasher, _) = self.lock().clone();
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn size(&self) -> u64 {
        self.lock().1
    }

    fn lock(&self) -> MutexGuard<'_, (Sha256, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Digested<R> {
    inner: R,
    digest: FileDigest,
}

impl<R: Read> Read for Digested<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let (hasher, size) = &mut *self.digest.lock();
        hasher.update(buffer.get(..read).unwrap_or_default());
        *size += read as u64;
        Ok(read)
    }
}

/// Decompressed bytes, up to [`MAX_EXPANSION`] times those of the file.
struct Expanded<R> {
    inner: R,
    file: FileDigest,
    bytes: u64,
}

impl<R: Read> Read for Expanded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        if self.bytes > FREE_BYTES && self.bytes / MAX_EXPANSION > self.file.size() {
            let message = format!(
                "it comes to more than {MAX_EXPANSION} times its size, as no text does; decompress \
                 it yourself if you trust it"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
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
    let (reader, compression) = decompressed(file, &digest)?;
    Ok(Contents { reader, compression, digest })
}

fn decompressed(
    file: impl Read + Send + 'static,
    digest: &FileDigest,
) -> io::Result<(Reader, Option<&'static str>)> {
    let (start, file) = peek(BufReader::with_capacity(BUFFER, file), 4)?;
    Ok(match start.as_slice() {
        // RFC 1952: a file may have several members.
        [0x1f, 0x8b, ..] => {
            (buffered(flate2::bufread::MultiGzDecoder::new(file), digest), Some("gzip"))
        }
        // RFC 8878: a frame, or one to be skipped before the first.
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(file)?;
            decoder.window_log_max(MAX_WINDOW_LOG)?;
            (buffered(decoder, digest), Some("zstd"))
        }
        _ => (Box::new(file), None),
    })
}

fn buffered(inner: impl Read + Send + 'static, digest: &FileDigest) -> Reader {
    let expanded = Expanded { inner, file: digest.clone(), bytes: 0 };
    Box::new(BufReader::with_capacity(BUFFER, expanded))
}

/// A reader whose first bytes were looked at.
pub(super) type Whole<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// The first bytes, and a reader that still has them.
pub(super) fn peek<R: BufRead>(mut reader: R, bytes: u64) -> io::Result<(Vec<u8>, Whole<R>)> {
    let mut start = Vec::new();
    reader.by_ref().take(bytes).read_to_end(&mut start)?;
    Ok((start.clone(), Cursor::new(start).chain(reader)))
}
