//! How a prompt that is all of what its model sees leads into the answer.
//!
//! Such a prompt is the caller's, who knows better than its model how markers are taken here. So a section
//! that was opened there by its token is closed by its own counterpart alone: what a model may mean by
//! `</thinking>` in its answer are, in a prompt, words that stand behind `<think>`.

use super::dialect::{Dialect, Marker};
use super::rows::{CLOSINGS, OPENINGS};
use super::{Editor, Inline, Setting, State, Unclosed, header, mention};
use crate::countermeasure::reasoning::Remains;
use crate::secret::opaque_debug;

opaque_debug!(LeadIn);

/// How much of a prompt is looked at in one go: what is passed over is not kept.
const SLICE: usize = 64 << 10;

/// What a prompt leaves to its answer.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct LeadIn {
    /// The prompt ends within a section, which the answer goes on with.
    pub within: bool,
    /// What may be the beginning of a marker that the answer ends.
    pub begun: String,
}

/// How a prompt leads into its answer. Its caller may have opened a section anywhere in it.
#[must_use]
pub fn lead_in(prompt: &str) -> LeadIn {
    let mut editor = Inline::new(Setting {
        keep: Remains::NOTHING,
        opened: false,
        continued: false,
        reasoned: true,
        unclosed: Unclosed::Reasoning,
    });
    let (mut rest, mut passed) = (prompt, String::new());
    while !rest.is_empty() {
        let end = (1..=SLICE.min(rest.len())).rev().find(|at| rest.is_char_boundary(*at));
        let (piece, behind) =
            rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, ""));
        passed.clear();
        editor.push(piece, &mut passed);
        rest = behind;
    }
    let header = || header::at_end_of(prompt);
    match editor.state {
        State::Answer => match header() {
            Some(begun) => LeadIn { within: false, begun },
            None if is_left_open(prompt) => LeadIn { within: true, begun: String::new() },
            None => LeadIn { within: false, begun: editor.undecided },
        },
        State::Section(_) | State::Open(_) => LeadIn { within: true, begun: String::new() },
    }
}

/// Whether a section was opened by its token, and not closed by the one that belongs to that.
fn is_left_open(prompt: &str) -> bool {
    let mut open: Vec<(&Dialect, usize)> = Vec::new();
    let (less, bracket, triangle) = (b'<', b'[', "◁".as_bytes());
    let triangle = triangle.first().copied().unwrap_or(less);
    for at in memchr::memchr3_iter(less, bracket, triangle, prompt.as_bytes()) {
        let Some(here) = prompt.get(at..) else { continue };
        if CLOSINGS.at(here).next().is_some() {
            open.retain(|(dialect, opening)| {
                !dialect.ends_of(*opening).any(|marker| is_spelled(marker, here))
            });
        }
        for dialect in OPENINGS.at(here) {
            for (number, marker) in dialect.openings.iter().enumerate() {
                if is_spelled(marker, here)
                    && !is_quoted(prompt, at, here)
                    && !open
                        .iter()
                        .any(|(it, other)| std::ptr::eq(*it, dialect) && *other == number)
                {
                    open.push((dialect, number));
                }
            }
        }
    }
    !open.is_empty()
}

/// Whether a marker stands where `here` begins as it stands in the vocabulary of its model.
fn is_spelled(marker: &Marker<'_>, here: &str) -> bool {
    let tag = |start: &str, name: &str| {
        let name = here.strip_prefix(start).and_then(|here| here.strip_prefix(name));
        name.is_some_and(|behind| behind.starts_with('>'))
    };
    match *marker {
        Marker::Tag(name) => tag("<", name),
        Marker::EndTag(name) => tag("</", name),
        Marker::Token(token) => here.starts_with(token),
        Marker::Header => header::names_reasoning(here),
        // Words, which an answer may have as well.
        Marker::Named(..) | Marker::Word(_) | Marker::Phrase(_) | Marker::Element(_) => false,
    }
}

/// Whether the marker that stands there is one that is spoken of.
fn is_quoted(prompt: &str, at: usize, here: &str) -> bool {
    let before = prompt.get(..at).and_then(|before| before.chars().next_back());
    let end = here.find(['>', ']', '▷']).and_then(|end| here.get(end..));
    let behind = end.map(|end| end.trim_start_matches(['>', ']', '▷']));
    mention::quoted(before, behind.unwrap_or_default(), true) == Some(true)
}

impl Inline {
    /// The same for a text in front of which a prompt has begun what may be a marker.
    #[must_use]
    pub fn behind(mut self, begun: &str) -> Self {
        self.take(begun, false, &mut String::new());
        self.left = self.undecided.len();
        self.markers.clear();
        (self.answered, self.begun) = (false, false);
        // The channel is named: whatever comes behind that, it is no answer.
        self.within_header = header::names_reasoning(begun);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a caller may put behind what it opens, and whether that closes it for the model, too.
    const BEHIND: [(&str, &str, bool); 22] = [
        ("<think>\n", "</think>\n\n", true),
        ("<think>\n", "<thinking>\n</thinking>\n</think>", true),
        ("<think>\n", "</thinking>\n", false),
        ("<think>\n", "</THINK>\n", false),
        ("<think>\n", "</ think>\n", false),
        ("<think>\n", "</think\n>", false),
        ("<think>\n", "</seed:think>\n", false),
        ("<think>\n", "</thinking>\n<thinking>\n</thinking>\n", false),
        ("<think>\n", "</think>\n<think>\n</reasoning>\n", false),
        ("<|im_start|>assistant\n<think>", "</reasoning>", false),
        ("<seed:think>", "</seed:think>", true),
        ("<seed:think>", "</think>", false),
        ("[THINK]", "[/THINK]", true),
        ("[THINK]", "</think>", false),
        ("<|begin_of_thought|>", "<|end_of_thought|>", true),
        ("<|begin_of_thought|>", "<|end_of_think|>", false),
        ("<|channel|>analysis<|message|>", "Yes.<|end|><|start|>assistant", true),
        ("<|channel|>         analysis<|message|>", "Yes.", false),
        ("<|channel|>\n\n\n\n\n\n\n\n\nanalysis<|message|>", "Yes.<|end|>", true),
        ("<|channel|>commentary to=f <|constrain|>json<|message|>", "{}", true),
        ("<|channel|>analysis<|message|>", "<|channel|>analysis<|message|>", false),
        ("Say `<think>` in", " words.", true),
    ];

    // Break it: take every closing of a dialect for that of each of its openings, or forget what was
    // opened before the last.
    #[test]
    fn a_section_that_a_prompt_opens_is_closed_by_its_own_token_alone() {
        for (opening, behind, closed) in BEHIND {
            for before in ["", "<|im_start|>user\nWhy?<|im_end|>\n", "<think>\nOld.\n</think>\n"] {
                let found = lead_in(&[before, opening, behind].concat());
                assert_eq!(found.within, !closed, "{before}{opening}{behind}");
            }
        }
    }

    // Break it: count blanks, or look for the header as it is.
    #[test]
    fn a_header_that_the_answer_ends_is_begun_however_many_blanks_are_in_it() {
        for blanks in ["", " ", "         ", "\n\n\n\n\n\n\n\n\n\n"] {
            for name in ["", "ana", "analysis", "analysis x", "commentary"] {
                let found = lead_in(&format!("Why?<|start|>assistant<|channel|>{blanks}{name}"));
                assert_eq!(found.begun, format!("<|channel|>{name}"), "{blanks:?}");
                assert!(!found.within);
            }
        }
    }
}
