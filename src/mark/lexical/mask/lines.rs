//! The ground: what a line is from its first character to its end.

use super::{Ground, Mask, Span, Spared, Waiting, after_ticks};
use crate::mark::lexical::block::{Block, End};
use crate::mark::lexical::line::{Before, Tells, Verdict};
use crate::mark::lexical::literal::Literal;
use crate::mark::lexical::verse::Verse;

impl Mask {
    /// What the opening of the line has told.
    pub(super) fn follow(&mut self, verdict: Verdict) {
        let ground = match verdict {
            _ if self.ground == Ground::Whole => return,
            Verdict::Prose => return,
            Verdict::Labelled => return self.spare(Spared::Line),
            Verdict::Cited => return self.spare(Spared::Paragraph),
            Verdict::Line => Ground::Line,
            Verdict::Code => Ground::Code,
            Verdict::Diff => Ground::Diff,
            Verdict::Whole => Ground::Whole,
            Verdict::Within(block) => {
                (self.block, self.span) = (Some(block), Span::None);
                Ground::Code
            }
            Verdict::Block(block) => {
                self.waiting = Some(Waiting { block, bare: false });
                Ground::Code
            }
        };
        let block =
            matches!(ground, Ground::Code | Ground::Diff) && self.ground == Ground::Paragraph;
        let certain = matches!(ground, Ground::Diff | Ground::Whole) || block;
        if certain || matches!(self.ground, Ground::Prose | Ground::Line) {
            (self.ground, self.within) = (ground, false);
            self.literal = Literal::behind(self.opening.text());
            self.quotation = 0;
            if !matches!(self.span, Span::Inline { .. } | Span::Markup) {
                self.span = Span::None;
            }
        }
    }

    /// The ground of a line that begins here.
    pub(super) fn ground_here(&self) -> Ground {
        match self.ground {
            Ground::Code if self.parted && self.body_follows => Ground::Code,
            Ground::Code | Ground::Diff if self.parted && self.indent == 0 => Ground::Prose,
            ground => ground,
        }
    }

    /// What is known before a line that begins here.
    pub(super) fn before_line(&self) -> Before {
        let Before { continues, keyed, .. } = self.last_line;
        let apart = self.parted;
        Before { continues: continues && !apart, keyed: keyed && !apart, ..self.last_line }
    }

    /// What the line that ends says of the next.
    fn after_line(&self) -> Before {
        if matches!(self.span, Span::Fence { .. }) {
            return Before::default();
        }
        let prose = self.ground == Ground::Prose || self.ground == Ground::Line && self.within;
        let ended = matches!(self.last, '.' | ':' | '!' | '?' | '{' | '}' | '>' | '=' | '|' | '\\');
        Before {
            continues: prose && !ended,
            announces: self.last == ':' || matches!(self.ground, Ground::Code | Ground::Diff),
            keyed: self.opening.is_keyed(),
            tells: match self.opening.tells() {
                Tells::Nothing if self.last == '?' || self.asked && self.last == '*' => {
                    Tells::Choices
                }
                tells => tells,
            },
        }
    }

    pub(super) fn open_line(&mut self, first: char) {
        self.verse.open_line(if self.indent >= 4 { ' ' } else { first });
        let before = self.before_line();
        let diff = self.ground == Ground::Diff && matches!(first, '+' | '-' | '@' | '\\');
        self.ground = if diff { Ground::Diff } else { self.ground_here() };
        self.first_line = !self.begun;
        self.body_follows &= !self.parted;
        (self.begun, self.blank, self.parted, self.within) = (true, false, false, false);
        // In a difference between files an indented fence is a line of them.
        let fence = matches!(first, '`' | '~') && !(self.ground == Ground::Diff && self.indent > 0);
        self.fence = u32::from(fence);
        self.opening.begin(self.indent > 0, before);
        self.literal = Literal::default();
        if matches!(self.span, Span::Fence { .. }) || self.ground != Ground::Prose {
            return;
        }
        self.ground = match first {
            '{' | '[' if self.first_line => Ground::Whole,
            '{' | '[' => Ground::Code,
            '>' => Ground::Paragraph,
            '|' | '#' => Ground::Line,
            '`' | '~' => Ground::Prose,
            _ if self.indent >= 4 => Ground::Line,
            _ => Ground::Prose,
        };
    }

