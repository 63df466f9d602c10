//! What may stand beside a form.

use std::collections::HashSet;
use std::sync::Arc;

use super::vocabulary::WordState;

/// What stands to the left of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left<'a> {
    /// A sentence or a line begins.
    Start,
    /// A word, normalized, and one space.
    Word(&'a str),
    /// A comma and a space, behind this word, normalized.
    Comma(&'a str),
    /// Other punctuation.
    Clause,
}

/// What stands to the right of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right<'a> {
    /// One space and a word, normalized.
    Word(&'a str),
    /// A comma.
    Comma,
    /// Other punctuation, or the end.
    Stop,
    /// One space and something that is no word, such as a bracket.
    Other,
}

/// Which word before tells the cells of a class apart: a class that stands behind few words would have few.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::mark) enum Context {
    #[default]
    First,
    Second,
    Third,
}

/// A list of contexts.
#[derive(Clone, Debug, Default)]
pub(super) struct Contexts {
    pub(super) words: HashSet<Box<str>, WordState>,
    pub(super) suffixes: Vec<Box<str>>,
    /// Any word at all.
    pub(super) any: bool,
    /// Any word that begins with a digit.
    pub(super) number: bool,
    pub(super) start: bool,
    pub(super) comma: bool,
    pub(super) stop: bool,
    /// Words behind which a comma is one of these.
    pub(super) before_comma: HashSet<Box<str>, WordState>,
}

impl Contexts {
    fn word(&self, word: &str, required: bool) -> bool {
        self.any
            || self.number && is_number(word, required)
            || self.words.contains(word)
            || self
                .suffixes
                .iter()
                .any(|suffix| word.len() > suffix.len() + 1 && word.ends_with(&**suffix))
    }

    fn left(&self, left: Left<'_>, required: bool) -> bool {
        match left {
            Left::Start => self.start,
            Left::Word(word) => self.word(word, required),
            Left::Comma(word) => self.comma || self.before_comma.contains(word),
            Left::Clause => self.stop,
        }
    }

    fn right(&self, right: Right<'_>, required: bool) -> bool {
        match right {
            Right::Word(word) => self.word(word, required),
            Right::Comma => self.comma,
            Right::Stop => self.stop,
            Right::Other => false,
        }
    }
}

/// Whether a word is a number. Where one is required, it has no letters behind its digits, as `12s` and
/// `1st` have.
fn is_number(word: &str, required: bool) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit())
        && !(required && word.contains(|letter: char| letter.is_alphabetic()))
}

/// The conditions of a class. An absent list forbids and requires nothing; classes with the same
/// list share it.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    pub(super) left: Option<Arc<Contexts>>,
    pub(super) not_left: Option<Arc<Contexts>>,
    pub(super) right: Option<Arc<Contexts>>,
    pub(super) not_right: Option<Arc<Contexts>>,
    /// Whether nothing before may have told of the past.
    pub(in crate::mark) present: bool,
    /// Which word before tells the cells of a class apart.
    pub(in crate::mark) context: Context,
}

impl Guard {
    /// Whether a form is a site between these.
    #[must_use]
    pub fn admits(&self, left: Left<'_>, right: Right<'_>) -> bool {
        self.admits_left(left) && self.admits_right(right)
    }

    /// Whether the conditions on the right are met.
    pub(in crate::mark) fn admits_right(&self, right: Right<'_>) -> bool {
        self.right.as_ref().is_none_or(|list| list.right(right, true))
            && self.not_right.as_ref().is_none_or(|list| !list.right(right, false))
    }

    /// Whether the conditions on the left are met.
    pub(in crate::mark) fn admits_left(&self, left: Left<'_>) -> bool {
        self.left.as_ref().is_none_or(|list| list.left(left, true))
            && self.not_left.as_ref().is_none_or(|list| !list.left(left, false))
    }
}
