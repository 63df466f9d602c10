//! Scores of many codewords against the same weights: one table look-up for eight cells.

use crate::mark::cell::MarkKey;

/// `Σ ± w` for every pattern of eight signs, for each eight cells. A codeword of 6,400 cells is
/// then scored by 800 additions, however many sites were counted.
#[derive(Debug)]
pub struct SignSums {
    words: Vec<[[i32; 256]; 4]>,
}

impl SignSums {
    /// Tables for these weights, of at most 2²⁴ units each, by cell number.
    #[must_use]
    pub fn new(units: &[i32]) -> Self {
        let mut padded = units.to_vec();
        padded.resize(units.len().next_multiple_of(32), 0);
        let table = |eight: &[i32]| {
            let mut sums = [-eight.iter().sum::<i32>(); 256];
            for pattern in 1..256_usize {
                // One sign more than a pattern that came before.
                let unit = eight.get(pattern.trailing_zeros() as usize).copied().unwrap_or(0);
                let before = sums.get(pattern & (pattern - 1)).copied().unwrap_or(0);
                if let Some(sum) = sums.get_mut(pattern) {
                    *sum = before + 2 * unit;
                }
            }
            sums
        };
        let word = |cells: &[i32]| {
            let mut tables = [[0; 256]; 4];
            for (slot, eight) in tables.iter_mut().zip(cells.chunks(8)) {
                *slot = table(eight);
            }
            tables
        };
        Self { words: padded.chunks(32).map(word).collect() }
    }

    /// The score of the codeword that a key's stream spells: cell `n` adds its weight if bit `n` is
    /// set, and subtracts it if not.
    #[must_use]
    pub fn total(&self, key: &MarkKey) -> i64 {
        let mut stream = key.stream();
        self.words
            .iter()
            .map(|[a, b, c, d]| {
                let [byte0, byte1, byte2, byte3] = stream.next_word().to_le_bytes();
                let at = |table: &[i32; 256], byte: u8| {
                    i64::from(table.get(usize::from(byte)).copied().unwrap_or(0))
                };
                at(a, byte0) + at(b, byte1) + at(c, byte2) + at(d, byte3)
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mark::cell::Bits;

    #[test]
    fn the_tables_give_the_sum_over_the_bits() {
        for cells in [0_u32, 1, 7, 8, 31, 32, 33, 1000] {
            let units: Vec<i32> =
                (0..cells as i32).map(|n| n * 7919 % 33_554_433 - 16_777_216).collect();
            let key = MarkKey::from_bytes([cells as u8; 32]);
            let bits = Bits::new(&key, cells);
            let expected: i64 = units
                .iter()
                .enumerate()
                .map(|(cell, unit)| {
                    let bit = bits.words()[cell / 32] >> (cell % 32) & 1;
                    (i64::from(bit) * 2 - 1) * i64::from(*unit)
                })
                .sum();
            assert_eq!(SignSums::new(&units).total(&key), expected);
        }
    }
}
