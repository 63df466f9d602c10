//! Markers that no table knows and that are worded like those it knows.
//!
//! Makers of models go on inventing markers, and name them after what stands between: `<x_think>`,
//! `<|start_of_reasoning|>`, `[DEEP_THOUGHT]`. Where one of these opens a section, what closes it
//! can be derived from its name. It is reasoning only if that comes.

use super::dialect::{Marker, Place};
use super::marker::{self, Match};
use crate::secret::opaque_debug;

opaque_debug!(Derived);

/// Words that name what stands between, each one of a name's.
const WORDS: [&str; 6] = ["think", "thinking", "thought", "thoughts", "reasoning", "cot"];

/// Words that say which of two markers it is, and what the other says instead.
const SIDES: [(&str, &str); 4] =
    [("begin", "end"), ("start", "end"), ("start", "stop"), ("open", "close")];

/// The longest name, in bytes.
const NAME: usize = 48;

/// What such names stand in.
#[derive(Debug, PartialEq, Eq)]
struct Bracket {
    open: &'static str,
    close: &'static str,
    stands: Place,
}

const fn bracket(open: &'static str, close: &'static str, stands: Place) -> Bracket {
    Bracket { open, close, stands }
}

/// Those that begin like others first.
static BRACKETS: [Bracket; 5] = [
    bracket("<|", "|>", Place::Answered),
    bracket("<｜", "｜>", Place::Answered),
    bracket("◁", "▷", Place::Answered),
    bracket("[", "]", Place::Reasoned),
    bracket("<", ">", Place::Reasoned),
];

/// What begins such a section, and what ends it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Derived {
    bracket: &'static Bracket,
    opening: String,
    /// Names, with a slash where there is one.
    closings: Vec<String>,
}

/// An opening that may stand at a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    No,
    Perhaps,
    Yes(Derived, usize),
}

/// The opening of this kind that stands where `text` begins.
pub(super) fn opening(text: &str, place: Place) -> Found {
    for bracket in BRACKETS.iter().filter(|it| place <= it.stands) {
        let name = match named(text, bracket) {
            Name::No => continue,
            Name::Perhaps => return Found::Perhaps,
            Name::Yes(name) => name,
        };
        let Some(closings) = closings(name, bracket) else { return Found::No };
        let derived = Derived { bracket, opening: name.to_owned(), closings };
        return match marker::find(&derived.marker(name), text) {
            Match::No => Found::No,
            Match::Perhaps => Found::Perhaps,
            Match::Yes(length) => Found::Yes(derived, length),
        };
    }
    Found::No
}

/// A closing worded like these, whatever it may close: `</x_think>`, `<|end_of_thinking|>`.
pub(super) fn any_closing(text: &str) -> Match {
    for bracket in &BRACKETS {
        match named(text, bracket) {
            Name::No => {}
            Name::Perhaps => return Match::Perhaps,
            Name::Yes(name) => {
                let ends = match name.strip_prefix('/') {
                    Some(open) => closings(open, bracket).is_some(),
                    None => is_end(name, bracket),
                };
                return if ends {
                    marker::find(&marker_in(bracket, name), text)
                } else {
                    Match::No
                };
            }
        }
    }
    Match::No
}

impl Derived {
    pub(super) fn closing(&self, text: &str) -> Match {
        let mut found = Match::No;
        for name in &self.closings {
            match marker::find(&self.marker(name), text) {
                Match::No => {}
                Match::Perhaps => found = Match::Perhaps,
                yes @ Match::Yes(_) => return yes,
            }
        }
        found
    }

    /// The same opening again.
    pub(super) fn opening(&self, text: &str) -> Match {
        marker::find(&self.marker(&self.opening), text)
    }

    fn marker<'n>(&self, name: &'n str) -> Marker<'n> {
        marker_in(self.bracket, name)
    }
}

fn marker_in<'n>(bracket: &'static Bracket, name: &'n str) -> Marker<'n> {
    match (bracket.open, name.strip_prefix('/')) {
        ("<", Some(name)) => Marker::EndTag(name),
        ("<", None) => Marker::Tag(name),
        _ => Marker::Named(bracket.open, name, bracket.close),
    }
}

enum Name<'t> {
    No,
    Perhaps,
    Yes(&'t str),
}

/// The name that stands in such brackets where `text` begins.
fn named<'t>(text: &'t str, bracket: &Bracket) -> Name<'t> {
    let Some(rest) = text.strip_prefix(bracket.open) else {
        return if bracket.open.starts_with(text) { Name::Perhaps } else { Name::No };
    };
    let of_name = |it: char| it.is_alphanumeric() || "_-:.▁/".contains(it);
    let length = rest.find(|it| !of_name(it)).unwrap_or(rest.len());
    if length > NAME {
        return Name::No;
    }
    let (name, behind) = rest.split_at(length);
    let ends = match bracket.close {
        // A tag may have attributes.
        ">" => behind.starts_with(|it: char| it == '>' || it.is_ascii_whitespace()),
        close => behind.starts_with(close),
    };
    if ends {
        Name::Yes(name)
    } else if bracket.close.starts_with(behind) {
        Name::Perhaps
    } else {
        Name::No
    }
}

