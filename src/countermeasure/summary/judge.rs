//! What may go out as a summary.

use super::{SummaryFailure, SummaryRules};
use crate::countermeasure::inline::has_marker;
use crate::countermeasure::repeated::{RUN, copies};
use crate::countermeasure::sentences::WordCount;

/// Whether a text is so long that a summary of it is another text.
pub(super) fn is_worth(reasoning: &str) -> bool {
    WordCount::of(reasoning) >= u64::from(RUN)
}

/// What goes out of a summary, which somebody wrote who has read nothing but `reasoning`, and may
/// have been told by it what to write.
pub(super) fn judged(
    summary: &str,
    reasoning: &str,
    rules: SummaryRules,
) -> Result<String, SummaryFailure> {
    let summary = summary.trim();
    if !summary.contains(char::is_alphanumeric) {
        return Err(SummaryFailure::Empty);
    }
    let words = WordCount::of(summary);
    let long = summary.chars().nth(rules.max_characters).is_some();
    if long || words.saturating_mul(2) > WordCount::of(reasoning) {
        return Err(SummaryFailure::Long);
    }
    let controls = |it: char| it.is_control() && !matches!(it, '\n' | '\t');
    if summary.contains(controls) || has_marker(summary) {
        return Err(SummaryFailure::MarkedUp);
    }
    if copies(summary, reasoning) {
        return Err(SummaryFailure::Repeating);
    }
    Ok(summary.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASONING: &str = "First the two numbers are put beside each other. Then their whole parts \
        are compared, which are the same. So the tenths decide, and eight of them are more than one. \
        Let me check that again: nine and eight tenths is above nine and eleven hundredths, since \
        eleven hundredths are one tenth and one hundredth. That settles it, and nothing is left open.";

    fn judged_of(summary: &str) -> Result<String, SummaryFailure> {
        let rules = SummaryRules { max_characters: 200, ..SummaryRules::default() };
        judged(summary, REASONING, rules)
    }

    #[test]
    fn a_summary_goes_out_without_the_space_around_it() {
        let summary = "It compared both digit by digit\nand chose the greater.";
        assert_eq!(judged_of(&format!("\n {summary} \n")), Ok(summary.to_owned()));
    }

    // Break it: look for whole copies only, or let as many words pass as an answer may say.
    #[test]
    fn what_says_the_reasoning_again_is_no_summary() {
        let words: Vec<&str> = REASONING.split(' ').collect();
        let run = |from: usize, length: usize| words[from..from + length].join(" ");
        for (echo, why) in [
            (run(10, 24), "two dozen words in a row"),
            (run(0, 16), "all of it is one run"),
            (format!("It says: {}. And: {}.", run(0, 7), run(30, 8)), "most of it is"),
            (run(3, 26).to_uppercase().replace(' ', ", "), "in other letters and between others"),
        ] {
            let failed = judged_of(&echo).unwrap_err();
            assert_eq!(failed, SummaryFailure::Repeating, "{why}: {echo}");
        }
        let quoting = format!("It put the decimals in a row and found that {}.", run(18, 6));
        assert!(judged_of(&quoting).is_ok(), "a phrase that both have is no copy");
    }

    #[test]
    fn what_is_empty_too_long_or_marked_up_is_none() {
        for empty in ["", " \n", "...", "<>"] {
            assert_eq!(judged_of(empty), Err(SummaryFailure::Empty), "{empty:?}");
        }
        assert_eq!(judged_of(&"é".repeat(201)), Err(SummaryFailure::Long));
        assert!(judged_of(&"é".repeat(200)).is_ok());
        // Shorter than the cap, and hardly shorter than what it sums up.
        assert_eq!(judged_of(&"a b ".repeat(25)), Err(SummaryFailure::Long));
        for marked in
            ["It weighs both.</think> 4", "<think>It weighs both.</think>", "It\u{1b}[31m", "a\0b"]
        {
            assert_eq!(judged_of(marked), Err(SummaryFailure::MarkedUp), "{marked:?}");
        }
    }
}
