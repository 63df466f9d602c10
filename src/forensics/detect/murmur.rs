//! MurmurHash3 (x86, 32 bits, seed 0) over 32-bit words, as SGLang's watermark hashes them.

/// The running state; a word at a time.
#[derive(Clone, Copy)]
pub(super) struct Murmur {
    state: u32,
    words: u32,
}

impl Murmur {
    pub(super) const fn new() -> Self {
        Self { state: 0, words: 0 }
    }

    #[must_use]
    pub(super) const fn word(self, word: u32) -> Self {
        let mixed = word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
        let state = (self.state ^ mixed).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
        Self { state, words: self.words + 1 }
    }

    pub(super) const fn finish(self) -> u32 {
        let mut hash = self.state ^ (self.words * 4);
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
        hash ^ (hash >> 16)
    }
}
