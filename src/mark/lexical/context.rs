//! What stands to the left of a word, and whether the text is English.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;
use std::sync::LazyLock;

use crate::mark::lexicon::WordHasher;

/// What lies between the last word and the place reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// A line or the text begins, or a sentence behind white space.
    Line,
    Sentence,
    /// One space.
    Space,
    /// A comma and a space.
    Comma,
    /// Other punctuation or more white space.
    Clause,
    /// The same without the white space that makes them so.
    AfterStop,
    AfterComma,
    AfterClause,
    /// Nothing yet.
    None,
    /// Characters that bind words into something else: `/`, `@`, `=`, ….
    Bound,
}

impl Gap {
    /// The gap behind one more character.
    pub(super) fn then(self, character: char) -> Self {
        match (character, self) {
            ('\n', _) => Self::Line,
            (_, Self::Line) if matches!(character, ' ' | '\t' | '\r' | '-' | '*' | '+' | '•') => {
                Self::Line
            }
            (' ' | '\t' | '\r', gap) => match gap {
                Self::None => Self::Space,
                Self::AfterStop | Self::Sentence => Self::Sentence,
                Self::AfterComma => Self::Comma,
                _ => Self::Clause,
            },
            ('.' | '!' | '?' | '…', Self::None | Self::AfterStop | Self::AfterClause) => {
                Self::AfterStop
            }
            (',', Self::None | Self::AfterClause) => Self::AfterComma,
            ('"' | '”' | '’' | '\'' | ')' | ']' | '*' | '_', Self::AfterStop) => {
                Self::AfterStop
            }
            (
                ';' | ':' | ')' | ']' | '"' | '”' | '’' | '\'' | '`' | '%',
                Self::None | Self::AfterClause | Self::AfterComma,
            ) => Self::AfterClause,
            ('—' | '(', _) => Self::Clause,
            _ => Self::Bound,
        }
    }
}

/// Words that are frequent in English and are no words of its neighbours.
static FUNCTION_WORDS: LazyLock<HashSet<&str, BuildHasherDefault<WordHasher>>> = LazyLock::new(
    || {
        "the of and to is that it you for with are this be as by your from or have not can they which \
     their these will when has its if but there other more how we what would each them like than \
     some should into because between through while where after before those does could about then \
     often it's don't you're i'm that's many such being both very my our his her him who been were"
        .split_ascii_whitespace()
        .collect()
    },
);

/// Judges by the last sixteen words whether a text is English.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Language {
    function: u16,
    foreign: u16,
    seen: u32,
}

impl Language {
    /// A word, normalized, has passed.
    pub(super) fn word(&mut self, normalized: &str) {
        let function = FUNCTION_WORDS.contains(normalized);
        // A name such as “Café” now and then does not make a text foreign.
        self.function = self.function << 1 | u16::from(function);
        self.foreign = self.foreign << 1 | u16::from(!normalized.is_ascii());
        self.seen = self.seen.saturating_add(1);
    }

    /// Whether what has passed is English: of the last sixteen words at least one in eight is a
    /// function word of English, and not more than two have letters that English has not.
    pub(super) fn is_english(self) -> bool {
        let expected = (self.seen.min(16) / 8).max(1);
        self.function.count_ones() >= expected && self.foreign.count_ones() <= 2
    }
}
