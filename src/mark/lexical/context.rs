//! What stands to the left of a word, and whether the text is English.

use crate::mark::lexicon::Head;

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
    #[inline]
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

/// Judges by the last sixteen words whether a text is English, and whether it tells of the past.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Language {
    function: u16,
    foreign: u16,
    other: u8,
    past: u16,
    seen: u32,
}

impl Language {
    /// A word has passed: what is known of it, and whether it has letters that English has not.
    #[inline]
    pub(super) fn word(&mut self, head: Option<&Head>, foreign: bool) {
        let Self { function, other, past, .. } = self;
        (*function, *other, *past) = (*function << 1, *other << 1, *past << 1);
        if let Some(head) = head {
            // Whether it is frequent in English and in none of its neighbours, or the other way.
            *function |= u16::from(head.function);
            *other |= u8::from(head.traits.foreign);
            *past |= u16::from(head.traits.past);
        }
        // A name such as “Café” now and then does not make a text foreign.
        self.foreign = self.foreign << 1 | u16::from(foreign);
        self.seen = self.seen.saturating_add(1);
    }

    /// Whether what has passed tells of the past.
    pub(super) fn is_past(self) -> bool {
        self.past != 0
    }

    /// Whether what has passed is English: of the last sixteen words at least one in eight is a
    /// function word of English, not more than two have letters that English has not, and none of the last
    /// four is a function word of another language.
    #[inline]
    pub(super) fn is_english(self) -> bool {
        // The lowest of the bits that are set is taken out.
        let less = |words: u16| words & words.wrapping_sub(1);
        let expected = if self.seen < 16 { self.function } else { less(self.function) };
        expected != 0 && less(less(self.foreign)) == 0 && self.other & 0xf == 0
    }
}
