//! The Mersenne Twister as PyTorch's CPU generator runs it, and what `torch.randperm`,
//! `torch.randint` and the green lists of Hugging Face take from it.
//!
//! MT19937 after Matsumoto and Nishimura (1998). PyTorch seeds it with the low 32 bits of the seed
//! alone. The CUDA generator is another one: its lists cannot be had from here
//! ([`GreenTable`](super::GreenTable) reads those that an operator has dumped).

const WORDS: usize = 624;
const MIDDLE: usize = 397;

/// PyTorch's CPU generator.
pub(super) struct TorchGenerator {
    state: [u32; WORDS],
    next: usize,
}

impl TorchGenerator {
    /// `torch.Generator().manual_seed(seed)`.
    pub(super) fn new(seed: u64) -> Self {
        let mut state = [0; WORDS];
        // The upper half is dropped, as in `mt19937_engine(uint64_t seed)`.
        let mut word = u32::try_from(seed & 0xffff_ffff).unwrap_or(0);
        for (number, slot) in (0_u32..).zip(&mut state) {
            if number > 0 {
                word = 1_812_433_253_u32.wrapping_mul(word ^ (word >> 30)).wrapping_add(number);
            }
            *slot = word;
        }
        Self { state, next: WORDS }
    }

    pub(super) fn next_u32(&mut self) -> u32 {
        if self.next >= WORDS {
            self.twist();
        }
        let mut word = self.state.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    fn twist(&mut self) {
        let mut old = self.state;
        for number in 0..WORDS {
            let at = |index: usize| old.get(index % WORDS).copied().unwrap_or(0);
            let joined = (at(number) & 0x8000_0000) | (at(number + 1) & 0x7fff_ffff);
            let twisted =
                at(number + MIDDLE) ^ (joined >> 1) ^ ((joined & 1).wrapping_neg() & 0x9908_b0df);
            // Written back at once: later words read it.
            if let Some(slot) = old.get_mut(number) {
                *slot = twisted;
            }
        }
        self.state = old;
        self.next = 0;
    }

    /// The first `taken` entries of `torch.randperm(size)`.
    pub(super) fn permutation(&mut self, size: u32, taken: u32) -> Vec<u32> {
        let mut entries: Vec<u32> = (0..size).collect();
        let taken = taken.min(size);
        for from in 0..taken.min(size.saturating_sub(1)) {
            let to = from + self.next_u32() % (size - from);
            entries.swap(index(from), index(to));
        }
        entries.truncate(index(taken));
        entries
    }

    /// Which of `tokens` are among the first `taken` entries of `torch.randperm(size)`; without the
    /// permutation when the tokens are few, by following each one's place.
    pub(super) fn is_among(
        &mut self,
        tokens: &[u32],
        size: u32,
        taken: u32,
        found: &mut Vec<bool>,
    ) {
        /// From so many tokens on, one permutation costs less than following each of them.
        const FOLLOWED: usize = 12;
        found.clear();
        if tokens.len() > FOLLOWED {
            let mut green = vec![false; index(size)];
            for entry in self.permutation(size, taken) {
                if let Some(slot) = green.get_mut(index(entry)) {
                    *slot = true;
                }
            }
            found.extend(tokens.iter().map(|token| green.get(index(*token)) == Some(&true)));
            return;
        }
        let mut places = [u32::MAX; FOLLOWED];
        for (place, token) in places.iter_mut().zip(tokens) {
            *place = *token;
        }
        let mut settled = [false; FOLLOWED];
        for from in 0..taken.min(size).min(size.saturating_sub(1)) {
            let to = from + self.next_u32() % (size - from);
            for (place, settled) in places.iter_mut().zip(&mut settled).take(tokens.len()) {
                if *place == to && !*settled {
                    *settled = true;
                } else if *place == from {
                    *place = to;
                }
            }
        }
        let last = taken >= size;
        found.extend(places.iter().zip(settled).zip(tokens).map(|((place, settled), token)| {
            settled || (last && *place == size - 1 && *token < size)
        }));
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first and the ten-thousandth output for seed 5489: the latter is in the C++ standard,
    /// [rand.predef], as the required value of `std::mt19937`.
    #[test]
    fn the_generator_is_the_one_of_the_cpp_standard() {
        let mut generator = TorchGenerator::new(5489);
        let words: Vec<u32> = (0..10_000).map(|_| generator.next_u32()).collect();
        assert_eq!((words[0], words[9_999]), (3_499_211_612, 4_123_659_995));
    }

    #[test]
    fn following_a_token_finds_what_the_permutation_holds() {
        for seed in 0..40 {
            let (size, taken) = (97, (seed as u32 * 13) % 98);
            let list = TorchGenerator::new(seed).permutation(size, taken);
            let tokens: Vec<u32> = (0..100).collect();
            let expected: Vec<bool> = tokens.iter().map(|token| list.contains(token)).collect();
            let (mut found, mut all) = (Vec::new(), Vec::new());
            TorchGenerator::new(seed).is_among(&tokens, size, taken, &mut all);
            assert_eq!(all, expected);
            for (few, expected) in tokens.chunks(7).zip(expected.chunks(7)) {
                TorchGenerator::new(seed).is_among(few, size, taken, &mut found);
                assert_eq!(found, expected, "seed {seed}");
            }
        }
    }
}
