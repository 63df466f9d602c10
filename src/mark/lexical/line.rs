//! What the first words of a line say of it: prose, or something that a program reads.
//!
//! A stream does not wait for the end of a line, so that the line must tell by what comes before
//! its first site: a prompt, a keyword, a key, a call, a date with a time. Which lines came before
//! it helps: behind a colon or code, a line that begins with a small letter is no prose, and behind
//! a line of prose that was not finished nearly every line is.

use super::block::{Block, End};
use super::delimiter;
use super::keywords::{CAPITALS, COMMANDS, FORMS, KEYWORDS, STATEMENTS};
use super::literal::Reader;
use crate::secret::opaque_debug;

/// What a line is taken for.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing speaks against prose, so far.
    Prose,
    /// This line is not prose.
    Line,
    /// This line and those below it are code, up to a blank line that no indented line follows.
    Code,
    /// A difference between files: lines that begin with ` `, `+`, `-` or `@`, and blank lines.
    Diff,
    /// The lines below are a block.
    Block(Block),
}

/// What is known before a line begins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    /// The line above ended within a sentence of prose.
    pub(super) continues: bool,
    /// The last line with text ended with a colon, or was code.
    pub(super) announces: bool,
}

/// The first bytes of a line that are looked at.
const MAX_OPENING: usize = 120;
/// The first tokens that are.
const TOKENS: usize = 4;

/// The first tokens of a line, behind the marker of a list.
#[derive(Clone, Default)]
pub(super) struct Opening {
    text: String,
    /// Where the token begins that is reached.
    token: usize,
    /// How many have passed.
    passed: usize,
    indented: bool,
    item: bool,
    before: Before,
}

opaque_debug!(Opening);

impl Opening {
    /// A line begins, behind its indentation.
    pub(super) fn begin(&mut self, indented: bool, before: Before) {
        self.restart();
        (self.indented, self.before) = (indented, before);
    }

    /// What has passed of the line does not belong to it.
    pub(super) fn restart(&mut self) {
        self.text.clear();
        (self.token, self.passed, self.item) = (0, 0, false);
    }

    /// Whether the line is still looked at.
    pub(super) fn is_open(&self) -> bool {
        self.passed < TOKENS
    }

    /// Whether nothing has passed but the marker of a list.
    pub(super) fn is_at_start(&self) -> bool {
        self.passed == 0 && self.text.is_empty()
    }

    /// Whether the line has begun a comment of several lines, up to its last character.
    pub(super) fn is_comment(&self) -> bool {
        self.text == "/*"
    }

    /// Whether the line begins a comment of ML or Pascal.
    pub(super) fn is_ml_comment(&self) -> bool {
        self.text.starts_with("(* ")
    }

    /// The text of the tokens so far.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether the line begins with a command of a shell, an assignment of one, or a prompt, and does
    /// no arithmetic.
    pub(super) fn is_command(&self) -> bool {
        /// Commands that are words of English, and what opens a list of commands.
        const WORDS: [&str; 17] = [
            "RUN", "cat", "echo", "eval", "exec", "export", "find", "function", "kill", "make",
            "node", "print", "printf", "read", "sort", "while", "{",
        ];
        let prompt = |token: &&str| matches!(*token, "$" | "%" | "#" | ">" | "sudo" | "&&" | "|");
        let first = self.text.split(' ').find(|token| !prompt(token)).unwrap_or_default();
        let assigns = first.split_once('=').is_some_and(|(name, value)| {
            let named = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            !name.is_empty()
                && name.chars().all(named)
                && !value.starts_with(['=', '>'])
                && value.starts_with(['\'', '"', '$'])
        });
        let known = is_in(&COMMANDS, first) || WORDS.contains(&first);
        let program =
            first.starts_with("./") || first.starts_with("/usr/") || first.starts_with("/bin/");
        (self.text.starts_with("$ ") || assigns || known || program) && !self.text.contains("((")
    }

