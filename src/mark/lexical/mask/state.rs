//! What the place reached can be: the states of the three layers.

use crate::mark::lexical::block::Block;
use crate::mark::lexical::markup::Tool;
use crate::secret::opaque_debug;

/// What a line and its paragraph are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    Prose,
    /// Masked until the line ends, or the paragraph.
    Line,
    Paragraph,
    /// Code: masked until a blank line that no indented line follows.
    Code,
    /// A difference between files: masked until a blank line that no line of one follows.
    Diff,
    /// Masked for good.
    Whole,
}

/// How much stays as it was written, though it is prose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spared {
    Nothing,
    Line,
    Paragraph,
}

/// What is open within a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    None,
    /// A fence of this character and length; `run` counts the fence characters that opened the
    /// current line, and `bare` says that nothing else stood on it.
    Fence {
        mark: char,
        length: u32,
        opening: bool,
        run: u32,
        bare: bool,
    },
    /// Until a run of exactly `ticks` backticks.
    Inline {
        ticks: u32,
        run: u32,
        opening: bool,
    },
    /// Until this closing character, which must not follow white space.
    Until(char),
    /// Between `*` or `_` and the same behind a word.
    Emphasis,
    /// Runs of `*` or `_` whose meaning the next character tells; whether they may open.
    Star(bool),
    /// Behind a `$`, whose meaning the next character tells.
    Dollar,
    /// Within what began with `<` or `\`.
    Markup,
    /// Until white space.
    Chunk,
}

/// A block that begins with the next line.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) block: Block,
    /// Only if nothing else stands on this line.
    pub(super) bare: bool,
}

/// An element that opened behind words.
#[derive(Clone)]
pub(super) struct Tagged {
    pub(super) name: Box<str>,
    /// Whether it is one of those of tools, which hold text from their tag on.
    pub(super) tool: Tool,
    /// The tag stood behind white space in prose.
    pub(super) in_prose: bool,
    /// It stood on a line of code, where names in angle brackets are to be replaced.
    pub(super) in_code: bool,
}

opaque_debug!(Tagged);
