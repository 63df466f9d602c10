//! The spans: what is open within a line.

use super::{Ground, Mask, Span, Tagged, Waiting};
use crate::mark::lexical::block::Block;
use crate::mark::lexical::markup::{self, Markup, Place, Tool};

/// Paragraphs that a quotation in straight marks may go on for.
const QUOTED: u8 = 6;

impl Mask {
    /// What the markup that is open turned out to be.
    pub(super) fn judge_markup(&mut self, end: bool) {
        let masked = |ground| if ground == Ground::Prose { Ground::Paragraph } else { ground };
        let place = Place {
            first: self.markup_leads && self.first_line,
            leads: self.markup_leads,
            code: self.ground == Ground::Code,
            assigned: self.markup_assigned,
            end,
            opening: &self.opening,
        };
        match markup::judge(&self.markup, &place) {
            // A tag that stands first on its line may go on in the next.
            Markup::Open if !end || self.markup_leads && !self.blank => return,
            // What stands behind it is the line.
            Markup::Wrapper if self.markup_leads => self.opening.restart(),
            Markup::None | Markup::Wrapper => {}
            Markup::Open | Markup::Tag => self.ground = masked(self.ground),
            Markup::Element(name) => {
                let in_code = matches!(self.ground, Ground::Code | Ground::Diff)
                    || self.ground == Ground::Line && !self.within;
                self.ground = masked(self.ground);
                if self.markup_leads {
                    self.block = Some(Block::element(&name));
                } else {
                    let tool = markup::tool(&self.markup, &name);
                    self.tagged =
                        Some(Tagged { name, tool, in_prose: self.markup_in_prose, in_code });
                }
            }
            Markup::Block(block) => self.block = Some(block),
            Markup::Here { block, certain } => {
                self.ground = masked(self.ground);
                self.waiting = Some(Waiting { block, bare: !certain });
            }
            Markup::Whole => self.ground = Ground::Whole,
        }
        self.span = Span::None;
        self.markup.clear();
    }

    /// What follows the tag of an element behind words: `a` for a word. Prose that speaks of an element
    /// goes on with a space or a stop.
    pub(super) fn behind_tag(&mut self, next: char) {
        let Some(Tagged { name, tool, in_prose, in_code }) = self.tagged.take() else { return };
        let structure = matches!(next, '<' | '{' | '[');
        let text = next.is_alphanumeric() || matches!(next, '"' | '#' | '-' | '*' | '\n');
        let opens = match tool {
            Tool::None => false,
            Tool::Placeholder => next.is_alphanumeric() && !in_code,
            Tool::Certain => structure || text && !in_code,
        };
        if opens {
            (self.block, self.span) = (Some(Block::element(&name)), Span::None);
        } else if in_prose && next.is_whitespace() {
            self.waiting = Some(Waiting { block: Block::element(&name), bare: true });
        }
    }

    /// A piece passes of what may be a token that announces the calls of tools: `[TOOL_CALLS]`.
    pub(super) fn pass_token(&mut self, piece: &str) {
        const TOKENS: [&str; 3] = ["[TOOL_CALLS]", "[TOOL_CALL]", "[TOOL_REQUEST]"];
        if self.markup.len() < 16 {
            self.markup.push_str(piece);
            if TOKENS.contains(&self.markup.as_str()) {
                self.ground = Ground::Whole;
            }
        }
    }

