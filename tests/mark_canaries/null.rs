//! Keys that a text does not know: how small p is under them.

use guilloche::forensics::detect::LawCounts;
use guilloche::forensics::evidence::{CopyEvidence, LawWeights, SentWeights, Strengths};
use guilloche::mark::cell::{MarkKey, Roles};
use guilloche::mark::law::{
    Canaries, CountedPlace, CountingKey, canary_uniform, is_canary, threshold, uniform,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::texts::{keys, marking, places, rewritten, roles, texts};

/// A place of the prose in a canary cell of [`keys`], of which document it is.
type Place = (usize, CountedPlace, bool);

/// What a text that knows nothing of the active groups looks like.
#[derive(Clone, Copy, Debug)]
enum Text {
    Unmarked,
    MarkedByAnotherKey,
    /// Each place follows its cell's canary or its usual choice, in whatever passage it stands.
    Learned,
    /// Each passage does, in all its places.
    Forged,
}

/// Break it: count the subsets whose sum is greater, and not those whose is the same.
#[test]
fn without_knowledge_of_the_active_groups_p_is_no_smaller_than_it_says() {
    let prose = Prose::new();
    for text in [Text::Unmarked, Text::MarkedByAnotherKey, Text::Learned, Text::Forged] {
        is_no_smaller_than_it_says(text, |number| {
            let Drawn { counts, key, canaries } = prose.under(text, number);
            CopyEvidence::new(&counts, &key, &canaries, &prose.roles, &Strengths::new([])).ln_p
        });
    }
}

/// Bounds are cautious: that p of both readings is twice the lesser shows in `readings` and to the verifier of another
/// hand in `verify`, not here.
#[test]
fn under_keys_that_a_text_does_not_know_p_of_both_readings_is_no_smaller_than_it_says() {
    let (prose, none) = (Prose::new(), Strengths::new([]));
    for text in [Text::Unmarked, Text::MarkedByAnotherKey] {
        let mut usual = None;
        is_no_smaller_than_it_says(text, |number| {
            let Drawn { counts, key, canaries } = prose.under(text, number);
            // The text is the same under all keys.
            let usual = usual.get_or_insert_with(|| LawWeights::new(&counts, &none)).score(&key);
            let sent = SentWeights::new(&counts, &none, &canaries, &prose.roles).score(&key);
            usual.ln_p_of_either(&sent)
        });
    }
}

fn is_no_smaller_than_it_says(text: Text, mut ln_p: impl FnMut(u32) -> f64) {
    const KEYS: u32 = if cfg!(debug_assertions) { 400 } else { 2_000 };
    let mut low = [0_u32; 2];
    for number in 0..KEYS {
        let ln_p = ln_p(number);
        low[0] += u32::from(ln_p <= 0.05_f64.ln());
        low[1] += u32::from(ln_p <= 0.01_f64.ln());
    }
    println!("{text:?}: {low:?} of {KEYS} at most 0.05 and 0.01");
    for (low, level) in low.into_iter().zip([0.05, 0.01]) {
        let expected = f64::from(KEYS) * level;
        assert!(f64::from(low) <= expected + 3.0 * expected.sqrt(), "{text:?}: {low}, {level}");
    }
}

/// The prose in canary cells of one deployment, as it is and marked by another.
struct Prose {
    plain: Vec<Place>,
    marked: Vec<Place>,
    counting: CountingKey,
    roles: Roles,
}

/// Keys, and the counts of a text that may know them.
struct Drawn {
    counts: LawCounts,
    key: MarkKey,
    canaries: Canaries,
}

impl Prose {
    fn new() -> Self {
        let keys = keys(3);
        let counting = CountingKey::of_epoch(&keys, 1).unwrap();
        let roles = roles(&keys);
        let in_canaries = |texts: &[String]| -> Vec<Place> {
            let of = |(number, text): (usize, &String)| -> Vec<Place> {
                let places = places(&counting, text).into_iter();
                places.map(move |(place, variant)| (number, place, variant)).collect()
            };
            let places = texts.iter().enumerate().flat_map(of);
            places.filter(|(_, place, _)| is_canary(&roles, place.cell)).collect()
        };
        let marking = marking(self::keys(4));
        let marked: Vec<String> =
            texts().iter().map(|text| rewritten(&marking, [&**text])).collect();
        let (plain, marked) = (in_canaries(&texts()), in_canaries(&marked));
        Self { plain, marked, counting, roles }
    }

    fn under(&self, text: Text, number: u32) -> Drawn {
        let mut random = ChaCha20Rng::seed_from_u64(number.into());
        let mut drawn = || {
            let mut bytes = [0; 32];
            random.fill_bytes(&mut bytes);
            MarkKey::from_bytes(bytes)
        };
        let (key, canaries) = (drawn(), Canaries::of_key(drawn()));
        let by_another = matches!(text, Text::MarkedByAnotherKey);
        let places = if by_another { &self.marked } else { &self.plain };
        let (mut usual, mut other) = (key.stream(), canaries.stream());
        let mut fifth = || random.next_u32() % 5 == 0;
        let mut counts = LawCounts::new(&self.counting);
        let (mut passage, mut follows_canary) = (None, false);
        for (document, place, variant) in places {
            let CountedPlace { cell, log_odds, passage: group } = *place;
            if matches!(text, Text::Learned) || passage != Some((document, group)) {
                follows_canary = fifth();
            }
            passage = Some((document, group));
            let variant = match text {
                Text::Unmarked | Text::MarkedByAnotherKey => *variant,
                _ if follows_canary => canary_uniform(&mut other, cell) < threshold(log_odds),
                _ => uniform(&mut usual, cell) < threshold(log_odds),
            };
            counts.add(0, &vec![(cell.index(), log_odds, variant, group)]);
        }
        Drawn { counts, key, canaries }
    }
}
