//! Words and what is known of them, found in few steps: every word of a text is looked up.

use std::hash::{BuildHasherDefault, Hasher};

/// Values by word. At least three of four places are free, so that a word that is not here, as most
/// are not, is told by one byte.
#[derive(Debug)]
pub(super) struct Vocabulary<T> {
    values: Vec<Known<T>>,
    /// A byte of the hash of the word at a place, 0 if there is none.
    tags: Vec<u8>,
    /// Which word it is.
    places: Vec<u32>,
}

/// A word, by what it is looked up, and its value.
#[derive(Debug)]
struct Known<T> {
    hash: u64,
    word: Box<str>,
    value: T,
}

impl<T> Default for Vocabulary<T> {
    fn default() -> Self {
        Self { values: Vec::new(), tags: vec![0; 4], places: vec![0; 4] }
    }
}

impl<T: Default> Vocabulary<T> {
    /// The value of a word with this key.
    #[inline]
    pub(super) fn find(&self, word: &[u8], key: WordKey) -> Option<&T> {
        let number = self.number(word, key).ok()?;
        self.values.get(number).map(|known| &known.value)
    }

    /// Changes the value of a word, which is the default if it has none yet.
    pub(super) fn change(&mut self, word: &str, change: impl FnOnce(&mut T)) {
        let key = WordKey::of(word.as_bytes());
        let number = self.number(word.as_bytes(), key).unwrap_or_else(|_| {
            if (self.values.len() + 1) * 4 > self.tags.len() {
                self.grow();
            }
            self.values.push(Known { hash: key.hash, word: word.into(), value: T::default() });
            self.place(self.values.len() - 1);
            self.values.len() - 1
        });
        if let Some(known) = self.values.get_mut(number) {
            change(&mut known.value);
        }
    }

    /// All values.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.values.iter_mut().map(|known| &mut known.value)
    }

    /// Which word it is, or the free place where it would be.
    #[inline]
    fn number(&self, word: &[u8], WordKey { hash, .. }: WordKey) -> Result<usize, usize> {
        // Of shorter words the hash of one is that of no other as long.
        let is = |known: &Known<T>| {
            known.hash == hash
                && known.word.len() == word.len()
                && (word.len() < 8 || known.word.as_bytes() == word)
        };
        let mut place = self.first(hash);
        loop {
            match self.tags.get(place) {
                Some(0) | None => return Err(place),
                Some(tag) if *tag == tag_of(hash) => {
                    let number = self.places.get(place).map_or(0, |number| *number as usize);
                    if self.values.get(number).is_some_and(is) {
                        return Ok(number);
                    }
                }
                Some(_) => {}
            }
            place = (place + 1) & (self.tags.len() - 1);
        }
    }

    #[inline]
    fn first(&self, hash: u64) -> usize {
        usize::try_from(hash & (self.tags.len() as u64 - 1)).unwrap_or(0)
    }

    fn place(&mut self, number: usize) {
        let Some(Known { hash, word, .. }) = self.values.get(number) else { return };
        let hash = *hash;
        if let Err(place) = self.number(word.as_bytes(), WordKey { hash, stem: 0 }) {
            if let Some(slot) = self.tags.get_mut(place) {
                *slot = tag_of(hash);
            }
            if let Some(slot) = self.places.get_mut(place) {
                *slot = u32::try_from(number).unwrap_or(u32::MAX);
            }
        }
    }

    fn grow(&mut self) {
        let size = self.tags.len() * 2;
        (self.tags, self.places) = (vec![0; size], vec![0; size]);
        (0..self.values.len()).for_each(|number| self.place(number));
    }
}

#[inline]
fn tag_of(hash: u64) -> u8 {
    let [.., tag] = hash.to_le_bytes();
    tag | 1
}

/// Bytes that the inflected and derived forms of a word mostly have in common.
const STEM: u64 = (1 << (8 * 5)) - 1;

/// By what a normalized word is looked up. What is looked up is the lexicon's, public and fixed, so no one can
/// make its words collide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::mark) struct WordKey {
    hash: u64,
    /// Tells words apart by how they begin, where a mistake now and then is none: `provide` and `providing`
    /// are the same.
    pub(in crate::mark) stem: u32,
}

impl WordKey {
    /// That of a normalized word.
    #[inline]
    pub(in crate::mark) fn of(word: &[u8]) -> Self {
        Self::of_eights(word, |eight| eight)
    }

    /// That of a word of ASCII letters and digits, in any case; and whether none is a capital. `keep` takes eight
    /// small letters after the other, the last of them with zeros behind.
    #[inline]
    pub(in crate::mark) fn of_plain(word: &[u8], mut keep: impl FnMut(u64)) -> (Self, bool) {
        let mut small = true;
        let key = Self::of_eights(word, |eight| {
            let lowered = eight | (eight & LETTERS) >> 1;
            small &= lowered == eight;
            keep(lowered);
            lowered
        });
        (key, small)
    }

