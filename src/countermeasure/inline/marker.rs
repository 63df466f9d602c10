//! Finding the table's markers in text that comes in pieces.

use super::derived::{self, Derived};
use super::dialect::{self, DIALECTS, Dialect, Marker, Place, Template};
use super::header;
use super::rows::{CLOSINGS, OPENINGS};

/// The most bytes of text that a marker takes: what is looked at from one place, and the most that
/// is held back to see whether one is beginning.
pub(super) const LONGEST: usize = 256;

/// The longest name of a token that is looked at.
const NAME: usize = 48;

/// White space and attributes that a tag may hold.
const ATTRIBUTES: usize = 64;

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    No,
    /// It depends on what follows.
    Perhaps,
    /// A marker of so many bytes.
    Yes(usize),
}

/// What opens and closes a section.
#[derive(Clone, Debug)]
pub(super) enum Of {
    /// The chat template opened it, and the model began it with words of this dialect.
    Template(Option<&'static Dialect>),
    Known(&'static Dialect),
    Derived(Derived),
}

impl Of {
    pub(super) fn nests(&self) -> bool {
        match self {
            Self::Template(_) => false,
            Self::Known(dialect) => dialect.nests,
            Self::Derived(_) => true,
        }
    }

    /// Its row of the table.
    pub(super) fn dialect(&self) -> Option<&'static Dialect> {
        match self {
            Self::Template(_) => None,
            Self::Known(dialect) => Some(dialect),
            Self::Derived(_) => dialect::derived(),
        }
    }
}

/// An opening at a place.
#[derive(Debug)]
pub(super) enum Opening {
    No,
    /// It depends on what follows. The first `sure` bytes go out whatever it is, since a marker
    /// stays like any text of an answer.
    Perhaps {
        sure: usize,
    },
    Yes {
        of: Of,
        length: usize,
        /// How sure it is that it means a section where nothing precedes it.
        sure: Sure,
    },
}

/// How sure a marker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sure {
    /// It is one.
    Certain,
    /// If it is closed, unless the answer speaks of it.
    Marker,
    /// If it is closed: its words could be an answer's.
    Words,
}

/// The most bytes between a marker and the end of a code span in which it stands.
pub(super) const SPAN: usize = 512;

/// Text as far as one marker can reach.
pub(super) fn within_reach(text: &str) -> &str {
    first(text, LONGEST)
}

/// Text as far as the code span can reach in which a marker stands.
pub(super) fn ahead(text: &str) -> &str {
    first(text, SPAN)
}

/// Whether so much of a text is all that is looked at, however much more comes.
pub(super) fn is_all_ahead(text: &str) -> bool {
    text.len() + char::MAX.len_utf8() > SPAN
}

