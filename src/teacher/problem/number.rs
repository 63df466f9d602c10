//! Exact numbers: what the teacher computes must be right, so nothing is rounded on the way.

use std::cmp::Ordering;
use std::fmt;

/// Results past this magnitude count as not understood; word problems stay far below it.
const LARGEST: i128 = 1_000_000_000_000_000;

/// A fraction in lowest terms with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    numerator: i128,
    denominator: i128,
}

impl Number {
    /// A whole number.
    #[must_use]
    pub fn whole(value: i64) -> Self {
        Self { numerator: i128::from(value), denominator: 1 }
    }

    /// `numerator / denominator`, or `None` for a zero denominator or a number out of range.
    #[must_use]
    pub fn ratio(numerator: i128, denominator: i128) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let divisor = greatest_common_divisor(numerator, denominator);
        let sign = if denominator < 0 { -1 } else { 1 };
        let number = Self {
            numerator: sign * numerator / divisor,
            denominator: sign * denominator / divisor,
        };
        (number.numerator.abs() <= LARGEST && number.denominator <= LARGEST).then_some(number)
    }

    /// Reads digits with optional thousands commas and decimals: `1,250`, `2.5`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits: String = whole.chars().filter(|c| *c != ',').chain(decimals.chars()).collect();
        if digits.is_empty() || digits.len() > 15 || decimals.len() > 6 {
            return None;
        }
        let scale = 10_i128.checked_pow(u32::try_from(decimals.len()).ok()?)?;
        Self::ratio(digits.parse().ok()?, scale)
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        Self::ratio(
            self.numerator * other.denominator + other.numerator * self.denominator,
            self.denominator * other.denominator,
        )
    }

    /// The difference.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self { numerator: -other.numerator, ..other })
    }

    /// The product.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        Self::ratio(self.numerator * other.numerator, self.denominator * other.denominator)
    }

    /// The quotient; `None` when dividing by zero.
    #[must_use]
    pub fn over(self, other: Self) -> Option<Self> {
        Self::ratio(self.numerator * other.denominator, self.denominator * other.numerator)
    }

    /// The largest whole number not above this one.
    #[must_use]
    pub fn floor(self) -> Self {
        Self { numerator: self.numerator.div_euclid(self.denominator), denominator: 1 }
    }

    /// The smallest whole number not below this one.
    #[must_use]
    pub fn ceiling(self) -> Self {
        Self { numerator: -(-self.numerator).div_euclid(self.denominator), denominator: 1 }
    }

    /// Whether there is no fractional part.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.denominator == 1
    }

    /// Whether this is less than zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.numerator < 0
    }

    /// Whether this is exactly one, so that a noun after it is singular.
    #[must_use]
    pub fn is_one(self) -> bool {
        self.numerator == 1 && self.denominator == 1
    }

    /// The value as floating point, for JSON arguments of tools.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "both parts are below 2^53")]
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    /// The whole value, when it is whole and fits.
    #[must_use]
    pub fn to_i64(self) -> Option<i64> {
        if self.is_whole() { i64::try_from(self.numerator).ok() } else { None }
    }

    /// Decimal digits after the point when the expansion ends within six places.
    fn decimals(self) -> Option<u32> {
        (0..=6_u32).find(|places| 10_i128.pow(*places) % self.denominator == 0)
    }

    /// Written with exactly `places` decimals, when that is exact.
    #[must_use]
    pub(crate) fn fixed(self, places: u32) -> Option<String> {
        let exact = self.decimals().is_some_and(|needed| needed <= places);
        let scale = 10_i128.pow(places);
        let scaled = self.numerator.abs() * scale / self.denominator;
        let sign = if self.is_negative() { "-" } else { "" };
        let width = places as usize;
        let whole = grouped(scaled / scale);
        exact.then(|| match places {
            0 => format!("{sign}{whole}"),
            _ => format!("{sign}{whole}.{:0width$}", scaled % scale),
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.numerator * other.denominator).cmp(&(other.numerator * self.denominator))
    }
}

/// Decimals where they end, a mixed fraction (`2 1/3`) where they do not; commas from 10,000 on.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.decimals().and_then(|places| self.fixed(places)) {
            return f.write_str(&text);
        }
        let sign = if self.is_negative() { "-" } else { "" };
        let whole = self.numerator.abs() / self.denominator;
        let rest = self.numerator.abs() % self.denominator;
        match whole {
            0 => write!(f, "{sign}{rest}/{}", self.denominator),
            _ => write!(f, "{sign}{} {rest}/{}", grouped(whole), self.denominator),
        }
    }
}

fn grouped(value: i128) -> String {
    let digits = value.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn greatest_common_divisor(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_as_they_were_written() {
        for (text, shown) in [
            ("12", "12"),
            ("1,250", "1250"),
            ("12,500", "12,500"),
            ("2.50", "2.5"),
            ("0.125", "0.125"),
        ] {
            assert_eq!(Number::read(text).unwrap().to_string(), shown);
        }
        assert_eq!(Number::ratio(7, 3).unwrap().to_string(), "2 1/3");
        assert_eq!(Number::ratio(7, 2).unwrap().fixed(2).unwrap(), "3.50");
        assert_eq!(Number::ratio(7, 3).unwrap().fixed(2), None);
    }

    #[test]
    fn division_rounds_towards_the_asked_side() {
        let number = Number::ratio(7, 2).unwrap();
        assert_eq!((number.floor(), number.ceiling()), (Number::whole(3), Number::whole(4)));
        assert_eq!(Number::whole(4).ceiling(), Number::whole(4));
        assert_eq!(Number::whole(1).over(Number::whole(0)), None);
    }
}
