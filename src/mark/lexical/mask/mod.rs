//! Where nothing may be changed: code, quotations, mathematics, links, tables, headings, markup.
//!
//! A machine over the text as it passes, without lookahead: when in doubt it stays masked until
//! the line or the paragraph ends. It is fed words whole (they hold no markup) and everything
//! between them character by character.
//!
//! Three layers, the outermost first: a *block* that a program reads ([`Block`]) and that ends where
//! it says; the *ground*, which is what the line and its paragraph are taken for ([`Opening`]); and
//! the *span* within a line of prose.

mod lines;
mod spans;
mod state;

use self::spans::after_ticks;
use self::state::{Ground, Span, Spared, Tagged, Waiting};
use super::block::{Block, End};
use super::line::{self, Before, Opening};
use super::literal::Literal;
use super::verse::Verse;
use crate::secret::opaque_debug;

/// Tells masked text from prose.
#[derive(Clone)]
pub(super) struct Mask {
    block: Option<Block>,
    waiting: Option<Waiting>,
    ground: Ground,
    span: Span,
    /// The character before this one, `\n` at the start, `a` behind a word, and the one before that.
    previous: char,
    before: char,
    /// The last character that is not white space.
    last: char,
    /// Only white space so far on this line, and this much of it.
    blank: bool,
    indent: u32,
    /// A blank line came since the last line with text.
    parted: bool,
    /// What the last line with text says of the next.
    last_line: Before,
    /// This line is masked for a character within it, not for how it begins.
    within: bool,
    opening: Opening,
    /// The literal that is open on a line of code.
    literal: Literal,
    /// Lines of this code are a database's.
    database: bool,
    /// It is the head of a message, whose body is the next paragraph.
    body_follows: bool,
    spared: Spared,
    /// A question mark has come in this line, outside of plain prose.
    asked: bool,
    /// How many paragraphs the quotation may hold that is open, with the one reached: one that stands first on
    /// its line or behind a colon.
    quotation: u8,
    /// Fence characters that opened this line.
    fence: u32,
    begun: bool,
    /// Whether the place is in a line of prose that has told all, with nothing open, and nothing waits to be seen of
    /// what follows. Asked of each word, and kept, since only what is unusual changes it.
    usual: bool,
    /// Whether the line reached is the first with text.
    first_line: bool,
    /// What came of the tag or the like that is open, whether it stands first on its line, and
    /// whether behind a space in a line of prose.
    markup: String,
    markup_leads: bool,
    markup_in_prose: bool,
    /// Whether it stands behind `=`.
    markup_assigned: bool,
    /// The element whose tag has just ended behind words on its line.
    tagged: Option<Tagged>,
    verse: Verse,
}

opaque_debug!(Mask);

impl Mask {
    pub(super) fn new() -> Self {
        Self {
            block: None,
            waiting: None,
            ground: Ground::Prose,
            span: Span::None,
            previous: '\n',
            before: '\n',
            last: '\n',
            blank: true,
            indent: 0,
            parted: true,
            last_line: Before::default(),
            within: false,
            opening: Opening::default(),
            literal: Literal::default(),
            database: false,
            body_follows: false,
            spared: Spared::Nothing,
            asked: false,
            quotation: 0,
            fence: 0,
            begun: false,
            usual: false,
            first_line: false,
            markup: String::new(),
            markup_leads: false,
            markup_in_prose: false,
            markup_assigned: false,
            tagged: None,
            verse: Verse::default(),
        }
    }

    /// Whether a word that begins here is prose.
    #[inline]
    pub(super) fn is_prose(&self, word: &str) -> bool {
        if self.usual {
            return true;
        }
        if !matches!(self.span, Span::None) || self.block.is_some() {
            return false;
        }
        if self.blank {
            let ground = self.ground_here();
            return ground == Ground::Prose
                && self.indent < 4
                && line::may_begin(word, self.before_line());
        }
        self.ground == Ground::Prose
    }

    /// Whether a word that begins here is the first of its line, behind the marker of a list.
    pub(super) fn is_line_start(&self) -> bool {
        self.blank || self.opening.is_at_start()
    }

    /// Whether a word that begins here may stand in a line of verse, or behind a label, or in a quotation of
    /// several paragraphs: prose that stays as it was written.
    pub(super) fn is_spared(&self) -> bool {
        let verse = if self.blank { self.verse.may_begin() } else { self.verse.is_verse() };
        verse || self.spared != Spared::Nothing || self.quotation > 0
    }

