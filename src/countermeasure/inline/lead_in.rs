//! How a prompt that is all of what its model sees leads into the answer.

use super::{Editor, Inline, Setting, State, Unclosed, header};
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
    match editor.state {
        State::Answer => {
            let header = header::at_end_of(prompt).map(str::to_owned);
            LeadIn { within: false, begun: header.unwrap_or(editor.undecided) }
        }
        State::Section(_) | State::Open(_) => LeadIn { within: true, begun: String::new() },
    }
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
