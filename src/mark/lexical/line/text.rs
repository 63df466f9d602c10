//! Lines that show a text of somebody's as it is: the name of one before it, an example of what is wrong or right, an
//! answer to choose.

use super::label::{bare, before_colon, is_number};

/// Labels of what stays as it is in a list and in bold, too, in order.
const NAMES: [&str; 95] = [
    "AI",
    "Active",
    "Actual",
    "After",
    "American",
    "Arabic",
    "Assistant",
    "Back",
    "Bad",
    "Before",
    "Better",
    "British",
    "Button",
    "CTA",
    "Caption",
    "Casual",
    "Change",
    "Chinese",
    "Commit",
    "Correct",
    "Corrected",
    "Correction",
    "Dutch",
    "English",
    "Error",
    "Expected",
    "Find",
    "Formal",
    "French",
    "Front",
    "German",
    "Good",
    "Greek",
    "Headline",
    "Hindi",
    "Hook",
    "Host",
    "Human",
    "Incorrect",
    "Informal",
    "Interviewee",
    "Interviewer",
    "Italian",
    "Japanese",
    "Jingle",
    "Keywords",
    "Korean",
    "Latin",
    "Literal",
    "Motto",
    "Narrator",
    "New",
    "Old",
    "Original",
    "Output",
    "Passive",
    "Placeholder",
    "Plaintext",
    "Poor",
    "Portuguese",
    "Prompt",
    "Proverb",
    "Query",
    "Quote",
    "Received",
    "Replace",
    "Replacement",
    "Revised",
    "Riddle",
    "Right",
    "Russian",
    "Say",
    "Search",
    "Sentence",
    "Slogan",
    "Spanish",
    "Speaker",
    "Strong",
    "Stronger",
    "Subject",
    "Tagline",
    "Tags",
    "Title",
    "To",
    "Toast",
    "Tooltip",
    "Translation",
    "Try",
    "User",
    "VO",
    "Voiceover",
    "Weak",
    "Weaker",
    "Wording",
    "Wrong",
];

/// What a label of two words tells of, in order: `Corrected version:`.
const KINDS: [&str; 18] = [
    "caption",
    "copy",
    "frame",
    "headline",
    "message",
    "notification",
    "phrase",
    "prompt",
    "quote",
    "sentence",
    "starter",
    "stem",
    "thought",
    "title",
    "toast",
    "translation",
    "version",
    "wording",
];

/// Other labels of two words behind which a text stands.
const PAIRS: [(&str, &str); 18] = [
    ("Action", "Input"),
    ("Active", "voice"),
    ("Actual", "result"),
    ("Alt", "text"),
    ("Change", "to"),
    ("Custom", "instructions"),
    ("Empty", "state"),
    ("Expected", "result"),
    ("Helper", "text"),
    ("Instead", "of"),
    ("Meta", "description"),
    ("On-screen", "text"),
    ("PR", "description"),
    ("Passive", "voice"),
    ("Preview", "text"),
    ("Replace", "with"),
    ("Tool", "output"),
    ("Tool", "result"),
];

/// Whether a label, without its colon, is the name of a text.
pub(super) fn is_name(label: &str) -> bool {
    NAMES.binary_search(&label).is_ok()
}

/// Whether a token is a label behind which a text stands, in this line or the next: `Original:`, `**SEARCH**`.
pub(super) fn begins(token: &str) -> bool {
    const EDITS: [&str; 7] = ["AFTER", "BEFORE", "FIND", "NEW", "OLD", "REPLACE", "SEARCH"];
    let bare = bare(token);
    EDITS.contains(&bare) || before_colon(bare).is_some_and(is_name)
}

/// The same of two tokens: `Corrected version:`, `**Replace with:**`.
pub(super) fn begins_with_two(first: &str, second: &str) -> bool {
    let name = bare(first);
    let Some(text) = before_colon(bare(second)) else { return false };
    let capital = name.starts_with(|first: char| first.is_ascii_uppercase());
    let lower = text.to_ascii_lowercase();
    capital && KINDS.binary_search(&&*lower).is_ok() || PAIRS.contains(&(name, text))
}

/// Whether the name of a text has a number or a remark behind it: `**Headline 2:**`, `**Revised (formal):**`.
pub(super) fn begins_with_more(first: &str, second: &str) -> bool {
    let name = bare(first);
    let Some(more) = before_colon(bare(second)) else { return false };
    if more.starts_with('(') {
        return more.ends_with(')') && is_name(name);
    }
    is_number(more)
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && KINDS.binary_search(&&*name.to_ascii_lowercase()).is_ok()
}

/// Whether a token begins one of the answers to choose from behind a question: `a)`, `(b)`, `c.`, `IV.`, `☐`.
pub(super) fn is_choice(token: &str) -> bool {
    if matches!(token, "○" | "◯" | "🔘" | "☐") {
        return true;
    }
    let bare = bare(token);
    let inner = bare.strip_prefix('(').unwrap_or(bare);
    inner.strip_suffix([')', '.']).is_some_and(|name| {
        matches!(name.as_bytes(), [b'a'..=b'h'])
            || (1..=4).contains(&name.len())
                && name.bytes().all(|byte| matches!(byte, b'I' | b'V' | b'X'))
    })
}

/// Whether a token says that what follows is wrong, as an example.
pub(super) fn is_rejection(token: &str) -> bool {
    token.starts_with(['❌', '✗', '✘', '👎'])
}

/// Whether it says that it is right, which is an example behind a wrong one only.
pub(super) fn is_approval(token: &str) -> bool {
    token.starts_with(['✅', '✔', '✓', '👍'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_in_order() {
        assert!(NAMES.is_sorted() && KINDS.is_sorted());
    }
}
