//! Numbers as people read them.

use super::markup::Markup;

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 text`, `2 texts`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Milliseconds, as people read them.
pub(crate) fn duration(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{:.1} s", milliseconds as f64 / 1e3),
        60_000..3_600_000 => format!("{:.1} min", milliseconds as f64 / 6e4),
        _ => format!("{:.1} h", milliseconds as f64 / 3.6e6),
    }
}

/// With a minus sign that is as wide as a plus.
pub(crate) fn signed(number: f64, places: usize) -> String {
    let written = format!("{number:.places$}");
    match written.strip_prefix('-') {
        // No "-0.00".
        Some(digits) if digits.chars().all(|digit| matches!(digit, '0' | '.')) => digits.to_owned(),
        Some(digits) => format!("−{digits}"),
        None => written,
    }
}

/// A level, `10^−6`.
#[cfg(feature = "forensics")]
pub(crate) fn level(level: f64) -> String {
    let written = format!("{level:e}");
    match written.split_once('e') {
        Some((mantissa, exponent)) => {
            let power = format!("10^{}", exponent.replace('-', "−"));
            if mantissa == "1" { power } else { format!("{mantissa} × {power}") }
        }
        None => written,
    }
}

impl Markup {
    /// Text of the program's own, in which names of settings stand between backticks.
    #[cfg(feature = "experiments")]
    pub(crate) fn said(&mut self, text: &str) -> &mut Self {
        for (place, part) in text.split('`').enumerate() {
            if place % 2 == 1 {
                self.element("code", &[], part);
            } else {
                self.text(part);
            }
        }
        self
    }

    /// Text of the program's own, in which the exponent of `10^47` is raised.
    #[cfg(feature = "forensics")]
    pub(crate) fn prose(&mut self, text: &str) -> &mut Self {
        let mut parts = text.split("10^");
        self.text(parts.next().unwrap_or_default());
        for part in parts {
            let end = part.find(|next: char| !next.is_ascii_digit() && next != '−');
            let (exponent, rest) = part.split_at(end.unwrap_or(part.len()));
            self.raw("10").element("sup", &[], exponent).text(rest);
        }
        self
    }
}

/// A share in percent.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", signed(share * 100.0, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_signed() {
        assert_eq!(
            (grouped(0), grouped(999), grouped(1_234_567)),
            ("0".into(), "999".into(), "1,234,567".into())
        );
        assert_eq!((signed(-1.5, 1), signed(-0.001, 2)), ("−1.5".into(), "0.00".into()));
    }

    #[cfg(feature = "forensics")]
    #[test]
    fn levels_are_powers_and_their_exponents_are_raised() {
        assert_eq!((level(1e-6), level(2.5e-7)), ("10^−6".into(), "2.5 × 10^−7".into()));
        let mut raised = Markup::default();
        raised.prose(&format!("one in 10^47, below {}", level(1e-6)));
        assert_eq!(raised.into_string(), "one in 10<sup>47</sup>, below 10<sup>−6</sup>");
    }
}
