//! Lines that are told by a label: who speaks, what a program says, an option of an exam, a title,
//! a clause, an entry of a bibliography.

use super::{speaker, text};

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

/// Words that no name of a speaker ends with.
const NO_NAMES: [&str; 6] = ["Benefits", "Fact", "Points", "Takeaway", "Takeaways", "Thing"];

/// What is numbered: captions, headings and articles.
const NUMBERED: [&str; 13] = [
    "Algorithm",
    "Art.",
    "Article",
    "Chapter",
    "Clause",
    "Episode",
    "Fig.",
    "Figure",
    "Line",
    "Section",
    "Slide",
    "Table",
    "Verse",
];

/// Whether a first token is a label behind which nothing is prose. `item` says that it stands behind the
/// marker of a list.
pub(super) fn is_label(token: &str, item: bool) -> bool {
    // Most lines begin with a word.
    if is_letters(token) {
        return matches!(token, "TODO" | "FIXME");
    }
    let bare = bare(token);
    if is_option(bare)
        || is_clause(token)
        || is_clock(token) && !token.contains('*')
        || is_cue(bare)
    {
        return true;
    }
    let Some(name) = before_colon(bare) else {
        return is_initial(token) || is_spoken(token) || token == "§";
    };
    let plain =
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let title = name.starts_with(|first: char| first.is_ascii_uppercase());
    let spoken = !item
        && (speaker::is_alone(token)
            || bare.len() == token.len() && OF_PROSE.binary_search(&name).is_err());
    // A line that is cited by its number.
    let line = !item && (2..=3).contains(&name.len()) && name.bytes().all(|it| it.is_ascii_digit());
    plain && title && (spoken || text::is_name(name)) || is_edited(name) || line
}

/// Whether two or three tokens are who wrote and when, above the message: `**Ann Smith** 10:32`.
pub(super) fn is_sender(before: &str, token: &str) -> bool {
    before.starts_with("**") && before.ends_with("**") && is_clock(token)
}

/// `Ann Smith:`, at the start of what she says.
pub(super) fn is_speaker(first: &str, second: &str) -> bool {
    let is_name = |name: &str| {
        let rest = name.get(1..).unwrap_or_default();
        name.starts_with(|first: char| first.is_ascii_uppercase())
            && !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_lowercase())
    };
    let last = second.strip_suffix(':').filter(|last| is_name(last) && is_name(first));
    last.is_some_and(|last| OF_PROSE.binary_search(&last).is_err() && !NO_NAMES.contains(&last))
}

/// What stands before a colon, which may be bold with it or before it: `Title:**`, `Title**:`.
pub(super) fn before_colon(bare: &str) -> Option<&str> {
    bare.strip_suffix(':').map(|name| name.trim_end_matches('*'))
}

/// `old_str`, `` `new_string` ``: what an edit is given.
fn is_edited(name: &str) -> bool {
    let name = name.trim_matches('`');
    name.starts_with("old_") || name.starts_with("new_")
}

/// `—It`: somebody speaks.
fn is_spoken(token: &str) -> bool {
    token.strip_prefix('—').is_some_and(|word| word.starts_with(char::is_alphabetic))
}

pub(super) fn is_dash(token: &str) -> bool {
    matches!(token, "-" | "–" | "—")
}

/// `Figure 3`, `**Table 2`.
pub(super) fn is_numbered(tokens: &str) -> bool {
    bare(tokens).split_once(' ').is_some_and(|(name, number)| {
        NUMBERED.binary_search(&name).is_ok()
            && number.starts_with(|digit: char| digit.is_ascii_digit())
    })
}

/// Whether three tokens and a fourth are two authors: `Smith A, Brown B.`.
pub(super) fn is_list_of_authors(three: &str, fourth: &str) -> bool {
    if !fourth.ends_with([',', '.']) {
        return false;
    }
    let mut tokens = three.split(' ').chain([fourth]);
    let mut is_author = |ends: &[char]| {
        let (name, initials) = (tokens.next().unwrap_or_default(), tokens.next());
        let name = name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphabetic);
        initials.and_then(|initials| initials.strip_suffix(ends)).is_some_and(|initials| {
            name && (1..=3).contains(&initials.len())
                && initials.bytes().all(|byte| byte.is_ascii_uppercase())
        })
    };
    is_author(&[',']) && is_author(&[',', '.'])
}

/// Whether two tokens are the beginning of a line that is no prose.
pub(super) fn is_labelled(first: &str, second: &str) -> bool {
    let (name, behind) = (bare(first), bare(second));
    let capital = name.starts_with(|first: char| first.is_ascii_uppercase());
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
    let letter = capital && name.len() == 1 && is_dash(second);
    let option = name == "Answer:" && is_option(behind);
    // What a runner of tests tells.
    let told = matches!(first, "✓" | "✗" | "✔" | "✘" | "×")
        && second.starts_with(|first: char| first.is_ascii_lowercase());
    // `Ann (10:32):` of a chat.
    let sent = capital && behind.strip_suffix("):").is_some_and(is_clock);
    numbered || verse || chapter || letter || option || told || sent
}

/// Whether two tokens begin an entry of a bibliography: `Smith, J.`, `Smith JA,`.
pub(super) fn is_citation(first: &str, second: &str) -> bool {
    let first = bare(first);
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

/// Whether a token is of letters of ASCII alone, as words are.
pub(super) fn is_letters(token: &str) -> bool {
    token.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// What tells one of several of a kind: `2`, `B`.
pub(super) fn is_number(token: &str) -> bool {
    token.len() <= 2 && token.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// Without the markers of what is bold.
pub(super) fn bare(token: &str) -> &str {
    let is_marker = |byte: Option<&u8>| matches!(byte, Some(b'*' | b'_'));
    let bytes = token.as_bytes();
    if !is_marker(bytes.first()) && !is_marker(bytes.last()) {
        return token;
    }
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

/// `[00:12]`, `0:00–0:05`, as a script has them in bold, too; a timetable has no zero and no brackets.
fn is_cue(bare: &str) -> bool {
    let (first, last) = bare.split_once(['–', '-']).unwrap_or((bare, bare));
    let bracket = bare.starts_with('[') && bare.ends_with(']');
    let zero = first.trim_start_matches('[').starts_with('0') && first.len() < bare.len();
    (bracket || zero) && is_clock(first) && is_clock(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_in_order() {
        assert!(OF_PROSE.is_sorted() && NUMBERED.is_sorted());
    }
}
