//! Problems of what is measured: wages, pages a day, speeds, hours, metres, percentages.

use super::{Problem, Problems};
use crate::teacher::problem::number::Number;

impl Problems {
    pub(super) fn rate(&mut self) -> Problem {
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
                    "{name} reads {a} pages per day. {pronoun} reads for {c} weeks. How many pages does {low} read?"
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

    pub(super) fn measures(&mut self) -> Problem {
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
