//! What the first words of a line say of it: prose, or something that a program reads.
//!
//! A stream does not wait for the end of a line, so that the line must tell by what comes before
//! its first site: a prompt, a keyword, a key, a call, a date with a time. Which lines came before
//! it helps: behind a colon or code, a line that begins with a small letter is no prose, and behind
//! a line of prose that was not finished nearly every line is.

mod further;
mod label;
mod speaker;
mod text;

use super::block::{Block, End};
use super::delimiter;
use super::keywords::{CAPITALS, COMMANDS, FORMS, KEYWORDS, STATEMENTS, is_in};
use super::reader::{self, Reader};
use super::token::{
    begins_code, is_address, is_cmdlet, is_column, is_definition, is_form, is_hash, is_heading,
    is_identifier, is_key, is_level, is_marker, is_name_with_colon, is_run, is_scalar, is_stamp,
    is_subject, is_substitution, is_textile, is_times,
};
use crate::secret::opaque_debug;

/// What a line is taken for.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing speaks against prose, so far.
    Prose,
    /// This line is not prose.
    Line,
    /// It is prose that stays as it was written: this line, or its paragraph.
    Labelled,
    Cited,
    /// This line and those below it are code, up to a blank line that no indented line follows.
    Code,
    /// A difference between files: lines that begin with ` `, `+`, `-` or `@`, and blank lines.
    Diff,
    /// The lines below are a block.
    Block(Block),
    /// A block is open from here on.
    Within(Block),
    /// All that follows is a document, or data.
    Whole,
}

/// What is known before a line begins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    /// The line above ended within a sentence of prose.
    pub(super) continues: bool,
    /// The last line with text ended with a colon, or was code.
    pub(super) announces: bool,
    /// The line above began with a name and a colon, as the fields of a record do.
    pub(super) keyed: bool,
    /// What the last line with text says of what stays as it was written.
    pub(super) tells: Tells,
}

/// What a line says of the next, which may stay as it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tells {
    #[default]
    Nothing,
    /// It is a question, or one of the answers to choose from.
    Choices,
    /// It is an example of what is wrong.
    Rejection,
    /// It is the name of a text alone.
    Text,
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
    tells: Tells,
    before: Before,
}

opaque_debug!(Opening);

impl Opening {
    /// A line begins, behind its indentation.
    pub(super) fn begin(&mut self, indented: bool, before: Before) {
        self.restart();
        self.tells = Tells::Nothing;
        (self.indented, self.before) = (indented, before);
    }

    /// What has passed of the line does not belong to it.
    pub(super) fn restart(&mut self) {
        self.text.clear();
        (self.token, self.passed, self.item) = (0, 0, false);
    }

    /// Whether the line is still looked at.
    #[inline]
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

