//! What is known of the answer's own text where it stands: its lines, and what of them is code.

use super::lead::{self, Lead, Leads};
use super::marker;
use crate::leading::leading;
use crate::secret::opaque_debug;

opaque_debug!(Lines);

/// Words in the names of markup that sets reasoning apart.
const STEMS: [&str; 8] =
    ["think", "thought", "reason", "reflect", "scratchpad", "monolog", "analysis", "chain_of"];

/// The longest name of markup that is looked at, in bytes.
const NAME: usize = 48;

/// Where in its lines a text stands.
#[derive(Clone)]
pub(super) struct Lines {
    /// Nothing but white space and what models put before their first word.
    pub(super) beginning: bool,
    /// The character before, if it stands on the same line.
    pub(super) previous: Option<char>,
    /// The open code span's backticks.
    span: Option<usize>,
    /// The line has nothing yet but white space and marks of quotes and lists.
    blank: bool,
    fence: Option<Fence>,
    /// The backticks or tildes just before.
    run: Run,
    /// What stands before the first section.
    lead: Lead,
    /// Characters that are no words of the text.
    skip: usize,
    /// Markup that begins reasoning and that an answer has shown.
    shown: u64,
    /// A name in brackets, as far as it has come; kept for its memory.
    name: String,
    /// The text stands in one.
    naming: bool,
    /// Markup that ends reasoning although none had begun.
    pub(super) unopened: u64,
    /// Markup that looks like a dialect and is none of the table's.
    pub(super) unknown: u64,
}

/// An open block of fenced code.
#[derive(Clone, Copy, Debug)]
struct Fence {
    mark: char,
    length: usize,
    /// It was opened on this line.
    fresh: bool,
    /// This line closes it if nothing more stands on it.
    closing: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Run {
    mark: char,
    length: usize,
    /// Nothing stood before it on its line.
    first: bool,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            beginning: true,
            previous: None,
            span: None,
            blank: true,
            fence: None,
            run: Run::default(),
            lead: Lead::default(),
            skip: 0,
            shown: 0,
            name: String::new(),
            naming: false,
            unopened: 0,
            unknown: 0,
        }
    }
}

impl Lines {
    /// As at the start of a line, where a section has ended.
    pub(super) fn restart(&mut self, beginning: bool) {
        let Self { unopened, unknown, .. } = *self;
        let lead = if beginning { Lead::default() } else { Lead::none() };
        *self = Self { beginning, lead, unopened, unknown, ..Self::default() };
    }

    /// Whether the text so far leads up to reasoning.
    pub(super) fn leads(&self) -> Leads {
        self.lead.leads()
    }

    /// Whether what follows stands in a block of code.
    pub(super) fn in_block(&mut self) -> bool {
        self.end_run();
        self.fence.is_some()
    }

    /// The backticks that would end the code span in which what follows stands.
    pub(super) fn in_span(&mut self) -> Option<usize> {
        self.end_run();
        self.span
    }

    /// A token follows that leaves the beginning of the text where it is.
    pub(super) fn skip(&mut self, token: &str) {
        self.skip += token.chars().count();
    }

    pub(super) fn see_all(&mut self, text: &str) {
        let mut rest = text;
        loop {
            rest = rest.get(self.pass(rest)..).unwrap_or_default();
            let mut characters = rest.chars();
            let Some(character) = characters.next() else { return };
            self.see(character);
            rest = characters.as_str();
        }
    }

    /// Sees the plain characters that a text begins with, at once, where one by one would change
    /// nothing else; how many there are. Each is a byte.
    pub(super) fn pass(&mut self, text: &str) -> usize {
        let fence = self.fence.is_some_and(|fence| fence.closing);
        let begins = self.beginning || self.blank;
        let within = self.skip > 0 || self.naming || self.run.length > 0 || fence;
        if begins || within {
            return 0;
        }
        let length = leading::<16>(text.as_bytes(), is_plain);
        if let Some(last) = length.checked_sub(1).and_then(|last| text.as_bytes().get(last)) {
            self.previous = Some(char::from(*last));
        }
        self.lead.see_all(text.get(..length).unwrap_or_default());
        length
    }

