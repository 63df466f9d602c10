//! Which rows of the table have a marker that may begin where a text does, by its first two bytes.
//!
//! A text can be made of brackets. Hardly any of them begins a marker, and to try the whole table at each costs what
//! hundreds of letters cost.

use std::sync::LazyLock;

use super::dialect::{DIALECTS, Dialect, Marker, Template};

/// Rows by what opens a section.
pub(super) static OPENINGS: LazyLock<Rows> = LazyLock::new(|| Rows::of(openings));

/// Rows by what ends one.
pub(super) static CLOSINGS: LazyLock<Rows> = LazyLock::new(|| Rows::of(closings));

/// A bit for each row: in one set by the first byte of its markers, in the other by the second.
pub(super) struct Rows {
    first: [u32; 256],
    second: [u32; 256],
}

const _: () = assert!(DIALECTS.len() <= u32::BITS as usize);

fn openings(dialect: &'static Dialect) -> Vec<&'static Marker<'static>> {
    dialect.openings.iter().collect()
}

fn closings(dialect: &'static Dialect) -> Vec<&'static Marker<'static>> {
    let of_template = match dialect.template {
        Template::Same => &[][..],
        Template::Only(closings) => closings,
    };
    dialect.closings.iter().chain(dialect.followers).chain(of_template).collect()
}

impl Rows {
    fn of(markers: impl Fn(&'static Dialect) -> Vec<&'static Marker<'static>>) -> Self {
        let mut rows = Self { first: [0; 256], second: [0; 256] };
        for (row, dialect) in DIALECTS.iter().enumerate() {
            let markers = markers(dialect);
            for byte in 0..=u8::MAX {
                let set = |sets: &mut [u32; 256], at: usize| {
                    let begins = markers.iter().any(|marker| may_have(marker, at, byte));
                    if let Some(set) = sets.get_mut(usize::from(byte)) {
                        *set |= u32::from(begins) << row;
                    }
                };
                set(&mut rows.first, 0);
                set(&mut rows.second, 1);
            }
        }
        rows
    }

    /// The rows one of whose markers may stand where `text` begins, or be beginning there, in their order.
    pub(super) fn at(&self, text: &str) -> impl Iterator<Item = &'static Dialect> {
        let mut bytes = text.bytes();
        let mut of = |sets: &[u32; 256]| {
            let set = bytes.next().map(|byte| sets.get(usize::from(byte)).copied());
            set.flatten().unwrap_or(u32::MAX)
        };
        let mut set = of(&self.first) & of(&self.second);
        std::iter::from_fn(move || {
            let row = set.trailing_zeros();
            set &= set.wrapping_sub(1);
            DIALECTS.get(row as usize)
        })
    }

    /// Whether this row is among them.
    pub(super) fn has_at(&self, text: &str, dialect: &'static Dialect) -> bool {
        self.at(text).any(|it| std::ptr::eq(it, dialect))
    }
}

/// Whether the first or the second byte of a marker may be this one.
fn may_have(marker: &Marker<'_>, at: usize, byte: u8) -> bool {
    let literal = |text: &str| text.as_bytes().get(at) == Some(&byte);
    match (marker, at) {
        (Marker::Tag(_) | Marker::EndTag(_), 0) => byte == b'<',
        // White space may stand before the slash and before the name.
        (Marker::Tag(_) | Marker::EndTag(_), _) if byte.is_ascii_whitespace() => true,
        (Marker::Tag(name), _) => {
            name.as_bytes().first().is_some_and(|first| first.eq_ignore_ascii_case(&byte))
        }
        (Marker::EndTag(_), _) => byte == b'/',
        (Marker::Header, _) => literal("<|"),
        (Marker::Named(open, ..), _) => literal(open) || open.len() <= at,
        (Marker::Token(text) | Marker::Word(text), _) => literal(text),
        (Marker::Phrase(text) | Marker::Element(text), _) => literal(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::marker::{Match, find};
    use super::*;

    /// What texts of markers are made of.
    const ALPHABET: &str = "(<|</|\\[|\\[/|◁|◁/|<\\||\\|>|<｜|｜>|>|\\]|▷| |\n|/|a|t|think|thinking|THINK|thought|thoughts|\
        reasoning|analysis|commentary|assistant|final|channel|message|im_start|end|return|Here is my|Here's| thought \
        process:| response:|\\*\\*|H|details type=\"reasoning\"|x_think|antThinking|seed:|unused94|é|mode=\"a\"){0,6}";

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(4096))]

        /// Oracle: every marker of the table, tried one by one.
        // Break it: leave the letter case of a tag's name out, or the white space before it.
        #[test]
        fn no_marker_stands_in_a_row_that_is_left_out(text in ALPHABET) {
            for (at, _) in text.char_indices() {
                for here in [text.get(at..).unwrap(), text.get(..at).unwrap()] {
                    if here.is_empty() {
                        continue;
                    }
                    for (rows, markers) in
                        [(&OPENINGS, openings as fn(&'static Dialect) -> _), (&CLOSINGS, closings)]
                    {
                        for dialect in &DIALECTS {
                            let stands = markers(dialect).into_iter().any(|it| find(it, here) != Match::No);
                            proptest::prop_assert!(!stands || rows.has_at(here, dialect), "{}", here);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_bracket_before_another_begins_nothing_and_few_rows_are_tried_at_any() {
        for text in ["<<", "[[", "<>", "[a", "aa"] {
            assert_eq!(OPENINGS.at(text).count() + CLOSINGS.at(text).count(), 0, "{text}");
        }
        for text in ["<t", "</", "< ", "<r"] {
            assert!(OPENINGS.at(text).count() + CLOSINGS.at(text).count() <= 4, "{text}");
        }
    }
}
