//! Upper and lower case, apostrophes, articles: what a replaced form takes over.

use crate::mark::lexicon::Left;

/// How a form is written compared with the lexicon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Casing {
    /// As in the lexicon, beginning with a small letter or a digit.
    Lower,
    /// As in the lexicon, which begins it with a capital: `I am`.
    Exact,
    /// With a capital first letter that the lexicon has not.
    Title,
}

impl Casing {
    /// How `written` is a spelling of `form`; `None` for other capitals, which are left alone.
    pub(super) fn of(written: &str, form: &str) -> Option<Self> {
        if written == form {
            let capital = form.starts_with(char::is_uppercase);
            return form.chars().next().map(|_| if capital { Self::Exact } else { Self::Lower });
        }
        let (mut left, mut right) = (written.chars(), form.chars());
        let (first, expected) = (left.next()?, right.next()?);
        let same = |one: char, other: char| one == other || one == '’' && other == '\'';
        let alike =
            left.as_str() == right.as_str() || left.zip(right).all(|(one, other)| same(one, other));
        if !alike {
            None
        } else if first == expected {
            Some(if first.is_uppercase() { Self::Exact } else { Self::Lower })
        } else if first.is_uppercase() && first.to_lowercase().eq([expected]) {
            Some(Self::Title)
        } else {
            None
        }
    }

    /// The form in this case, with the apostrophe that the text uses.
    pub(super) fn apply(self, form: &str, curly: bool) -> String {
        let mut out = String::with_capacity(form.len() + 2);
        for (number, character) in form.chars().enumerate() {
            match character {
                '\'' if curly => out.push('’'),
                _ if number == 0 && self == Self::Title => out.extend(character.to_uppercase()),
                _ => out.push(character),
            }
        }
        out
    }
}

/// Whether a text begins with a capital that is not the pronoun `I`, as names do.
pub(super) fn is_capitalized(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| {
        first.is_uppercase() && (first != 'I' || characters.next().is_some_and(char::is_alphabetic))
    })
}

/// Whether a normalized word is a contraction, as opposed to a possessive.
pub(super) fn is_contraction(normalized: &str) -> bool {
    ["n't", "'re", "'ve", "'ll", "'m"].iter().any(|ending| normalized.ends_with(ending))
        || matches!(normalized, "it's" | "that's" | "there's" | "here's" | "let's" | "what's")
}

/// Whether `a` or `an` stands before.
#[inline]
pub(super) fn is_article(left: Left<'_>) -> bool {
    matches!(left, Left::Word("a" | "an"))
}

/// Whether `a` or `an` before a form would have to change, or may have to, for another to stand there.
pub(super) fn article_differs(form: &str, other: &str) -> bool {
    if form == other {
        return false;
    }
    let vowel = |word: &str| word.starts_with(['a', 'e', 'i', 'o', 'u']);
    // Where spelling and sound may part, there is no telling.
    let doubtful = |word: &str| word.starts_with(['h', 'u', '8']) || word.starts_with("eu");
    vowel(form) != vowel(other) || doubtful(form) != doubtful(other)
}
