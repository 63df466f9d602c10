//! Cutting a text into sentences as it comes, and counting words.

use crate::secret::opaque_debug;

opaque_debug!(Sentences);

/// Cuts text into sentences. A sentence ends behind `.`, `!`, `?` or `…` and any closing quotes or
/// brackets when white space follows, behind their full-width forms, and before a line break.
/// White space between sentences opens the next one, so that a text cut off after a sentence has
/// no trailing space.
///
/// What is known of the unfinished sentence is kept beside it, since looking through it again for
/// every line end, or every piece, would cost the square of its length.
#[derive(Default)]
pub(super) struct Sentences {
    current: String,
    /// Its characters.
    characters: u64,
    /// It is more than white space.
    begun: bool,
    ended: bool,
}

impl Sentences {
    /// Takes the next piece of text; each sentence that is complete goes to `sentence`.
    pub(super) fn push(&mut self, text: &str, mut sentence: impl FnMut(String)) {
        for character in text.chars() {
            let complete = character == '\n' || self.ended && character.is_whitespace();
            if complete && self.begun {
                sentence(self.cut());
            }
            self.ended = match character {
                '.' | '!' | '?' | '…' => true,
                '"' | '\'' | ')' | ']' | '”' | '’' | '»' | '*' | '_' => self.ended,
                _ => false,
            };
            self.current.push(character);
            self.characters += 1;
            self.begun |= !character.is_whitespace();
            if matches!(character, '。' | '！' | '？') {
                sentence(self.cut());
            }
        }
    }

    /// The unfinished sentence.
    pub(super) fn current(&self) -> &str {
        &self.current
    }

    /// How many characters it has.
    pub(super) fn current_characters(&self) -> u64 {
        self.characters
    }

    /// Takes the unfinished sentence out.
    pub(super) fn take(&mut self) -> String {
        self.ended = false;
        self.cut()
    }

    fn cut(&mut self) -> String {
        (self.characters, self.begun) = (0, false);
        std::mem::take(&mut self.current)
    }
}

/// Counts words across pieces: a word is a run of letters and digits; in scripts that are written
/// without spaces each character is one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WordCount {
    words: u64,
    inside: bool,
}

impl WordCount {
    /// Takes the next piece.
    pub(super) fn push(&mut self, text: &str) {
        for character in text.chars() {
            let alone = matches!(u32::from(character), 0x2E80..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF);
            let letter = character.is_alphanumeric();
            self.words += u64::from(letter && (alone || !self.inside));
            self.inside = letter && !alone || self.inside && matches!(character, '\'' | '’' | '-');
        }
    }

    /// Words so far, one that has begun included.
    pub(super) fn words(self) -> u64 {
        self.words
    }

    /// The words of one text.
    pub(super) fn of(text: &str) -> u64 {
        let mut count = Self::default();
        count.push(text);
        count.words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(pieces: &[&str]) -> Vec<String> {
        let mut cutter = Sentences::default();
        let mut found = Vec::new();
        for piece in pieces {
            cutter.push(piece, |sentence| found.push(sentence));
        }
        found.push(cutter.take());
        found
    }

    #[test]
    fn sentences_end_where_a_reader_would_end_them() {
        assert_eq!(
            sentences(&["It is 9.11, \"no?\" Yes.\n- a list\n\n好。吗 Done"]),
            ["It is 9.11, \"no?\"", " Yes.", "\n- a list", "\n\n好。", "吗 Done"]
        );
    }

    #[test]
    fn words_are_counted_the_same_however_the_text_is_cut() {
        let text = "Don't re-count 12.5 words — 思考 ok.";
        assert_eq!(WordCount::of(text), 8);
        let mut count = WordCount::default();
        text.chars().for_each(|character| count.push(character.encode_utf8(&mut [0; 4])));
        assert_eq!(count.words(), 8);
    }

    proptest::proptest! {
        #[test]
        fn no_character_is_lost_and_the_cut_does_not_matter(text in "[a-c .!?\n\"。é]{0,40}", at in 0..40_usize) {
            let whole = sentences(&[&text]);
            proptest::prop_assert_eq!(whole.concat(), text.clone());
            let at = text.char_indices().map(|(at, _)| at).nth(at).unwrap_or(text.len());
            let (left, right) = text.split_at(at);
            proptest::prop_assert_eq!(sentences(&[left, right]), whole);
        }
    }
}
