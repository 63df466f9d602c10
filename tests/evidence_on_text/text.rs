//! Text without a mark that repeats itself as real text does, and what its p-values are held
//! against.

use guilloche::mark::cell::{Bits, Cell, ClassId, MarkKey};
use guilloche::mark::detect::CellCounts;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Keys per test: as many as an unoptimized build has time for, or 10,000.
pub(crate) const KEYS: u32 = if cfg!(debug_assertions) { 300 } else { 10_000 };

pub(crate) struct Source(ChaCha20Rng);

impl Source {
    pub(crate) fn new(seed: u8) -> Self {
        Self(ChaCha20Rng::from_seed([seed; 32]))
    }

    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// In (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        (f64::from(self.0.next_u32()) + 0.5) / 4_294_967_296.0
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
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

/// The p-value of Kolmogorov's test that these are uniform (the limit law, which is conservative
/// for few).
pub(crate) fn uniformity(mut p_values: Vec<f64>) -> f64 {
    p_values.sort_by(f64::total_cmp);
    let n = p_values.len() as f64;
    let distance = p_values.iter().enumerate().fold(0.0_f64, |distance, (rank, p)| {
        distance.max((rank as f64 + 1.0) / n - p).max(p - rank as f64 / n)
    });
    kolmogorov(distance * n.sqrt())
}

/// `P(K > x)` of Kolmogorov's law.
pub(crate) fn kolmogorov(x: f64) -> f64 {
    if x < 0.2 {
        return 1.0;
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * x * x).exp()
    };
    (1..100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

/// The p-values of scores among those of decoys, ranks broken upwards; Kolmogorov's test of two
/// samples.
pub(crate) fn same_law(scores: &[f64], decoys: &[f64]) -> f64 {
    let sorted = |values: &[f64]| {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        values
    };
    let (scores, decoys) = (sorted(scores), sorted(decoys));
    let share = |values: &[f64], at: f64| {
        values.partition_point(|value| *value <= at) as f64 / values.len() as f64
    };
    let distance = scores
        .iter()
        .chain(&decoys)
        .map(|at| (share(&scores, *at) - share(&decoys, *at)).abs())
        .fold(0.0, f64::max);
    let (n, m) = (scores.len() as f64, decoys.len() as f64);
    kolmogorov(distance * (n * m / (n + m)).sqrt())
}

/// The upper tail of the normal law (Abramowitz and Stegun 7.1.26, to 1e-7), for naive tests.
pub(crate) fn normal_tail(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let poly = t
        * (0.254_829_592
            + t * (-0.284_496_736
                + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let half = 0.5 * poly * (-x * x).exp();
    if z > 0.0 { half } else { 1.0 - half }
}
