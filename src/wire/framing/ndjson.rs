//! Lines of JSON, one event a line.

use std::ops::Range;

/// How far the unfinished line was searched.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Search {
    clear: usize,
}

impl Search {
    /// Where the first line ends, its line end included.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let found = memchr::memchr(b'\n', bytes.get(self.clear..)?);
        let end = found.map(|at| self.clear + at + 1);
        self.clear = if end.is_some() { 0 } else { bytes.len() };
        end
    }

    /// Only so many bytes are left.
    pub(super) fn cut(&mut self, length: usize) {
        self.clear = self.clear.min(length);
    }
}

/// Where the JSON of a line stands, if it has any.
pub(super) fn value(line: &[u8]) -> Option<Range<usize>> {
    let start = line.len() - line.trim_ascii_start().len();
    let end = line.trim_ascii_end().len();
    (start < end).then_some(start..end)
}
