//! The parameters of a query.

use std::ops::Range;

use super::percent::unescaped;
use crate::secret::opaque_debug;
use crate::wire::governed::is_governed;
use crate::wire::json::fold;
use crate::wire::request::lists::overrides;

/// The longest query of which the parameters are told apart. One is looked at for every word of it.
const LONGEST_QUERY: usize = 4096;

/// Parameters by whose names a model is chosen, or what answers for it.
const CHOOSING: [&str; 3] = ["deployment", "fallback", "model"];

/// The same of whole names.
const CHOOSERS: [&str; 4] = ["engine", "engines", "route", "router"];

/// A parameter of the query.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameter {
    /// All of it, with the separator behind it if there is one.
    pub span: Range<usize>,
    /// By its name it chooses what answers.
    pub chooses: bool,
    /// By its name it sets a cap, an effort or the like, for some server.
    pub overrides: bool,
    /// Its name and value.
    text: String,
}

opaque_debug!(Parameter);

/// The parameters of a query that begins at `from`.
pub(super) fn parameters(query: &str, from: usize) -> impl Iterator<Item = Parameter> {
    let long = query.len() > LONGEST_QUERY;
    // Some servers separate by semicolons, and some clients begin a query twice.
    let separates = move |it: char| !long && matches!(it, '&' | ';' | '?');
    let mut start = from;
    query.split_inclusive(separates).map(move |part| {
        let span = start..start + part.len();
        start = span.end;
        if long {
            return Parameter { span, chooses: true, overrides: true, text: String::new() };
        }
        let text = unescaped(part.trim_end_matches(separates));
        let name = text.split('=').next().unwrap_or_default().trim();
        let name = fold(name).to_lowercase();
        Parameter {
            chooses: CHOOSING.iter().any(|it| name.contains(it))
                || CHOOSERS.contains(&name.as_str()),
            overrides: is_governed(&name) || overrides(&name, b""),
            text,
            span,
        }
    })
}

impl Parameter {
    /// Its name, in lower case.
    pub(crate) fn name(&self) -> String {
        let name = self.text.split('=').next().unwrap_or_default().trim();
        fold(name).to_lowercase()
    }

    /// Whether it is a whole query that is too long to be read.
    pub(super) fn is_unread(&self) -> bool {
        self.span.len() > LONGEST_QUERY
    }

    /// What of its value may be a name, with and without the vendors before it; and of its own name,
    /// if that is more than a word.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let value = match self.text.split_once('=') {
            Some((name, value)) if name.chars().all(is_worded) => value,
            _ => &self.text,
        };
        words_of(value)
    }
}

/// What of a value may be the name of a model, with and without the vendors before it.
pub(crate) fn words_of(value: &str) -> impl Iterator<Item = &str> {
    let named = |it: char| is_worded(it) || matches!(it, '/' | ':' | '@');
    let words = value.split(move |it: char| !named(it)).filter(|word| !word.is_empty());
    words.flat_map(|word| {
        let parts = word.split('/').filter(|part| part.len() < word.len());
        std::iter::once(word).chain(parts)
    })
}

/// Whether a character can stand in a word of a model's name.
pub(super) fn is_worded(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '.' | '_')
}