    /// Eight bytes in one step: most words have no more. Behind the last of them are zeros.
    #[expect(clippy::cast_possible_truncation, reason = "it is a hash")]
    #[inline]
    fn of_eights(word: &[u8], mut normal: impl FnMut(u64) -> u64) -> Self {
        let mut rest = word;
        let (mut hash, mut stem) = (0, None);
        while let Some((eight, behind)) = rest.split_first_chunk() {
            let eight = normal(u64::from_le_bytes(*eight));
            stem = stem.or(Some(eight));
            (hash, rest) = (mix(hash, eight), behind);
        }
        let last = normal(few(rest));
        let stem = mix(0, stem.unwrap_or(last) & STEM) as u32;
        Self { hash: mix(hash, last), stem }
    }
}

/// What tells letters from digits, twice the bit that tells small letters from capitals.
const LETTERS: u64 = u64::from_le_bytes([0x40; 8]);

/// Less than eight bytes as a number, the first of them the lowest.
#[inline]
fn few(bytes: &[u8]) -> u64 {
    match *bytes {
        [] => 0,
        [one] => one.into(),
        [one, two] => u16::from_le_bytes([one, two]).into(),
        [one, two, three] => u32::from_le_bytes([one, two, three, 0]).into(),
        _ => {
            // Where the first four and the last four overlap, they say the same.
            let four = |four: Option<&[u8; 4]>| four.map_or(0, |four| u32::from_le_bytes(*four));
            let last = u64::from(four(bytes.last_chunk()));
            u64::from(four(bytes.first_chunk())) | last << (8 * (bytes.len() - 4))
        }
    }
}

#[inline]
fn mix(hash: u64, eight: u64) -> u64 {
    let product = (hash.rotate_left(23) ^ eight).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ product >> 29
}

/// The hash of a [`Vocabulary`] for the sets of the standard library.
#[derive(Debug, Default)]
pub(in crate::mark) struct WordHasher(u64);

/// Makes [`WordHasher`]s.
pub(in crate::mark) type WordState = BuildHasherDefault<WordHasher>;

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = mix(self.0, WordKey::of(bytes).hash);
    }

    // What the standard library puts behind a string so that two of them do not run together.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_bytes_are_a_number_whose_lowest_byte_is_the_first() {
        let bytes = [0x81, 0x02, 0x93, 0x04, 0xa5, 0x06, 0xb7];
        for length in 0..=bytes.len() {
            let number =
                bytes[..length].iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte));
            assert_eq!(few(&bytes[..length]), number);
        }
    }

    #[test]
    fn a_plain_word_has_the_key_of_its_small_letters() {
        for byte in (0..=u8::MAX).filter(u8::is_ascii_alphanumeric) {
            for length in 1..20 {
                let word = vec![byte; length];
                let lowered = word.to_ascii_lowercase();
                let mut kept = Vec::new();
                let (key, small) = WordKey::of_plain(&word, |eight| kept.push(eight.to_le_bytes()));
                assert_eq!(kept.as_flattened()[..length], lowered);
                assert_eq!(key, WordKey::of(&lowered), "{byte} {length} times");
                assert_eq!(small, lowered == word, "{byte} {length} times");
            }
        }
    }

    #[test]
    fn a_key_is_that_of_the_whole_word_and_its_stem_that_of_the_first_five_bytes() {
        let key = |word: &str| WordKey::of(word.as_bytes());
        let words = ["", "a", "abcde", "abcdef", "abcdefgh", "abcdefghi", "abcdefghijklmnop"];
        for (at, word) in words.iter().enumerate() {
            for other in &words[at + 1..] {
                assert_ne!(key(word).hash, key(other).hash, "{word} and {other}");
                let alike = word.len() >= 5;
                assert_eq!(key(word).stem == key(other).stem, alike, "{word} and {other}");
            }
        }
    }

    #[test]
    fn every_word_is_found_and_no_other() {
        let mut vocabulary: Vocabulary<usize> = Vocabulary::default();
        let words: Vec<String> = (0..5000).map(|number| format!("w{number}")).collect();
        for (number, word) in words.iter().enumerate() {
            vocabulary.change(word, |value| *value += number);
        }
        let find = |word: &str| vocabulary.find(word.as_bytes(), WordKey::of(word.as_bytes()));
        for (number, word) in words.iter().enumerate() {
            assert_eq!(find(word), Some(&number));
            assert_eq!(find(&format!("{word}x")), None);
        }
        assert_eq!(find(""), None);
        assert_eq!(vocabulary.values_mut().count(), words.len());
    }
}
