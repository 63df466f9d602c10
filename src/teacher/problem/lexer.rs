//! Text into tokens: numbers as digits or words, money, percentages, fractions and multiples.

use super::number::Number;
use super::vocabulary::singular;

/// What a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    Count(Number),
    Money(Number, &'static str),
    Percent(Number),
    Fraction(Number),
    Times(Number),
    Mark(char),
}

/// One token, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) capital: bool,
    pub(crate) kind: Kind,
}

impl Token {
    fn new(text: &str, kind: Kind) -> Self {
        Self {
            capital: text.chars().next().is_some_and(char::is_uppercase),
            text: text.to_lowercase(),
            kind,
        }
    }

    /// Whether the token carries an amount.
    pub(crate) fn is_amount(&self) -> bool {
        !matches!(self.kind, Kind::Word | Kind::Mark(_))
    }
}

/// Sentences of tokens; `None` when a word mixes letters and digits, whose meaning is unknown.
pub(crate) fn sentences(text: &str) -> Option<Vec<Vec<Token>>> {
    let raw = raw_tokens(text)?;
    let mut sentences = Vec::new();
    let mut current = Vec::new();
    for token in raw {
        if matches!(token.kind, Kind::Mark('.' | '!' | '?' | ';' | '\n')) {
            if matches!(token.kind, Kind::Mark('?')) {
                current.push(token);
            }
            if !current.is_empty() {
                sentences.push(merge(&std::mem::take(&mut current)));
            }
        } else {
            current.push(token);
        }
    }
    if !current.is_empty() {
        sentences.push(merge(&current));
    }
    Some(sentences)
}

