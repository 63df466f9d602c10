//! The tokens of an answer that was read: used, and delivered.

use super::estimate::{believed_tokens, estimated_tokens};
use super::outcome::TextBytes;
use crate::audit::Outcome;
use crate::limit::Amounts;
use crate::wire::Usage;

/// What an answer used as far as it came; `input_tokens` where nothing is stated of them.
pub(super) fn used(usage: Usage, seen: TextBytes, input_tokens: u64, outcome: Outcome) -> Amounts {
    let Usage { input, output, reasoning, beside: _ } = usage;
    // What a cancelled stream had stated is not yet all that it used.
    let so_far = output.unwrap_or_default().max(estimated_tokens(seen.all));
    let stated = output.filter(|_| outcome == Outcome::Complete);
    let (all, thought) = seen.once;
    let stated = stated.map(|stated| believed_tokens(stated, all));
    let output_tokens = stated.unwrap_or(so_far);
    let reasoning = reasoning.map(|stated| believed_tokens(stated, thought));
    let reasoning = reasoning.unwrap_or(estimated_tokens(seen.reasoning));
    // Who states a count does not count what stands in the answer's own text.
    let inline = match seen.inline {
        0 => 0,
        inline => estimated_tokens(seen.reasoning + inline).min(output_tokens),
    };
    Amounts {
        requests: 1,
        input_tokens: input.unwrap_or(input_tokens),
        output_tokens,
        reasoning_tokens: reasoning.max(inline),
    }
}

/// Bytes of text that a reading leaves out.
pub(super) fn left_out(seen: TextBytes) -> u64 {
    seen.all.saturating_sub(seen.delivered)
}

/// The tokens that went out, in all and of reasoning, of an answer that used so many. Of its text
/// `withheld` bytes did not; `inside` bytes of reasoning stood in its answers, as far as somebody has
/// looked for them.
pub(super) fn delivered(used: Amounts, seen: TextBytes, withheld: u64, inside: u64) -> (u64, u64) {
    let thought = (seen.reasoning + seen.inline).max(withheld).max(inside);
    let mut reasoning = used.reasoning_tokens;
    if seen.reasoning == 0 {
        reasoning = reasoning.max(estimated_tokens(thought));
    }
    let kept = u128::from(thought - withheld) * u128::from(reasoning);
    let kept = kept.checked_div(u128::from(thought)).map_or(reasoning, |it| it as u64);
    (used.output_tokens.saturating_sub(reasoning - kept), kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Break it: believe a server that counts no reasoning since it parses none.
    #[test]
    fn reasoning_in_the_answers_own_text_is_used_as_reasoning() {
        let seen = TextBytes { all: 400, inline: 320, ..TextBytes::default() };
        let used = |usage| used(usage, seen, 7, Outcome::Complete).reasoning_tokens;
        assert_eq!(used(Usage::default()), 80);
        let stated = Usage { output: Some(90), reasoning: Some(0), ..Usage::default() };
        assert_eq!(used(stated), 80);
        assert_eq!(used(Usage { output: Some(50), ..stated }), 50);
        assert_eq!(used(Usage { reasoning: Some(85), ..stated }), 85);
    }

    #[test]
    fn what_is_withheld_of_the_reasoning_is_not_delivered() {
        let used = Amounts { output_tokens: 100, reasoning_tokens: 80, ..Amounts::default() };
        let seen = TextBytes { all: 400, reasoning: 320, ..TextBytes::default() };
        assert_eq!(delivered(used, seen, 0, 0), (100, 80));
        assert_eq!(delivered(used, seen, 320, 0), (20, 0));
        assert_eq!(delivered(used, seen, 160, 0), (60, 40));
        // In the text of an answer, where nobody counts it.
        let used = Amounts { output_tokens: 100, ..Amounts::default() };
        let seen = TextBytes { all: 400, ..TextBytes::default() };
        assert_eq!(delivered(used, seen, 0, 320), (100, 80));
        assert_eq!(delivered(used, seen, 320, 0), (20, 0));
        assert_eq!(delivered(used, seen, 0, 0), (100, 0));
    }
}
