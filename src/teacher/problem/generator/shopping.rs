//! Problems of prices: what is bought, what is paid, what change comes back.

use super::{GOODS, Problem, Problems, one};
use crate::teacher::problem::number::Number;
use crate::teacher::problem::vocabulary::article;

impl Problems {
    pub(super) fn shopping(&mut self) -> Problem {
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
                        format!("{} {good} costs {price}", article(&good))
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
