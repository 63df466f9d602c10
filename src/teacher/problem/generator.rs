//! Word problems with answers computed from their structure, for the demo, the tests and the lab.

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

    fn chain(&mut self) -> Problem {
        let (name, pronoun) = self.person();
        let low = pronoun.to_lowercase();
        let things = self.pick(THINGS);
        let mut held = self.between(12, 60);
        let start = self.count(held, things);
        let opening = self.pick(&["has", "starts with", "owns", "begins the week with"]);
        let mut text = format!("{name} {opening} {start}.");
        let length = self.between(2, 7);
        let mut steps = 0;
        let mut scaled = 0;
        for step in 0..length {
            let link = match self.wording.below(4) {
                0 if step > 0 => format!("Then {low}"),
                1 if step > 0 => format!("Later, {low}"),
                2 if step + 1 == length => format!("Finally, {low}"),
                _ => pronoun.to_owned(),
            };
            let sentence = match self.between(0, 6) {
                0 | 1 => {
                    let more = self.between(2, 25);
                    held += more;
                    let verb =
                        self.pick(&["buys", "finds", "receives", "collects", "gets", "picks up"]);
                    let more = self.written(more);
                    match self.wording.below(2) {
                        0 => format!("{link} {verb} {more} more {things}."),
                        _ => format!("{link} {verb} {more} more."),
                    }
                }
                2 | 3 if held > 4 => {
                    let less = self.between(2, (held - 1).min(20));
                    held -= less;
                    let verb =
                        self.pick(&["gives away", "loses", "donates", "uses", "trades away"]);
                    let less = self.written(less);
                    match self.wording.below(3) {
                        0 => format!("{link} {verb} {less} {things}."),
                        1 => format!("{link} {verb} {less} of them."),
                        _ => format!(
                            "{link} gives {less} {things} to {}.",
                            self.pick(&["a friend", "a neighbour", "the teacher"])
                        ),
                    }
                }
                4 if scaled < 2 && held < 400 => {
                    scaled += 1;
                    let (verb, by) = self
                        .wording
                        .choose(&[("doubles", 2), ("triples", 3)])
                        .copied()
                        .unwrap_or(("doubles", 2));
                    held *= by;
                    let what = self.pick(&["the number of", "the collection of"]);
                    format!("{link} {verb} {what} {things}.")
                }
                5 if held % 2 == 0 && held > 6 => {
                    held /= 2;
                    steps += 1;
                    format!(
                        "{link} gives half of the {things} to {}.",
                        self.pick(&["a friend", "a sister", "a cousin"])
                    )
                }
                6 if held % 4 == 0 && held > 11 => {
                    held -= held / 4;
                    steps += 1;
                    format!("{link} loses 25% of the {things}.")
                }
                _ => {
                    let more = self.between(2, 12);
                    held += more;
                    format!("{link} receives {} more.", self.written(more))
                }
            };
            steps += 1;
            text.push(' ');
            text.push_str(&sentence);
        }
        let groups = self.between(2, 9);
        if self.wording.below(3) == 0 && held > groups {
            let people = self.pick(PEOPLE);
            let groups_text = self.count(groups, people);
            let verb = self.pick(&["shares", "splits", "divides"]);
            text.push_str(&format!(
                " {pronoun} then {verb} all the {things} equally among {groups_text}."
            ));
            let person = singular(people);
            steps += 1;
            if held % groups == 0 || self.wording.below(2) == 0 {
                text.push_str(&format!(" How many {things} does each {person} get?"));
                return Problem { text, answer: Number::whole(held / groups), steps };
            }
            text.push_str(&format!(" How many {things} are left over?"));
            return Problem { text, answer: Number::whole(held % groups), steps };
        }
        text.push_str(&match self.wording.below(3) {
            0 => format!(" How many {things} does {name} have now?"),
            1 => format!(" How many {things} does {low} have left?"),
            _ => format!(" How many {things} does {name} have in the end?"),
        });
        Problem { text, answer: Number::whole(held), steps }
    }

    fn shopping(&mut self) -> Problem {
        let (name, pronoun) = self.person();
        let low = pronoun.to_lowercase();
        let kinds = self.between(1, 3);
        let mut goods: Vec<&'static str> = Vec::new();
        let mut cents = 0;
        let (mut prices, mut bought) = (Vec::new(), Vec::new());
        while goods.len() < usize::try_from(kinds).unwrap_or(1) {
            let good = self.pick(GOODS);
            if goods.contains(&good) {
                continue;
            }
            goods.push(good);
            let price = self.between(2, 18) * 50 + 50;
            let many = self.between(2, 9);
            cents += price * many;
            let shown = dollars(price);
            prices.push((good, shown));
            bought.push(format!("{many} {good}"));
        }
        let mut steps = prices.len() * 2 - 1;
        let list = joined(&bought);
        let mut text = match self.wording.below(3) {
            0 => {
                let priced: Vec<String> = prices
                    .iter()
                    .map(|(good, price)| format!("{good} cost {price} each"))
                    .collect();
                format!("At the market, {}. {name} buys {list}.", joined(&priced))
            }
            1 => {
                let priced: Vec<String> = prices
                    .iter()
                    .map(|(good, price)| {
                        let good = one(good);
                        format!("{} {good} costs {price}", super::vocabulary::article(&good))
                    })
                    .collect();
                format!("{name} buys {list}. {}.", capital(&joined(&priced)))
            }
            _ => {
                let priced: Vec<String> = prices
                    .iter()
                    .zip(&bought)
                    .map(|((_, price), many)| format!("{many} at {price} each"))
                    .collect();
                format!("{name} buys {}.", joined(&priced))
            }
        };
        if cents % 1000 == 0 && self.wording.below(2) == 0 {
            cents -= cents / 10;
            steps += 2;
            text.push_str(&format!(" {pronoun} gets a 10% discount on the total."));
        }
        let answer = if self.wording.below(2) == 0 {
            let paid = (cents / 2000 + 1) * 2000;
            steps += 1;
            text.push_str(&match self.wording.below(2) {
                0 => format!(
                    " {pronoun} pays with {}. How much change does {low} get?",
                    dollars(paid)
                ),
                _ => format!(
                    " If {low} pays with {}, how much change should {low} receive?",
                    dollars(paid)
                ),
            });
            paid - cents
        } else {
            text.push_str(&match self.wording.below(2) {
                0 => format!(" How much does {name} spend in total?"),
                _ => format!(" How much does {low} pay altogether?"),
            });
            cents
        };
        Problem { text, answer: hundredths(answer), steps }
    }

    fn boxes(&mut self) -> Problem {
        let (name, pronoun) = self.person();
        let low = pronoun.to_lowercase();
        let things = self.pick(THINGS);
        let boxes = self.pick(BOXES);
        let (many, each) = (self.between(3, 12), self.between(4, 24));
        let mut held = many * each;
        let mut steps = 1;
        let (many_text, one_box) = (self.count(many, boxes), one(boxes));
        let mut text = match self.wording.below(3) {
            0 => format!("{name} has {many_text}. Each {one_box} holds {each} {things}."),
            1 => format!("{name} has {many_text} of {each} {things} each."),
            _ => format!("{name} buys {many_text} with {each} {things} in each {one_box}."),
        };
        if self.wording.below(2) == 0 {
            let less = self.between(2, held - 2);
            held -= less;
            steps += 1;
            let less = self.count(less, things);
            text.push_str(&match self.wording.below(3) {
                0 => format!(" {pronoun} sells {less}."),
                1 => format!(" {less} are broken, and {low} throws them away.").replacen(
                    &format!(" {less} are broken, and {low} throws them away."),
                    &format!(" {pronoun} throws away {less}."),
                    1,
                ),
                _ => format!(" {pronoun} gives {less} to the school."),
            });
        }
        let size = self.between(3, 9);
        if self.wording.below(3) == 0 && held > size {
            let packs = if boxes == "bags" { "packets" } else { "bags" };
            let pack = one(packs);
            text.push_str(&format!(" {pronoun} packs the {things} into {packs} of {size}."));
            steps += 1;
            if self.wording.below(2) == 0 {
                text.push_str(&format!(" How many full {packs} can {low} make?"));
                return Problem { text, answer: Number::whole(held / size), steps };
            }
            let _ = pack;
            text.push_str(&format!(" How many {things} are left over?"));
            return Problem { text, answer: Number::whole(held % size), steps };
        }
        text.push_str(&match self.wording.below(2) {
            0 => format!(" How many {things} does {name} have?"),
            _ => format!(" How many {things} does {low} have altogether?"),
        });
        Problem { text, answer: Number::whole(held), steps }
    }

    fn comparison(&mut self) -> Problem {
        let (first, second, third) = (self.pick(WOMEN), self.pick(MEN), "Sam");
        let things = self.pick(THINGS);
        let a = self.between(6, 40);
        let (by, times) = (self.between(2, 9), self.between(2, 4));
        let mut text = format!("{first} has {a} {things}.");
        let (b, told) = match self.wording.below(4) {
            0 => (a * 2, "twice as many".to_owned()),
            1 => (a * times, format!("{times} times as many")),
            2 if a % 2 == 0 => (a / 2, "half as many".to_owned()),
            _ => (a + by, format!("{by} more")),
        };
        let more = told.ends_with("more");
        text.push_str(&format!(
            " {second} has {told} {things} {} {first}.",
            if more { "than" } else { "as" }
        ));
        let (mut total, mut steps) = (a + b, 2);
        if self.wording.below(2) == 0 && b > by {
            total += b - by;
            steps += 2;
            text.push_str(&format!(" {third} has {by} fewer {things} than {second}."));
        } else if a != b && self.wording.below(2) == 0 {
            let (larger, smaller) = if a > b { (first, second) } else { (second, first) };
            text.push_str(&format!(" How many more {things} does {larger} have than {smaller}?"));
            return Problem { text, answer: Number::whole((a - b).abs()), steps };
        }
        text.push_str(&match self.wording.below(2) {
            0 => format!(" How many {things} do they have altogether?"),
            _ => format!(" How many {things} do they have in total?"),
        });
        Problem { text, answer: Number::whole(total), steps }
    }

    fn rate(&mut self) -> Problem {
        let (name, pronoun) = self.person();
        let low = pronoun.to_lowercase();
        let (a, b, c) = (self.between(8, 30), self.between(2, 8), self.between(2, 6));
        match self.wording.below(4) {
            0 => {
                let spent = self.between(1, a * b * c - 1);
                let text = format!(
                    "{name} earns ${a} per hour. {pronoun} works {b} hours a day for {c} days. {pronoun} spends ${spent} on a new bicycle. How much money does {low} have left?"
                );
                Problem { text, answer: Number::whole(a * b * c - spent), steps: 3 }
            }
            1 => {
                let text = format!(
                    "{name} reads {a} pages per day. How many pages does {low} read in {} weeks?",
                    c
                );
                let text = text.replace(
                    &format!("How many pages does {low} read in {c} weeks?"),
                    &format!("{pronoun} reads for {c} weeks. How many pages does {low} read?"),
                );
                Problem { text, answer: Number::whole(a * 7 * c), steps: 2 }
            }
            2 => {
                let text = format!(
                    "A book has {} pages. {name} reads {a} pages each day. How many days does it take to finish the book?",
                    a * b
                );
                Problem { text, answer: Number::whole(b), steps: 1 }
            }
            _ => {
                let speed = a * 3;
                let text = format!(
                    "A train travels {speed} km per hour for {b} hours. Then it travels another {c} km. How many km does it travel in total?"
                );
                Problem { text, answer: Number::whole(speed * b + c), steps: 2 }
            }
        }
    }

    fn measures(&mut self) -> Problem {
        let (name, pronoun) = self.person();
        let (a, b) = (self.between(2, 9), self.between(10, 55));
        match self.wording.below(3) {
            0 => Problem {
                text: format!(
                    "A film lasts {a} hours and {b} minutes. How many minutes does it last?"
                ),
                answer: Number::whole(a * 60 + b),
                steps: 2,
            },
            1 => Problem {
                text: format!(
                    "{name} has a rope that is {a} metres long. {pronoun} cuts off {b} centimetres. How many centimetres of rope are left?"
                ),
                answer: Number::whole(a * 100 - b),
                steps: 2,
            },
            _ => {
                let (kilos, percent) = (a * 100, self.between(1, 9) * 10);
                Problem {
                    text: format!(
                        "There are {kilos} students in a school. {percent}% of the students are girls. How many boys are there?"
                    ),
                    answer: Number::whole(kilos - kilos * percent / 100),
                    steps: 2,
                }
            }
        }
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

fn dollars(cents: i64) -> String {
    if cents % 100 == 0 {
        format!("${}", cents / 100)
    } else {
        format!("${}.{:02}", cents / 100, cents % 100)
    }
}

fn hundredths(cents: i64) -> Number {
    Number::ratio(i128::from(cents), 100).unwrap_or(Number::whole(0))
}

fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
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
