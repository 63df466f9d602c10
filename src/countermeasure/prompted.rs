//! Answers that go on from a prompt which is all that their model sees.
//!
//! Such a prompt can do what a chat template does: open a section in which the answer then stands, or begin a
//! marker that the answer ends. And it may come back at the beginning of the answer, as the caller's own
//! words: nothing of them is taken for the model's.

use std::sync::Arc;

use super::inline::{LeadIn, lead_in};
use crate::secret::opaque_debug;
use crate::wire::Prompts;

/// What is known of the prompts of a request.
pub(super) struct Prompted {
    prompts: Vec<Prompt>,
    /// How many choices each is answered with.
    each: u64,
}

/// One of them.
struct Prompt {
    /// The prompt itself, if the answer begins with it.
    echoed: Option<Arc<str>>,
    lead_in: LeadIn,
}

opaque_debug!(Prompted);

impl Prompted {
    /// `each` is how many choices each is answered with, `echoed` whether the answers begin with their prompts.
    pub(super) fn of(prompts: &Prompts, each: u64, echoed: bool) -> Self {
        let prompt = |text: &Arc<str>| Prompt {
            echoed: echoed.then(|| Arc::clone(text)),
            lead_in: lead_in(text),
        };
        Self { prompts: prompts.texts().map(prompt).collect(), each: each.max(1) }
    }

    /// Of servers' choices those of one prompt come together.
    fn of_choice(&self, group: u32) -> Option<&Prompt> {
        let at = usize::try_from(u64::from(group) / self.each).ok()?;
        // Beyond what was asked for there is one text, however its pieces are counted.
        self.prompts.get(at).or_else(|| self.prompts.last())
    }

    /// How the prompt of a choice leads into it.
    pub(super) fn lead_in(&self, group: u32) -> Option<&LeadIn> {
        self.of_choice(group).map(|prompt| &prompt.lead_in)
    }

    /// The prompt with which a choice begins.
    pub(super) fn echoed(&self, group: u32) -> Option<&Arc<str>> {
        self.of_choice(group)?.echoed.as_ref()
    }

    /// Bytes that are kept.
    pub(super) fn held(&self) -> usize {
        self.prompts.iter().filter_map(|it| it.echoed.as_ref()).map(|text| text.len()).sum()
    }
}

/// A text that begins with what its caller wrote.
#[derive(Default)]
pub(super) struct Echo {
    text: Option<Arc<str>>,
    /// How much of it has come.
    seen: usize,
}

opaque_debug!(Echo);

impl Echo {
    pub(super) fn of(text: Option<Arc<str>>) -> Self {
        Self { text, seen: 0 }
    }

    /// What of a piece is still the caller's, and what is behind it.
    pub(super) fn split<'t>(&mut self, piece: &'t str) -> (&'t str, &'t str) {
        let Some(text) = &self.text else { return ("", piece) };
        let left = text.get(self.seen..).unwrap_or_default();
        let same = length_in_common(left, piece);
        self.seen += same;
        if same < piece.len() || same == left.len() {
            self.text = None;
        }
        piece.split_at_checked(same).unwrap_or(("", piece))
    }
}

/// What of a text is behind the words with which it begins.
pub(super) fn behind<'t>(echoed: &str, text: &'t str) -> &'t str {
    text.get(length_in_common(echoed, text)..).unwrap_or(text)
}

/// The bytes of the characters with which both begin.
fn length_in_common(one: &str, other: &str) -> usize {
    let bytes = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    (0..=bytes).rev().find(|at| one.is_char_boundary(*at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::completions::Completions;
    use crate::wire::{Protocol, Target};

    #[test]
    fn a_choice_belongs_to_the_prompt_before_it() {
        let body = br#"{"prompt":["a","b <think>"]}"#;
        let prompts = Completions.scan_request(Target::default(), body).unwrap().prompts.unwrap();
        let prompted = Prompted::of(&prompts, 2, true);
        let echoed = [0, 1, 2, 3, 9].map(|group| &**prompted.echoed(group).unwrap());
        assert_eq!(echoed, ["a", "a", "b <think>", "b <think>", "b <think>"]);
    }

    proptest! {
        /// Oracle: the whole text. Break it: forget the rest of a piece in which the prompt ends.
        #[test]
        fn the_words_of_the_caller_are_told_however_they_are_cut(
            prompt in "[ab思]{0,6}", answer in "[ab思]{0,6}", cuts in proptest::collection::vec(1..4_usize, 1..4),
        ) {
            let whole = format!("{prompt}{answer}");
            let (mut echo, mut own, mut rest) = (Echo::of(Some(prompt.as_str().into())), String::new(), String::new());
            let mut cuts = cuts.iter().cycle();
            let mut characters = whole.chars().peekable();
            while characters.peek().is_some() {
                let piece: String = characters.by_ref().take(*cuts.next().unwrap()).collect();
                let (echoed, behind) = echo.split(&piece);
                own.push_str(echoed);
                rest.push_str(behind);
            }
            prop_assert_eq!(&own, &prompt);
            prop_assert_eq!(&rest, &answer);
            prop_assert_eq!(behind(&prompt, &whole), &answer);
        }
    }
}
