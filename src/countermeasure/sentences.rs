//! Cutting a text into sentences as it comes, and counting words.

use crate::leading::leading;
use crate::mark::ascii;
use crate::secret::opaque_debug;

opaque_debug!(Sentences);

/// What ends a sentence where white space follows (Unicode's `Sentence_Terminal`, and the ellipsis), by
/// first and last.
const ENDS: [(char, char); 66] = [
    ('!', '!'),
    ('.', '.'),
    ('?', '?'),
    ('\u{589}', '\u{589}'),
    ('\u{61d}', '\u{61f}'),
    ('\u{6d4}', '\u{6d4}'),
    ('\u{700}', '\u{702}'),
    ('\u{7f9}', '\u{7f9}'),
    ('\u{837}', '\u{837}'),
    ('\u{839}', '\u{839}'),
    ('\u{83d}', '\u{83e}'),
    ('\u{964}', '\u{965}'),
    ('\u{104a}', '\u{104b}'),
    ('\u{1362}', '\u{1362}'),
    ('\u{1367}', '\u{1368}'),
    ('\u{166e}', '\u{166e}'),
    ('\u{1735}', '\u{1736}'),
    ('\u{17d4}', '\u{17d5}'),
    ('\u{1803}', '\u{1803}'),
    ('\u{1809}', '\u{1809}'),
    ('\u{1944}', '\u{1945}'),
    ('\u{1aa8}', '\u{1aab}'),
    ('\u{1b4e}', '\u{1b4f}'),
    ('\u{1b5a}', '\u{1b5b}'),
    ('\u{1b5e}', '\u{1b5f}'),
    ('\u{1b7d}', '\u{1b7f}'),
    ('\u{1c3b}', '\u{1c3c}'),
    ('\u{1c7e}', '\u{1c7f}'),
    ('\u{2024}', '\u{2024}'),
    ('…', '…'),
    ('\u{203c}', '\u{203d}'),
    ('\u{2047}', '\u{2049}'),
    ('\u{2cf9}', '\u{2cfb}'),
    ('\u{2e2e}', '\u{2e2e}'),
    ('\u{2e3c}', '\u{2e3c}'),
    ('\u{2e53}', '\u{2e54}'),
    ('\u{3002}', '\u{3002}'),
    ('\u{a4ff}', '\u{a4ff}'),
    ('\u{a60e}', '\u{a60f}'),
    ('\u{a6f3}', '\u{a6f3}'),
    ('\u{a6f7}', '\u{a6f7}'),
    ('\u{a876}', '\u{a877}'),
    ('\u{a8ce}', '\u{a8cf}'),
    ('\u{a92f}', '\u{a92f}'),
    ('\u{a9c8}', '\u{a9c9}'),
    ('\u{aa5d}', '\u{aa5f}'),
    ('\u{aaf0}', '\u{aaf1}'),
    ('\u{abeb}', '\u{abeb}'),
    ('\u{fe12}', '\u{fe12}'),
    ('\u{fe15}', '\u{fe16}'),
    ('\u{fe52}', '\u{fe52}'),
    ('\u{fe56}', '\u{fe57}'),
    ('\u{ff01}', '\u{ff01}'),
    ('\u{ff0e}', '\u{ff0e}'),
    ('\u{ff1f}', '\u{ff1f}'),
    ('\u{ff61}', '\u{ff61}'),
    ('\u{10a56}', '\u{10a57}'),
    ('\u{11047}', '\u{11048}'),
    ('\u{110be}', '\u{110c1}'),
    ('\u{11141}', '\u{11143}'),
    ('\u{111c5}', '\u{111c6}'),
    ('\u{11238}', '\u{11239}'),
    ('\u{1144b}', '\u{1144c}'),
    ('\u{115c2}', '\u{115c3}'),
    ('\u{16a6e}', '\u{16a6f}'),
    ('\u{1bc9f}', '\u{1bc9f}'),
];

/// Whether a sentence ends here, where white space follows.
fn ends(character: char) -> bool {
    let next = ENDS.partition_point(|(_, last)| *last < character);
    ENDS.get(next).is_some_and(|(first, _)| *first <= character)
}

