//! Closings that nothing opened, looked for ahead of a text.
//!
//! A chat template that opens the section leaves only the closing in what the model writes. Where
//! neither the request nor the answer names a model of which the policy knows that, a text that is
//! there as a whole still tells: its closing stands alone on its line, or is grown to the last word
//! of the reasoning. A marker that prose speaks of has words around it, quotes, or code.

use memchr::{memchr3_iter, memmem};

use super::dialect::Place;
use super::lines::Lines;
use super::marker::{self, Match, Of, Opening};
use super::mention;
use crate::secret::opaque_debug;

/// The most bytes of a text that are looked at. No reasoning is as long.
const AHEAD: usize = 1 << 20;

/// What is looked at behind a place to see what stands there: a marker, and the span of code that it may stand in.
const REACH: usize = marker::LONGEST + marker::SPAN;

/// Closings that also end answers, and are left where a server does not take them out.
const ENDS_OF_ANSWERS: [&str; 4] = ["<|call|>", "<|content|>", "<|end|>", "<|return|>"];

/// What begins an answer behind reasoning of harmony's, its special tokens left out or not. No prose has it.
const BEGINS_ANSWER: [&str; 3] =
    ["<|start|>assistant<|channel|>final<|message|>", "<|im_start|>answer", "assistantfinal"];

/// What a bracket in that form begins with, `◁`.
const WHITE_BRACKET: u8 = 0xe2;

/// From here on Markdown takes an indented line for code.
const CODE_COLUMNS: usize = 4;

/// What stands before a closing that is part of code or of markup.
const CODE: &str = "+-|>#=/\\<&{[(";

