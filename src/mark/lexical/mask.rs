//! Where nothing may be changed: code, quotations, mathematics, links, tables, headings, markup.
//!
//! A machine over the text as it passes, without lookahead: when in doubt it stays masked until
//! the line or the paragraph ends. It is fed words whole (they hold no markup) and everything
//! between them character by character.

use super::verse::Verse;

/// The state of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Prose,
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
    /// Behind a `$`, a `\` or a `<`, whose meaning the next character tells.
    Dollar,
    Backslash,
    Less,
    /// Until white space, the end of the line, a blank line, or for good.
    Chunk,
    Line,
    Paragraph,
    Whole,
}

/// Tells masked text from prose.
#[derive(Clone, Debug)]
pub(super) struct Mask {
    mode: Mode,
    /// The character before this one, `\n` at the start; `a` behind a word.
    previous: char,
    /// Only white space so far on this line, and this much of it.
    blank: bool,
    indent: u32,
    /// Fence characters that opened this line.
    fence: u32,
    begun: bool,
    verse: Verse,
}

impl Mask {
    pub(super) fn new() -> Self {
        Self {
            mode: Mode::Prose,
            previous: '\n',
            blank: true,
            indent: 0,
            fence: 0,
            begun: false,
            verse: Verse::default(),
        }
    }

    /// Whether a word that begins here is prose.
    pub(super) fn is_prose(&self) -> bool {
        let indented = self.blank && self.indent >= 4;
        matches!(self.mode, Mode::Prose) && !indented
    }

    /// Whether a word that begins here may stand in a line of verse.
    pub(super) fn is_verse(&self) -> bool {
        self.verse.is_verse()
    }

    /// Something that cannot be read stands here: nothing on the line is prose any more.
    pub(super) fn opaque(&mut self) {
        if matches!(self.mode, Mode::Prose) {
            self.mode = Mode::Line;
        }
        (self.begun, self.blank, self.previous) = (true, false, 'a');
    }

    /// A word passes, or a further piece of a long one.
    pub(super) fn word(&mut self, digit: bool) {
        if self.blank {
            self.open_line(if digit { '0' } else { 'a' });
        }
        self.verse.word();
        self.mode = match self.mode {
            Mode::Star(true) => Mode::Emphasis,
            Mode::Star(false) => Mode::Prose,
            Mode::Dollar if digit => Mode::Chunk,
            Mode::Dollar => Mode::Until('$'),
            Mode::Backslash | Mode::Less => Mode::Paragraph,
            Mode::Inline { ticks, run, opening } => match self.after_ticks(ticks, run, opening) {
                Some(inline) => inline,
                None => Mode::Prose,
            },
            Mode::Fence { mark, length, .. } => {
                Mode::Fence { mark, length, opening: false, run: 0, bare: false }
            }
            other => other,
        };
        self.previous = 'a';
    }

    /// A space behind a word of prose passes: the most frequent character, in the fewest steps.
    /// False, and nothing done, if that is not where the text is.
    pub(super) fn space(&mut self) -> bool {
        let prose = matches!(self.mode, Mode::Prose) && !self.blank;
        if prose {
            self.previous = ' ';
        }
        prose
    }

    /// A character between words passes.
    pub(super) fn character(&mut self, character: char) {
        if character == '\n' {
            self.end_line();
        } else if self.blank && matches!(character, ' ' | '\t') {
            self.indent += if character == '\t' { 4 } else { 1 };
        } else {
            let first = self.blank;
            if first {
                self.open_line(character);
            }
            self.inside(character, first);
        }
        self.previous = character;
    }

    fn open_line(&mut self, first: char) {
        self.verse.open_line(if self.indent >= 4 { ' ' } else { first });
        let whole = !self.begun;
        (self.begun, self.blank, self.fence) = (true, false, 0);
        if matches!(self.mode, Mode::Fence { .. } | Mode::Whole) {
            return;
        }
        match first {
            '{' | '[' | '<' => self.mode = if whole { Mode::Whole } else { Mode::Paragraph },
            '>' => self.mode = Mode::Paragraph,
            '|' | '#' => self.mode = Mode::Line,
            '`' | '~' => {}
            _ if self.indent >= 4 => self.mode = Mode::Line,
            _ => {}
        }
    }