    /// Something that cannot be read stands here: nothing on the line is prose any more.
    pub(super) fn opaque(&mut self) {
        if self.blank {
            self.open_line('a');
        }
        if matches!(self.ground, Ground::Prose) {
            self.ground = Ground::Line;
        }
        (self.previous, self.last) = ('a', 'a');
        self.usual = self.is_usual();
    }

    /// A word passes, or a further piece of a long one.
    #[inline]
    pub(super) fn word(&mut self, word: &str) {
        if self.previous == ' ' && self.usual {
            self.verse.word();
            (self.before, self.previous, self.last) = (' ', 'a', 'a');
        } else {
            self.any_word(word);
            self.usual = self.is_usual();
        }
    }

    /// The same wherever it stands.
    fn any_word(&mut self, word: &str) {
        let digit = word.starts_with(char::is_numeric);
        if self.tagged.is_some() {
            self.behind_tag('a');
        }
        if let Some(block) = &mut self.block {
            if block.word(word) {
                self.close_block();
            }
            (self.blank, self.previous, self.last) = (false, 'a', 'a');
            return;
        }
        if self.blank {
            self.open_line(if digit { '0' } else { 'a' });
        }
        self.verse.word();
        if self.opening.is_open() {
            self.opening.pass(word);
        }
        if self.waiting.as_ref().is_some_and(|waiting| waiting.bare) {
            self.waiting = None;
        }
        if self.ground == Ground::Code && matches!(self.span, Span::None) {
            self.literal.word(word);
        }
        if matches!(self.span, Span::Until(']')) {
            self.pass_token(word);
        }
        self.span = match self.span {
            Span::None => {
                if self.ground == Ground::Prose && self.joins_code(digit) {
                    self.mask_line();
                }
                Span::None
            }
            Span::Star(true) => Span::Emphasis,
            Span::Star(false) => Span::None,
            Span::Dollar if digit => Span::Chunk,
            Span::Dollar => Span::Until('$'),
            Span::Markup => {
                self.markup.push_str(word);
                self.span
            }
            Span::Inline { ticks, run, opening } => after_ticks(ticks, run, opening),
            Span::Fence { mark, length, .. } => {
                Span::Fence { mark, length, opening: false, run: 0, bare: false }
            }
            other => other,
        };
        if matches!(self.span, Span::Markup) {
            self.judge_markup(false);
        }
        (self.before, self.previous, self.last) = (self.previous, 'a', 'a');
    }

    /// Whether a word is part of code by the characters directly before it.
    fn joins_code(&self, digit: bool) -> bool {
        match (self.before, self.previous) {
            // A flag: ` -x`, ` --long`.
            (' ', '-') => !digit && !self.opening.is_at_start(),
            // Values without a space between them, but for numbers.
            (_, ',') => !digit,
            (_, ';') => true,
            _ => false,
        }
    }

    /// What follows on this line is not prose.
    pub(super) fn mask_line(&mut self) {
        if self.ground == Ground::Prose {
            (self.ground, self.within, self.usual) = (Ground::Line, true, false);
        }
    }

    /// Whether nothing but white space stands on the line so far.
    pub(super) fn is_blank(&self) -> bool {
        self.blank
    }

    /// The next short lines are verse.
    pub(super) fn expect_verse(&mut self) {
        self.verse.expect();
    }

    /// A space behind a word of prose passes: the most frequent character, in the fewest steps.
    /// False, and nothing done, if that is not where the text is.
    #[inline]
    pub(super) fn space(&mut self) -> bool {
        let prose = self.usual || self.is_within_prose();
        if prose {
            (self.before, self.previous) = ('a', ' ');
        }
        prose
    }

    /// Whether it is, and nothing waits to be seen of what follows.
    fn is_usual(&self) -> bool {
        self.is_within_prose() && self.tagged.is_none() && self.waiting.is_none() && self.fence == 0
    }

    /// Whether the place is in a line of prose that has told all, with nothing open.
    #[inline]
    fn is_within_prose(&self) -> bool {
        self.ground == Ground::Prose
            && matches!(self.span, Span::None)
            && self.block.is_none()
            && !self.blank
            && !self.opening.is_open()
    }