/// How many bytes of a text are reasoning, up to the last closing in it that nothing opened.
#[must_use]
pub fn unopened(text: &str) -> usize {
    let end = (0..=AHEAD.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    let text = text.get(..end.unwrap_or_default()).unwrap_or_default();
    if !tells_anything(text) {
        return 0;
    }
    let mut orphans = Orphans::default();
    orphans.read(text, true);
    orphans.reasoning
}

/// The same of a text that comes in pieces, for who only counts: it is known when all of it has gone out.
#[derive(Clone, Default)]
pub struct Orphans {
    lines: Lines,
    line: Line,
    /// Openings that nothing has closed.
    open: usize,
    /// Where the marker ends that was found last.
    until: usize,
    reasoning: usize,
    /// Bytes that have been looked at.
    read: usize,
    /// What stands behind them.
    ahead: String,
}

opaque_debug!(Orphans);

impl Orphans {
    /// Takes the next piece.
    pub fn push(&mut self, piece: &str) {
        if self.read + self.ahead.len() + piece.len() > AHEAD {
            return;
        }
        self.ahead.push_str(piece);
        let ahead = std::mem::take(&mut self.ahead);
        let read = self.read(&ahead, false);
        self.ahead.push_str(ahead.get(read..).unwrap_or_default());
    }

    /// Bytes of reasoning in what has been looked at.
    #[must_use]
    pub fn reasoning(&self) -> usize {
        self.reasoning
    }

    /// The same of all that has come, if nothing more does.
    #[must_use]
    pub fn reasoning_at_end(&self) -> usize {
        let mut end = self.clone();
        end.read(&self.ahead, true);
        end.reasoning
    }

    /// Reads as much of what comes next as does not depend on what may follow, and says how much that is.
    fn read(&mut self, text: &str, last: bool) -> usize {
        let from = self.read;
        for (place, character) in text.char_indices() {
            if !last && text.len() - place < REACH {
                break;
            }
            let at = from + place;
            let may = matches!(character, '<' | '[' | '◁' | 'a');
            if at >= self.until && may && !self.lines.in_block() {
                self.mark(at, text.get(place..).unwrap_or_default());
            }
            self.line.see(character);
            self.lines.see(character);
            self.read = at + character.len_utf8();
        }
        self.read - from
    }

    /// Takes note of what stands at a place, where `rest` begins.
    fn mark(&mut self, at: usize, rest: &str) {
        let length = match stands(rest, &mut self.lines) {
            Marked::Nothing => return,
            Marked::Answer(length) if self.open == 0 => {
                self.reasoning = at;
                length
            }
            Marked::Closing(length) if self.open == 0 => {
                if self.line.ends_reasoning(rest.get(length..).unwrap_or_default()) {
                    self.reasoning = at;
                }
                length
            }
            Marked::Answer(length) | Marked::Closing(length) => {
                self.open -= 1;
                length
            }
            Marked::Opening(length) => {
                self.open += 1;
                length
            }
        };
        self.until = at + length;
    }
}

/// Whether anything in a text might end reasoning or begin an answer, wherever it stands.
fn tells_anything(text: &str) -> bool {
    let bytes = text.as_bytes();
    let brackets = memchr3_iter(b'<', b'[', WHITE_BRACKET, bytes);
    memmem::find(bytes, b"assistantfinal").is_some()
        || brackets.filter_map(|at| text.get(at..)).map(marker::within_reach).any(|here| {
            closing(here).is_some() || BEGINS_ANSWER.iter().any(|it| here.starts_with(it))
        })
}

/// The length of the closing that stands here.
fn closing(here: &str) -> Option<usize> {
    match marker::closing(here, &Of::Template(None)) {
        (Match::Yes(length), Some(_)) if length > 0 => Some(length),
        _ => None,
    }
}

/// What stands before a place on its line.
#[derive(Clone, Debug, Default)]
struct Line {
    /// Columns of white space at the beginning, while there is nothing else.
    blank: Option<usize>,
    /// The last character.
    previous: Option<char>,
    /// The last one that is no white space.
    said: Option<char>,
    /// There is a letter, so that it is more than the mark of a list.
    worded: bool,
    /// The line before ended a sentence.
    finished: bool,
}

impl Line {
    fn see(&mut self, character: char) {
        if character == '\n' {
            let finished = self.said.map_or(self.finished, ends_sentence);
            *self = Self { finished, ..Self::default() };
            return;
        }
        self.previous = Some(character);
        match character {
            ' ' | '\r' if self.said.is_none() => *self.blank.get_or_insert(0) += 1,
            '\t' if self.said.is_none() => *self.blank.get_or_insert(0) += CODE_COLUMNS,
            _ if character.is_whitespace() => {}
            _ => {
                self.said = Some(character);
                self.worded |= character.is_alphabetic();
            }
        }
    }

    /// Whether a closing here ends what stands before it, and is not spoken of.
    fn ends_reasoning(&self, behind: &str) -> bool {
        let next = behind.trim_start_matches([' ', '\t', '\r']);
        let last = next.is_empty() || next.starts_with('\n');
        let follows = last || mention::speaks_of_closing(behind, true) == Match::No;
        // A sentence that goes on in the next line shows the closing.
        let goes_on = !self.finished
            && next.strip_prefix('\n').is_some_and(|line| line.starts_with(char::is_lowercase));
        let Some(said) = self.said else {
            return follows && !goes_on && self.blank.is_none_or(|columns| columns < CODE_COLUMNS);
        };
        let grown = self.previous == self.said && !CODE.contains(said);
        let finished = self.worded && ends_sentence(said);
        let begins = next.starts_with(|it: char| it.is_alphanumeric() && !it.is_lowercase());
        grown && last || finished && follows || grown && begins && !behind.starts_with(' ')
    }
}

/// What stands at a place.
enum Marked {
    Nothing,
    /// The beginning of an answer.
    Answer(usize),
    Opening(usize),
    Closing(usize),
}

fn stands(rest: &str, lines: &mut Lines) -> Marked {
    let here = marker::within_reach(rest);
    let begins_answer = BEGINS_ANSWER.iter().find(|it| here.starts_with(**it)).map(|it| it.len());
    if let Some(length) = begins_answer.filter(|_| !lines.beginning) {
        let behind = here.get(length..).unwrap_or_default();
        let grown = !here.starts_with('a')
            || lines.previous.is_some_and(|it| !it.is_whitespace() && it != '`')
                && behind.starts_with(|it: char| it.is_uppercase() || it.is_numeric());
        let spanned = |ticks| mention::ends(ticks, marker::ahead(rest), true) == Some(true);
        let quoted = mention::quoted(lines.previous, behind, true) == Some(true);
        let shown = quoted || lines.in_span().is_some_and(spanned);
        return if grown && !shown { Marked::Answer(length) } else { Marked::Nothing };
    }
    if here.starts_with('a') {
        return Marked::Nothing;
    }
    let place = if lines.beginning { Place::Beginning } else { Place::Reasoned };
    let ends_answers = ENDS_OF_ANSWERS.iter().any(|it| here.starts_with(it));
    let (length, marked) = match closing(here).filter(|_| !ends_answers) {
        Some(length) => (length, Marked::Closing(length)),
        None => match marker::opening(here, place, None) {
            Opening::Yes { length, .. } => {
                let behind = here.get(length..).unwrap_or_default();
                if mention::speaks_of_opening(behind) && !lines.beginning {
                    return Marked::Nothing;
                }
                (length, Marked::Opening(length))
            }
            Opening::No | Opening::Perhaps { .. } => return Marked::Nothing,
        },
    };
    let behind = here.get(length..).unwrap_or_default();
    let quoted = mention::quoted(lines.previous, behind, true) == Some(true);
    let spanned = |ticks| mention::ends(ticks, marker::ahead(rest), true) == Some(true);
    if quoted || lines.in_span().is_some_and(spanned) { Marked::Nothing } else { marked }
}

fn ends_sentence(character: char) -> bool {
    ".!?…。！？)\"”*".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Break it: take any closing for one, or look at lines only.
    #[test]
    fn reasoning_that_nothing_opened_is_told_from_an_answer_that_speaks_of_a_closing() {
        for text in [
            "The zebra thought.\n</think>\n\nIt is 12.",
            "The zebra thought.\n\n  </think>  \r\nIt is 12.",
            "The zebra thought.</think>\n\nIt is 12.",
            "The zebra thought.</think>It is 12.",
            "is it 12</think>\nIt is 12.",
            "Zebra `</think>` and \"</think>\".\n</THINK >\n12",
            "<think>a</think>zebra\n</think>\n12",
            "zebra\n[/THINK]\n12",
            "zebra◁/think▷\n12",
            "zebra\n<|END_THINKING|>\n12",
            "```\n</think>\n```\nzebra\n</think>\n12",
            "</think>\n\n12",
            "想一想。</think>十二",
            "zebra\n</think>",
            "zebra.\n</think>It is 12.",
            "zebra.\n</think> It is 12.",
            "zebra. </think>\n12",
            "zebra. </think> It is 12.",
            "zebra</think>It is 12.",
            "I use <think> tags, zebra.\n</think>\n12",
            "zebra.\n</think>\nit is 12.",
            "zebra\n</think>\nquokka\n</think>\n12",
            "The zebra.<|end|><|start|>assistant<|channel|>final<|message|>It is 12.<|return|>",
            "The zebra.assistantfinalIt is 12.",
            "zebra\n<|im_start|>answer\nIt is 12.",
            "zebra\n[BEGIN FINAL RESPONSE]\nIt is 12.",
        ] {
            let reasoning = unopened(text);
            let shown = text.get(reasoning..).unwrap();
            assert!(!shown.contains("zebra") && !shown.contains("quokka"), "{text:?}");
        }
        for text in [
            "It is 12.",
            "The tag </think> closes it.",
            "It is closed by </think>.",
            "It ends with </think>\nand then answers.",
            "`</think>`\n",
            "Write:\n\n```\n</think>\n```\n",
            "Write:\n\n<think>\nyour reasoning\n</think>\n\nand go on.",
            "| <think> | opens |\n| </think> | closes |",
            "1. </think>\n- </think>\n> </think>",
            "+</think>\n-</think>",
            "It is 12.<|end|>",
            "It is 12.<|return|>",
            "<div>\n</div>\n[1]\n",
            "<think>zebra</think>12",
            "Here is my response:\n12",
            "Write a line of it:\n\n    </think>\n",
            "</think> closes it.",
            "<|start|>assistant<|channel|>final<|message|>It is 12.",
            "The header `<|start|>assistant<|channel|>final<|message|>` begins it.",
            "It is the assistantfinal marker. An assistantfinalist.",
            "The closing is\n</think>\nand stands alone.",
            "It is closed by</think> and so on.",
            "The closing tag is </think>",
            "Use <think> and\n<think>a</think>",
            "",
        ] {
            assert_eq!(unopened(text), 0, "{text:?}");
        }
    }

    // Break it: read to the end of what has come, or forget where the last marker ends.
    #[test]
    fn a_text_in_pieces_has_as_much_reasoning_as_the_whole() {
        let filled = "It is so, and so on. ".repeat(60);
        for text in [
            "The zebra thought.\n</think>\n\nIt is 12.",
            "Zebra `</think>` and \"</think>\".\n</THINK >\n12",
            "<think>a</think>zebra\n</think>\n12",
            "zebra◁/think▷\n12",
            "The zebra.assistantfinalIt is 12.",
            "Write:\n\n```\n</think>\n```\n",
            "<think>zebra</think>12",
            "The closing is\n</think>\nand stands alone.",
        ] {
            for text in [text.to_owned(), [&filled, text].concat(), [text, &filled].concat()] {
                for size in [1, 7, 500, 5_000] {
                    let mut orphans = Orphans::default();
                    let pieces: Vec<char> = text.chars().collect();
                    for piece in pieces.chunks(size) {
                        orphans.push(&piece.iter().collect::<String>());
                    }
                    assert_eq!(orphans.reasoning_at_end(), unopened(&text), "{size} {text:?}");
                    assert!(orphans.reasoning() <= unopened(&text) && orphans.ahead.len() < REACH);
                }
            }
        }
    }

    #[test]
    fn only_so_much_of_a_text_is_looked_at() {
        let long = "é".repeat(AHEAD);
        assert_eq!(unopened(&format!("{long}\n</think>\n12")), 0);
        let shorter = long.get(..AHEAD - 100).unwrap();
        assert_eq!(unopened(&format!("{shorter}\n</think>\n12")), AHEAD - 99);
    }
}
