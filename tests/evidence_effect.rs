//! What an effect says: the share of a text's choices that follow a key, with an interval that holds, and how
//! large a share would have been found. `cargo test --release --test evidence_effect -- --nocapture` draws thirty times
//! as many texts, of up to two million words, and prints what it finds.
#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers fail as tests do, and tell what they found"
)]

use guilloche::forensics::detect::{CellCounts, LawCounts};
use guilloche::forensics::evidence::{Effect, LawWeights, Strengths, Weights};
use guilloche::mark::cell::{Bits, Cell, MarkKey};
use guilloche::mark::keys::Keys;
use guilloche::mark::law::{CountingKey, coin, threshold, uniform};
use jiff::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const LEVEL: f64 = 1e-6;
/// Words of a text. Large ones take minutes where nothing is optimized.
const SIZES: &[u32] =
    if cfg!(debug_assertions) { &[5_000, 50_000] } else { &[5_000, 50_000, 500_000, 2_000_000] };
const SHARES: [f64; 4] = [1.0, 0.5, 0.1, 0.03];

/// How often a text of so many words is drawn.
fn repetitions(words: u32) -> u64 {
    let often = match words {
        0..10_000 => 600,
        10_000..100_000 => 300,
        100_000..1_000_000 => 60,
        _ => 30,
    };
    if cfg!(debug_assertions) { often / 30 } else { often }
}

struct Draws(ChaCha20Rng);

impl Draws {
    fn uniform(&mut self) -> f64 {
        (f64::from(self.0.next_u32()) + 0.5) / 2.0_f64.powi(32)
    }

    /// Of a normal law, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let (radius, angle) = ((-2.0 * self.uniform().ln()).sqrt(), self.uniform());
        radius * (angle * std::f64::consts::TAU).cos()
    }

    /// A number below `most`, small ones more often: of classes, and of words before a site.
    fn frequent(&mut self, most: u32, flat: f64) -> u32 {
        let end = (f64::from(most) + flat).ln() - flat.ln();
        ((flat * (self.uniform() * end).exp() - flat) as u32).min(most - 1)
    }
}

