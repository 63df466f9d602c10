//! What a paragraph announces with the colon that ends it: a quotation, a poem, phrases of another
//! language, what a program prints. It stands behind the colon as it was said.

/// Paragraphs that an announcement holds for: most are of one, a transcript or a contract has more.
pub(super) const ONE: u8 = 1;
pub(super) const SEVERAL: u8 = 4;
pub(super) const MANY: u8 = 8;

/// What has been announced.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Announced {
    /// How many paragraphs this one would announce if a colon ended it.
    says: u8,
    /// How many it still holds for, with the one reached.
    left: u8,
    colon: bool,
    /// A word has come in this paragraph.
    spoke: bool,
    /// The last of them is over; a list goes on with its next item.
    over: bool,
}

impl Announced {
    /// Whether the place is in what was announced.
    #[inline]
    pub(super) fn holds(self) -> bool {
        self.left > 0
    }

    /// The paragraph says so of what follows its colon.
    pub(super) fn says(&mut self, paragraphs: u8) {
        self.says = self.says.max(paragraphs);
    }

    /// It holds from here on, whether or not a colon comes.
    pub(super) fn begin(&mut self, paragraphs: u8) {
        self.left = self.left.max(paragraphs);
    }

    /// The next paragraph is what the name on this line is of.
    pub(super) fn is_named(&mut self) {
        (self.left, self.spoke) = (self.left.max(ONE), false);
    }

    #[inline]
    pub(super) fn word(&mut self, word: &str) {
        (self.spoke, self.colon) = (true, false);
        if self.over {
            self.over = false;
            self.goes_on(word.bytes().all(|byte| byte.is_ascii_digit()));
        }
    }

    pub(super) fn character(&mut self, character: char) {
        self.colon = character == ':' || self.colon && matches!(character, '*' | '_' | ' ' | '\r');
        if self.over && !character.is_whitespace() {
            self.over = false;
            self.goes_on(matches!(character, '-' | '+' | '•'));
        }
    }

    fn goes_on(&mut self, item: bool) {
        if item {
            self.left = ONE;
        }
    }

    /// A line with text ends, which may be prose.
    pub(super) fn end_line(&mut self, prose: bool) {
        if prose && self.colon && self.says > 0 {
            (self.left, self.spoke) = (self.left.max(self.says), false);
        }
        self.colon = false;
    }

    /// A blank line comes.
    pub(super) fn end_paragraph(&mut self) {
        self.says = 0;
        if self.spoke {
            self.spoke = false;
            self.over = self.left == ONE;
            self.left = self.left.saturating_sub(1);
        }
    }
}
