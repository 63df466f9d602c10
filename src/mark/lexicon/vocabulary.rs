//! Words and what is known of them, found in few steps: every word of a text is looked up.

use std::hash::{BuildHasherDefault, Hasher};

/// Values by word. At least three of four places are free, so that a word that is not here, as most
/// are not, is told by one byte.
#[derive(Debug)]
pub(super) struct Vocabulary<T> {
    values: Vec<(Box<str>, T)>,
    /// A byte of the hash of the word at a place, 0 if there is none.
    tags: Vec<u8>,
    /// Which word it is.
    places: Vec<u32>,
}

impl<T> Default for Vocabulary<T> {
    fn default() -> Self {
        Self { values: Vec::new(), tags: vec![0; 4], places: vec![0; 4] }
    }
}

impl<T: Default> Vocabulary<T> {
    /// The value of a word.
    #[inline]
    pub(super) fn find(&self, word: &str) -> Option<&T> {
        let number = self.number(word).ok()?;
        self.values.get(number).map(|(_, value)| value)
    }

    /// Changes the value of a word, which is the default if it has none yet.
    pub(super) fn change(&mut self, word: &str, change: impl FnOnce(&mut T)) {
        let number = self.number(word).unwrap_or_else(|_| {
            if (self.values.len() + 1) * 4 > self.tags.len() {
                self.grow();
            }
            self.values.push((word.into(), T::default()));
            self.place(self.values.len() - 1);
            self.values.len() - 1
        });
        if let Some((_, value)) = self.values.get_mut(number) {
            change(value);
        }
    }

    /// All values.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.values.iter_mut().map(|(_, value)| value)
    }

    /// Which word it is, or the free place where it would be.
    #[inline]
    fn number(&self, word: &str) -> Result<usize, usize> {
        let hash = hash(word.as_bytes());
        let mut place = self.first(hash);
        loop {
            match self.tags.get(place) {
                Some(0) | None => return Err(place),
                Some(tag) if *tag == tag_of(hash) => {
                    let number = self.places.get(place).map_or(0, |number| *number as usize);
                    if self.values.get(number).is_some_and(|(known, _)| **known == *word) {
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
        let Some((word, _)) = self.values.get(number) else { return };
        let tag = tag_of(hash(word.as_bytes()));
        if let Err(place) = self.number(word) {
            if let Some(slot) = self.tags.get_mut(place) {
                *slot = tag;
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

fn tag_of(hash: u64) -> u8 {
    let [.., tag] = hash.to_le_bytes();
    tag | 1
}

/// Eight bytes in one step: most words have no more. What is looked up is the lexicon's, public and
/// fixed, so no one can make its words collide.
#[inline]
fn hash(bytes: &[u8]) -> u64 {
    let mut hash = bytes.len() as u64;
    let mut rest = bytes;
    while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
        hash = mix(hash, u64::from_le_bytes(*eight));
        rest = behind;
    }
    mix(hash, big_endian(rest))
}

/// Less than eight bytes as a number, the first of them the highest.
#[inline]
fn big_endian(bytes: &[u8]) -> u64 {
    match *bytes {
        [] => 0,
        [one] => one.into(),
        [one, two] => u16::from_be_bytes([one, two]).into(),
        [one, two, three] => u32::from_be_bytes([0, one, two, three]).into(),
        _ => {
            // Where the first four and the last four overlap, they say the same.
            let four = |four: Option<&[u8; 4]>| four.map_or(0, |four| u32::from_be_bytes(*four));
            let first = u64::from(four(bytes.first_chunk()));
            first << (8 * (bytes.len() - 4)) | u64::from(four(bytes.last_chunk()))
        }
    }
}

/// Bytes that the inflected and derived forms of a word mostly have in common.
const STEM: usize = 5;

/// Tells normalized words apart by how they begin, where a mistake now and then is none: `provide` and
/// `providing` are the same.
#[expect(clippy::cast_possible_truncation, reason = "it is a hash")]
#[inline]
pub(in crate::mark) fn stem_hash(word: &str) -> u32 {
    let bytes = word.as_bytes();
    hash(bytes.get(..STEM).unwrap_or(bytes)) as u32
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
        self.0 = mix(self.0, hash(bytes));
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
    fn the_last_bytes_are_a_number_whose_highest_byte_is_the_first() {
        let bytes = [0x81, 0x02, 0x93, 0x04, 0xa5, 0x06, 0xb7];
        for length in 0..=bytes.len() {
            let number = bytes[..length].iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
            assert_eq!(big_endian(&bytes[..length]), number);
        }
    }

    #[test]
    fn every_word_is_found_and_no_other() {
        let mut vocabulary: Vocabulary<usize> = Vocabulary::default();
        let words: Vec<String> = (0..5000).map(|number| format!("w{number}")).collect();
        for (number, word) in words.iter().enumerate() {
            vocabulary.change(word, |value| *value += number);
        }
        for (number, word) in words.iter().enumerate() {
            assert_eq!(vocabulary.find(word), Some(&number));
            assert_eq!(vocabulary.find(&format!("{word}x")), None);
        }
        assert_eq!(vocabulary.find(""), None);
        assert_eq!(vocabulary.values_mut().count(), words.len());
    }
}
