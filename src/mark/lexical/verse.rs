//! Where a line may be verse, whose metre and rhyme no substitution respects.
//!
//! Verse is not marked in any way that could be relied on, so it is told by its lines: one that
//! follows a short line, and is not an item of a list, counts as verse until it turns out to be long.
//! Stanzas count with the lines before them. The first line of a poem cannot be told in time: what is held back is
//! three words, and its second line is what tells it. Only where a word has said that verse comes (the list
//! `@poetry`) is it left alone.

/// Words of a line that another line of verse may follow.
const SHORT: u32 = 10;
/// Words beyond which a line is prose.
const LONG: u32 = 14;

/// What the lines so far say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verse {
    /// Words of the line reached.
    words: u32,
    /// The line reached is an item, a heading, or something else that is short in prose as well.
    item: bool,
    /// The line before it was short, and ended in this line.
    after_short: bool,
    verse: bool,
    /// The text has said that verse comes.
    expected: bool,
}

impl Verse {
    /// Verse is announced.
    pub(super) fn expect(&mut self) {
        self.expected = true;
    }

    #[inline]
    pub(super) fn is_verse(self) -> bool {
        self.verse
    }

    /// Whether the line that begins may be one.
    pub(super) fn may_begin(self) -> bool {
        self.verse || self.after_short || self.expected
    }

    /// The first character on a line that is not white space, `a` for any letter.
    pub(super) fn open_line(&mut self, first: char) {
        self.item = !matches!(first, 'a' | '"' | '\'' | '“' | '‘' | '(' | '…' | '—');
        if self.item {
            self.verse = false;
        } else if self.after_short || self.expected {
            self.verse = true;
        }
    }

    /// The line reached turns out to be no verse, as one with a label.
    pub(super) fn rule_out(&mut self) {
        (self.item, self.verse) = (true, false);
    }

    #[inline]
    pub(super) fn word(&mut self) {
        self.words = self.words.saturating_add(1);
        if self.words > LONG {
            (self.verse, self.expected) = (false, false);
        }
    }

    pub(super) fn end_line(&mut self, blank: bool) {
        self.after_short = !blank && !self.item && (1..=SHORT).contains(&self.words);
        (self.words, self.item) = (0, false);
    }
}
