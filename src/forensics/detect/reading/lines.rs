//! Lines of a text, and which of them are code.
use crate::leading::leading;
use crate::secret::opaque_debug;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// White space alone.
    Blank,
    /// Within a fence, or indented so far that the scanner takes it for code, or its fence.
    Code,
    Prose,
}

/// A line without its line break.
#[derive(Clone, Copy)]
pub(super) struct Line<'t> {
    pub(super) start: usize,
    pub(super) text: &'t str,
    pub(super) kind: Kind,
}

opaque_debug!(Line<'_>);

/// Walks over the lines of a text.
pub(super) struct Lines<'t> {
    text: &'t str,
    start: usize,
    /// The character and length of the fence that is open.
    fence: Option<(u8, usize)>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, start: 0, fence: None }
    }

    fn kind(&mut self, line: &str) -> Kind {
        // Nearly every line is told by how it begins.
        let plain = line.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        if plain && self.fence.is_none() {
            return Kind::Prose;
        }
        let bare = line.trim_start_matches([' ', '\t']);
        let mark = bare.bytes().next().filter(|byte| matches!(byte, b'`' | b'~'));
        let run = bare.bytes().take_while(|byte| Some(*byte) == mark).count();
        if let Some((open, length)) = self.fence {
            let alone = bare.trim_end().len() == run;
            if mark == Some(open) && run >= length && alone {
                self.fence = None;
            }
            return Kind::Code;
        }
        if bare.trim().is_empty() {
            return Kind::Blank;
        }
        let indent = line.bytes().take(line.len() - bare.len());
        if indent.map(|byte| if byte == b'\t' { 4 } else { 1 }).sum::<usize>() >= 4 {
            return Kind::Code;
        }
        if let Some(mark) = mark.filter(|_| run >= 3) {
            self.fence = Some((mark, run));
            return Kind::Code;
        }
        Kind::Prose
    }
}

impl<'t> Iterator for Lines<'t> {
    type Item = Line<'t>;

    fn next(&mut self) -> Option<Line<'t>> {
        let rest = self.text.get(self.start..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let text = rest.get(..length)?;
        let line = Line { start: self.start, text, kind: self.kind(text) };
        self.start += length + 1;
        Some(line)
    }
}

/// Whether the whole text is data or markup, which the scanner does not read.
pub(super) fn is_structured(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(['{', '[']) || ["<!", "<?", "<|"].iter().any(|begin| text.starts_with(begin))
}

/// Whether a text has characters beyond ASCII, dashes, quotation marks and the ellipsis: nearly all
/// English text has none, and bytes are faster to look at.
pub(super) fn has_rare_characters(text: &str) -> bool {
    let bytes = text.as_bytes();
    let usual = |at: usize| matches!(bytes.get(at + 1..at + 3), Some([0x80, 0x93..=0xa6]));
    leading::<32>(bytes, |byte| (byte < 0xc2) | (byte == 0xe2)) < bytes.len()
        || memchr::memchr_iter(0xe2, bytes).any(|at| !usual(at))
}
