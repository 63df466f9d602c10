//! Word problems with answers computed from their structure, for the demo, the tests and the lab.

mod counting;
mod measuring;
mod shopping;

use super::number::Number;
use super::vocabulary::singular;
use crate::teacher::wording::Wording;

/// A generated problem and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The text, in the user's voice.
    pub text: String,
    /// The correct answer.
    pub answer: Number,
    /// How many operations it takes, told steps counted once.
    pub steps: usize,
}

/// An endless, reproducible supply of problems.
///
/// ```
/// use guilloche::teacher::problem::{Problems, solve};
///
/// let problem = Problems::new(7).next().unwrap();
/// assert_eq!(solve(&problem.text).unwrap().value, problem.answer);
/// ```
#[derive(Clone, Debug)]
pub struct Problems {
    wording: Wording,
}

const WOMEN: &[&str] = &[
    "Maria", "Anna", "Emma", "Priya", "Aisha", "Lucy", "Grace", "Chloe", "Nina", "Laura", "Yuki",
    "Ingrid", "Leila", "Amira",
];
const MEN: &[&str] = &[
    "Tom", "Ben", "Jack", "Daniel", "Peter", "Omar", "Ravi", "Luca", "Marco", "Kofi", "Hiro",
    "Mateo", "Felix", "Diego",
];
const THINGS: &[&str] = &[
    "apples",
    "marbles",
    "stickers",
    "pencils",
    "stamps",
    "cookies",
    "oranges",
    "shells",
    "cards",
    "balloons",
    "books",
    "sweets",
    "buttons",
    "beads",
    "coins",
    "peaches",
    "cherries",
    "muffins",
    "toy cars",
    "postcards",
    "tulips",
    "seeds",
    "comic books",
];
const GOODS: &[&str] = &[
    "notebooks",
    "pens",
    "candles",
    "mugs",
    "sandwiches",
    "tickets",
    "brushes",
    "plants",
    "scarves",
    "toy boats",
    "posters",
    "rulers",
    "lamps",
    "cakes",
    "pies",
];
const BOXES: &[&str] = &["boxes", "bags", "baskets", "crates", "trays", "jars", "packets"];
const PEOPLE: &[&str] =
    &["friends", "cousins", "classmates", "neighbours", "children", "teammates"];

impl Problems {
    /// Starts a supply; the same seed gives the same problems.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { wording: Wording::new(&[b"problems", &seed.to_le_bytes()]) }
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).unwrap_or(1);
        low + i64::try_from(self.wording.below(span)).unwrap_or(0)
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        self.wording.pick(from)
    }

    fn written(&mut self, value: i64) -> String {
        const WORDS: &[&str] = &[
            "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
            "twelve",
        ];
        let word = usize::try_from(value - 2).ok().and_then(|at| WORDS.get(at));
        match word {
            Some(word) if self.wording.below(4) == 0 => (*word).to_owned(),
            _ => value.to_string(),
        }
    }

    fn count(&mut self, value: i64, things: &str) -> String {
        let noun = if value == 1 { one(things) } else { things.to_owned() };
        format!("{} {noun}", self.written(value))
    }

    fn person(&mut self) -> (&'static str, &'static str) {
        if self.wording.below(2) == 0 { (self.pick(WOMEN), "She") } else { (self.pick(MEN), "He") }
    }
}

impl Iterator for Problems {
    type Item = Problem;

    fn next(&mut self) -> Option<Problem> {
        Some(match self.wording.below(10) {
            0..=3 => self.chain(),
            4 | 5 => self.shopping(),
            6 => self.boxes(),
            7 => self.comparison(),
            8 => self.rate(),
            _ => self.measures(),
        })
    }
}

fn one(things: &str) -> String {
    match things.rsplit_once(' ') {
        Some((before, last)) => format!("{before} {}", singular(last)),
        None => singular(things),
    }
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary::plural;
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_problems() {
        let texts = |seed| Problems::new(seed).take(20).collect::<Vec<_>>();
        assert_eq!(texts(1), texts(1));
        assert_ne!(texts(1), texts(2));
    }

    #[test]
    fn things_have_singulars_that_pluralise_back() {
        for things in THINGS.iter().chain(GOODS).chain(BOXES).chain(PEOPLE) {
            assert_eq!(plural(&one(things)), **things);
        }
    }
}
