//! Any marker at all, for texts that may hold none.

use super::derived;
use super::dialect::{DIALECTS, Marker, Place};
use super::marker::{self, Match};

/// Whether a marker stands anywhere in a text, be it one that opens, closes or follows, in code and in
/// quotes as well: whoever reads the text may take it for one.
#[must_use]
pub fn has_marker(text: &str) -> bool {
    let mut beginning = true;
    text.char_indices().any(|(at, character)| {
        let first = beginning;
        beginning &= character.is_whitespace();
        let plain = first && !beginning;
        let candidate = matches!(character, '<' | '[' | '◁' | 'a' | 'H' | '*');
        (plain || candidate)
            && stands(marker::within_reach(text.get(at..).unwrap_or_default()), first)
    })
}

fn stands(here: &str, first: bool) -> bool {
    let mut markers =
        DIALECTS.iter().flat_map(|it| it.openings.iter().chain(it.closings).chain(it.followers));
    let yes = |found: Match| matches!(found, Match::Yes(_));
    markers.any(|it| {
        let words = matches!(it, Marker::Word(_) | Marker::Phrase(_));
        (first || !words) && yes(marker::find(it, here))
    }) || yes(marker::special(here))
        || yes(derived::any_closing(here))
        || matches!(derived::opening(here, Place::Beginning), derived::Found::Yes(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Break it: look only where a text begins, or only for what opens.
    #[test]
    fn every_marker_of_the_table_is_found_wherever_it_stands_and_prose_has_none() {
        for text in [
            "It weighs both. </think> Then.",
            "<think>",
            "Then </THINKING >",
            "A. [THINK] b",
            "so ◁/think▷",
            "x <|end|> y",
            "x<|anything|>",
            "It goes on. Here is my response: 4",
            "assistantfinal",
            "`</think>`",
            "and </x_think>",
            "</details>",
            "analysis<|message|>",
        ] {
            assert!(has_marker(text), "{text}");
        }
        for text in [
            "It compares 9.11 with 9.8 and settles on the second.",
            "An analysis of a < b and b > c [1].",
            "Here is what it looked at: a list, **and** a table.",
            "",
        ] {
            assert!(!has_marker(text), "{text}");
        }
    }
}