fn sigmoid(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

const CLASSES: u32 = 200;

/// A writer: log-odds of each cell as the rates have them, and its own.
struct Writer {
    told: Vec<f64>,
    own: Vec<f64>,
}

impl Writer {
    fn new(draws: &mut Draws, cells_per_class: u32) -> Self {
        let (mut told, mut own) = (Vec::new(), Vec::new());
        for _ in 0..CLASSES {
            let (class, habit) = (1.2 * draws.normal() - 0.5, 0.5 * draws.normal());
            for _ in 0..cells_per_class {
                let cell: f64 = class + 0.4 * draws.normal();
                told.push(cell.clamp(-3.8, 3.8));
                own.push(habit + 0.3 * draws.normal());
            }
        }
        Self { told, own }
    }
}

/// The deployment's cells, two in five.
fn is_deployments(cell: usize) -> bool {
    cell * 7 % 5 < 2
}

/// A text of so many words that follows a key in a share of its choices, in cells that carry the mark.
fn law_text(number: u64, words: u32, share: f64, strength: f64) -> (LawCounts, MarkKey) {
    let mut draws = Draws(ChaCha20Rng::seed_from_u64(number));
    let keys = Keys::from_master(&[7; 32], Timestamp::UNIX_EPOCH);
    let mut counts = LawCounts::new(&CountingKey::of_epoch(&keys, 1).unwrap());
    let mut bytes = [0; 32];
    draws.0.fill_bytes(&mut bytes);
    let key = MarkKey::from_bytes(bytes);
    let (mut uniforms, mut coins) = (key.stream(), key.stream());
    let writer = Writer::new(&mut draws, 64);
    let drawn: Vec<(u32, bool)> = (0..CLASSES * 64)
        .map(|cell| {
            let cell = Cell::from_number(cell);
            let carries = f64::from(coin(&mut coins, cell)) < strength * 256.0;
            (uniform(&mut uniforms, cell), carries)
        })
        .collect();
    // 2.5 places in a document of 200 words.
    for document in 0..words / 200 {
        let mut places = Vec::new();
        for _ in 0..2 + document % 2 {
            let cell = draws.frequent(CLASSES, 3.0) * 64 + draws.frequent(64, 2.0);
            let told = writer.told[cell as usize] + 0.3 * draws.normal();
            let log_odds = (told * 100.0).round().clamp(-389.0, 389.0) as i16;
            let (key_has, carries) = drawn[cell as usize];
            let variant = if draws.uniform() < share && carries {
                key_has < threshold(log_odds)
            } else {
                draws.uniform() < sigmoid(told + writer.own[cell as usize])
            };
            places.push((cell, log_odds, variant, None));
        }
        counts.add((draws.0.next_u32() % 64) as u8, &places);
    }
    (counts, key)
}

/// The same of fair coins in public cells, of which there are more sites.
fn coin_text(number: u64, words: u32, share: f64) -> (CellCounts, CellCounts, MarkKey) {
    let mut draws = Draws(ChaCha20Rng::seed_from_u64(number));
    let mut bytes = [0; 32];
    draws.0.fill_bytes(&mut bytes);
    let key = MarkKey::from_bytes(bytes);
    let bits = Bits::new(&key, CLASSES * 16);
    let writer = Writer::new(&mut draws, 16);
    let mut texts = [share, 0.0].map(|share| {
        let mut counts = CellCounts::new("simulated", CLASSES * 16, 16);
        let other: Vec<f64> = (0..CLASSES).map(|_| 0.3 * draws.normal()).collect();
        for document in 0..words / 200 {
            let Some(mut entered) = counts.document(&format!("{share} {document}"), &[]) else {
                continue;
            };
            for site in 0..3 {
                let class = draws.frequent(CLASSES, 3.0);
                let cell = class * 16 + draws.frequent(16, 2.0);
                let place = cell as usize;
                let own = writer.told[place] + writer.own[place] + other[class as usize];
                let variant = if draws.uniform() < share {
                    bits.words()[place / 32] >> (place % 32) & 1 == 1
                } else {
                    draws.uniform() < sigmoid(own)
                };
                entered.observe(site, cell, variant);
            }
        }
        counts
    });
    let control = std::mem::replace(&mut texts[1], CellCounts::new("", 0, 16));
    let [suspect, _] = texts;
    (suspect, control, key)
}

/// An effect with the p-value and the least share of the same text.
struct Measured {
    effect: Effect,
    ln_p: f64,
    least: Option<f64>,
}

fn law(number: u64, words: u32, share: f64) -> Measured {
    let (counts, key) = law_text(number, words, share, 1.0);
    let weights = LawWeights::new(&counts, &Strengths::new([])).only(is_deployments);
    let effect = Effect::of_law(&counts, &key, &Strengths::new([]), is_deployments).unwrap();
    Measured {
        effect,
        ln_p: weights.score(&key).ln_p(),
        least: weights.least_share(&counts, &key, LEVEL),
    }
}

fn coins(number: u64, words: u32, share: f64) -> Measured {
    let (suspect, control, key) = coin_text(number, words, share);
    let weights = Weights::from_counts(&suspect, &[&control]).only(is_deployments);
    let bits = Bits::new(&key, suspect.cells());
    let effect = Effect::of_signs(&suspect, &[&control], &bits, is_deployments).unwrap();
    let decoys = guilloche::forensics::evidence::Decoys::new([0; 32], 0);
    let ln_p = guilloche::forensics::evidence::test_signs(&weights, &key, &decoys).ln_p;
    Measured { effect, ln_p, least: weights.least_share(LEVEL) }
}

/// For each size and share: how often the interval has the share, and that the estimate is right on average.
fn intervals_hold(scheme: &str, measure: fn(u64, u32, f64) -> Measured) {
    for words in SIZES.iter().copied() {
        let (mut covered, mut all) = (0, 0);
        for (turn, share) in (0_u64..).zip(SHARES.into_iter().chain([0.0])) {
            let number = repetitions(words);
            let texts: Vec<Measured> = (0..number)
                .map(|text| measure(text << 32 | u64::from(words) << 8 | turn, words, share))
                .collect();
            let has = |text: &&Measured| text.effect.low <= share && share <= text.effect.high;
            let holds = texts.iter().filter(has).count() as u64;
            let mean = texts.iter().map(|text| text.effect.estimate).sum::<f64>() / number as f64;
            let square = |text: &Measured| (text.effect.estimate - mean).powi(2);
            let error = (texts.iter().map(square).sum::<f64>() / (number * number) as f64).sqrt();
            let width = texts.iter().map(|text| text.effect.high - text.effect.low).sum::<f64>();
            println!(
                "{scheme}, {words} words, {share}: mean {mean:.4} ± {error:.4}, {holds} of {number} \
                 intervals hold it, {:.3} wide",
                width / number as f64
            );
            // Of few texts the error itself is not known well.
            let deviations = 3.0 + 20.0 / number as f64;
            assert!(
                (mean - share).abs() < deviations * error + 1e-9,
                "{words}: {mean} for {share}"
            );
            (covered, all) = (covered + holds, all + number);
        }
        // Of fifty that hold in 95 % of cases, 44 or fewer hold once in fifty.
        let least = if cfg!(debug_assertions) { 0.88 } else { 0.93 };
        assert!(covered as f64 >= least * all as f64, "{words} words: {covered} of {all}");
    }
}

/// Break it: take the habits of all cells, or the groups of documents for all that varies.
#[test]
fn intervals_of_the_share_hold_for_marks_by_the_law() {
    intervals_hold("law", law);
}

#[test]
fn intervals_of_the_share_hold_for_coins() {
    intervals_hold("coins", coins);
}

/// At the least share that unmarked texts tell, about half of texts are found; and none is found whose
/// interval is below what it tells itself, nor missed above.
fn the_least_share_is_what_is_found(scheme: &str, measure: fn(u64, u32, f64) -> Measured) {
    for words in SIZES.iter().copied() {
        let number = repetitions(words) / 2;
        let texts = |share: f64, first: u64| -> Vec<Measured> {
            let text = |text| measure((first + text) << 32 | u64::from(words), words, share);
            (0..number).map(text).collect()
        };
        let mut least: Vec<f64> =
            texts(0.0, 1_000).iter().map(|text| text.least.unwrap_or(1.0)).collect();
        least.sort_by(f64::total_cmp);
        let told = least[least.len() / 2];
        let at = texts(told, 2_000);
        let found = at.iter().filter(|text| text.ln_p < LEVEL.ln()).count();
        let all = texts(1.0, 3_000);
        let mut wrong = 0;
        for text in at.iter().chain(&all) {
            let least = text.least.unwrap_or(1.0);
            let is_found = text.ln_p < LEVEL.ln();
            wrong += usize::from(
                is_found && least > text.effect.high || !is_found && least < text.effect.low,
            );
        }
        println!("{scheme}, {words} words: {found} of {number} found at {told:.3}");
        // A share of 2.5 % is outside of an interval on either side.
        assert!(wrong <= 1 + at.len() / 25, "{words} words: {wrong} of {}", at.len());
        // Where no share would do, all choices follow.
        let expected = if told < 1.0 { 0.25 } else { 0.0 };
        let deviations = 3.0 * (0.25 / number as f64).sqrt();
        assert!(found as f64 / number as f64 >= expected - deviations, "{words}: {found}");
    }
}

#[test]
fn about_half_of_texts_are_found_at_the_least_share_of_marks_by_the_law() {
    the_least_share_is_what_is_found("law", law);
}

#[test]
fn about_half_of_texts_are_found_at_the_least_share_of_coins() {
    the_least_share_is_what_is_found("coins", coins);
}

/// Break it: count the cells that carried nothing, or let the interval pass one.
#[test]
fn a_text_that_follows_wherever_it_was_marked_has_an_effect_of_one() {
    for strength in [1.0, 0.5] {
        let strengths = Strengths::new([(strength, 1.0)]);
        let (counts, key) = law_text(9, 50_000, 1.0, strength);
        let effect = |key: &MarkKey| Effect::of_law(&counts, key, &strengths, |_| true).unwrap();
        let own = effect(&key);
        assert!((own.estimate - 1.0).abs() < 1e-12 && own.low > 0.8, "{own:?}");
        assert!((own.high - 1.0).abs() < 1e-12, "{own:?}");
        let other = effect(&MarkKey::from_bytes([3; 32]));
        assert!(other.low < 0.0 && 0.0 < other.high && other.high < 0.5, "{other:?}");
    }
    let (suspect, control, key) = coin_text(9, 50_000, 1.0);
    let bits = Bits::new(&key, suspect.cells());
    for controls in [&[&control][..], &[]] {
        let effect = Effect::of_signs(&suspect, controls, &bits, |_| true).unwrap();
        assert!((effect.estimate - 1.0).abs() < 1e-12 && effect.low > 0.9, "{effect:?}");
    }
}

#[test]
fn a_text_without_choices_has_no_effect_and_no_share_of_it_would_be_found() {
    let (counts, key) = law_text(1, 0, 1.0, 1.0);
    let none = Strengths::new([]);
    assert_eq!(Effect::of_law(&counts, &key, &none, |_| true), None);
    assert_eq!(LawWeights::new(&counts, &none).least_share(&counts, &key, LEVEL), None);
    let counts = CellCounts::new("empty", 64, 16);
    assert_eq!(Effect::of_signs(&counts, &[], &Bits::new(&key, 64), |_| true), None);
    assert_eq!(Weights::from_counts(&counts, &[]).least_share(LEVEL), None);
}