    /// A character that is no line break, `first` if it is the first on its line.
    pub(super) fn inside(&mut self, character: char, first: bool) {
        if let Span::Inline { ticks, run, opening } = self.span {
            self.span = match (character, opening) {
                ('`', true) => Span::Inline { ticks: ticks + 1, run: 0, opening },
                ('`', false) => Span::Inline { ticks, run: run + 1, opening },
                _ => after_ticks(ticks, run, opening),
            };
            if !matches!(self.span, Span::None) {
                return;
            }
        }
        if matches!(self.span, Span::Until(']')) {
            self.pass_token(character.encode_utf8(&mut [0; 4]));
        }
        self.span = match self.span {
            Span::Fence { mark, length, opening, run, bare } => {
                let same = character == mark;
                if opening && same {
                    Span::Fence { mark, length: length + 1, opening, run, bare }
                } else {
                    let in_run = same && (first || run > 0);
                    Span::Fence {
                        mark,
                        length,
                        opening: false,
                        run: run + u32::from(in_run),
                        bare: bare && (in_run || matches!(character, ' ' | '\t' | '\r')),
                    }
                }
            }
            Span::Markup => {
                self.markup.push(character);
                self.judge_markup(false);
                if matches!(self.span, Span::None) && self.block.is_none() && character != '>' {
                    self.prose(character, first)
                } else {
                    self.span
                }
            }
            Span::Until(close) if character == close && !self.previous.is_whitespace() => {
                if close == '"' {
                    self.quotation = 0;
                }
                Span::None
            }
            Span::Until('$') if character == '$' => Span::None,
            Span::Emphasis if matches!(character, '*' | '_') && !self.previous.is_whitespace() => {
                Span::Star(false)
            }
            Span::Chunk if character.is_whitespace() => Span::None,
            Span::Star(open) => match character {
                '*' | '_' => Span::Star(open),
                _ if open && !character.is_whitespace() => Span::Emphasis,
                _ => self.prose(character, first),
            },
            Span::Dollar if character == '$' => {
                self.ground = Ground::Paragraph;
                Span::None
            }
            Span::Dollar => Span::Until('$'),
            Span::None => self.prose(character, first),
            other => other,
        };
    }

    /// Whether two spaces stand before, and no stop before them.
    fn is_third_space(&self) -> bool {
        (self.before, self.previous) == (' ', ' ') && matches!(self.last, 'a' | ')' | ',')
    }

    /// A character outside of every span: what opens behind it.
    fn prose(&mut self, character: char, first: bool) -> Span {
        if matches!(character, '<' | '\\') {
            self.markup.clear();
            self.markup.push(character);
            self.markup_leads = first;
            self.markup_assigned = self.previous == '=';
            self.markup_in_prose = self.ground == Ground::Prose && self.previous == ' ';
            return Span::Markup;
        }
        if self.ground != Ground::Prose {
            return Span::None;
        }
        let opens = first
            || self.previous.is_whitespace()
            || matches!(
                self.previous,
                '(' | '[' | '{' | '—' | '–' | '-' | '*' | '_' | '/' | '“' | '\\'
            );
        match character {
            '`' => Span::Inline { ticks: 1, run: 0, opening: true },
            '"' if opens => {
                let alone = first || self.last == ':';
                self.quotation = if alone { QUOTED } else { 0 };
                Span::Until('"')
            }
            '"' => {
                self.quotation = 0;
                Span::None
            }
            '\'' if opens => Span::Until('\''),
            '“' | '„' => Span::Until('”'),
            '«' => Span::Until('»'),
            '‹' => Span::Until('›'),
            '「' => Span::Until('」'),
            '『' => Span::Until('』'),
            // What leads to what, becomes what or comes back; what a template is filled with.
            '→' | '⇒' | '➜' | '↔' | '←' | '⎿' | '⏺' => {
                self.mask_line();
                Span::None
            }
            '}' if self.previous == '}' => {
                self.mask_line();
                Span::None
            }
            '‘' => Span::Until('’'),
            '[' => {
                self.markup.clear();
                self.markup.push('[');
                Span::Until(']')
            }
            '{' => Span::Until('}'),
            '*' | '_' => Span::Star(opens),
            '$' => Span::Dollar,
            '/' if self.previous == ':' => Span::Chunk,
            // The columns of a table, of which the rows below are part.
            '|' | '│' | '║' | '\t' => {
                self.ground = Ground::Paragraph;
                Span::None
            }
            // Columns; comments of assemblers and of C.
            ' ' if self.is_third_space() && !first => {
                self.mask_line();
                Span::None
            }
            '#' if self.is_third_space() => {
                self.mask_line();
                Span::None
            }
            ';' if self.previous == ' ' => {
                self.mask_line();
                Span::None
            }
            '/' if (self.before, self.previous) == (' ', '/') => {
                self.mask_line();
                Span::None
            }
            '=' | '^' | '>' => {
                self.mask_line();
                Span::None
            }
            ':' | '&' if self.previous == character => {
                self.mask_line();
                Span::None
            }
            _ => Span::None,
        }
    }
}

/// The state behind a run of backticks within inline code, which closes it or not.
pub(super) fn after_ticks(ticks: u32, run: u32, opening: bool) -> Span {
    if opening || run != ticks {
        Span::Inline { ticks, run: 0, opening: false }
    } else {
        Span::None
    }
}
