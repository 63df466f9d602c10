//! Markers that an answer speaks of.

use super::marker::{self, Match};

/// What opens a quotation or sets a word off, and what closes it.
const PAIRS: [(char, char); 14] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('*', '*'),
    ('_', '_'),
    ('(', ')'),
    ('[', ']'),
    ('{', '}'),
    ('“', '”'),
    ('„', '“'),
    ('‘', '’'),
    ('«', '»'),
    ('「', '」'),
    ('（', '）'),
];

/// What prose says of a marker right behind it.
const SAID_OF: [&str; 28] = [
    "and", "are", "before", "begins", "block", "blocks", "closes", "comes", "element", "elements",
    "ends", "is", "marker", "markers", "marks", "means", "opens", "or", "section", "sections",
    "starts", "tag", "tags", "to", "token", "tokens", "vs", "wraps",
];

/// Whether a marker between `before` and what `behind` begins with stands by itself in quotes or
/// brackets; `None` until more is known.
pub(super) fn quoted(before: Option<char>, behind: &str, last: bool) -> Option<bool> {
    let closer = |before| PAIRS.into_iter().find(|(opens, _)| *opens == before);
    let Some((_, closer)) = before.and_then(closer) else { return Some(false) };
    match behind.chars().next() {
        None if !last => None,
        next => Some(next == Some(closer)),
    }
}

/// Whether a code span that so many backticks end does so ahead, on its line; `None` until more is
/// known.
pub(super) fn ends(ticks: usize, ahead: &str, last: bool) -> Option<bool> {
    let line = ahead.split('\n').next().unwrap_or_default();
    let mut run = 0;
    for character in line.chars() {
        if character == '`' {
            run += 1;
            continue;
        }
        if run == ticks {
            return Some(true);
        }
        run = 0;
    }
    let whole = last || line.len() < ahead.len();
    if whole && run == ticks {
        return Some(true);
    }
    (whole || marker::is_all_ahead(ahead)).then_some(false)
}

/// Whether the text behind an opening speaks of it.
pub(super) fn speaks_of_opening(behind: &str) -> bool {
    let mut characters = behind.chars();
    match characters.next() {
        Some(',' | ';' | ':' | '.' | ')' | '?' | '!') => {
            characters.next().is_none_or(char::is_whitespace)
        }
        Some(' ') => {
            let word = behind.get(1..).unwrap_or_default();
            let word = word.split(|it: char| !it.is_alphabetic()).next().unwrap_or_default();
            SAID_OF.contains(&word)
        }
        _ => false,
    }
}

/// The same, [`Match::Perhaps`] until more is known.
pub(super) fn will_speak_of_opening(behind: &str, last: bool) -> Match {
    let longest = SAID_OF.iter().map(|word| word.len()).max().unwrap_or_default();
    let mut characters = behind.chars();
    let open = match characters.next() {
        None => true,
        Some(' ') => behind.len() <= 1 + longest && characters.all(char::is_alphabetic),
        Some(_) => characters.next().is_none(),
    };
    match open && !last {
        true => Match::Perhaps,
        false if speaks_of_opening(behind) => Match::Yes(0),
        false => Match::No,
    }
}

/// Whether the text goes on in the middle of a sentence, [`Match::Perhaps`] until more is known.
pub(super) fn goes_on(behind: &str, last: bool) -> Match {
    let mut characters = behind.chars();
    match (characters.next(), characters.next()) {
        (None, _) | (Some(' '), None) if !last => Match::Perhaps,
        (Some(' '), Some(next)) if next.is_lowercase() => Match::Yes(0),
        _ => Match::No,
    }
}

/// Whether a text begins in the middle of a sentence, in a script with letters of one case or two.
pub(super) fn continues(text: &str) -> bool {
    let next = text.strip_prefix(' ').and_then(|rest| rest.chars().next());
    next.is_some_and(|next| next.is_alphabetic() && !next.is_uppercase())
}

/// Whether the text behind a closing speaks of it, [`Match::Perhaps`] until more is known.
pub(super) fn speaks_of_closing(behind: &str, last: bool) -> Match {
    let mut characters = behind.chars();
    match (characters.next(), characters.next()) {
        // An answer would stand here.
        (None, _) | (Some(' '), None) if !last => Match::Perhaps,
        (None, _) | (Some(' '), None) => Match::Yes(0),
        (Some(' '), Some(next)) if next.is_lowercase() => Match::Yes(0),
        (Some(',' | ';' | ':' | '.' | ')' | '?' | '!'), _) => Match::Yes(0),
        _ => Match::No,
    }
}
