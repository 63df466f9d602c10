//! Lines that are told by a label: who speaks, what a program says, an option of an exam, a title,
//! a clause, an entry of a bibliography.

/// Labels behind which prose goes on, in order.
const OF_PROSE: [&str; 36] = [
    "A",
    "Answer",
    "Background",
    "Caution",
    "Conclusion",
    "Cons",
    "Context",
    "Definition",
    "Description",
    "Disclaimer",
    "Example",
    "Examples",
    "Explanation",
    "Finally",
    "Hint",
    "Important",
    "Introduction",
    "Note",
    "Notes",
    "Overall",
    "Overview",
    "Pros",
    "Purpose",
    "Q",
    "Question",
    "Reason",
    "Reminder",
    "Response",
    "Result",
    "Solution",
    "Step",
    "Summary",
    "Thought",
    "Thoughts",
    "Tip",
    "Tips",
];

/// Labels of what stays as it is in a list and in bold, too, in order.
const OF_TEXT: [&str; 32] = [
    "AI",
    "Assistant",
    "Back",
    "Caption",
    "Correct",
    "Corrected",
    "English",
    "French",
    "Front",
    "German",
    "Headline",
    "Human",
    "Incorrect",
    "Jingle",
    "Keywords",
    "Motto",
    "Original",
    "Output",
    "Plaintext",
    "Prompt",
    "Proverb",
    "Quote",
    "Revised",
    "Riddle",
    "Slogan",
    "Spanish",
    "Subject",
    "Tagline",
    "Tags",
    "Title",
    "Translation",
    "User",
];

/// What is numbered: captions, headings and articles.
const NUMBERED: [&str; 12] = [
    "Algorithm",
    "Art.",
    "Article",
    "Chapter",
    "Clause",
    "Episode",
    "Fig.",
    "Figure",
    "Section",
    "Slide",
    "Table",
    "Verse",
];

/// Whether a first token is a label behind which nothing is prose. `item` says that it stands behind the
/// marker of a list.
pub(super) fn is_label(token: &str, item: bool) -> bool {
    let bare = bare(token);
    if is_option(bare) || is_clause(token) || is_clock(token) && !token.contains('*') {
        return true;
    }
    // `**Title:**` and `**Title**:`.
    let Some(name) = bare.strip_suffix(':').map(|name| name.trim_end_matches('*')) else {
        return is_initial(token) || matches!(token, "§" | "TODO" | "FIXME");
    };
    let plain =
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let title = name.starts_with(|first: char| first.is_ascii_uppercase());
    let spoken = !item && bare.len() == token.len() && OF_PROSE.binary_search(&name).is_err();
    plain && title && (spoken || OF_TEXT.binary_search(&name).is_ok())
}

/// Whether two tokens are the beginning of a line that is no prose.
pub(super) fn is_labelled(first: &str, second: &str) -> bool {
    let (name, behind) = (bare(first), bare(second));
    let capital = name.starts_with(|first: char| first.is_ascii_uppercase());
    let dash = matches!(second, "-" | "–" | "—");
    let numbered = NUMBERED.binary_search(&name).is_ok()
        && behind.starts_with(|digit: char| digit.is_ascii_digit())
        && behind.ends_with([':', '.']);
    // The number of a verse, before it or behind its book.
    let verse = first.len() <= 3
        && first.bytes().all(|byte| byte.is_ascii_digit())
        && second.starts_with(|first: char| first.is_ascii_uppercase());
    let chapter = capital
        && is_clock(behind)
        && !["At", "By", "On", "From", "Around", "Until"].contains(&name);
    // `S – Start each day` of an acrostic.
    let letter = capital && name.len() == 1 && dash;
    let option = name == "Answer:" && is_option(behind);
    // What a runner of tests tells.
    let told = matches!(first, "✓" | "✗" | "✔" | "✘" | "×")
        && second.starts_with(|first: char| first.is_ascii_lowercase());
    numbered || verse || chapter || letter || option || told
}

/// Whether two tokens begin an entry of a bibliography: `Smith, J.`, `Smith JA,`.
pub(super) fn is_citation(first: &str, second: &str) -> bool {
    let (surname, comma) = first.strip_suffix(',').map_or((first, false), |name| (name, true));
    let named = surname.len() > 1
        && surname.starts_with(|first: char| first.is_uppercase())
        && surname
            .chars()
            .all(|letter| letter.is_alphabetic() || matches!(letter, '-' | '\'' | '’'));
    let initials = second.trim_end_matches([',', '.']);
    let upper =
        initials.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'.' | b'-'));
    let short = (1..=5).contains(&initials.len()) && upper;
    let given = second.ends_with('.')
        && initials.len() > 2
        && initials.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase())
        && initials.bytes().skip(1).all(|byte| byte.is_ascii_lowercase());
    let ends = second.ends_with(['.', ',']);
    named
        && ends
        && if comma {
            short && second.contains('.') || given
        } else {
            short && (2..=3).contains(&initials.len()) && second.ends_with(',')
        }
}

/// Without the markers of what is bold.
fn bare(token: &str) -> &str {
    token.trim_matches(['*', '_'])
}

/// `A)`, `(B)`, `C.`, `S:`, also in bold.
fn is_option(bare: &str) -> bool {
    let inner = bare.strip_prefix('(').unwrap_or(bare);
    if let Some(letter) = bare.strip_suffix("**:") {
        return letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_uppercase());
    }
    let mut characters = inner.chars();
    let (Some(letter), mark) = (characters.next(), characters.next()) else { return false };
    letter.is_ascii_uppercase()
        && characters.next().is_none()
        && match mark {
            Some(')') => true,
            Some('.') => inner.len() == bare.len() && matches!(letter, 'A'..='H'),
            Some(':') => !matches!(letter, 'A' | 'Q'),
            _ => false,
        }
}

/// `**B**egin`: the letter that an acrostic is read by.
fn is_initial(token: &str) -> bool {
    let rest = token.strip_prefix("**").unwrap_or_default();
    rest.get(1..).is_some_and(|rest| {
        rest.strip_prefix("**")
            .is_some_and(|word| word.starts_with(|first: char| first.is_alphabetic()))
    })
}

/// `1.1`, `2.3.1.`: the number of a clause.
fn is_clause(token: &str) -> bool {
    let number = token.strip_suffix('.').unwrap_or(token);
    number.contains('.')
        && number.split('.').all(|part| {
            (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
}

/// `1:25`, `(00:12)`, `[0:01:25]`.
fn is_clock(token: &str) -> bool {
    let time = token.trim_matches(['(', ')', '[', ']', '*']);
    time.contains(':')
        && time.split(':').all(|part| {
            (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_in_order() {
        assert!(OF_PROSE.is_sorted() && OF_TEXT.is_sorted() && NUMBERED.is_sorted());
    }
}