    /// The next character.
    pub(super) fn see(&mut self, character: char) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        self.sight(character);
        self.lead.see(character);
        self.previous = (character != '\n').then_some(character);
        if matches!(character, '`' | '~') {
            if self.run.mark != character || self.run.length == 0 {
                self.end_run();
                self.run = Run { mark: character, length: 0, first: self.blank };
            }
            self.run.length += 1;
            (self.blank, self.beginning) = (false, false);
            return;
        }
        self.end_run();
        if character == '\n' {
            self.fence = self.fence.filter(|fence| !fence.closing);
            if let Some(fence) = &mut self.fence {
                fence.fresh = false;
            }
            (self.blank, self.span) = (true, None);
        } else if !lead::says_nothing(character) {
            self.beginning = false;
            self.blank &= matches!(character, '>' | '-' | '*' | '+' | '.' | ')' | '0'..='9');
            if let Some(fence) = &mut self.fence {
                fence.closing = false;
            }
        }
    }

    fn end_run(&mut self) {
        let Run { mark, length, first } = std::mem::take(&mut self.run);
        if length == 0 {
            return;
        }
        match &mut self.fence {
            // Backticks cannot stand behind a fence of backticks: it was a code span.
            Some(fence) if fence.fresh && mark == '`' && fence.mark == '`' => {
                self.span = Some(fence.length).filter(|open| *open != length);
                self.fence = None;
            }
            Some(fence) => fence.closing = first && mark == fence.mark && length >= fence.length,
            None if first && length >= 3 => {
                self.fence = Some(Fence { mark, length, fresh: true, closing: false });
            }
            None if mark == '`' => {
                self.span = match self.span {
                    None => Some(length),
                    open => open.filter(|open| *open != length),
                };
            }
            None => {}
        }
    }

    /// Looks at names in brackets.
    fn sight(&mut self, character: char) {
        match character {
            '<' | '[' | '◁' => {
                self.name.clear();
                self.name.push(character);
                self.naming = true;
            }
            _ if !self.naming => {}
            '>' | ']' | '▷' => {
                self.name.push(character);
                if self.fence.is_none() && self.span.is_none() {
                    self.judge();
                }
                self.naming = false;
            }
            '|' | '/' | '_' | ':' | '-' => self.name.push(character),
            _ if character.is_alphanumeric() => self.name.push(character),
            _ => self.naming = false,
        }
        self.naming &= self.name.len() <= NAME;
    }

    fn judge(&mut self) {
        let name = self.name.as_str();
        let lower = name.to_lowercase();
        if lower.ends_with("/>") {
            return;
        }
        // In a language's brackets a word is an index or a link, unless it is written in capitals.
        let shouted = !name.starts_with('[') || !name.contains(char::is_lowercase);
        if !shouted || !STEMS.iter().any(|stem| lower.contains(stem)) {
            return;
        }
        if !marker::is_known(name) {
            self.unknown += 1;
        } else if !name.contains('/') {
            self.shown += 1;
        } else if self.shown > 0 {
            self.shown -= 1;
        } else {
            self.unopened += 1;
        }
    }
}

/// Whether a character begins no line, code or name in brackets.
fn is_plain(byte: u8) -> bool {
    let begins = [b'\n', b'`', b'~', b'<', b'['];
    begins.iter().fold(byte.is_ascii(), |plain, begin| plain & (byte != *begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(lines: &mut Lines) -> impl PartialEq + std::fmt::Debug + use<> {
        let Lines { beginning, previous, blank, skip, shown, unopened, unknown, .. } = *lines;
        let name = lines.naming.then(|| lines.name.clone());
        let code = (lines.in_block(), lines.in_span(), name, lines.leads());
        (beginning, previous, blank, skip, shown, unopened, unknown, code)
    }

    proptest::proptest! {
        // Break it: pass a line's end, or within a name.
        #[test]
        fn what_is_passed_at_once_is_seen_as_one_by_one(
            lead in 0..120_usize,
            text in "(a|é| |\n|`|~|<|\\[|>|\\]|/|-|\\.|think|</think>|\n```\n|\n~~~){0,40}",
        ) {
            let text = "x".repeat(lead) + &text;
            let (mut at_once, mut one_by_one) = (Lines::default(), Lines::default());
            at_once.see_all(&text);
            text.chars().for_each(|character| one_by_one.see(character));
            proptest::prop_assert_eq!(state(&mut at_once), state(&mut one_by_one));
        }
    }
}