    /// With what the comment ends that the line begins with, of those that hold several paragraphs.
    pub(super) fn comment_end(&self) -> Option<&'static str> {
        /// Of ML, Haskell, Lean, Lisp, Nim, D, Jinja, Pascal.
        const COMMENTS: [(&[&str], &str); 8] = [
            (&["(* ", "(** "], "*)"),
            (&["{- ", "{-| "], "-}"),
            (&["/- ", "/-- ", "/-! "], "-/"),
            (&["#| "], "|#"),
            (&["#[ "], "]#"),
            (&["/+ "], "+/"),
            (&["{# "], "#}"),
            (&["{ "], "}"),
        ];
        if !matches!(self.text.as_bytes().first(), Some(b'(' | b'{' | b'/' | b'#')) {
            return None;
        }
        let begins = |begin: &&str| self.text.starts_with(*begin);
        COMMENTS.iter().find(|(opening, _)| opening.iter().any(begins)).map(|(_, end)| *end)
    }

    /// Whether the line is the head of a message of the web, or the subject of a commit, behind which its body
    /// follows.
    pub(super) fn heads_message(&self) -> bool {
        self.text.starts_with("HTTP/")
            || self.text.contains(" HTTP/")
            || self.text.starts_with("MIME-Version: ")
            || self.text.strip_prefix("Content-Type: ").is_some_and(|kind| kind.contains('/'))
            || is_subject(first_of(&self.text))
    }

    /// Whether the line begins with a name and a colon.
    pub(super) fn is_keyed(&self) -> bool {
        !self.item && is_name_with_colon(first_of(&self.text))
    }

    /// The text of the tokens so far.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether the line begins with a command of a shell.
    pub(super) fn is_command(&self) -> bool {
        reader::is_command(&self.text)
    }

    /// Whether the line begins with a statement for a database.
    pub(super) fn is_statement(&self) -> bool {
        reader::is_statement(&self.text)
    }

    /// Who reads the line, if it is one of code.
    pub(super) fn reader(&self) -> Reader {
        Reader::of(&self.text)
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
            // Columns, or what pytest tells of a failure: `E       assert …`.
            let column = self.passed == 1 && is_column(self.text.trim_end());
            return if column && !end { Verdict::Line } else { Verdict::Prose };
        }
        let letters = label::is_letters(token);
        let example = self.passed == 0 && !(letters || end);
        let example = if example { self.example(token) } else { Tells::Nothing };
        let verdict = match self.passed {
            _ if example != Tells::Nothing => Verdict::Labelled,
            0 if !(end || letters)
                && is_marker(token)
                && token != "p."
                && !label::is_label(token, false) =>
            {
                self.item = true;
                self.text.clear();
                return Verdict::Prose;
            }
            0 => match if letters { self.first_word(token, end) } else { self.first(token, end) } {
                Verdict::Prose if !end && label::is_label(token, self.item) => Verdict::Labelled,
                // The text stands in the next line.
                Verdict::Prose if end && text::begins(token) => Verdict::Cited,
                verdict => verdict,
            },
            _ if letters => self.further_word(token, end),
            _ => self.further(token, end),
        };
        if example != Tells::Nothing {
            self.tells = example;
        } else if end && matches!(verdict, Verdict::Cited) {
            self.tells = Tells::Text;
        }
        self.passed += 1;
        self.text.push(' ');
        self.token = self.text.len();
        verdict
    }

    /// What a first token says of the next line if it begins an example, or one of the answers to a question.
    fn example(&self, token: &str) -> Tells {
        match self.before.tells {
            _ if text::is_rejection(token) => Tells::Rejection,
            Tells::Rejection if text::is_approval(token) => Tells::Rejection,
            Tells::Choices if text::is_choice(token) => Tells::Choices,
            _ => Tells::Nothing,
        }
    }

    /// What the line says of the next.
    pub(super) fn tells(&self) -> Tells {
        self.tells
    }

    /// What the first token says if it is of letters alone, as in most lines of prose.
    fn first_word(&self, word: &str, end: bool) -> Verdict {
        if word == "WEBVTT" {
            return Verdict::Code;
        }
        let alone = end && !self.before.continues;
        let block = alone.then(|| delimiter::opened_by(word, true, self.before.announces));
        if let Some(block) = block.flatten() {
            return Verdict::Block(block);
        }
        let lower = word.starts_with(|first: char| first.is_ascii_lowercase());
        if self.item {
            let key = matches!(word, "TODO" | "DONE") || is_in(&COMMANDS, word);
            return if key { Verdict::Code } else { Verdict::Prose };
        }
        self.known(word, lower, false).unwrap_or(Verdict::Prose)
    }

    /// What a word with which a line begins says, in small letters or not; `certain` if the line is no prose anyway.
    fn known(&self, word: &str, lower: bool, certain: bool) -> Option<Verdict> {
        let certain = certain || is_in(&STATEMENTS, word) || is_in(&CAPITALS, word);
        if self.before.continues {
            Some(if certain { Verdict::Line } else { Verdict::Prose })
        } else {
            let code = certain
                || is_in(&KEYWORDS, word)
                || is_in(&COMMANDS, word)
                || lower && self.before.announces;
            code.then_some(Verdict::Code)
        }
    }

    /// What the first token says.
    fn first(&self, token: &str, end: bool) -> Verdict {
        let Some(first) = token.chars().next() else { return Verdict::Prose };
        // What a script keeps behind itself, and the headings of Textile.
        if end && matches!(token, "__END__" | "__DATA__") || !end && is_heading(token) {
            return Verdict::Whole;
        }
        // Markdown around a word of prose.
        if matches!(first, '`' | '*' | '_') && !is_run(token) {
            return Verdict::Prose;
        }
        if token.starts_with("<<<<<<<") || first == '<' && token.len() > 3 && is_run(token) {
            return Verdict::Block(Block::new(End::Replaced));
        }
        let message = token.starts_with("HTTP/") || token == "WEBVTT";
        if message || matches!(token, "(*" | "(**" | "(;" | "#|" | "#[") || is_definition(token) {
            return Verdict::Code;
        }
        if let Some(block) =
            delimiter::opened_by(token, end && !self.before.continues, self.before.announces)
        {
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
            let key = lower && token.ends_with(':') && token.len() > 2
                || matches!(token, "TODO" | "DONE");
            return if key || is_in(&COMMANDS, word) { Verdict::Code } else { Verdict::Prose };
        }
        let certain = begins_code(first, token)
            || is_identifier(token)
            || is_cmdlet(token)
            || is_in(&FORMS, token)
            || is_key(token, lower, self.indented)
            || is_level(token)
            || is_substitution(token)
            || is_textile(token)
            || is_times(token)
            || end && is_form(token)
            || self.before.keyed && is_name_with_colon(token);
        let stamp = || if is_stamp(token) { Verdict::Line } else { Verdict::Prose };
        self.known(word, lower, certain).unwrap_or_else(stamp)
    }
}

/// The first of tokens with spaces between them.
fn first_of(tokens: &str) -> &str {
    let end = tokens.bytes().position(|byte| byte == b' ');
    tokens.get(..end.unwrap_or(tokens.len())).unwrap_or_default()
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
