//! Token counts that do not tell how much was withheld.
//!
//! Every count of the output is rounded up, not the reasoning's alone: one exact number beside a
//! rounded one gives the other away. A stream that states its usage again and again would tell by
//! the moment at which a rounded count moves, so what has grown in the client's sight since the
//! last withheld text is rounded by itself.

use std::num::NonZeroU32;

use crate::wire::{FieldKind, Usage};

/// Rounds the counts of one response.
#[derive(Debug)]
pub struct Rounding {
    step: u64,
    input_step: u64,
    since: Option<Since>,
}

/// The counts since which nothing has been withheld.
#[derive(Clone, Copy, Debug)]
struct Since {
    withheld: u64,
    stated: Parts,
    shown: Parts,
}

/// The parts that a response's output is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Parts {
    output: u64,
    reasoning: u64,
}

/// The counts of one event, as they go out.
#[derive(Clone, Copy, Debug)]
pub struct Rounded {
    step: u64,
    input_step: u64,
    usage: Usage,
    stated: Parts,
    shown: Parts,
}

impl Rounding {
    /// Rounds the output's counts up to a multiple of `step`, and the request's to one of `input_step`.
    pub(super) fn new(step: Option<NonZeroU32>, input_step: Option<NonZeroU32>) -> Self {
        let [step, input_step] = [step, input_step].map(|it| it.map_or(1, |it| it.get().into()));
        Self { step, input_step, since: None }
    }

    /// The counts of the next event. `withheld` grows with the text that has been withheld, and is
    /// `None` before there is any text.
    pub fn round(&mut self, usage: Usage, withheld: Option<u64>) -> Rounded {
        let reasoning = usage.reasoning.unwrap_or_default();
        let beside = if usage.beside { reasoning } else { 0 };
        let output = usage.output.unwrap_or_default().saturating_sub(beside);
        let stated = Parts { output, reasoning };
        let (from, base) = self.since.map(|it| (it.stated, it.shown)).unwrap_or_default();
        let grown = |from: u64, to: u64, base: u64| match to.checked_sub(from) {
            Some(growth) => base.saturating_add(up(growth, self.step)),
            None => up(to, self.step),
        };
        let output = grown(from.output, stated.output, base.output);
        let reasoning = grown(from.reasoning, stated.reasoning, base.reasoning);
        let within = if usage.beside { u64::MAX } else { output };
        let shown = Parts { output, reasoning: reasoning.min(within) };
        if let Some(withheld) = withheld.filter(|_| usage.output.is_some()) {
            if self.since.is_none_or(|since| since.withheld != withheld) {
                self.since = Some(Since { withheld, stated, shown });
            }
        }
        Rounded { step: self.step, input_step: self.input_step, usage, stated, shown }
    }
}

impl Rounded {
    /// What becomes of a count, if it is one that is rounded.
    pub(super) fn count(&self, kind: FieldKind) -> Option<(u64, u64)> {
        let Self { step, input_step, usage, stated, shown } = *self;
        let same = |count: u64, stated: u64, shown: u64| {
            (count, if count == stated { shown } else { up(count, step) })
        };
        match kind {
            FieldKind::InputTokens(count) => Some((count, up(count, input_step))),
            FieldKind::OutputTokens(count) => Some(same(count, stated.output, shown.output)),
            FieldKind::ReasoningTokens(count) => {
                Some(same(count, stated.reasoning, shown.reasoning))
            }
            FieldKind::PartTokens(count) => Some((count, up(count, step).min(shown.output))),
            FieldKind::TotalTokens(count) => {
                let input = usage.input.unwrap_or_default();
                let beside = if usage.beside { shown.reasoning } else { 0 };
                let shown_input = up(input, input_step);
                let sum = shown_input.saturating_add(shown.output).saturating_add(beside);
                Some(same(count, input.saturating_add(usage.output.unwrap_or_default()), sum))
            }
            _ => None,
        }
    }
}

fn up(count: u64, step: u64) -> u64 {
    count.checked_next_multiple_of(step).unwrap_or(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounding() -> Rounding {
        Rounding::new(NonZeroU32::new(64), None)
    }

    // Break it: leave the input in the sum as it is.
    #[test]
    fn counts_of_the_request_are_rounded_by_themselves_and_the_sum_holds() {
        let mut rounding = Rounding::new(None, NonZeroU32::new(100));
        let rounded = rounding.round(usage(130, 90, false), Some(1));
        assert_eq!(rounded.count(FieldKind::InputTokens(10)), Some((10, 100)));
        assert_eq!(rounded.count(FieldKind::InputTokens(0)), Some((0, 0)));
        assert_eq!(rounded.count(FieldKind::OutputTokens(130)), Some((130, 130)));
        assert_eq!(rounded.count(FieldKind::TotalTokens(140)), Some((140, 230)));
    }

    fn usage(output: u64, reasoning: u64, beside: bool) -> Usage {
        let output = if beside { output + reasoning } else { output };
        Usage { input: Some(10), output: Some(output), reasoning: Some(reasoning), beside }
    }

    #[test]
    fn the_rounded_counts_add_up() {
        for beside in [false, true] {
            let rounded = rounding().round(usage(130, 90, beside), Some(1));
            let count = |kind| rounded.count(kind).unwrap().1;
            let (output, reasoning) =
                (count(FieldKind::OutputTokens(130)), count(FieldKind::ReasoningTokens(90)));
            assert_eq!((output, reasoning), (192, 128));
            let stated = if beside { 230 } else { 140 };
            let total = count(FieldKind::TotalTokens(stated));
            assert_eq!(total, 10 + output + if beside { reasoning } else { 0 });
        }
    }

    #[test]
    fn reasoning_is_never_more_than_the_output_that_it_is_a_part_of() {
        let rounded = rounding().round(usage(3, 3, false), Some(1));
        assert_eq!(rounded.count(FieldKind::ReasoningTokens(3)), Some((3, 64)));
        assert_eq!(rounded.count(FieldKind::OutputTokens(3)), Some((3, 64)));
        assert_eq!(rounded.count(FieldKind::OutputTokens(0)), Some((0, 0)));
    }

    /// What a client can see of a stream whose every event states its usage does not depend on
    /// how much was withheld before it, but for the rounded amount.
    #[test]
    fn a_count_that_grows_in_sight_does_not_tell_what_it_began_from() {
        let watched = |withheld: u64| {
            let mut rounding = rounding();
            let shown = (1..300).map(|token| {
                let rounded = rounding.round(usage(withheld + token, withheld, false), Some(1));
                rounded.count(FieldKind::OutputTokens(withheld + token)).unwrap().1
            });
            shown.collect::<Vec<_>>()
        };
        let first = watched(65);
        assert!((66..127).all(|withheld| watched(withheld) == first));
    }
}
