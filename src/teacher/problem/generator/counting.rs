//! Problems of things that are counted: some come and go, lie in boxes, are more or fewer than another's.

use super::{BOXES, MEN, PEOPLE, Problem, Problems, THINGS, WOMEN, one};
use crate::teacher::problem::number::Number;
use crate::teacher::problem::vocabulary::singular;

impl Problems {
    pub(super) fn chain(&mut self) -> Problem {
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

    pub(super) fn boxes(&mut self) -> Problem {
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

    pub(super) fn comparison(&mut self) -> Problem {
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
}
