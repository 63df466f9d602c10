//! What a text was before trivial changes of its letters and blanks, as far as that can be told.
//!
//! Whoever doubles the spaces of a marked text or writes it in capitals has not changed a word, yet
//! the scanner of the mark finds no site in it. Here such changes are undone before a text is read.
//! No key is known here, and suspects, controls and prompts are read alike, so the verdict stays
//! as valid as it was. Embedding does not pass here.
//!
//! Each step is linear, holds at most one copy of the text, and gives back what it was given if
//! there is nothing to do.

mod blanks;
mod capitals;
mod contractions;
mod letters;
mod lines;

use std::borrow::Cow;

/// The text as it is to be read: usual letters, one space between words, usual case, apostrophes.
pub(super) fn reading(text: &str) -> Cow<'_, str> {
    let steps = [letters::usual, blanks::single, capitals::lowered, contractions::restored];
    steps.into_iter().fold(Cow::Borrowed(text), |text, step| match step(&text) {
        Some(changed) => Cow::Owned(changed),
        None => text,
    })
}

/// A copy that is begun with the first change.
struct Changed<'t> {
    text: &'t str,
    copied: usize,
    out: String,
}

impl<'t> Changed<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, copied: 0, out: String::new() }
    }

    /// Writes `with` for what stands between these places, which lie behind all earlier ones.
    fn replace(&mut self, start: usize, end: usize, with: &str) {
        if self.out.is_empty() {
            self.out.reserve(self.text.len());
        }
        self.out.push_str(self.text.get(self.copied..start).unwrap_or_default());
        self.out.push_str(with);
        self.copied = end;
    }

    /// The copy, unless nothing was replaced.
    fn finish(mut self) -> Option<String> {
        if self.copied == 0 {
            return None;
        }
        self.out.push_str(self.text.get(self.copied..).unwrap_or_default());
        Some(self.out)
    }
}

#[cfg(test)]
mod tests;
