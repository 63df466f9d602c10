//! Lines that are told by a label: who speaks, what a program says, an option of an exam, a title,
//! a clause, an entry of a bibliography.

use super::speaker;

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
const OF_TEXT: [&str; 95] = [
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
const TEXTS: [&str; 18] = [
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
    plain && title && (spoken || OF_TEXT.binary_search(&name).is_ok()) || is_edited(name) || line
}

/// Whether a token is a label behind which a text stands, in this line or the next: `Original:`, `**SEARCH**`.
pub(super) fn is_of_text(token: &str) -> bool {
    const EDITS: [&str; 7] = ["AFTER", "BEFORE", "FIND", "NEW", "OLD", "REPLACE", "SEARCH"];
    let bare = bare(token);
    EDITS.contains(&bare)
        || before_colon(bare).is_some_and(|name| OF_TEXT.binary_search(&name).is_ok())
}

/// The same of two tokens: `Corrected version:`, `**Replace with:**`.
pub(super) fn is_text_of_two(first: &str, second: &str) -> bool {
    let name = bare(first);
    let Some(text) = before_colon(bare(second)) else { return false };
    let capital = name.starts_with(|first: char| first.is_ascii_uppercase());
    let lower = text.to_ascii_lowercase();
    capital && TEXTS.binary_search(&&*lower).is_ok() || PAIRS.contains(&(name, text))
}

/// Whether the name of a text has a number or a remark behind it: `**Headline 2:**`, `**Revised (formal):**`.
pub(super) fn is_text_with_more(first: &str, second: &str) -> bool {
    let name = bare(first);
    let Some(more) = before_colon(bare(second)) else { return false };
    if more.starts_with('(') {
        return more.ends_with(')') && OF_TEXT.binary_search(&name).is_ok();
    }
    let number = more.len() <= 2
        && more.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    number
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && TEXTS.binary_search(&&*name.to_ascii_lowercase()).is_ok()
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
        assert!(OF_PROSE.is_sorted() && OF_TEXT.is_sorted() && NUMBERED.is_sorted());
        assert!(TEXTS.is_sorted());
    }
}
