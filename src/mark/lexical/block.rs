//! Blocks that a program reads as they stand, across blank lines: from where one opens until its
//! own end comes, whatever it holds.
use std::borrow::Cow;

use crate::secret::opaque_debug;

/// The most bytes that a block holds. One that has not closed by then is no block but something
/// that looked like the beginning of one.
const MAX_BLOCK: usize = 256 * 1024;
/// The bytes of a block's text that its end is looked for in.
const TAIL: usize = 128;

/// How a block ends.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum End {
    /// With the closing tag of the element, of which so many of the same name are open.
    Element { name: Box<str>, open: u32 },
    /// With these characters, the last of which belongs to no word.
    Text(Box<str>),
    /// With the bracket that closes the first, of which so many are open.
    Nested { open: char, close: char, depth: u32 },
    /// With a line that is this word alone, as a here-document.
    Word(Box<str>),
    /// With a line that begins so.
    Line(Cow<'static, str>),
    /// With the tag of a template that closes those that it opens, of which so many are open.
    Template { opens: Vec<Box<str>>, closes: Box<str>, open: u32 },
    /// With the marker of what replaces: at least four of `>` or five of `+`.
    Replaced,
}

opaque_debug!(End);

/// A block that is open.
#[derive(Clone)]
pub(super) struct Block {
    end: End,
    left: usize,
    /// The last bytes of the text or, if a line ends the block, the first of its line.
    tail: String,
}

opaque_debug!(Block);

impl Block {
    pub(super) fn new(end: End) -> Self {
        Self { end, left: MAX_BLOCK, tail: String::new() }
    }

    /// The block of an element that has been opened once.
    pub(super) fn element(name: &str) -> Self {
        Self::new(End::Element { name: name.into(), open: 1 })
    }

    /// A word or a piece of one passes; whether the block is over.
    pub(super) fn word(&mut self, word: &str) -> bool {
        self.keep(word)
    }

    /// A character passes that belongs to no word; whether it ends the block.
    pub(super) fn character(&mut self, character: char) -> bool {
        let over = self.keep(character.encode_utf8(&mut [0; 4]));
        over || match &mut self.end {
            End::Text(text) => text.ends_with(character) && self.tail.ends_with(&**text),
            End::Element { name, open } if character == '>' => {
                let tag = self.tail.rsplit_once('<').map(|(_, tag)| tag);
                match tag.map_or(Tag::Other, |tag| Tag::of(tag, name)) {
                    Tag::Opens => *open = open.saturating_add(1),
                    Tag::Closes => *open -= 1,
                    Tag::Other => {}
                }
                *open == 0
            }
            End::Nested { open, close, depth } => {
                *depth = depth.saturating_add(u32::from(character == *open));
                *depth -= u32::from(character == *close);
                *depth == 0
            }
            End::Word(_)
            | End::Line(_)
            | End::Replaced
            | End::Template { .. }
            | End::Element { .. } => false,
        }
    }

    /// A line ends; whether the block ends with it.
    pub(super) fn end_line(&mut self) -> bool {
        let line = self.tail.trim();
        let over = match &mut self.end {
            // PHP has more of the statement behind the word.
            End::Word(word) => line
                .strip_prefix(&**word)
                .is_some_and(|rest| rest.is_empty() || matches!(rest, ";" | ")" | ");" | ",")),
            End::Line(begin) => line.starts_with(&**begin),
            End::Template { opens, closes, open } => {
                for tag in line.split(['{', '<']) {
                    let tag = tag.trim_start_matches(['{', '<', '%', '-', '~', ' ']);
                    let is = |word: &str| {
                        tag.strip_prefix(word).is_some_and(|rest| !rest.starts_with(is_name))
                    };
                    let brace = &**closes == "end" && tag.starts_with('}') && line.contains('%');
                    if opens.iter().any(|opening| is(opening)) {
                        *open = open.saturating_add(1);
                    } else if is(closes) || brace {
                        *open = open.saturating_sub(1);
                    }
                }
                *open == 0
            }
            End::Replaced => line.starts_with(">>>>") || line.starts_with("+++++"),
            End::Element { .. } | End::Text(_) | End::Nested { .. } => return self.keep("\n"),
        };
        self.tail.clear();
        over || self.keep("")
    }

    /// Takes text; whether there is too much of it.
    fn keep(&mut self, text: &str) -> bool {
        self.left = self.left.saturating_sub(text.len().max(1));
        match self.end {
            End::Element { .. } | End::Text(_) => {
                if self.tail.len() > 4 * TAIL {
                    let from = (self.tail.len() - TAIL..self.tail.len())
                        .find(|at| self.tail.is_char_boundary(*at));
                    self.tail.drain(..from.unwrap_or(0));
                }
                self.tail.push_str(text);
            }
            End::Word(_) | End::Line(_) | End::Replaced if self.tail.len() < TAIL => {
                self.tail.push_str(text);
            }
            End::Template { .. } if self.tail.len() < 4 * TAIL => self.tail.push_str(text),
            End::Word(_)
            | End::Line(_)
            | End::Replaced
            | End::Template { .. }
            | End::Nested { .. } => {}
        }
        self.left == 0
    }
}

/// What a tag does to an element.
enum Tag {
    Opens,
    Closes,
    Other,
}

impl Tag {
    /// A tag between `<` and `>`, which is the last character.
    fn of(tag: &str, name: &str) -> Self {
        let tag = tag.strip_suffix('>').unwrap_or(tag);
        let closing = tag.strip_prefix('/');
        let behind = closing.unwrap_or(tag).strip_prefix(name);
        let same = behind.is_some_and(|behind| !behind.starts_with(is_name));
        match (same, closing) {
            (false, _) => Self::Other,
            (true, Some(_)) => Self::Closes,
            (true, None) if tag.ends_with('/') => Self::Other,
            (true, None) => Self::Opens,
        }
    }
}

/// Whether a character may belong to the name of an element.
pub(super) fn is_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | ':' | '.')
}
