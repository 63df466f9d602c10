//! What a token of a line is, by its characters alone.

use super::keywords::{CAPITALS, is_in};

/// The marker of an item of a list: `-`, `*`, `+`, `•`, `1.`, `2)`, `a)`.
pub(super) fn is_marker(token: &str) -> bool {
    let number = token.strip_suffix(['.', ')']).unwrap_or_default();
    matches!(token, "-" | "*" | "+" | "•" | "–" | "—")
        || (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
        || number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// One character again and again: a rule, an underline, a marker.
pub(super) fn is_run(token: &str) -> bool {
    let mut characters = token.chars();
    let first = characters.next();
    token.len() >= 3
        && first.is_some_and(|first| first.is_ascii_punctuation())
        && characters.all(|character| Some(character) == first)
}

/// Whether no prose begins with these characters.
pub(super) fn begins_code(first: char, token: &str) -> bool {
    let second = token.chars().nth(1);
    match first {
        '<' => second.is_none_or(|second| second == '%'),
        '\\' => second.is_none(),
        '#' => is_typst(token),
        '@' | '/' | '!' | '%' | '&' | ';' | ',' | '=' | '}' | ')' | ']' | '^' | '?' | ':' => true,
        '│' | '║' | '┌' | '├' | '└' | '╔' | '╚' => true,
        // The tokens of older models of Qwen: `✿FUNCTION✿:`.
        '✿' => true,
        '.' => second.is_none_or(|second| second != '.'),
        '-' | '+' => second.is_some_and(|second| second != '*'),
        // `$ ls`, `${name}`, `$(date)`, but no `$x$` and no `$5`.
        '$' => second.is_none_or(|second| matches!(second, '{' | '(' | '_')),
        _ => false,
    }
}

/// Whether a token is of the kinds that programs have: a call, a path, an assignment, values
/// between commas.
pub(super) fn is_identifier(token: &str) -> bool {
    let bytes = token.as_bytes();
    let letters = |at: usize| {
        let near = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at)).is_some_and(|byte| byte.is_ascii_alphanumeric())
        };
        near(at.checked_sub(1)) && near(Some(at + 1))
    };
    let digits = |at: usize| {
        let digit =
            |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
        digit(at.checked_sub(1)) && digit(Some(at + 1))
    };
    let plural = |at: usize| {
        bytes.get(at..).is_some_and(|rest| rest.starts_with(b"(s)") || rest.starts_with(b"(es)"))
    };
    let lower = bytes.first().is_some_and(u8::is_ascii_lowercase);
    let abbreviation = token.starts_with("e.g") || token.starts_with("i.e");
    bytes.iter().enumerate().any(|(at, byte)| match byte {
        b'(' => at > 0 && bytes.get(at - 1).is_some_and(u8::is_ascii_alphanumeric) && !plural(at),
        b'[' => at > 0 && bytes.get(at + 1).is_some_and(|next| *next != b'^') && letters(at),
        b'=' | b'{' | b'}' => true,
        b'_' | b'@' | b'+' => letters(at),
        b',' => letters(at) && !digits(at),
        b':' => bytes.get(at + 1) == Some(&b':'),
        b'.' => lower && letters(at) && !digits(at) && !abbreviation,
        b'/' => lower && letters(at) && token.contains('.'),
        b';' => at + 1 == bytes.len() && lower,
        _ => false,
    }) || bytes.first().is_some_and(u8::is_ascii_digit) && token.ends_with(',')
}

/// `Get-ChildItem`: a verb of PowerShell and its object.
pub(super) fn is_cmdlet(token: &str) -> bool {
    const VERBS: [&str; 18] = [
        "Add", "Clear", "Copy", "Export", "Get", "Import", "Install", "Invoke", "Move", "New",
        "Out", "Read", "Remove", "Set", "Start", "Stop", "Test", "Write",
    ];
    token.split_once('-').is_some_and(|(verb, object)| {
        VERBS.contains(&verb) && object.starts_with(|first: char| first.is_uppercase())
    })
}

/// A key with its colon, as no sentence begins.
pub(super) fn is_key(token: &str, lower: bool, indented: bool) -> bool {
    let Some(key) = token.strip_suffix(':') else { return false };
    let error = |ending: &str| key.ends_with(ending);
    (key.len() > 1 || lower)
        && (lower
            || indented
            || key.contains(['-', '_', '.', '/', '[', '"'])
            || is_in(&CAPITALS, key)
            || error("Error")
            || error("Exception")
            || matches!(key, "Feature" | "Scenario" | "Background" | "Action"))
}

/// How a block scalar of YAML begins: `|`, `>-`, `|2`.
pub(super) fn is_scalar(token: &str) -> bool {
    token.strip_prefix(['|', '>']).is_some_and(|indicator| {
        indicator.len() <= 2
            && indicator.bytes().all(|byte| matches!(byte, b'1'..=b'9' | b'+' | b'-'))
    })
}

/// A name in capitals with a colon and what it says, as logs, calendars and tunes have it:
/// `INFO:root:Done`, `T:Title`.
pub(super) fn is_level(token: &str) -> bool {
    token.split_once(':').is_some_and(|(name, said)| {
        (name.len() > 2 || name.len() == 1)
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
            && said.starts_with(|first: char| first.is_alphabetic())
    })
}

