//! Usual case for paragraphs that are written in one case.
//!
//! Contexts are words in lower case anyway; only guards look at capitals, and the pronoun `I` and
//! the start of a sentence have them.

use std::mem;

use super::Changed;
use super::lines::{Kind, Line, Lines, is_structured};

/// Capital letters from which on a paragraph without small ones is not a heading or an acronym.
const CAPITALS: usize = 12;

/// The text with paragraphs in one case written as usual; `None` if there are none.
pub(super) fn lowered(text: &str) -> Option<String> {
    if is_structured(text) {
        return None;
    }
    let mut changed = Changed::new(text);
    let mut paragraph = Paragraph::default();
    for line in Lines::new(text) {
        match line.kind {
            Kind::Prose => paragraph.add(line),
            Kind::Blank | Kind::Code => mem::take(&mut paragraph).write(text, &mut changed),
        }
    }
    paragraph.write(text, &mut changed);
    changed.finish()
}

/// Lines of prose one after another.
#[derive(Default)]
struct Paragraph {
    start: usize,
    end: usize,
    /// Whether a capital and a small letter were seen.
    upper: bool,
    lower: bool,
}

impl Paragraph {
    fn add(&mut self, line: Line<'_>) {
        if self.end == 0 {
            self.start = line.start;
        }
        self.end = line.start + line.text.len();
        // In nearly all paragraphs both are found among the first letters.
        let bytes = line.text.as_bytes();
        self.upper = self.upper || bytes.iter().any(u8::is_ascii_uppercase);
        self.lower = self.lower || bytes.iter().any(u8::is_ascii_lowercase);
    }

    fn write(self, text: &str, changed: &mut Changed<'_>) {
        if self.upper == self.lower {
            return;
        }
        let written = text.get(self.start..self.end).unwrap_or_default();
        if self.upper {
            let capitals = written.bytes().filter(u8::is_ascii_uppercase).count();
            if capitals < CAPITALS || written.chars().any(char::is_lowercase) {
                return;
            }
            // `İ` has a mark behind its small letter, which no text has that comes here.
            let letters = written.chars().flat_map(char::to_lowercase);
            let mut lower: String = letters.filter(|letter| *letter != '\u{307}').collect();
            if let Some(raised) = raised(&lower, true) {
                lower = raised;
            }
            if lower != written {
                changed.replace(self.start, self.end, &lower);
            }
        } else if !written.chars().any(char::is_uppercase) {
            // Commands and data, which the scanner tells by their small letters, end in no stop.
            let prose = written.trim_end().ends_with(['.', '!', '?', '”', ')']);
            if let Some(raised) = raised(written, prose) {
                changed.replace(self.start, self.end, &raised);
            }
        }
    }
}

/// The text with a capital `I` for the pronoun and capitals behind full stops and, if it is `prose`,
/// at its start. At the start of a further line the scanner needs none.
fn raised(text: &str, prose: bool) -> Option<String> {
    let mut changed = Changed::new(text);
    let (mut previous, mut ended, mut letters) = ('\n', false, 0_usize);
    let start = text.find(|letter: char| letter.is_ascii_alphanumeric()).filter(|_| prose);
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let alone = !previous.is_alphanumeric() && !matches!(previous, '.' | '\'' | '’' | '-');
        let pronoun = character == 'i'
            && alone
            && next.is_none_or(|next| !next.is_alphanumeric() && !matches!(next, '.' | '-'));
        let sentence = ended && previous == ' ' && character.is_ascii_lowercase();
        let first = start == Some(at) && character.is_ascii_lowercase();
        if pronoun || sentence || first {
            let capital = character.to_ascii_uppercase();
            changed.replace(at, at + 1, capital.encode_utf8(&mut [0; 4]));
        }
        ended = match character {
            // `e.g.` ends no sentence.
            '.' => letters != 1,
            '!' | '?' | '…' => true,
            ' ' | ')' | '"' | '”' | '’' | '\'' => ended,
            _ => false,
        };
        letters = if character.is_alphanumeric() { letters + 1 } else { 0 };
        previous = character;
    }
    changed.finish()
}
