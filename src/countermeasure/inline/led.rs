//! A text of which it is known how far its reasoning goes.

use std::ops::Range;

use super::{Dialects, Editor, Inline, Setting, Unclosed};
use crate::countermeasure::reasoning::Remains;
use crate::secret::opaque_debug;

opaque_debug!(Led);

/// Edits an answer lane that begins with so many bytes of reasoning and their closing. What is said
/// of markers on the way is the reasoning's, too.
pub struct Led {
    /// Bytes of the reasoning that are yet to come.
    left: usize,
    reasoning: Box<dyn Editor>,
    rest: Inline,
}

impl Led {
    /// An editor for a text that begins with so much reasoning, of which `keep` says what is left.
    #[must_use]
    pub fn new(reasoning: usize, keep: &Remains, unclosed: Unclosed) -> Self {
        // What is kept is kept of the beginning.
        let (keep_rest, opened) = (Remains::NOTHING, true);
        let rest = Setting { keep: keep_rest, opened, continued: false, reasoned: true, unclosed };
        let rest = Inline::new(rest);
        Self { left: reasoning, reasoning: keep.editor(), rest }
    }

    /// The part of a piece that is behind the reasoning.
    fn behind<'t>(&mut self, text: &'t str, out: &mut String) -> &'t str {
        let (reasoning, behind) =
            text.split_at_checked(self.left.min(text.len())).unwrap_or((text, ""));
        if self.left > 0 {
            self.left = self.left.saturating_sub(text.len());
            self.reasoning.push(reasoning, out);
            if self.left == 0 {
                self.reasoning.finish(false, out);
            }
        }
        behind
    }
}

impl Editor for Led {
    fn push(&mut self, text: &str, out: &mut String) {
        let behind = self.behind(text, out);
        self.rest.push(behind, out);
    }

    fn push_opaque(&mut self, text: &str, out: &mut String) -> bool {
        if self.left == 0 {
            return self.rest.push_opaque(text, out);
        }
        let behind = self.behind(text, out);
        self.rest.push(behind, out);
        false
    }

    fn finish(&mut self, cut_short: bool, out: &mut String) {
        if self.left > 0 {
            self.left = 0;
            self.reasoning.finish(true, out);
        }
        self.rest.finish(cut_short, out);
    }

    fn holds(&self) -> bool {
        self.left > 0 || self.rest.holds()
    }

    fn words_removed(&self) -> u64 {
        self.reasoning.words_removed() + self.rest.words_removed()
    }

    fn unopened_reasoning(&self) -> u64 {
        self.rest.unopened_reasoning()
    }

    fn unknown_markup(&self) -> u64 {
        self.rest.unknown_markup()
    }

    fn dialects(&self) -> Dialects {
        self.rest.dialects()
    }

    fn markers(&self) -> &[Range<usize>] {
        self.rest.markers()
    }

    fn reasons(&self) -> bool {
        self.left > 0 || self.rest.reasons()
    }

    fn leaves_open(&self) -> bool {
        self.left > 0 || self.rest.leaves_open()
    }

    fn begin_again(&mut self) {
        self.rest.begin_again();
    }

    fn call(&mut self) {
        self.rest.call();
    }

    fn has_begun(&self) -> bool {
        self.rest.has_begun()
    }

    fn tell_apart(&mut self) {
        self.rest.tell_apart();
    }
}