    fn end_line(&mut self) {
        let paragraph = self.blank;
        self.verse.end_line(paragraph);
        self.mode = match self.mode {
            Mode::Fence { opening: false, run, length, bare: true, .. } if run >= length => {
                Mode::Prose
            }
            Mode::Fence { mark, length, .. } => {
                Mode::Fence { mark, length, opening: false, run: 0, bare: true }
            }
            Mode::Whole => Mode::Whole,
            _ if paragraph => Mode::Prose,
            Mode::Inline { ticks, run, opening } => {
                self.after_ticks(ticks, run, opening).unwrap_or(Mode::Prose)
            }
            Mode::Paragraph => Mode::Paragraph,
            Mode::Until(close @ ('"' | '”' | '»' | '}')) => Mode::Until(close),
            _ => Mode::Prose,
        };
        (self.blank, self.indent, self.fence) = (true, 0, 0);
    }

    /// The state behind a run of backticks within inline code; `None` if it closed.
    fn after_ticks(&self, ticks: u32, run: u32, opening: bool) -> Option<Mode> {
        (opening || run != ticks).then_some(Mode::Inline { ticks, run: 0, opening: false })
    }

    /// A character that is no line break, `first` if it is the first on its line.
    fn inside(&mut self, character: char, first: bool) {
        if let Mode::Inline { ticks, run, opening } = self.mode {
            self.mode = match (character, opening) {
                ('`', true) => {
                    // Three at the start of a line are a fence.
                    if ticks == 2 && self.fence == 2 {
                        Mode::Fence { mark: '`', length: 3, opening: true, run: 0, bare: false }
                    } else {
                        self.fence += u32::from(self.fence > 0);
                        Mode::Inline { ticks: ticks + 1, run: 0, opening }
                    }
                }
                ('`', false) => Mode::Inline { ticks, run: run + 1, opening },
                _ => {
                    self.fence = 0;
                    self.after_ticks(ticks, run, opening).unwrap_or(Mode::Prose)
                }
            };
            if !matches!(self.mode, Mode::Prose) {
                return;
            }
        }
        self.mode = match self.mode {
            Mode::Fence { mark, length, opening, run, bare } => {
                let same = character == mark;
                if opening && same {
                    Mode::Fence { mark, length: length + 1, opening, run, bare }
                } else {
                    let in_run = same && (first || run > 0);
                    Mode::Fence {
                        mark,
                        length,
                        opening: false,
                        run: run + u32::from(in_run),
                        bare: bare && (in_run || matches!(character, ' ' | '\t' | '\r')),
                    }
                }
            }
            Mode::Until(close) if character == close && !self.previous.is_whitespace() => {
                Mode::Prose
            }
            Mode::Until('$') if character == '$' => Mode::Prose,
            Mode::Emphasis if matches!(character, '*' | '_') && !self.previous.is_whitespace() => {
                Mode::Star(false)
            }
            Mode::Chunk if character.is_whitespace() => Mode::Prose,
            Mode::Star(open) => match character {
                '*' | '_' => Mode::Star(open),
                _ if open && !character.is_whitespace() => Mode::Emphasis,
                _ => self.prose(character, first),
            },
            Mode::Dollar if character == '$' => Mode::Paragraph,
            Mode::Dollar => Mode::Until('$'),
            Mode::Backslash if matches!(character, '(' | '[') => Mode::Paragraph,
            Mode::Less if matches!(character, '/' | '!' | '?') => Mode::Paragraph,
            Mode::Backslash => Mode::Prose,
            Mode::Less | Mode::Prose => self.prose(character, first),
            other => other,
        };
    }

    fn prose(&mut self, character: char, first: bool) -> Mode {
        let opens = first
            || self.previous.is_whitespace()
            || matches!(self.previous, '(' | '[' | '{' | '—' | '–' | '-' | '*' | '_' | '/' | '“');
        match character {
            '`' => {
                self.fence = u32::from(first);
                Mode::Inline { ticks: 1, run: 0, opening: true }
            }
            '~' if first => {
                self.fence = 1;
                Mode::Prose
            }
            '~' if self.fence == 2 => {
                Mode::Fence { mark: '~', length: 3, opening: true, run: 0, bare: false }
            }
            '~' if self.fence == 1 => {
                self.fence = 2;
                Mode::Prose
            }
            '"' if opens => Mode::Until('"'),
            '\'' if opens => Mode::Until('\''),
            '“' | '„' => Mode::Until('”'),
            '«' => Mode::Until('»'),
            '‘' => Mode::Until('’'),
            '[' => Mode::Until(']'),
            '{' => Mode::Until('}'),
            '*' | '_' => Mode::Star(opens),
            '$' => Mode::Dollar,
            '\\' => Mode::Backslash,
            '<' => Mode::Less,
            '/' if self.previous == ':' => Mode::Chunk,
            '|' | '\t' => Mode::Line,
            _ => Mode::Prose,
        }
    }
}
