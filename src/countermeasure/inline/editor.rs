//! The recognizer as an editor of one text.

use std::ops::Range;

use super::marker::Of;
use super::section::{Open, Section};
use super::{Dialects, Editor, Inline, State, Unclosed};
use crate::countermeasure::sentences::WordCount;

impl Editor for Inline {
    fn push(&mut self, text: &str, out: &mut String) {
        self.markers.clear();
        self.take(text, false, out);
    }

    fn push_opaque(&mut self, text: &str, out: &mut String) -> bool {
        let before = out.len();
        let held = self.undecided.get(self.left..).unwrap_or_default().to_owned();
        self.push(text, out);
        let answer = matches!(self.state, State::Answer) && self.undecided.is_empty();
        let pushed = out.get(before..).and_then(|pushed| pushed.strip_prefix(&held));
        let unchanged = answer && pushed == Some(text);
        if unchanged {
            // All answer: the piece itself can go out behind what was held.
            out.truncate(before + held.len());
        }
        unchanged
    }

    /// Should more come although the text has ended, it goes on where it was.
    fn finish(&mut self, cut_short: bool, out: &mut String) {
        self.markers.clear();
        // A model that calls a tool within its thoughts does not close them first.
        let called = |open: &Open| self.called && open.section.is_templates();
        let withheld = cut_short
            || self.setting.unclosed == Unclosed::Reasoning
            || matches!(&self.state, State::Open(open) if called(open));
        // What was undecided at the end is a closing or none, whatever the reason for the end.
        if matches!(self.state, State::Open(_)) {
            self.take("", true, out);
        }
        match std::mem::replace(&mut self.state, State::Answer) {
            State::Answer if self.within_header && !self.begun => {
                let undecided = self.undecided.get(self.left..).unwrap_or_default();
                self.removed += WordCount::of(undecided);
                self.left = self.undecided.len();
            }
            State::Answer => {
                let undecided = self.undecided.get(self.left..).unwrap_or_default();
                self.answered |= !undecided.is_empty();
                out.push_str(undecided);
                self.left = self.undecided.len();
            }
            State::Section(mut section) => {
                // What its marker did not close was cut short, whatever the reason for the end.
                section.editor.finish(true, out);
                self.state = State::Section(section);
            }
            State::Open(open) => {
                if withheld {
                    self.show_marker(&open.marker, out);
                    let mut section = open.give_up(out);
                    section.editor.finish(true, out);
                    self.state = State::Section(section);
                } else {
                    let undecided = std::mem::take(&mut self.undecided);
                    self.release(open, &undecided, out);
                }
            }
        }
    }

    fn holds(&self) -> bool {
        match &self.state {
            State::Answer => self.undecided.len() > self.left,
            State::Section(section) => section.editor.holds(),
            State::Open(_) => true,
        }
    }

    fn words_removed(&self) -> u64 {
        self.removed
            + match &self.state {
                State::Answer => 0,
                State::Section(section) => section.editor.words_removed(),
                State::Open(open) => open.section.editor.words_removed(),
            }
    }

    fn unopened_reasoning(&self) -> u64 {
        self.lines.unopened
    }

    fn unknown_markup(&self) -> u64 {
        self.lines.unknown
    }

    fn dialects(&self) -> Dialects {
        self.seen
    }

    fn markers(&self) -> &[Range<usize>] {
        &self.markers
    }

    fn reasons(&self) -> bool {
        !matches!(self.state, State::Answer)
    }

    fn leaves_open(&self) -> bool {
        match self.state {
            State::Answer => false,
            State::Section(_) => true,
            State::Open(_) => self.setting.unclosed == Unclosed::Reasoning,
        }
    }

    fn puts_off(&self) -> bool {
        matches!(&self.state, State::Open(open) if open.section.is_templates())
    }

    /// Reasoning that is open goes on all the same.
    fn begin_again(&mut self) {
        if !matches!(self.state, State::Answer) {
            return;
        }
        self.lines.restart(true);
        (self.answered, self.reasoned, self.unsure) = (false, true, true);
        if self.setting.opened && self.undecided.is_empty() {
            let section = Section::new(Of::Template(None), self.editor(), true);
            self.state = State::Open(Open::new(section));
        }
    }

    fn call(&mut self) {
        self.called = true;
    }

    fn has_begun(&self) -> bool {
        self.begun
    }

    fn tell_apart(&mut self) {
        self.told_apart = true;
    }
}
