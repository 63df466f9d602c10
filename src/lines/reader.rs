//! Lines of a file that somebody else wrote: numbered, and none longer than is borne.

use std::io::{self, BufRead, Read};
use std::ops::Range;

use super::compressed::Reader;

/// Reads a file line by line into buffers of the caller.
pub(crate) struct LineReader {
    reader: Reader,
    longest: usize,
    number: u64,
}

/// Where a line stands in the buffer that it was read into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineSpan {
    /// The line's number, from 1.
    pub(crate) number: u64,
    /// Its bytes in the buffer, its end of line among them; none of a line that is too long.
    pub(crate) bytes: Range<usize>,
    /// Its bytes in the file.
    pub(crate) length: u64,
    /// It was too long to be kept, and was skipped.
    pub(crate) too_long: bool,
}

impl LineReader {
    /// Reads lines of at most `longest` bytes, without their end.
    pub(crate) fn new(reader: Reader, longest: usize) -> Self {
        Self { reader, longest, number: 0 }
    }

    /// The number of the last line that was read; 0 before the first.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Appends the next line to `buffer`; `None` at the end of the file. The last line need not have
    /// an end.
    ///
    /// # Errors
    /// What the reader says: the file is damaged or cut in the line after [`Self::number`]. The
    /// buffer has then what it had before.
    pub(crate) fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<Option<LineSpan>> {
        let start = buffer.len();
        let limit = self.longest as u64 + 1;
        let outcome = self.reader.by_ref().take(limit).read_until(b'\n', buffer);
        let read = outcome.inspect_err(|_| buffer.truncate(start))?;
        if read == 0 {
            return Ok(None);
        }
        let mut length = read as u64;
        let too_long = read > self.longest && buffer.last() != Some(&b'\n');
        if too_long {
            buffer.truncate(start);
            length += self.reader.skip_until(b'\n')? as u64;
        }
        self.number += 1;
        Ok(Some(LineSpan { number: self.number, bytes: start..buffer.len(), length, too_long }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_the_last_needs_no_end() {
        let mut lines = LineReader::new(Box::new(&b"a\n\nbc"[..]), 9);
        let mut buffer = b"x".to_vec();
        let mut spans = Vec::new();
        while let Some(LineSpan { number, bytes, length, too_long: false }) =
            lines.read(&mut buffer).unwrap()
        {
            spans.push((number, bytes, length));
        }
        assert_eq!(spans, [(1, 1..3, 2), (2, 3..4, 1), (3, 4..6, 2)]);
        assert_eq!(buffer, b"xa\n\nbc");
    }

    #[test]
    fn a_line_that_is_too_long_is_told_and_skipped_and_the_next_is_read() {
        let mut lines = LineReader::new(Box::new(&b"1234\n12345\nnext\n123456"[..]), 4);
        let mut buffer = Vec::new();
        let kept = |kept: bool, number, length| (number, length, !kept);
        for expected in [kept(true, 1, 5), kept(false, 2, 6), kept(true, 3, 5), kept(false, 4, 6)] {
            let LineSpan { number, length, too_long, .. } =
                lines.read(&mut buffer).unwrap().unwrap();
            assert_eq!((number, length, too_long), expected);
        }
        assert_eq!(lines.read(&mut buffer).unwrap(), None);
        assert_eq!(buffer, b"1234\nnext\n");
    }

    #[test]
    fn a_failure_within_a_line_leaves_the_lines_before_it() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        }
        let cut = io::BufReader::new((&b"one\ntw"[..]).chain(Failing));
        let mut lines = LineReader::new(Box::new(cut), 9);
        let mut buffer = Vec::new();
        lines.read(&mut buffer).unwrap();
        lines.read(&mut buffer).unwrap_err();
        assert_eq!((buffer.as_slice(), lines.number()), (&b"one\n"[..], 1));
    }
}