    /// A further piece passes of a word whose beginning has passed.
    pub(super) fn rest_of_word(&mut self, piece: &str) {
        if let Some(block) = &mut self.block {
            if block.word(piece) {
                self.close_block();
            }
        } else if matches!(self.span, Span::Markup) {
            self.markup.push_str(piece);
            self.judge_markup(false);
        } else if self.opening.is_open() {
            self.opening.pass(piece);
        }
        self.usual = self.is_usual();
    }

    /// A character between words passes.
    #[inline]
    pub(super) fn character(&mut self, character: char) {
        let between = character == ' ' && self.previous != ' ';
        if self.usual && (between || self.is_inert(character)) {
            if !between {
                self.last = character;
            }
            (self.before, self.previous) = (self.previous, character);
        } else {
            self.any_character(character);
            self.usual = self.is_usual();
        }
    }

    /// Whether a character that is no white space opens nothing and ends nothing in a line of prose with nothing open.
    #[inline]
    fn is_inert(&self, character: char) -> bool {
        let behind_word = self.previous == 'a';
        matches!(character, ',' | '.')
            || behind_word
                && matches!(
                    character,
                    ':' | ';' | '!' | '?' | '(' | ')' | '\'' | '’' | '-' | '—' | '…'
                )
    }

    /// The same of one that may open or end something.
    fn any_character(&mut self, character: char) {
        if self.tagged.is_some() && character != '\n' {
            self.behind_tag(character);
        }
        if character == '\n' {
            self.end_line();
        } else if self.block.is_some() {
            self.blank &= matches!(character, ' ' | '\t' | '\r');
            if self.block.as_mut().is_some_and(|block| block.character(character)) {
                self.close_block();
            }
        } else if self.blank && matches!(character, ' ' | '\t') {
            self.indent += if character == '\t' { 4 } else { 1 };
        } else if !(self.blank && character == '\r') {
            let first = self.blank;
            if first {
                self.open_line(character);
            }
            self.outside(character, first);
        }
        self.asked |= character == '?';
        if !character.is_whitespace() {
            self.last = character;
        }
        // Of several hyphens, what stands before the first.
        if !(character == '-' && self.previous == '-') {
            self.before = self.previous;
        }
        self.previous = character;
    }

    /// A character of a line that no block holds.
    fn outside(&mut self, character: char, first: bool) {
        let white = character.is_whitespace();
        let code = self.ground == Ground::Code;
        if self.opening.is_open() && !matches!(self.span, Span::Fence { .. }) {
            if white {
                let verdict = self.opening.space(false);
                self.follow(verdict);
            } else {
                self.opening.pass(character.encode_utf8(&mut [0; 4]));
            }
        }
        if !white && self.waiting.as_ref().is_some_and(|waiting| waiting.bare) {
            self.waiting = None;
        }
        let fenced = matches!(self.span, Span::Fence { .. }) || self.ground == Ground::Whole;
        if self.fence > 0 && character == self.previous && !fenced {
            self.fence += 1;
            if self.fence == 3 {
                // What the line was taken for before does not matter.
                self.ground = Ground::Prose;
                self.span =
                    Span::Fence { mark: character, length: 3, opening: true, run: 0, bare: false };
                self.fence = 0;
                return;
            }
        } else if !first {
            self.fence = 0;
        }
        if code && matches!(self.span, Span::None) {
            self.literal.character(if first { ' ' } else { self.previous }, character);
        }
        self.inside(character, first);
        // A here-string of PowerShell: `@"` at the end of a line, up to a line with `"@`.
        if self.previous == '@' {
            let end = match character {
                '"' => Some(End::Line("\"@".into())),
                '\'' => Some(End::Line("'@".into())),
                _ => None,
            };
            if let Some(end) = end {
                self.waiting = Some(Waiting { block: Block::new(end), bare: true });
            }
        }
        // Three quotation marks are those of code.
        if matches!(character, '"' | '\'')
            && (self.previous, self.before) == (character, character)
            && !matches!(self.span, Span::Fence { .. } | Span::Inline { .. })
        {
            let end = End::Text(String::from(character).repeat(3).into());
            (self.span, self.block) = (Span::None, Some(Block::new(end)));
        }
        if character == '*' && self.previous == '/' && self.opening.is_comment() {
            let end = End::Text("*/".into());
            (self.span, self.block) = (Span::None, Some(Block::new(end)));
        }
    }
}
