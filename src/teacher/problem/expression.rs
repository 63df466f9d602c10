//! Written calculations: `What is 12 + 5 * 3?`, `15% of 80`.

use super::number::Number;
use super::world::{Id, Noun, Reason, World};

/// Reads and computes a calculation; `None` when the text is anything else.
pub(crate) fn read(world: &mut World, text: &str) -> Option<Id> {
    let mut text = format!(" {} ", text.to_lowercase());
    for (from, to) in [
        ("what is", " "),
        ("what's", " "),
        ("calculate", " "),
        ("compute", " "),
        ("evaluate", " "),
        ("work out", " "),
        ("please", " "),
        ("how much is", " "),
        ("divided by", "/"),
        ("multiplied by", "*"),
        (" times ", " * "),
        (" plus ", " + "),
        (" minus ", " - "),
        ("percent of", "% of"),
        ("per cent of", "% of"),
        ("×", "*"),
        ("÷", "/"),
        ("−", "-"),
        ("?", " "),
        ("=", " "),
        ("% of", "%*"),
    ] {
        text = text.replace(from, to);
    }
    let text = text.trim().trim_end_matches(['.', '!']);
    let symbols: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let plain = symbols.iter().all(|c| c.is_ascii_digit() || "+-*/().,%".contains(*c));
    let operators = symbols.iter().filter(|c| "+-*/".contains(**c)).count();
    if !plain || !(1..=24).contains(&operators) || symbols.len() > 200 {
        return None;
    }
    let mut reader = Reader { world, symbols, at: 0, depth: 0 };
    let value = reader.sum()?;
    (reader.at == reader.symbols.len()).then_some(value)
}

struct Reader<'a> {
    world: &'a mut World,
    symbols: Vec<char>,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.symbols.get(self.at).copied()
    }

    fn chain(&mut self, signs: &str, next: fn(&mut Self) -> Option<Id>) -> Option<Id> {
        let mut left = next(self)?;
        while let Some(sign) = self.peek().filter(|sign| signs.contains(*sign)) {
            self.at += 1;
            let right = next(self)?;
            left =
                self.world.operate(Reason::Calculate, sign, left, right, &Noun::default(), None)?;
        }
        Some(left)
    }

    fn sum(&mut self) -> Option<Id> {
        self.chain("+-", Self::product)
    }

    fn product(&mut self) -> Option<Id> {
        self.chain("*/", Self::factor)
    }

    fn factor(&mut self) -> Option<Id> {
        if self.peek() == Some('(') {
            self.at += 1;
            self.depth += 1;
            let inner = (self.depth <= 16).then(|| self.sum())??;
            self.depth -= 1;
            (self.peek() == Some(')')).then(|| self.at += 1)?;
            return Some(inner);
        }
        let digits: String = self
            .symbols
            .iter()
            .skip(self.at)
            .take_while(|c| c.is_ascii_digit() || ".,".contains(**c))
            .collect();
        self.at += digits.chars().count();
        let number = Number::read(&digits)?;
        if self.peek() == Some('%') {
            self.at += 1;
            return Some(self.world.given(number.over(Number::whole(100))?, &Noun::new("%")));
        }
        Some(self.world.given(number, &Noun::default()))
    }
}
