//! Closings that nothing opened, looked for ahead of a text.
//!
//! A chat template that opens the section leaves only the closing in what the model writes. Where
//! neither the request nor the answer names a model of which the policy knows that, a text that is
//! there as a whole still tells: its closing stands alone on its line, or is grown to the last word
//! of the reasoning. A marker that prose speaks of has words around it, quotes, or code.

use super::dialect::{Dialect, Place};
use super::lines::Lines;
use super::marker::{self, Match, Of, Opening};
use super::mention;

/// The most bytes of a text that are looked at. No reasoning is as long.
const AHEAD: usize = 1 << 20;

/// Closings that also end answers, and are left where a server does not take them out.
const ENDS_OF_ANSWERS: [&str; 4] = ["<|call|>", "<|content|>", "<|end|>", "<|return|>"];

/// What stands before a closing that is part of code or of markup.
const CODE: &str = "+-|>#=/\\<&{[(";

/// Whether a text is reasoning up to a closing in it that nothing opened.
#[must_use]
pub fn ends_unopened(text: &str) -> bool {
    let end = (0..=AHEAD.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    let text = text.get(..end.unwrap_or_default()).unwrap_or_default();
    let (mut lines, mut blank, mut open, mut until) = (Lines::default(), true, 0_usize, 0);
    for (at, character) in text.char_indices() {
        if at >= until && matches!(character, '<' | '[' | '◁') && !lines.in_block() {
            let rest = text.get(at..).unwrap_or_default();
            match stands(rest, &mut lines) {
                Marked::Closing(length) if open == 0 => {
                    let before = text.get(..at).unwrap_or_default();
                    let behind = rest.get(length..).unwrap_or_default();
                    if ends_reasoning(blank, lines.previous, behind)
                        && !(blank && goes_on(before, behind))
                    {
                        return true;
                    }
                    until = at + length;
                }
                Marked::Closing(length) => (open, until) = (open - 1, at + length),
                Marked::Opening(length) => (open, until) = (open + 1, at + length),
                Marked::Nothing => {}
            }
        }
        blank = character == '\n' || blank && character.is_whitespace();
        lines.see(character);
    }
    false
}

/// What stands at a place.
enum Marked {
    Nothing,
    Opening(usize),
    Closing(usize),
}

fn stands(rest: &str, lines: &mut Lines) -> Marked {
    let here = marker::within_reach(rest);
    let closing = |(found, dialect): (Match, Option<&'static Dialect>)| match (found, dialect) {
        (Match::Yes(length), Some(_)) if length > 0 => Some(length),
        _ => None,
    };
    let place = if lines.beginning { Place::Beginning } else { Place::Reasoned };
    let ends_answers = ENDS_OF_ANSWERS.iter().any(|it| here.starts_with(it));
    let (length, marked) =
        match closing(marker::closing(here, &Of::Template)).filter(|_| !ends_answers) {
            Some(length) => (length, Marked::Closing(length)),
            None => match marker::opening(here, place, None) {
                Opening::Yes { length, .. } => (length, Marked::Opening(length)),
                Opening::No | Opening::Perhaps { .. } => return Marked::Nothing,
            },
        };
    let behind = here.get(length..).unwrap_or_default();
    let quoted = mention::quoted(lines.previous, behind, true) == Some(true);
    let spanned = |ticks| mention::ends(ticks, marker::ahead(rest), true) == Some(true);
    if quoted || lines.in_span().is_some_and(spanned) { Marked::Nothing } else { marked }
}

/// What ends a sentence, or what is as good as one.
const FINISHED: &str = ".!?…。！？)\"”*";

/// Whether a sentence goes on around a line of its own: "The tag\n</think>\nis written so."
fn goes_on(before: &str, behind: &str) -> bool {
    let open = before.trim_end().ends_with(|it| !FINISHED.contains(it));
    let next = behind.trim_start_matches([' ', '\t', '\r']).strip_prefix('\n');
    open && next.is_some_and(|next| next.starts_with(char::is_lowercase))
}

/// Whether a closing ends what stands before it, and is not spoken of.
fn ends_reasoning(blank: bool, previous: Option<char>, behind: &str) -> bool {
    let behind = behind.trim_start_matches([' ', '\t', '\r']);
    let last = behind.is_empty() || behind.starts_with('\n');
    let grown = previous.is_some_and(|it| !it.is_whitespace() && !CODE.contains(it));
    let finished = previous.is_some_and(|it| FINISHED.contains(it));
    last && (blank || grown) || grown && finished
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
        ] {
            assert!(ends_unopened(text), "{text:?}");
        }
        for text in [
            "It is 12.",
            "The tag </think> closes it.",
            "It is closed by </think>.",
            "It ends with </think>\nand then answers.",
            "The closing tag is\n</think>\nand stands on its own line.",
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
            "",
        ] {
            assert!(!ends_unopened(text), "{text:?}");
        }
    }

    #[test]
    fn only_so_much_of_a_text_is_looked_at() {
        let long = "é".repeat(AHEAD);
        assert!(!ends_unopened(&format!("{long}\n</think>\n12")));
        assert!(ends_unopened(&format!("{}\n</think>\n12", long.get(..AHEAD - 100).unwrap())));
    }
}