    /// Who reads the line, if it is one of code.
    pub(super) fn reader(&self) -> Reader {
        const STATEMENTS: [&str; 18] = [
            "ALTER", "AND", "AS", "CALL", "COMMENT", "CREATE", "DELETE", "DO", "EXECUTE", "INSERT",
            "MERGE", "OR", "RETURN", "SELECT", "SET", "UPDATE", "VALUES", "WHERE",
        ];
        let first = self.text.split([' ', '(']).next().unwrap_or_default();
        let small = ["alter", "comment", "create", "insert", "select", "update", "values"];
        let lisp =
            self.text.strip_prefix('(').is_some_and(|form| form.starts_with(char::is_alphabetic));
        if lisp {
            Reader::Lisp
        } else if STATEMENTS.contains(&first) || small.contains(&first) {
            Reader::Database
        } else if self.is_command() {
            Reader::Shell
        } else {
            Reader::Program
        }
    }

    /// The line is not looked at any more.
    pub(super) fn close(&mut self) {
        self.passed = TOKENS;
    }

    /// A word, or a character that is not white space, passes.
    pub(super) fn pass(&mut self, text: &str) {
        if self.text.len() < MAX_OPENING {
            self.text.push_str(text);
        }
    }

    /// White space passes, or the line ends: what the tokens so far say.
    pub(super) fn space(&mut self, end: bool) -> Verdict {
        let token = self.text.get(self.token..).unwrap_or_default();
        if token.is_empty() {
            // What pytest tells of a failure: `E       assert …`.
            let failure = self.passed == 1 && self.text == "E ";
            return if failure && !end { Verdict::Line } else { Verdict::Prose };
        }
        let verdict = match self.passed {
            0 if !end && is_marker(token) => {
                self.item = true;
                self.text.clear();
                return Verdict::Prose;
            }
            0 => self.first(token, end),
            _ => self.further(token, end),
        };
        self.passed += 1;
        self.text.push(' ');
        self.token = self.text.len();
        verdict
    }

    /// What the first token says.
    fn first(&self, token: &str, end: bool) -> Verdict {
        let Some(first) = token.chars().next() else { return Verdict::Prose };
        // Markdown around a word of prose.
        if matches!(first, '`' | '*' | '_') && !is_run(token) {
            return Verdict::Prose;
        }
        if token.starts_with("<<<<<<<") {
            return Verdict::Block(Block::new(End::Replaced));
        }
        if token == "(*" {
            return Verdict::Code;
        }
        if let Some(block) = delimiter::opened_by(token, end && !self.before.continues) {
            return Verdict::Block(block);
        }
        if token.starts_with("@@") {
            return Verdict::Diff;
        }
        // A rule or the head of a patch, of which the next token tells.
        if is_run(token) {
            return Verdict::Line;
        }
        if is_hash(token) {
            return Verdict::Line;
        }
        if is_address(token) {
            return Verdict::Code;
        }
        let lower = first.is_lowercase();
        let word = token.trim_end_matches([',', ';', ':', '.', ')']);
        if self.item {
            if end && is_scalar(token) {
                return Verdict::Code;
            }
            let key = lower && token.ends_with(':') && token.len() > 2;
            return if key || is_in(&COMMANDS, word) { Verdict::Code } else { Verdict::Prose };
        }
        let certain = begins_code(first, token)
            || is_identifier(token)
            || is_cmdlet(token)
            || is_in(&FORMS, token)
            || is_key(token, lower, self.indented)
            || is_level(token)
            || is_in(&STATEMENTS, word)
            || is_in(&CAPITALS, word);
        if self.before.continues {
            if certain { Verdict::Line } else { Verdict::Prose }
        } else if certain
            || is_in(&KEYWORDS, word)
            || is_in(&COMMANDS, word)
            || lower && self.before.announces
        {
            Verdict::Code
        } else if is_stamp(token) {
            Verdict::Line
        } else {
            Verdict::Prose
        }
    }

