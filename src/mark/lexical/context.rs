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
    /// A lane of sixteen bits for each question, in which the last word has the lowest: whether it is frequent in
    /// English and in none of its neighbours, has letters that English has not, tells of the past, is frequent in
    /// another language.
    lanes: u64,
    seen: u32,
}

/// The lowest bit of each lane.
const FUNCTION: u64 = 1;
const FOREIGN: u64 = 1 << 16;
const PAST: u64 = 1 << 32;
const OTHER: u64 = 1 << 48;

impl Language {
    /// A word has passed: what is known of it, and whether it has letters that English has not.
    #[inline]
    pub(super) fn word(&mut self, head: Option<&Head>, foreign: bool) {
        let mut word = u64::from(foreign) * FOREIGN;
        if let Some(head) = head {
            word |= (u64::from(head.function) * FUNCTION)
                | (u64::from(head.traits.past) * PAST)
                | (u64::from(head.traits.foreign) * OTHER);
        }
        // What leaves a lane does not enter the next.
        self.lanes = self.lanes << 1 & !(FUNCTION | FOREIGN | PAST | OTHER) | word;
        self.seen = self.seen.saturating_add(1);
    }

    /// Whether what has passed tells of the past.
    pub(super) fn is_past(self) -> bool {
        self.lane(PAST) != 0
    }

    /// Whether what has passed is English: of the last sixteen words at least one in eight is a
    /// function word of English, not more than two have letters that English has not, and none of the last
    /// four is a function word of another language.
    #[inline]
    pub(super) fn is_english(self) -> bool {
        // The lowest of the bits that are set is taken out.
        let less = |words: u64| words & words.wrapping_sub(1);
        let function = self.lane(FUNCTION);
        let expected = if self.seen < 16 { function } else { less(function) };
        // A name such as “Café” now and then does not make a text foreign.
        expected != 0 && less(less(self.lane(FOREIGN))) == 0 && self.lane(OTHER) & 0xf == 0
    }

    /// The lane with this lowest bit.
    #[inline]
    fn lane(self, lowest: u64) -> u64 {
        (self.lanes / lowest) & 0xffff
    }
}