/// The name of a commit: hexadecimal digits, of which some are letters and some are not.
pub(super) fn is_hash(token: &str) -> bool {
    if token.len() < 7 {
        return false;
    }
    let token = token.trim_matches(['^', '[', '(', ')', ']', ':', ',']);
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    (7..=40).contains(&token.len())
        && (1..token.len()).contains(&digits)
        && token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Lines and what to do with them, as `ed` and plain differences have it: `12,14c`, `12c12,14`.
pub(super) fn is_address(token: &str) -> bool {
    let command = |byte| matches!(byte, b'a' | b'c' | b'd');
    let mut letters = token.bytes().filter(u8::is_ascii_alphabetic);
    token.starts_with(|first: char| first.is_ascii_digit())
        && letters.next().is_some_and(command)
        && letters.next().is_none()
        && token.bytes().all(|byte| byte.is_ascii_digit() || byte == b',' || command(byte))
        && !token.ends_with(',')
        && (token.contains(',') || token.ends_with(|last: char| last.is_ascii_digit()))
}

/// A date, a time, an address of the network.
pub(super) fn is_stamp(token: &str) -> bool {
    if token.len() < 6 {
        return false;
    }
    let token = token.trim_matches(['[', ']', ':', ',']);
    let marks = token.bytes().filter(|byte| matches!(byte, b'-' | b':' | b'/' | b'.')).count();
    token.len() >= 6
        && marks >= 2
        && token.bytes().filter(u8::is_ascii_digit).count() * 2 >= token.len()
        && token.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
}

/// `12:00:01`.
pub(super) fn is_time(token: &str) -> bool {
    if token.len() < 8 {
        return false;
    }
    let bytes = token.trim_matches(['[', ']', '(', ')']).as_bytes();
    bytes.len() >= 8
        && bytes.get(..8).is_some_and(|time| {
            time.iter().enumerate().all(|(at, byte)| match at {
                2 | 5 => *byte == b':',
                _ => byte.is_ascii_digit(),
            })
        })
}

/// A word of capitals.
pub(super) fn is_loud(token: &str) -> bool {
    let token = token.trim_end_matches([',', ';', ':', '(', ')']);
    token.len() >= 2 && token.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// What several spaces behind the first token of a line make columns: a letter, a word in capitals.
pub(super) fn is_column(token: &str) -> bool {
    token.len() <= 16
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && token.bytes().any(|byte| byte.is_ascii_uppercase())
        && !token.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// How the subject of a conventional commit begins: `fix:`, `feat(cache)!:`.
pub(super) fn is_subject(token: &str) -> bool {
    const KINDS: [&str; 11] = [
        "build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style",
        "test",
    ];
    let kind = token.strip_suffix(':').and_then(|kind| kind.split(['(', '!']).next());
    kind.is_some_and(|kind| KINDS.contains(&kind))
}

/// `s/a`, `g/a/d`, `tr/a`: what is substituted, unless it is a person of either sex.
pub(super) fn is_substitution(token: &str) -> bool {
    let command = ["s", "g", "v", "y", "m", "tr", "qr"];
    let at = token.find(['/', '|']);
    let of = at.and_then(|at| token.split_at_checked(at));
    of.is_some_and(|(name, rest)| {
        command.contains(&name) && rest.len() > 1 && !matches!(rest, "/he" | "/his" | "/him")
    })
}

/// How a block of Textile begins: `p(note).`, `bq.`.
pub(super) fn is_textile(token: &str) -> bool {
    is_block_of_textile(token, |name| matches!(name, "p" | "bq" | "bc" | "pre" | "notextile"))
}

/// A heading of Textile: `h1.`.
pub(super) fn is_heading(token: &str) -> bool {
    is_block_of_textile(token, |name| {
        name.strip_prefix('h').is_some_and(|level| matches!(level.as_bytes(), [b'1'..=b'6']))
    })
}

fn is_block_of_textile(token: &str, is_known: impl Fn(&str) -> bool) -> bool {
    let Some(block) = token.strip_suffix('.') else { return false };
    let (name, attributes) = block.split_at(block.find(['(', '{', '[']).unwrap_or(block.len()));
    is_known(name) && (attributes.is_empty() || attributes.ends_with([')', '}', ']']))
}

/// From when to when, as subtitles have it: `0:00:01.000,0:00:04.000`.
pub(super) fn is_times(token: &str) -> bool {
    token.len() >= 15
        && token.split(',').count() == 2
        && token.bytes().filter(|byte| *byte == b':').count() == 4
        && token.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b','))
}

/// What a form of a Lisp begins with, alone on its line: `(module`.
pub(super) fn is_form(token: &str) -> bool {
    token.strip_prefix('(').is_some_and(|name| {
        name.len() > 1
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte == b'*')
    })
}

/// A name and a colon: `Version:`.
pub(super) fn is_name_with_colon(token: &str) -> bool {
    token.strip_suffix(':').is_some_and(|name| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}

/// Whether a name is one of a variable.
pub(super) fn is_plain_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A field of a line of cron.
pub(super) fn is_schedule(token: &str) -> bool {
    token.bytes().any(|byte| byte.is_ascii_digit() || byte == b'*')
        && token
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b'/' | b',' | b'-'))
}

/// The first two of them, which are the minutes and the hours.
pub(super) fn is_hours(tokens: &str) -> bool {
    tokens.split_once(' ').is_some_and(|(minute, hour)| is_schedule(minute) && is_schedule(hour))
}

/// A name and a version in brackets: `hello (2.10-3)`.
pub(super) fn is_version(tokens: &str) -> bool {
    let version =
        tokens.split_once(' ').and_then(|(_, it)| it.strip_prefix('(')?.strip_suffix(')'));
    version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
}

/// A call of Typst: `#note[`, `#figure(`.
fn is_typst(token: &str) -> bool {
    let name = token.get(1..).unwrap_or_default();
    name.find(['[', '(']).is_some_and(|at| {
        at > 0 && name.bytes().take(at).all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    })
}

/// A definition of a Lisp: `(defcustom`.
pub(super) fn is_definition(token: &str) -> bool {
    token.strip_prefix("(def").is_some_and(|name| {
        name.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'/' | b'*'))
    })
}
