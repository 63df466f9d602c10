//! Marks below full strength: what the coins tell, and that they prove nothing by themselves.

use super::calibration::below;
use super::text::{CELLS, KEYS, cell, cells, unmarked_cells};
use super::uniformity::same_law;
use guilloche::forensics::detect::CellCounts;
use guilloche::forensics::evidence::{Decoys, NullLaw, SignSums, Strengths, Weights, test_signs};
use guilloche::mark::cell::{Bits, MarkKey};

const KEY: [u8; 32] = [5; 32];
const COIN: [u8; 32] = [6; 32];

/// A student of answers that were marked at this strength.
fn student(words: u32, strength: f64, share: f64) -> CellCounts {
    let bits = Bits::new(&MarkKey::from_bytes(KEY), CELLS);
    let coin = MarkKey::from_bytes(COIN);
    let carries: Vec<bool> =
        (0..CELLS).map(|number| f64::from(coin.coin(cell(number))) < strength * 256.0).collect();
    cells(1, words, |source, number, own| {
        let follows = source.chance(share) && carries[number as usize];
        if follows { bits.get(cell(number)) } else { own }
    })
}

#[test]
fn coins_show_a_weak_mark_that_is_hidden_without_them() {
    let control = unmarked_cells(2, 100_000);
    let (key, coin) = (MarkKey::from_bytes(KEY), MarkKey::from_bytes(COIN));
    let decoys = Decoys::new([8; 32], 1_000);
    let suspect = student(100_000, 0.25, 0.9);
    let weights = Weights::from_counts(&suspect, &[&control]);
    let p = |weights: &Weights| test_signs(weights, &key, &decoys).ln_p;
    let plain = p(&weights);
    let quarter = p(&weights.by_coins(&coin, &Strengths::new([(0.25, 1.0)])));
    let unknown = p(&weights.by_coins(&coin, &Strengths::default()));
    let wrong = p(&weights.by_coins(&MarkKey::from_bytes([7; 32]), &Strengths::new([(0.25, 1.0)])));
    assert!(quarter < 2.0 * plain, "{quarter} {plain}");
    assert!(quarter < unknown && unknown < plain, "{quarter} {unknown} {plain}");
    assert!(wrong > plain, "coins of another key tell nothing: {wrong}");
}

#[test]
fn at_full_strength_coins_change_nothing() {
    let weights = Weights::from_counts(&student(20_000, 1.0, 0.9), &[]);
    let coin = MarkKey::from_bytes(COIN);
    assert_eq!(weights.by_coins(&coin, &Strengths::new([(1.0, 3.0)])), weights);
    // No strengths at all, and numbers that are none: all cells count alike.
    for issued in [vec![], vec![(0.0, 1.0)], vec![(0.5, f64::NAN)], vec![(0.5, -1.0)]] {
        assert_eq!(weights.by_coins(&coin, &Strengths::new(issued)), weights);
    }
}

#[test]
fn the_share_of_a_coin_is_that_of_the_answers_in_which_its_cells_carried_a_bit() {
    let strengths = Strengths::new([(1.0, 100.0), (0.5, 200.0), (0.25, 100.0)]);
    let shares = [(0, 1.0), (63, 1.0), (64, 0.75), (127, 0.75), (128, 0.25), (255, 0.25)];
    for (coin, share) in shares {
        assert_eq!(strengths.share(coin), share, "{coin}");
    }
    assert_eq!(Strengths::new([(0.5, 1.0)]).share(128), 0.0);
}

#[test]
fn coins_of_an_unmarked_text_prove_nothing() {
    let suspect = unmarked_cells(1, 100_000);
    let weights = Weights::from_counts(&suspect, &[&unmarked_cells(2, 100_000)]);
    let weights = weights.by_coins(&MarkKey::from_bytes(COIN), &Strengths::default());
    let sums = SignSums::new(weights.units());
    let score = |bytes: &[u8; 32]| sums.total(&MarkKey::from_bytes(*bytes)) as f64;
    let totals = Decoys::new([21; 32], KEYS).scores(score);
    assert!(same_law(&totals, &Decoys::new([22; 32], 10_000).scores(score)) > 0.01);
    let law = NullLaw::Signs { weights: weights.units().to_vec() };
    for level in [0.2, 0.05, 0.01] {
        let below = f64::from(below(&law, &totals, level));
        assert!(below <= level * f64::from(KEYS), "{level}");
    }
}
