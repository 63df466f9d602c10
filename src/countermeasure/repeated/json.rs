//! What of JSON has to stay where its strings are emptied.

use std::collections::VecDeque;
use std::ops::Range;

use super::words::{Word, hash};

/// Follows a value of JSON, and tells what of it is no text: brackets, quotes, numbers.
#[derive(Debug, Default)]
pub(super) struct Structure {
    in_string: bool,
    escaped: bool,
    /// What stays, in order.
    stays: VecDeque<Range<usize>>,
    /// Where strings begin and end of late, to tell which words stand in one.
    last_quote: usize,
}

impl Structure {
    /// Takes the next character, which stands at `at`.
    pub(super) fn push(&mut self, character: char, at: usize) {
        let end = at + character.len_utf8();
        if self.in_string {
            let closes = character == '"' && !self.escaped;
            self.escaped = character == '\\' && !self.escaped;
            if closes {
                (self.in_string, self.last_quote) = (false, at);
                self.stay(at..end);
            }
            return;
        }
        if character == '"' {
            (self.in_string, self.escaped, self.last_quote) = (true, false, at);
        }
        if !character.is_alphanumeric() {
            self.stay(at..end);
        }
    }

    /// A word has ended, behind which nothing but its end has been taken. Outside of strings numbers
    /// stay, and the names of values.
    pub(super) fn word(&mut self, word: Word, text: &str) {
        let outside = !self.in_string && self.last_quote < word.start
            || self.in_string && self.last_quote >= word.end;
        let names = ["true", "false", "null"];
        let number = text.starts_with(|first: char| first.is_ascii_digit());
        if outside && (number || names.iter().any(|name| hash(name) == word.hash)) {
            self.stay(word.start..word.end);
        }
    }

    /// What of a range stays.
    pub(super) fn within(&self, range: &Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
        let range = range.clone();
        let inside = move |it: &Range<usize>| it.start.max(range.start)..it.end.min(range.end);
        self.stays.iter().map(inside).filter(|it| it.start < it.end)
    }

    /// What stands before `at` has gone.
    pub(super) fn forget(&mut self, at: usize) {
        while self.stays.front().is_some_and(|it| it.end <= at) {
            self.stays.pop_front();
        }
    }

    fn stay(&mut self, range: Range<usize>) {
        match self.stays.back_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.stays.push_back(range),
        }
    }
}