/// Tokens as text again, with number words as digits.
pub(crate) fn digits(tokens: &[Token]) -> String {
    let words = tokens.iter().map(|token| match token.kind {
        Kind::Count(number) => number.to_string(),
        Kind::Percent(number) => format!("{number}%"),
        Kind::Times(number) => format!("{number} times"),
        _ => token.text.clone(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn raw_tokens(text: &str) -> Option<Vec<Token>> {
    let characters: Vec<char> = text.replace('’', "'").chars().collect();
    let at = |index: usize| characters.get(index).copied().unwrap_or(' ');
    let mut tokens = Vec::new();
    let mut index = 0;
    while index < characters.len() {
        let start = index;
        let first = at(index);
        if first.is_ascii_digit() {
            while at(index).is_ascii_digit()
                || (matches!(at(index), '.' | ',')
                    && at(index + 1).is_ascii_digit()
                    && (at(index) == '.'
                        || (at(index + 2).is_ascii_digit() && at(index + 3).is_ascii_digit())))
            {
                index += 1;
            }
            let digits: String = characters.get(start..index)?.iter().collect();
            let number = Number::read(&digits)?;
            tokens.push(Token::new(&digits, Kind::Count(number)));
            // `5kg` and `3cm` read as two tokens; anything else glued to digits is not understood.
            if at(index).is_alphabetic() {
                let unit: String =
                    characters.get(index..)?.iter().take_while(|c| c.is_alphabetic()).collect();
                if !matches!(
                    unit.as_str(),
                    "kg" | "g" | "km" | "m" | "cm" | "mm" | "ml" | "l" | "h"
                ) {
                    return None;
                }
            }
        } else if first.is_alphabetic() {
            while at(index).is_alphabetic() || (at(index) == '\'' && at(index + 1).is_alphabetic())
            {
                index += 1;
            }
            let word: String = characters.get(start..index)?.iter().collect();
            let glued = start > 0 && at(start - 1).is_ascii_digit();
            let word = match (glued, word.as_str()) {
                (true, "g") => "grams",
                (true, "m") => "metres",
                (true, "l") => "litres",
                (true, "h") => "hours",
                _ => &word,
            };
            tokens.push(Token::new(word, Kind::Word));
        } else {
            index += 1;
            if !first.is_whitespace() || first == '\n' {
                tokens.push(Token::new(&first.to_string(), Kind::Mark(first)));
            }
        }
    }
    Some(tokens)
}

fn small(word: &str) -> Option<i64> {
    const SMALL: &[&str] = &[
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: &[&str] =
        &["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let position = |list: &[&str]| {
        list.iter().position(|entry| *entry == word).and_then(|at| i64::try_from(at).ok())
    };
    position(SMALL).or_else(|| position(TENS).map(|at| 20 + 10 * at))
}

/// The part a word like `third` or `quarters` names.
fn part(word: &str) -> Option<i64> {
    const PARTS: &[&str] =
        &["half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    let word = singular(word);
    if word == "fourth" {
        return Some(4);
    }
    let at = PARTS.iter().position(|entry| *entry == word).and_then(|at| i64::try_from(at).ok())?;
    Some(at + 2)
}

/// Reads a number written in words from the front: its value and how many tokens it took.
fn number_words(tokens: &[Token], previous: &str) -> Option<(i64, usize)> {
    let word = |at: usize| {
        tokens.get(at).filter(|token| token.kind == Kind::Word).map_or("", |token| &token.text)
    };
    let first = word(0);
    let article =
        matches!(first, "a" | "an") && matches!(word(1), "hundred" | "thousand" | "dozen");
    let half_dozen =
        first == "half" && (word(1) == "dozen" || (word(1) == "a" && word(2) == "dozen"));
    if half_dozen {
        return Some((6, if word(1) == "dozen" { 2 } else { 3 }));
    }
    if first == "a" && word(1) == "half" && word(2) == "dozen" {
        return Some((6, 3));
    }
    if first == "a" && word(1) == "couple" && word(2) == "of" {
        return Some((2, 3));
    }
    if !article && small(first).is_none() && first != "dozen" {
        return None;
    }
    let pronoun = matches!(
        previous,
        "each" | "every" | "this" | "that" | "which" | "another" | "no" | "the" | "last"
    );
    if first == "one"
        && (pronoun || word(1) == "of" || word(1) == "another")
        && part(word(1)).is_none()
    {
        return None;
    }
    let (mut total, mut group, mut at) = (0_i64, 0_i64, 0);
    if article {
        (group, at) = (1, 1);
    }
    loop {
        let next = word(at);
        if let Some(value) = small(next) {
            // `twenty five` joins, `five six` does not.
            if group % 10 != 0 || (group % 100 != 0 && value >= 10) {
                break;
            }
            group += value;
        } else if next == "hundred" && (1..100).contains(&group) {
            group *= 100;
        } else if next == "thousand" && group > 0 && total == 0 {
            total += group * 1_000;
            group = 0;
        } else if next == "dozen" && group < 1_000 {
            group = group.max(1) * 12;
        } else if next == "and"
            && at > 0
            && word(at - 1) == "hundred"
            && small(word(at + 1)).is_some()
        {
            at += 1;
            continue;
        } else if !(tokens.get(at).is_some_and(|token| token.kind == Kind::Mark('-'))
            && group >= 20
            && group % 10 == 0
            && small(word(at + 1)).is_some_and(|value| value < 10))
        {
            break;
        }
        at += 1;
    }
    (at > 0).then_some((total + group, at))
}

/// Joins raw tokens into amounts.
fn merge(raw: &[Token]) -> Vec<Token> {
    let mut merged: Vec<Token> = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(token) = raw.get(at) {
        let previous = merged.last().map_or(String::new(), |token| token.text.clone());
        let rest = raw.get(at..).unwrap_or_default();
        let (mut kind, mut taken) = match &token.kind {
            Kind::Word => match number_words(rest, &previous) {
                Some((value, taken)) => (Kind::Count(Number::whole(value)), taken),
                None => (Kind::Word, 1),
            },
            other => (other.clone(), 1),
        };
        let word = |offset: usize| raw.get(at + offset).map_or("", |token| token.text.as_str());
        match kind {
            Kind::Word => match token.text.as_str() {
                "half" => {
                    taken = if word(1) == "a" && word(2) == "of" { 2 } else { 1 };
                    kind = Number::ratio(1, 2).map_or(Kind::Word, Kind::Fraction);
                }
                "twice" => kind = Kind::Times(Number::whole(2)),
                "thrice" => kind = Kind::Times(Number::whole(3)),
                "a" | "one"
                    if part(word(1)).is_some() && (word(2) == "of" || part(word(1)) == Some(2)) =>
                {
                    kind = fraction(1, part(word(1)));
                    taken = 2;
                }
                _ => {}
            },
            Kind::Mark('$' | '£' | '€') => {
                if let Some(Kind::Count(amount)) = raw.get(at + 1).map(|token| token.kind.clone()) {
                    let symbol = match token.text.as_str() {
                        "£" => "£",
                        "€" => "€",
                        _ => "$",
                    };
                    kind = Kind::Money(amount, symbol);
                    taken = 2;
                }
            }
            Kind::Count(mut amount) => {
                // `2 1/2`, `1/2`, `two thirds`, `two and a half`.
                let slash = |from: usize| match (
                    raw.get(at + from),
                    raw.get(at + from + 1),
                    raw.get(at + from + 2),
                ) {
                    (Some(above), Some(bar), Some(below)) if bar.kind == Kind::Mark('/') => {
                        match (&above.kind, &below.kind) {
                            (Kind::Count(above), Kind::Count(below)) => above.over(*below),
                            _ => None,
                        }
                    }
                    _ => None,
                };
                let hyphen = usize::from(word(taken) == "-");
                let next = word(taken + hyphen);
                let is_part = next != "half" && next != "second" && part(next).is_some();
                if let Some(share) = slash(0) {
                    kind = Kind::Fraction(share);
                    taken = 3;
                } else if let Some(mixed) = slash(taken).and_then(|share| amount.plus(share)) {
                    kind = Kind::Count(mixed);
                    taken += 3;
                } else if is_part
                    && (word(taken + hyphen + 1) == "of" || word(taken + hyphen + 1) == "as")
                {
                    kind = amount
                        .over(Number::whole(part(next).unwrap_or(1)))
                        .map_or(Kind::Count(amount), Kind::Fraction);
                    taken += hyphen + 1;
                } else {
                    if next == "and" && word(taken + 1) == "a" && word(taken + 2) == "half" {
                        if let Some(more) = Number::ratio(1, 2).and_then(|half| amount.plus(half)) {
                            amount = more;
                            taken += 3;
                        }
                    }
                    let hyphen = usize::from(word(taken) == "-");
                    let next = word(taken + hyphen);
                    (kind, taken) = match next {
                        "%" | "percent" => (Kind::Percent(amount), taken + hyphen + 1),
                        "per" if word(taken + 1) == "cent" => (Kind::Percent(amount), taken + 2),
                        "dollar" | "dollars" => (Kind::Money(amount, "$"), taken + hyphen + 1),
                        "euro" | "euros" => (Kind::Money(amount, "€"), taken + hyphen + 1),
                        "cent" | "cents" => match amount.over(Number::whole(100)) {
                            Some(part) => (Kind::Money(part, "$"), taken + 1),
                            None => (Kind::Count(amount), taken),
                        },
                        "times" => (Kind::Times(amount), taken + hyphen + 1),
                        "dozen" => match amount.times(Number::whole(12)) {
                            Some(many) => (Kind::Count(many), taken + 1),
                            None => (Kind::Count(amount), taken),
                        },
                        _ => (Kind::Count(amount), taken),
                    };
                }
            }
            _ => {}
        }
        merged.push(Token { kind, ..token.clone() });
        at += taken.max(1);
    }
    // What is left of hyphens (`20-kilogram`) and quotation says nothing about amounts.
    merged.retain(|token| {
        !matches!(token.kind, Kind::Mark('-' | '–' | '—' | '"' | '“' | '”' | '\'' | '*'))
    });
    merged
}

fn fraction(above: i64, below: Option<i64>) -> Kind {
    below
        .and_then(|below| Number::ratio(i128::from(above), i128::from(below)))
        .map_or(Kind::Word, Kind::Fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(text: &str) -> Vec<Kind> {
        sentences(text)
            .unwrap()
            .concat()
            .into_iter()
            .filter(Token::is_amount)
            .map(|token| token.kind)
            .collect()
    }

    #[test]
    fn numbers_are_read_as_digits_and_as_words() {
        let whole = Number::whole;
        assert_eq!(amounts("twenty-five pens"), [Kind::Count(whole(25))]);
        assert_eq!(amounts("two hundred and fifty-three"), [Kind::Count(whole(253))]);
        assert_eq!(
            amounts("a dozen eggs, three dozen more"),
            [Kind::Count(whole(12)), Kind::Count(whole(36))]
        );
        assert_eq!(
            amounts("$12.50 and 50 cents"),
            [
                Kind::Money(Number::ratio(25, 2).unwrap(), "$"),
                Kind::Money(Number::ratio(1, 2).unwrap(), "$")
            ]
        );
        assert_eq!(amounts("1,200 and 20%"), [Kind::Count(whole(1200)), Kind::Percent(whole(20))]);
        assert_eq!(
            amounts("half of them, two thirds of the 9"),
            [
                Kind::Fraction(Number::ratio(1, 2).unwrap()),
                Kind::Fraction(Number::ratio(2, 3).unwrap()),
                Kind::Count(whole(9))
            ]
        );
        assert_eq!(
            amounts("twice as many, 3 times as many"),
            [Kind::Times(whole(2)), Kind::Times(whole(3))]
        );
        assert_eq!(amounts("each one of the boxes"), []);
        assert_eq!(amounts("2 and a half hours"), [Kind::Count(Number::ratio(5, 2).unwrap())]);
    }

    #[test]
    fn a_code_with_letters_and_digits_is_not_guessed_at() {
        assert_eq!(sentences("model X5b has 3 wheels").map(|_| ()), None);
    }
}