/// Whether one ends here whatever follows, in scripts that put no space there, or not always.
fn ends_alone(character: char) -> bool {
    matches!(
        character,
        '\u{6d4}'
            | '\u{61f}'
            | '\u{964}'
            | '\u{965}'
            | '\u{104b}'
            | '\u{1362}'
            | '\u{17d4}'
            | '\u{17d5}'
            | '\u{3002}'
            | '\u{fe12}'
            | '\u{fe15}'
            | '\u{fe16}'
            | '\u{ff01}'
            | '\u{ff1f}'
            | '\u{ff61}'
    )
}

/// Cuts text into sentences. A sentence ends behind `.`, `!`, `?` or what ends one in other scripts, and
/// any closing quotes or brackets, when white space follows; behind the full stops of scripts without
/// spaces between sentences; and before a line break.
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
                character if ends(character) => true,
                '"' | '\'' | ')' | ']' | '”' | '’' | '»' | '*' | '_' => self.ended,
                _ => false,
            };
            self.current.push(character);
            self.characters += 1;
            self.begun |= !character.is_whitespace();
            if ends_alone(character) {
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
        let mut rest = text;
        loop {
            let ascii = leading::<16>(rest.as_bytes(), |byte| byte.is_ascii());
            let (plain, others) = rest.split_at_checked(ascii).unwrap_or((rest, ""));
            self.push_ascii(plain.as_bytes());
            let mut characters = others.chars();
            let Some(character) = characters.next() else { return };
            let alone = matches!(u32::from(character), 0x2E80..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF);
            let letter = character.is_alphanumeric();
            self.words += u64::from(letter && (alone || !self.inside));
            self.inside = letter && !alone || self.inside && character == '’';
            rest = characters.as_str();
        }
    }

    /// Takes the next piece, which is ASCII.
    fn push_ascii(&mut self, text: &[u8]) {
        let mut rest = text;
        while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
            rest = behind;
            let bytes = u64::from_le_bytes(*eight);
            if ascii::those_that_are(b'\'', bytes) | ascii::those_that_are(b'-', bytes) != 0 {
                eight.iter().for_each(|byte| self.push_byte(*byte));
                continue;
            }
            let letters = !ascii::others_among(bytes) & ascii::HIGH;
            let behind_letters = letters << 8 | if self.inside { 0x80 } else { 0 };
            self.words += ascii::count(letters & !behind_letters);
            self.inside = letters >> 63 == 1;
        }
        rest.iter().for_each(|byte| self.push_byte(*byte));
    }

    fn push_byte(&mut self, byte: u8) {
        let letter = byte.is_ascii_alphanumeric();
        self.words += u64::from(letter && !self.inside);
        self.inside = letter || self.inside && matches!(byte, b'\'' | b'-');
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

    // Break it: know the full stops of two scripts.
    #[test]
    fn sentences_end_in_every_script() {
        for text in [
            "One. Two. Three.",
            "एक वाक्य। दूसरा वाक्य। तीसरा।",
            "یہ ایک ہے۔ یہ دو ہیں۔ تین۔",
            "هذا واحد؟ هذا اثنان؟ ثلاثة؟",
            "Մեկ։ Երկու։ Երեք։",
            "አንድ። ሁለት። ሦስት።",
            "មួយ។ ពីរ។ បី។",
            "一。二。三。",
            "一｡二｡三｡",
            "Uno… Due… Tre…",
        ] {
            let found = sentences(&[text]);
            let told = found.iter().filter(|it| !it.trim().is_empty()).count();
            assert_eq!(told, 3, "{found:?}");
        }
        assert!(ENDS.windows(2).all(|pair| pair[0].1 < pair[1].0), "they are sorted");
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
        fn words_counted_eight_bytes_at_a_time_are_those_counted_one_by_one(text in "([ab7 ]{1,12}|-|'|’|é|考){0,20}") {
            let mut count = WordCount::default();
            text.chars().for_each(|character| count.push(character.encode_utf8(&mut [0; 4])));
            proptest::prop_assert_eq!(WordCount::of(&text), count.words());
        }

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