    pub(super) fn end_line(&mut self) {
        let empty = self.blank;
        if let Some(block) = &mut self.block {
            let over = block.end_line();
            self.verse = Verse::default();
            if over {
                self.close_block();
                self.last_line = Before { announces: true, ..Before::default() };
            }
            (self.blank, self.indent) = (true, 0);
            return;
        }
        if self.tagged.is_some() {
            self.behind_tag('\n');
        }
        if !empty && self.opening.is_open() && !matches!(self.span, Span::Fence { .. }) {
            let verdict = self.opening.space(true);
            self.follow(verdict);
        }
        self.verse.end_line(empty);
        if !matches!(self.ground, Ground::Prose | Ground::Line) {
            self.verse = Verse::default();
        }
        if matches!(self.span, Span::Markup) {
            self.judge_markup(true);
        }
        if !empty {
            self.last_line = self.after_line();
        }
        self.span = match self.span {
            Span::Fence { opening: false, run, length, bare: true, .. } if run >= length => {
                Span::None
            }
            Span::Fence { mark, length, .. } => {
                Span::Fence { mark, length, opening: false, run: 0, bare: true }
            }
            _ if empty => Span::None,
            Span::Inline { ticks, run, opening } => after_ticks(ticks, run, opening),
            Span::Until(close @ ('"' | '”' | '»' | '}')) => Span::Until(close),
            Span::Markup => {
                self.markup.push(' ');
                Span::Markup
            }
            _ => Span::None,
        };
        // What a paragraph announces with two colons is literal in reStructuredText.
        let announces =
            (self.before, self.previous) == (':', ':') && !matches!(self.span, Span::Fence { .. });
        self.ground = match self.ground {
            Ground::Prose | Ground::Line if announces => Ground::Code,
            Ground::Line => Ground::Prose,
            Ground::Paragraph if empty => Ground::Prose,
            ground => ground,
        };
        if !matches!(self.span, Span::Fence { .. }) {
            // The argument of a macro in TeX.
            let argument = (self.before, self.previous) == ('{', '%');
            let code = self.ground == Ground::Code;
            let comment = code.then(|| self.opening.comment_end()).flatten();
            let comment = comment.filter(|end| !end.ends_with(self.last));
            let end = argument.then(|| End::Line("}".into()));
            let end = end.or(comment.map(|end| End::Text(end.into())));
            let block =
                end.filter(|_| !empty).map(|end| Waiting { block: Block::new(end), bare: false });
            self.waiting = self.waiting.take().or(block);
        }
        let waiting = self.waiting.take().map(|waiting| waiting.block);
        let code = self.ground == Ground::Code;
        self.database = code && (self.database || self.opening.is_statement());
        self.body_follows |= code && !empty && self.opening.heads_message();
        let open = waiting.or_else(|| self.open_literal(empty)).or_else(|| self.open_brace(empty));
        if let Some(block) = open {
            (self.span, self.block) = (Span::None, Some(block));
        }
        self.parted |= empty;
        if empty {
            self.quotation = self.quotation.saturating_sub(1);
        }
        if empty || self.spared == Spared::Line {
            self.spared = Spared::Nothing;
        }
        (self.blank, self.indent, self.fence, self.asked) = (true, 0, 0, false);
    }

    /// Whether the line that ended is the name of a text, which stands below it.
    pub(in crate::mark::lexical) fn names_text(&self) -> bool {
        !self.is_code() && self.last_line.tells == Tells::Text
    }

    /// The line is prose that stays as it was written.
    fn spare(&mut self, what: Spared) {
        self.verse.rule_out();
        self.spared = what;
    }

    /// Whether the line is one of what a program reads.
    pub(in crate::mark::lexical) fn is_code(&self) -> bool {
        self.block.is_some() || !matches!(self.ground, Ground::Prose | Ground::Line)
    }

    /// The literal that goes on behind the end of a line of code.
    fn open_literal(&self, empty: bool) -> Option<Block> {
        let code = self.ground == Ground::Code && !empty && matches!(self.span, Span::None);
        code.then(|| self.literal.at_end(&self.opening, self.database)).flatten()
    }

    /// The body in braces that opens at the end of a line of code.
    fn open_brace(&self, empty: bool) -> Option<Block> {
        let opens = self.ground == Ground::Code
            && !empty
            && self.last == '{'
            && !matches!(self.span, Span::Fence { .. });
        opens.then(|| Block::new(End::Nested { open: '{', close: '}', depth: 1 }))
    }

    /// The block is over: what follows in its paragraph is taken for code.
    pub(super) fn close_block(&mut self) {
        self.block = None;
        (self.ground, self.span, self.parted) = (Ground::Code, Span::None, false);
        self.literal = Literal::default();
        self.opening.close();
    }
}