fn first(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let end = (most - 3..=most).rev().find(|at| text.is_char_boundary(*at));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// The opening that may stand at `place`, where `text` begins; `spoken` is the dialect of the
/// section at the beginning.
pub(super) fn opening(text: &str, place: Place, spoken: Option<&'static Dialect>) -> Opening {
    let mut found = Opening::No;
    for dialect in OPENINGS.at(text) {
        let speaks = is(spoken, dialect);
        for marker in dialect.openings.iter().filter(|it| stands(it, dialect, place, speaks)) {
            match find(marker, text) {
                Match::No => {}
                Match::Perhaps => found = perhaps(&found, sure(marker, text)),
                Match::Yes(length) => {
                    let empty = closes_itself(text.get(..length).unwrap_or_default());
                    if empty && place != Place::Beginning {
                        continue;
                    }
                    let plain = matches!(marker, Marker::Phrase(_) | Marker::Word(_));
                    let sure = if plain || empty { Sure::Words } else { Sure::Certain };
                    let marked = text.get(..length).unwrap_or_default();
                    let of = match matches!(marker, Marker::Header) && header::is_bare(marked) {
                        // Where a token is left out, so may be what ends the section.
                        true => Of::Template(Some(dialect)),
                        false => Of::Known(dialect),
                    };
                    return Opening::Yes { of, length, sure };
                }
            }
        }
    }
    match derived::opening(text, place) {
        derived::Found::No => found,
        derived::Found::Perhaps => perhaps(&found, text.len()),
        derived::Found::Yes(..) if matches!(found, Opening::Perhaps { .. }) => found,
        derived::Found::Yes(derived, length) => {
            Opening::Yes { of: Of::Derived(derived), length, sure: Sure::Marker }
        }
    }
}

fn perhaps(found: &Opening, sure: usize) -> Opening {
    match *found {
        Opening::Perhaps { sure: before } => Opening::Perhaps { sure: before.min(sure) },
        _ => Opening::Perhaps { sure },
    }
}

/// Whether an opening stands where `text` begins that nests in a section, or that its template was
/// said to have put before it.
pub(super) fn inner_opening(text: &str, of: &Of) -> Opening {
    let known = match of {
        Of::Template(_) => return opening(text, Place::Reasoned, None),
        Of::Known(dialect) if !OPENINGS.has_at(text, dialect) => return Opening::No,
        Of::Known(dialect) => dialect.openings,
        Of::Derived(derived) => {
            return match derived.opening(text) {
                Match::No => Opening::No,
                Match::Perhaps => Opening::Perhaps { sure: text.len() },
                Match::Yes(length) => Opening::Yes { of: of.clone(), length, sure: Sure::Marker },
            };
        }
    };
    let mut found = Opening::No;
    for marker in known.iter().filter(|it| !matches!(it, Marker::Word(_) | Marker::Phrase(_))) {
        match find(marker, text) {
            Match::No => {}
            Match::Perhaps => found = Opening::Perhaps { sure: text.len() },
            Match::Yes(length) if closes_itself(text.get(..length).unwrap_or_default()) => {}
            Match::Yes(length) => {
                return Opening::Yes { of: of.clone(), length, sure: Sure::Certain };
            }
        }
    }
    found
}

/// The words where `text` begins that a model may begin its reasoning with, behind what its template
/// opened: they are closed as they would be without it.
pub(super) fn words(text: &str) -> (Match, Option<&'static Dialect>) {
    let mut found = (Match::No, None);
    for dialect in OPENINGS.at(text) {
        for marker in dialect.openings.iter().filter(|it| matches!(it, Marker::Phrase(_))) {
            match find(marker, text) {
                Match::No => {}
                Match::Perhaps => found = (Match::Perhaps, None),
                Match::Yes(length) => return (Match::Yes(length), Some(dialect)),
            }
        }
    }
    found
}

fn is(one: Option<&'static Dialect>, other: &'static Dialect) -> bool {
    one.is_some_and(|one| std::ptr::eq(one, other))
}

/// Whether a tag says that it holds nothing.
fn closes_itself(tag: &str) -> bool {
    tag.ends_with("/>")
}

/// How much of a text is of the marker that may be beginning there, whatever follows.
fn sure(marker: &Marker<'_>, text: &str) -> usize {
    match marker {
        Marker::Header => header::certain(text),
        _ => text.len(),
    }
}

/// Whether an opening can stand here at all. Plain words open only where nothing precedes them.
fn stands(marker: &Marker<'_>, dialect: &Dialect, place: Place, speaks: bool) -> bool {
    let beginning = place == Place::Beginning;
    match marker {
        Marker::Word(_) | Marker::Phrase(_) => beginning,
        Marker::Token(token) if token.starts_with(char::is_alphabetic) => beginning || speaks,
        _ => place <= dialect.stands,
    }
}

/// The closing of `of` that stands where `text` begins, of any dialect where the template opened
/// it: its dialect, and how much of it belongs to the section.
pub(super) fn closing(text: &str, of: &Of) -> (Match, Option<&'static Dialect>) {
    let mut found = (Match::No, None);
    let concerned = |it: &&'static Dialect| match of {
        Of::Template(_) => true,
        Of::Known(of) => std::ptr::eq(*of, *it),
        Of::Derived(_) => false,
    };
    for dialect in CLOSINGS.at(text).filter(concerned) {
        let (closings, followers) = match (of, dialect.template) {
            (Of::Template(begun), Template::Only(closings)) if !is(*begun, dialect) => {
                (closings, &[][..])
            }
            _ => (dialect.closings, dialect.followers),
        };
        for marker in closings {
            match find(marker, text) {
                Match::No => {}
                Match::Perhaps => found = (Match::Perhaps, None),
                Match::Yes(length) => return (Match::Yes(length), Some(dialect)),
            }
        }
        // A header in the middle of a section goes on with it unless its channel is another.
        for marker in followers {
            match find(marker, text) {
                Match::No => {}
                Match::Perhaps => found = (Match::Perhaps, None),
                Match::Yes(_) => return (Match::Yes(0), Some(dialect)),
            }
        }
    }
    let worded = match of {
        Of::Known(_) => Match::No,
        Of::Derived(derived) => derived.closing(text),
        Of::Template(_) => derived::any_closing(text),
    };
    match worded {
        Match::No => found,
        Match::Yes(_) if found.0 == Match::Perhaps => found,
        worded => (worded, dialect::derived()),
    }
}

/// Whether a closing or an opening of `of`, or of any dialect, begins with this character.
pub(super) fn may_begin(character: char, of: &Of) -> bool {
    match (character, of) {
        ('<' | '[' | '◁', _) => true,
        ('a' | 'H' | '*', Of::Template(_)) => true,
        ('a' | 'H' | '*', Of::Known(of)) => of
            .closings
            .iter()
            .any(|it| matches!(it, Marker::Token(token) if token.starts_with(character))),
        _ => false,
    }
}