    /// What a further token says together with those before it.
    fn further(&self, token: &str, end: bool) -> Verdict {
        let before = self.text.get(..self.token).unwrap_or_default().trim_end();
        let second = self.passed == 1;
        match before {
            "***" if second && token == "Begin" => {
                return Verdict::Block(Block::new(End::Line("*** End Patch")));
            }
            "***" if second && matches!(token, "Update" | "Add" | "Delete") => {
                return Verdict::Diff;
            }
            "+++" if second => return Verdict::Diff,
            // A directive of reStructuredText, a target, a footnote.
            ".." if second && (token.ends_with("::") || token.starts_with(['_', '[', '|'])) => {
                return Verdict::Code;
            }
            // What an agent hands to a tool.
            "Action" if second && token == "Input:" => return Verdict::Code,
            // A list of things to do with commits.
            "pick" | "reword" | "edit" | "squash" | "fixup" | "drop" | "commit"
                if second && is_hash(token) =>
            {
                return Verdict::Line;
            }
            "Traceback" | "Caused" | "Exception" if second => {
                if matches!(token, "(most" | "by:" | "in") {
                    return Verdict::Code;
                }
            }
            _ => {}
        }
        if second && end && before.ends_with(':') && is_scalar(token) {
            return Verdict::Code;
        }
        if second && before.starts_with(":::") && is_run(before) && token.starts_with('{') {
            return Verdict::Block(Block::new(End::Word(before.into())));
        }
        if second && token == "SEARCH" && is_run(before) {
            return Verdict::Block(Block::new(End::Replaced));
        }
        let operator = matches!(
            token,
            "=" | ":=" | "+=" | "-=" | "==" | "=>" | "->" | "<-" | "?=" | ":" | "::" | "-->"
        );
        let loud = second && is_loud(before) && is_loud(token);
        // `my $s =` of Perl.
        let declared = operator
            && before.split_once(' ').is_some_and(|(_, name)| name.starts_with(['$', '@', '%']));
        if (second || declared) && operator || loud || is_time(token) && before.len() < 24 {
            Verdict::Code
        } else if operator {
            Verdict::Line
        } else {
            Verdict::Prose
        }
    }
}

/// Whether a list that is in order, and all in capitals or all in small letters, has a word.
fn is_in(list: &[&str], word: &str) -> bool {
    // Most words that begin a line are told by their case.
    let lower = |word: &str, at| word.as_bytes().get(at).is_some_and(u8::is_ascii_lowercase);
    let first = list.first().copied().unwrap_or_default();
    lower(first, 0) == lower(word, 0)
        && lower(first, 1) == lower(word, 1)
        && list.binary_search(&word).is_ok()
}

/// Whether a line that begins with this word may be prose, as far as the word tells.
pub(super) fn may_begin(word: &str, before: Before) -> bool {
    let lower = word.starts_with(char::is_lowercase);
    let known = is_in(&STATEMENTS, word)
        || !before.continues && (is_in(&KEYWORDS, word) || is_in(&COMMANDS, word))
        || is_in(&CAPITALS, word);
    !(known || lower && before.announces && !before.continues)
}

/// Whether a word begins code at the start of a line, whatever stands before.
pub(super) fn is_reserved(word: &str) -> bool {
    is_in(&STATEMENTS, word) || is_in(&KEYWORDS, word) || is_in(&COMMANDS, word)
}

