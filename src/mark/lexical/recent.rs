//! The last words of a text, normalized: what guards and cells look at.

use super::window::Word;
use crate::mark::cell::normalize;
use crate::mark::lexicon::WordKey;
use crate::secret::opaque_debug;

/// Eights of letters that lie in place. Longer words are no words of the lexicon.
const EIGHTS: usize = 5;

/// The last three words and the one reached.
#[derive(Default)]
pub(super) struct Recent {
    words: [Normalized; 4],
    /// Which of them is reached; the last one is before it, going round.
    reached: usize,
}

opaque_debug!(Recent);

/// One word. Nearly all are short and plain, and are written as their key is made.
#[derive(Default)]
struct Normalized {
    letters: [[u8; 8]; EIGHTS],
    /// How many of the letters are the word's; none if it lies in `other`.
    length: usize,
    other: String,
}

opaque_debug!(Normalized);

impl Normalized {
    #[inline]
    fn as_bytes(&self) -> &[u8] {
        match self.length {
            0 => self.other.as_bytes(),
            length => self.letters.as_flattened().get(..length).unwrap_or_default(),
        }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl Recent {
    /// A word is reached: its key, whether it is plain and has no capital, and its letters.
    #[inline]
    pub(super) fn reach(&mut self, word: Word<'_>) -> Option<(WordKey, bool, &[u8])> {
        let reached = self.words.get_mut(self.reached)?;
        // One eight is left for what is less than eight.
        let (key, small) = if word.plain && word.text.len() < 8 * EIGHTS && !word.text.is_empty() {
            reached.length = word.text.len();
            let mut places = reached.letters.iter_mut();
            WordKey::of_plain(word.text.as_bytes(), |eight| {
                if let Some(place) = places.next() {
                    *place = eight.to_le_bytes();
                }
            })
        } else {
            reached.length = 0;
            reached.other.clear();
            normalize(word.text, &mut reached.other);
            (WordKey::of(reached.other.as_bytes()), word.plain && word.text == reached.other)
        };
        Some((key, small, reached.as_bytes()))
    }

    /// The word that was reached is passed.
    #[inline]
    pub(super) fn pass(&mut self) {
        self.reached = (self.reached + 1) % 4;
    }

    /// The word so many before the one reached.
    #[inline]
    pub(super) fn before(&self, words: usize) -> &str {
        self.words.get((self.reached + 4 - words) % 4).map_or("", Normalized::as_str)
    }

    /// None of them is known any more.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Break it: leave a word in place that is as long as its place, or the letters of a longer one before it.
    #[test]
    fn every_word_is_its_normalized_form_with_its_key_whatever_lay_there_before() {
        let long = "Abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmn";
        let plain = (1..long.len()).filter_map(|end| long.get(..end));
        let words: Vec<&str> =
            plain.chain(["It’s", "DON'T", "naïve", "a", "Zürich", "ab"]).collect();
        let mut recent = Recent::default();
        for (one, other) in words.iter().flat_map(|one| words.iter().map(move |other| (one, other)))
        {
            for word in [one, other] {
                let mut normalized = String::new();
                normalize(word, &mut normalized);
                let found = recent.reach(Word::of(word)).unwrap();
                let small = Word::of(word).plain && **word == normalized;
                assert_eq!(
                    found,
                    (WordKey::of(normalized.as_bytes()), small, normalized.as_bytes())
                );
                assert_eq!(recent.before(0), normalized);
                recent.pass();
                assert_eq!(recent.before(1), normalized);
            }
        }
        recent.forget();
        assert!((0..4).all(|words| recent.before(words).is_empty()));
    }
}