/// A token that no prose begins with: `<|start|>`.
pub(super) fn special(text: &str) -> Match {
    for (open, close) in [("<|", "|>"), ("<｜", "｜>")] {
        match literal(text, open) {
            Match::No => continue,
            Match::Perhaps => return Match::Perhaps,
            Match::Yes(length) => {
                let rest = text.get(length..).unwrap_or_default();
                let of_name = |it: char| it.is_alphanumeric() || "_▁:".contains(it);
                let name = rest.find(|it| !of_name(it)).unwrap_or(rest.len());
                if name > NAME {
                    return Match::No;
                }
                return match literal(rest.get(name..).unwrap_or_default(), close) {
                    Match::Yes(end) if name > 0 => Match::Yes(length + name + end),
                    Match::Yes(_) => Match::No,
                    other => other,
                };
            }
        }
    }
    Match::No
}

/// Whether a name in brackets is one of the table's, a slash before it or not.
pub(super) fn is_known(token: &str) -> bool {
    let markers = DIALECTS.iter().flat_map(|it| it.openings.iter().chain(it.closings));
    markers.into_iter().any(|marker| match find(marker, token) {
        Match::Yes(length) => length == token.len(),
        // Harmony's header begins with a token of its own.
        Match::Perhaps => true,
        Match::No => false,
    })
}

pub(super) fn find(marker: &Marker<'_>, text: &str) -> Match {
    match *marker {
        Marker::Tag(name) => tag(text.as_bytes(), name, false),
        Marker::EndTag(name) => tag(text.as_bytes(), name, true),
        Marker::Token(token) => literal(text, token),
        Marker::Named(open, name, close) => parts(text, [open, name, close]),
        Marker::Phrase(phrase) => literal(text, phrase),
        Marker::Word(word) => match literal(text, word) {
            Match::Yes(length) if text.len() == length => Match::Perhaps,
            Match::Yes(length) => {
                let next = text.get(length..).and_then(|rest| rest.chars().next());
                let punctuation = |it: char| ".,;:!?)]}'’-/<".contains(it);
                if next.is_some_and(punctuation) { Match::No } else { Match::Yes(length) }
            }
            other => other,
        },
        Marker::Header => header::find(text),
        Marker::Element(start) => element(text, start),
    }
}

pub(super) fn literal(text: &str, token: &str) -> Match {
    if text.starts_with(token) {
        Match::Yes(token.len())
    } else if token.starts_with(text) {
        Match::Perhaps
    } else {
        Match::No
    }
}

/// One behind the other.
fn parts(text: &str, parts: [&str; 3]) -> Match {
    let mut length = 0;
    for part in parts {
        match literal(text.get(length..).unwrap_or_default(), part) {
            Match::Yes(more) => length += more,
            other => return other,
        }
    }
    Match::Yes(length)
}

/// `start`, with more attributes behind it.
fn element(text: &str, start: &str) -> Match {
    let Match::Yes(length) = literal(text, start) else { return literal(text, start) };
    let rest = text.get(length..).unwrap_or_default();
    match rest.find(['>', '<']) {
        Some(end)
            if end < 2 * ATTRIBUTES && rest.get(end..).is_some_and(|it| it.starts_with('>')) =>
        {
            Match::Yes(length + end + 1)
        }
        None if rest.len() < 2 * ATTRIBUTES => Match::Perhaps,
        _ => Match::No,
    }
}

/// `<name>` or `</name>`.
fn tag(text: &[u8], name: &str, end: bool) -> Match {
    let mut bytes = text.iter().copied().enumerate().peekable();
    let mut expect = |byte: u8, spaced: bool| loop {
        match bytes.peek().copied() {
            None => return Match::Perhaps,
            Some((at, found)) if found.eq_ignore_ascii_case(&byte) => {
                bytes.next();
                return Match::Yes(at + 1);
            }
            Some((at, found)) if spaced && found.is_ascii_whitespace() && at < ATTRIBUTES => {
                bytes.next();
            }
            Some(_) => return Match::No,
        }
    };
    let slash: &[u8] = if end { b"/" } else { b"" };
    let mut first = true;
    for &byte in b"<".iter().chain(slash).chain(name.as_bytes()) {
        let letter = byte != b'<' && byte != b'/';
        // White space may stand before the slash and before the name, not inside of the name.
        let found = expect(byte, byte == b'/' || letter && std::mem::take(&mut first));
        if !matches!(found, Match::Yes(_)) {
            return found;
        }
    }
    let mut spaced = false;
    let mut last = 0;
    let from = bytes.peek().map_or(text.len(), |(at, _)| *at);
    for (at, byte) in bytes {
        match byte {
            b'>' if last == b'/' && end => return Match::No,
            b'>' => return Match::Yes(at + 1),
            b'<' => return Match::No,
            byte if byte.is_ascii_whitespace() => spaced = true,
            b'/' if !end => {}
            _ if last == b'/' && !spaced => return Match::No,
            _ if !spaced || end => return Match::No,
            _ => {}
        }
        if at - from >= ATTRIBUTES {
            return Match::No;
        }
        last = byte;
    }
    Match::Perhaps
}