/// What closes what `name` opens; `None` if it opens nothing.
fn closings(name: &str, bracket: &Bracket) -> Option<Vec<String>> {
    if !names_reasoning(name, bracket) || says_end(name) {
        return None;
    }
    let mut closings = vec![format!("/{name}")];
    let words = words(name);
    let is = |word: &str| words.iter().any(|it| it.eq_ignore_ascii_case(word));
    for (begin, end) in SIDES.iter().filter(|(begin, _)| is(begin)) {
        let end = if is_upper(name) { end.to_uppercase() } else { (*end).to_owned() };
        closings.extend(replaced(name, begin, &end));
    }
    if closings.len() == 1 && bracket.open != "<" {
        let end = if is_upper(name) { ("END", "OF") } else { ("end", "of") };
        let (end, of) = end;
        closings.extend([
            format!("{end}_{name}"),
            format!("{end}_{of}_{name}"),
            format!("{end}▁{of}▁{name}"),
            format!("{name}_{end}"),
        ]);
    }
    Some(closings)
}

/// Whether `name` says by itself that it closes.
fn is_end(name: &str, bracket: &Bracket) -> bool {
    names_reasoning(name, bracket) && says_end(name)
}

fn says_end(name: &str) -> bool {
    let words = words(name);
    SIDES.iter().any(|(_, end)| words.iter().any(|it| it.eq_ignore_ascii_case(end)))
}

fn names_reasoning(name: &str, bracket: &Bracket) -> bool {
    // In a language's brackets a word is an index or a link, unless it is written in capitals.
    let indexes = bracket.open == "[" && name.contains(char::is_lowercase);
    let known = |word: &&str| WORDS.iter().any(|it| it.eq_ignore_ascii_case(word));
    !indexes && !name.contains('/') && has_word(name) && words(name).iter().any(known)
}

/// Whether one of the words stands in a name, alone or in a longer one. Most names have none, and are not taken apart.
fn has_word(name: &str) -> bool {
    let stands = |word: &str| {
        name.as_bytes().windows(word.len()).any(|it| it.eq_ignore_ascii_case(word.as_bytes()))
    };
    WORDS.iter().any(|word| stands(word))
}

fn is_upper(name: &str) -> bool {
    !name.contains(char::is_lowercase)
}

/// `name` with one of its words replaced.
fn replaced(name: &str, word: &str, by: &str) -> Option<String> {
    let at = name.to_ascii_lowercase().find(word)?;
    Some([name.get(..at)?, by, name.get(at + word.len()..)?].concat())
}

/// The words of which a name is made, without numbers: `antThinking_2` has two.
fn words(name: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for part in name.split(|it: char| !it.is_alphabetic()) {
        // `CoT` is one word.
        words.extend((!part.is_empty()).then_some(part));
        let mut from = 0;
        let mut small = false;
        for (at, character) in part.char_indices() {
            if small && character.is_uppercase() {
                words.extend(part.get(from..at));
                from = at;
            }
            small = character.is_lowercase();
        }
        words.extend(part.get(from..));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    // Break it: take only a name with a slash for a closing.
    #[test]
    fn a_closing_is_known_by_its_words_whatever_opened() {
        for text in [
            "</x_think>",
            "</Deep-Thought>",
            "<think_end>",
            "<|end_of_thinking|>",
            "<|end_think|>",
            "<|/thoughts|>",
            "<|thinking_end|>",
            "<｜end▁of▁reasoning｜>",
            "[/REASONING]",
            "[END_THINKING]",
            "◁/thinking▷",
            "◁end_thinking▷",
        ] {
            assert_eq!(any_closing(text), Match::Yes(text.len()), "{text}");
            for (at, _) in text.char_indices().skip(1) {
                assert_eq!(any_closing(text.get(..at).unwrap()), Match::Perhaps, "{text} {at}");
            }
        }
        for text in ["<think>", "<|begin_of_think|>", "<|im_end|>", "[end thinking]", "</div>"] {
            assert_eq!(any_closing(text), Match::No, "{text}");
        }
    }

    // Break it: take a word for a part of any longer one.
    #[test]
    fn what_is_worded_like_a_marker_opens_a_section_and_nothing_else_does() {
        for (text, closes) in [
            ("<x_think>", "</x_think>"),
            ("<x_think>", "</X_Think >"),
            ("<ns:think>", "</ns:think>"),
            ("<deep-thought a=\"b\">", "</deep-thought>"),
            ("<antThinking>", "</antThinking>"),
            ("<think_start>", "<think_end>"),
            ("<think2>", "</think2>"),
            ("<CoT>", "</CoT>"),
            ("<|think_start|>", "<|think_end|>"),
            ("<|start_of_reasoning|>", "<|end_of_reasoning|>"),
            ("<|thoughts|>", "<|/thoughts|>"),
            ("<|thoughts|>", "<|end_of_thoughts|>"),
            ("<|thoughts|>", "<|thoughts_end|>"),
            ("<｜begin▁of▁reasoning｜>", "<｜end▁of▁reasoning｜>"),
            ("[REASONING]", "[/REASONING]"),
            ("[BEGIN_THINKING]", "[END_THINKING]"),
            ("◁thinking▷", "◁/thinking▷"),
        ] {
            let Found::Yes(derived, length) = opening(text, Place::Beginning) else {
                panic!("{text}")
            };
            assert_eq!(length, text.len());
            assert_eq!(derived.closing(closes), Match::Yes(closes.len()), "{text} {closes}");
            for (at, _) in text.char_indices().skip(1) {
                let (left, _) = text.split_at(at);
                assert_eq!(opening(left, Place::Beginning), Found::Perhaps, "{left}");
            }
        }
        for text in [
            "<thinkers>",
            "<Thinkpad>",
            "<div>",
            "<reason>",
            "<|end_of_think|>",
            "<|im_start|>",
            "[reasoning]",
            "[1]",
            "<a b>",
            "</x_think>",
            "<rethink>",
        ] {
            assert_eq!(opening(text, Place::Beginning), Found::No, "{text}");
        }
        assert_eq!(opening("<x_think>", Place::Answered), Found::No);
    }
}
