//! A suspect's text in the tokens of the model that it may have been copied from.
//!
//! Where the tokens do not give the text back, that model cannot have written them, and they are
//! left out: normalizers that fold case or strip accents, characters that the vocabulary lacks.

use rayon::prelude::*;

use super::MISSING;
use crate::mark::tokenizer::Tokenizer;

/// The longest text that is tokenized as a whole, in bytes. A longer one is cut at the ends of
/// lines, or anywhere if it has none, and every part is tokenized for itself.
const MAX_PART_BYTES: usize = 256 * 1024;

impl Tokenizer {
    /// The tokens of a text, without those that a model adds around it; [`MISSING`] stands once
    /// wherever tokens are left out.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut tokens = Vec::new();
        for part in parts(text) {
            if !tokens.is_empty() {
                separate(&mut tokens);
            }
            self.encode_part(part, &mut tokens);
        }
        tokens
    }

    /// The tokens of many texts, on all cores; in their order, whatever the number of threads.
    #[must_use]
    pub fn encode_all<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Vec<Vec<u32>> {
        texts.par_iter().map(|text| self.encode(text.as_ref())).collect()
    }

    fn encode_part(&self, text: &str, tokens: &mut Vec<u32>) {
        // The offsets are in bytes of the text as it was given.
        let Ok(encoding) = self.inner.encode(text, false) else { return separate(tokens) };
        let stretches = Stretches {
            tokenizer: self,
            text,
            tokens: encoding.get_ids(),
            offsets: encoding.get_offsets(),
        };
        stretches.keep(0, encoding.get_ids().len(), tokens);
    }
}

/// Leaves a gap, unless there is one.
fn separate(tokens: &mut Vec<u32>) {
    if tokens.last() != Some(&MISSING) {
        tokens.push(MISSING);
    }
}

/// A text in parts of bounded length.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.len().min(MAX_PART_BYTES);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (mut part, mut after) = rest.split_at(end);
        if !after.is_empty() {
            if let Some(line) = part.rfind('\n') {
                (part, after) = rest.split_at(line + 1);
            }
        }
        rest = after;
        Some(part)
    })
}

/// Tokens of a text, with their places in it.
struct Stretches<'a> {
    tokenizer: &'a Tokenizer,
    text: &'a str,
    tokens: &'a [u32],
    offsets: &'a [(usize, usize)],
}

impl Stretches<'_> {
    /// Keeps what gives its text back: all of it, or what does of its halves.
    fn keep(&self, from: usize, to: usize, kept: &mut Vec<u32>) {
        if from >= to {
            return;
        }
        if self.gives_back(from, to) {
            kept.extend(self.tokens.iter().skip(from).take(to - from));
        } else if let Some(middle) = self.middle(from, to) {
            self.keep(from, middle, kept);
            if !self.touches(middle) {
                separate(kept);
            }
            self.keep(middle, to, kept);
        } else {
            separate(kept);
        }
    }

    fn gives_back(&self, from: usize, to: usize) -> bool {
        let (Some(tokens), Some((start, _)), Some((_, end))) =
            (self.tokens.get(from..to), self.offsets.get(from), self.offsets.get(to - 1))
        else {
            return false;
        };
        let start = if from == 0 { 0 } else { *start };
        let decoded = self.tokenizer.decode(tokens);
        // Some tokenizers write a space before the first word, and some decoders drop it.
        let words = |text: &str| text.strip_prefix(' ').unwrap_or(text).to_owned();
        self.text.get(start..*end).map(words) == decoded.as_deref().map(words)
    }

    /// The end of the token before a place, and the start of the one behind it.
    fn around(&self, place: usize) -> Option<(usize, usize)> {
        let (_, end) = self.offsets.get(place.checked_sub(1)?)?;
        let (start, _) = self.offsets.get(place)?;
        Some((*end, *start))
    }

    /// Whether no text lies between the tokens on both sides of a place.
    fn touches(&self, place: usize) -> bool {
        self.around(place).is_some_and(|(end, start)| end == start)
    }

    /// The place nearest to the middle at which no character is cut in two.
    fn middle(&self, from: usize, to: usize) -> Option<usize> {
        let half = from.midpoint(to);
        let whole = |place: &usize| self.around(*place).is_some_and(|(end, start)| end <= start);
        (half.max(from + 1)..to).find(whole).or_else(|| (from + 1..half).rev().find(whole))
    }
}