/// The marker of an item of a list: `-`, `*`, `+`, `•`, `1.`, `2)`, `a)`.
fn is_marker(token: &str) -> bool {
    let number = token.strip_suffix(['.', ')']).unwrap_or_default();
    matches!(token, "-" | "*" | "+" | "•" | "–" | "—")
        || (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
        || number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// One character again and again: a rule, an underline, a marker.
fn is_run(token: &str) -> bool {
    let mut characters = token.chars();
    let first = characters.next();
    token.len() >= 3
        && first.is_some_and(|first| first.is_ascii_punctuation())
        && characters.all(|character| Some(character) == first)
}

/// Whether no prose begins with these characters.
fn begins_code(first: char, token: &str) -> bool {
    let second = token.chars().nth(1);
    match first {
        '<' => second.is_none(),
        '@' | '/' | '!' | '%' | '&' | ';' | ',' | '=' | '}' | ')' | ']' | '^' | '?' | ':' => true,
        '.' => second.is_none_or(|second| second != '.'),
        '-' | '+' => second.is_some_and(|second| second != '*'),
        // `$ ls`, `${name}`, `$(date)`, but no `$x$` and no `$5`.
        '$' => second.is_none_or(|second| matches!(second, '{' | '(' | '_')),
        '>' | '#' | '|' => false,
        _ => false,
    }
}

/// Whether a token is of the kinds that programs have: a call, a path, an assignment, values
/// between commas.
fn is_identifier(token: &str) -> bool {
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
        b'_' | b'@' => letters(at),
        b',' => letters(at) && !digits(at),
        b':' => bytes.get(at + 1) == Some(&b':'),
        b'.' => lower && letters(at) && !digits(at) && !abbreviation,
        b'/' => lower && letters(at) && token.contains('.'),
        b';' => at + 1 == bytes.len() && lower,
        _ => false,
    }) || bytes.first().is_some_and(u8::is_ascii_digit) && token.ends_with(',')
}

/// `Get-ChildItem`: a verb of PowerShell and its object.
fn is_cmdlet(token: &str) -> bool {
    const VERBS: [&str; 18] = [
        "Add", "Clear", "Copy", "Export", "Get", "Import", "Install", "Invoke", "Move", "New",
        "Out", "Read", "Remove", "Set", "Start", "Stop", "Test", "Write",
    ];
    token.split_once('-').is_some_and(|(verb, object)| {
        VERBS.contains(&verb) && object.starts_with(|first: char| first.is_uppercase())
    })
}

/// A key with its colon, as no sentence begins.
fn is_key(token: &str, lower: bool, indented: bool) -> bool {
    let Some(key) = token.strip_suffix(':') else { return false };
    let error = |ending: &str| key.ends_with(ending);
    key.len() > 1
        && (lower
            || indented
            || key.contains(['-', '_', '.', '/', '[', '"'])
            || is_in(&CAPITALS, key)
            || error("Error")
            || error("Exception")
            || matches!(key, "Feature" | "Scenario" | "Background" | "Action"))
}

/// How a block scalar of YAML begins: `|`, `>-`, `|2`.
fn is_scalar(token: &str) -> bool {
    token.strip_prefix(['|', '>']).is_some_and(|indicator| {
        indicator.len() <= 2
            && indicator.bytes().all(|byte| matches!(byte, b'1'..=b'9' | b'+' | b'-'))
    })
}

/// A name in capitals with a colon and what it says, as logs and calendars have it: `INFO:root:Done`.
fn is_level(token: &str) -> bool {
    token.split_once(':').is_some_and(|(name, said)| {
        name.len() > 2
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
            && said.starts_with(|first: char| first.is_alphabetic())
    })
}

/// The name of a commit: hexadecimal digits, of which some are letters and some are not.
fn is_hash(token: &str) -> bool {
    let token = token.trim_matches(['^', '[', '(', ')', ']', ':', ',']);
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    (7..=40).contains(&token.len())
        && (1..token.len()).contains(&digits)
        && token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Lines and what to do with them, as `ed` and plain differences have it: `12,14c`, `12c12,14`.
fn is_address(token: &str) -> bool {
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
fn is_stamp(token: &str) -> bool {
    let token = token.trim_matches(['[', ']', ':', ',']);
    let marks = token.bytes().filter(|byte| matches!(byte, b'-' | b':' | b'/' | b'.')).count();
    token.len() >= 6
        && marks >= 2
        && token.bytes().filter(u8::is_ascii_digit).count() * 2 >= token.len()
        && token.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
}

/// `12:00:01`.
fn is_time(token: &str) -> bool {
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
fn is_loud(token: &str) -> bool {
    let token = token.trim_end_matches([',', ';', '(', ')']);
    token.len() >= 2 && token.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}
