//! Who reads a line of code: it says what opens a literal there.

use super::keywords::{COMMANDS, is_in};

/// Who reads a line of code, as far as its first words tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reader {
    #[default]
    Program,
    /// A Lisp, in which a single quotation mark opens nothing.
    Lisp,
    /// A shell, in which single quotation marks hold as double ones do.
    Shell,
    /// A database, in which they are the only ones, and `$$` others.
    Database,
}

impl Reader {
    /// Who reads a line of code that begins so.
    pub(super) fn of(opening: &str) -> Self {
        let lisp =
            opening.strip_prefix('(').is_some_and(|form| form.starts_with(char::is_alphabetic));
        if lisp {
            Self::Lisp
        } else if is_statement(opening) {
            Self::Database
        } else if is_command(opening) {
            Self::Shell
        } else {
            Self::Program
        }
    }
}

/// Whether the line begins with a statement for a database.
pub(super) fn is_statement(opening: &str) -> bool {
    const STATEMENTS: [&str; 18] = [
        "ALTER", "AND", "AS", "CALL", "COMMENT", "CREATE", "DELETE", "DO", "EXECUTE", "INSERT",
        "MERGE", "OR", "RETURN", "SELECT", "SET", "UPDATE", "VALUES", "WHERE",
    ];
    const SMALL: [&str; 7] = ["alter", "comment", "create", "insert", "select", "update", "values"];
    let end = opening.bytes().position(|byte| matches!(byte, b' ' | b'('));
    let first = opening.get(..end.unwrap_or(opening.len())).unwrap_or_default();
    is_in(&STATEMENTS, first) || is_in(&SMALL, first)
}

/// Whether the line begins with a command of a shell, an assignment of one, or a prompt, and does
/// no arithmetic.
pub(super) fn is_command(opening: &str) -> bool {
    /// Commands that are words of English, and what opens a list of commands.
    const WORDS: [&str; 17] = [
        "RUN", "cat", "echo", "eval", "exec", "export", "find", "function", "kill", "make", "node",
        "print", "printf", "read", "sort", "while", "{",
    ];
    let prompt = |token: &&str| matches!(*token, "$" | "%" | "#" | ">" | "sudo" | "&&" | "|");
    let first = opening.split(' ').find(|token| !prompt(token)).unwrap_or_default();
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
    (opening.starts_with("$ ") || assigns || known || program) && !opening.contains("((")
}
