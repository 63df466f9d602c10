//! Opening a file, compressed or not, which its first bytes tell.
//!
//! What is compressed comes from others: how far it may expand is bounded, and so is the window of
//! its decoder.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The name that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// The largest window of a Zstandard frame that is decoded: 128 MiB, as the `zstd` command has it.
const MAX_WINDOW_LOG: u32 = 27;

const BUFFER: usize = 256 << 10;

/// What is compressed may come to so many times its size: text compresses to a tenth, records that
/// repeat one another to a hundredth.
const MAX_EXPANSION: u64 = 250;

/// So many bytes are read whatever they were compressed to.
const FREE_BYTES: u64 = 64 << 20;

/// A file that can be read on its own thread.
pub(crate) type Reader = Box<dyn BufRead + Send>;

/// A file that was opened.
pub(crate) struct Contents {
    pub(crate) reader: Reader,
    /// How it was compressed.
    pub(crate) compression: Option<&'static str>,
}

/// The file as it lies there: its bytes are shown as they are read, and counted.
struct Seen<F> {
    file: Box<dyn Read + Send>,
    size: Arc<AtomicU64>,
    see: F,
}

impl<F: FnMut(&[u8])> Read for Seen<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        (self.see)(buffer.get(..read).unwrap_or_default());
        self.size.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Decompressed bytes, up to [`MAX_EXPANSION`] times those of the file.
struct Expanded<R> {
    inner: R,
    /// The bytes of the file that have been read.
    size: Arc<AtomicU64>,
    bytes: u64,
}

impl<R: Read> Read for Expanded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        let size = self.size.load(Ordering::Relaxed);
        if self.bytes > FREE_BYTES && self.bytes / MAX_EXPANSION > size {
            let message = format!(
                "it comes to more than {MAX_EXPANSION} times its size, as no text does; decompress \
                 it yourself if you trust it"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(read)
    }
}

/// Opens a file, or standard input. `see` is shown its bytes as they lie there.
pub(crate) fn open(path: &Path, see: impl FnMut(&[u8]) + Send + 'static) -> io::Result<Contents> {
    let file: Box<dyn Read + Send> = if path == Path::new(STANDARD_INPUT) {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path)?)
    };
    let size = Arc::default();
    let file = Seen { file, size: Arc::clone(&size), see };
    let (reader, compression) = decompressed(file, size)?;
    Ok(Contents { reader, compression })
}

fn decompressed(
    file: impl Read + Send + 'static,
    size: Arc<AtomicU64>,
) -> io::Result<(Reader, Option<&'static str>)> {
    let (start, file) = peek(BufReader::with_capacity(BUFFER, file), 4)?;
    Ok(match start.as_slice() {
        // RFC 1952: a file may have several members.
        [0x1f, 0x8b, ..] => {
            (buffered(flate2::bufread::MultiGzDecoder::new(file), size), Some("gzip"))
        }
        // RFC 8878: a frame, or one to be skipped before the first.
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(file)?;
            decoder.window_log_max(MAX_WINDOW_LOG)?;
            (buffered(decoder, size), Some("zstd"))
        }
        _ => (Box::new(file), None),
    })
}

fn buffered(inner: impl Read + Send + 'static, size: Arc<AtomicU64>) -> Reader {
    Box::new(BufReader::with_capacity(BUFFER, Expanded { inner, size, bytes: 0 }))
}

/// A reader whose first bytes were looked at.
pub(crate) type Whole<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// The first bytes, and a reader that still has them.
pub(crate) fn peek<R: BufRead>(mut reader: R, bytes: u64) -> io::Result<(Vec<u8>, Whole<R>)> {
    let mut start = Vec::new();
    reader.by_ref().take(bytes).read_to_end(&mut start)?;
    Ok((start.clone(), Cursor::new(start).chain(reader)))
}
