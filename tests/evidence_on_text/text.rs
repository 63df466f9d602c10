//! Text without a mark that repeats itself as real text does.

use guilloche::forensics::detect::CellCounts;
use guilloche::mark::cell::{Bits, Cell, ClassId, MarkKey};

pub(crate) use super::source::Source;

/// Keys per test: as many as an unoptimized build has time for, or 10,000.
pub(crate) const KEYS: u32 = if cfg!(debug_assertions) { 300 } else { 10_000 };

impl Source {
    pub(crate) fn new(seed: u8) -> Self {
        Self::of([seed; 32])
    }

    /// A token by Zipf's law: few are frequent.
    pub(crate) fn token(&mut self, vocabulary: u32) -> u32 {
        let rank = f64::from(vocabulary).powf(self.uniform());
        1 + (rank as u32).min(vocabulary - 2)
    }
}

/// Documents of 250 tokens with frequent tokens, fixed continuations and stock passages.
pub(crate) fn documents(seed: u8, tokens: usize, vocabulary: u32) -> Vec<Vec<u32>> {
    let mut source = Source::new(seed);
    let stock: Vec<Vec<u32>> =
        (0..8).map(|_| (0..20).map(|_| source.token(vocabulary)).collect()).collect();
    (0..tokens.div_ceil(250))
        .map(|_| {
            let mut document = Vec::new();
            while document.len() < 250.min(tokens) {
                if source.chance(0.02) {
                    document.extend(&stock[source.below(8) as usize]);
                } else if source.chance(0.4) {
                    let last = document.last().copied().unwrap_or(1_u32);
                    document.push(1 + last.wrapping_mul(2_654_435_769) % (vocabulary - 1));
                } else {
                    document.push(source.token(vocabulary));
                }
            }
            document
        })
        .collect()
}

pub(crate) const CLASSES: u32 = 60;
pub(crate) const CELLS: u32 = CLASSES * 16;

pub(crate) fn cell(number: u32) -> Cell {
    Cell::from_bucket(ClassId((number / 16) as u16), (number % 16) as u8)
}

/// Cells of a model with habits: every cell has a rate of its own, and a document that has chosen
/// a variant keeps to it. `follow` may put another variant in the place of the model's.
pub(crate) fn cells(
    seed: u8,
    words: u32,
    mut follow: impl FnMut(&mut Source, u32, bool) -> bool,
) -> CellCounts {
    let mut source = Source::new(seed);
    let mut habits = Source::new(0);
    let rates: Vec<f64> = (0..CELLS).map(|_| habits.uniform()).collect();
    let mut counts = CellCounts::new("test lexicon", CELLS, 16);
    // 30 sites in 1,000 words, documents of 500 words.
    for number in 0..words.div_ceil(500) {
        let leaning = source.uniform();
        let mut document = counts.document(&format!("{seed} {number}"), &[]).unwrap();
        for context in 0..15 {
            let cell = source.token(CELLS + 1) - 1;
            let own = if source.chance(0.5) {
                leaning < rates[cell as usize]
            } else {
                source.chance(rates[cell as usize])
            };
            let variant = follow(&mut source, cell, own);
            document.observe(context, cell, variant);
        }
    }
    counts
}

pub(crate) fn unmarked_cells(seed: u8, words: u32) -> CellCounts {
    cells(seed, words, |_, _, own| own)
}

/// A student that takes the key's variant in a share of its sites.
pub(crate) fn student(seed: u8, words: u32, key: &MarkKey, share: f64) -> CellCounts {
    let bits = Bits::new(key, CELLS);
    cells(
        seed,
        words,
        |source, number, own| {
            if source.chance(share) { bits.get(cell(number)) } else { own }
        },
    )
}
