//! What is left of the reasoning.

use std::num::NonZeroU32;

use super::Seal;
use crate::policy::Pattern;

/// What is left of the reasoning.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Keep {
    /// Nothing.
    None,
    /// The whole sentences that fit in this many words, from the start.
    Words(NonZeroU32),
    /// The whole sentences that fit in this share of the characters, from the start. Half a trace
    /// keeps about 91 % of what a student gains from all of it (arXiv 2512.21002): prefer
    /// [`Keep::None`].
    Share(f64),
    /// The last sentence only.
    Conclusion,
    /// What a summarizer makes of it, which is configured beside the policy; nothing where that makes
    /// none. Students learn from summaries, too: what such a one gives away is told in
    /// `docs/summaries.md`.
    Summary,
}

/// Withhold reasoning on every channel that carries it, inline tags included.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reasoning {
    /// What is left.
    pub keep: Keep,
    /// Models whose chat template already opened the `<think>` tag, so that their text starts
    /// inside the reasoning.
    pub opened_by_template: Vec<Pattern>,
    /// Ask an upstream that signs its reasoning (Anthropic Messages) to seal it itself, by
    /// `thinking.display = "omitted"` in the request.
    pub ask_upstream: bool,
    /// Round reasoning-token counts in `usage` up to a multiple of this; `None` leaves them.
    pub round_usage: Option<NonZeroU32>,
    /// Hand what is withheld out sealed, for the client to send back with its next turn; `None` lets
    /// it go.
    pub seal: Option<Seal>,
}

impl Reasoning {
    /// Keeps so much, and does nothing else that a file does not ask for.
    #[must_use]
    pub fn new(keep: Keep) -> Self {
        Self {
            keep,
            opened_by_template: Vec::new(),
            ask_upstream: false,
            round_usage: None,
            seal: None,
        }
    }
}
