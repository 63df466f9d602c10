//! What begins with `<` or `\`: tags, comments, here-documents, environments.

use super::block::{Block, End, is_name};
use super::line::Opening;
use crate::secret::opaque_debug;

/// The most bytes of a tag that are waited for.
const MAX_TAG: usize = 1024;
/// The most bytes of the word that ends a here-document, or of a name.
const MAX_NAME: usize = 64;

/// What a beginning of markup turned out to be.
pub(super) enum Markup {
    /// More is needed to tell.
    Open,
    /// It was no markup.
    None,
    /// A tag that a program may read, or what looks so.
    Tag,
    /// The opening tag of an element.
    Element(Box<str>),
    /// A tag around prose: `<answer>`.
    Wrapper,
    /// A block that is open from here on.
    Block(Block),
    /// A block that is open from the next line on; whether that is certain although words follow.
    Here { block: Block, certain: bool },
    /// A document or the special tokens of a model, to the end of the text.
    Whole,
}

opaque_debug!(Markup);

/// Where markup stands.
pub(super) struct Place<'p> {
    /// Nothing stands before it in the text.
    pub(super) first: bool,
    /// Nor on its line.
    pub(super) leads: bool,
    /// The line is one of code.
    pub(super) code: bool,
    /// It stands behind `=`.
    pub(super) assigned: bool,
    /// Its line ends here.
    pub(super) end: bool,
    pub(super) opening: &'p Opening,
}

/// Elements in which assistants put what they say.
const WRAPPERS: [&str; 16] = [
    "answer",
    "final_answer",
    "finalanswer",
    "final",
    "response",
    "reply",
    "explanation",
    "summary",
    "conclusion",
    "solution",
    "think",
    "thinking",
    "thought",
    "reasoning",
    "reflection",
    "analysis",
];

/// Elements of HTML without a closing tag, or mostly without.
const VOID: [&str; 16] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr", "p", "li", "param",
];

/// Names of elements that hold what tools are given, besides those that no words of prose are.
const TOOLS: [&str; 24] = [
    "action",
    "antartifact",
    "argument",
    "arguments",
    "artifact",
    "command",
    "content",
    "create",
    "diff",
    "edit",
    "execute",
    "file",
    "function",
    "insert",
    "invoke",
    "parameter",
    "patch",
    "path",
    "replace",
    "run",
    "search",
    "terminal",
    "tool",
    "write",
];

/// Whether an element is one of those that tools read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    None,
    /// By its name, unless that is to be replaced: `<WRITE_FILE>`, `<API_KEY>`.
    Placeholder,
    Certain,
}

/// Judges an element by its name, and by what its tag says of it.
pub(super) fn tool(tag: &str, name: &str) -> Tool {
    let local = name.rsplit(':').next().unwrap_or(name);
    let lower = name.contains(|letter: char| letter.is_lowercase());
    let joined = name.contains(['_', '-', ':'])
        || name.starts_with(|first: char| first.is_lowercase())
            && name.contains(|letter: char| letter.is_uppercase());
    let html = HTML.binary_search(&name).is_ok();
    let told = !html && tag.contains('=');
    if lower && (joined || TOOLS.contains(&local)) || told {
        Tool::Certain
    } else if joined {
        Tool::Placeholder
    } else {
        Tool::None
    }
}

/// Elements of HTML that prose shows or speaks of.
const HTML: [&str; 40] = [
    "a", "abbr", "article", "aside", "b", "body", "button", "center", "code", "details", "div",
    "em", "font", "footer", "form", "h1", "h2", "h3", "head", "header", "html", "i", "iframe",
    "kbd", "label", "main", "nav", "pre", "script", "section", "small", "span", "strong", "style",
    "sub", "summary", "sup", "table", "u", "ul",
];

/// Judges what has come of it, from `<` or `\` on.
pub(super) fn judge(markup: &str, place: &Place<'_>) -> Markup {
    let end = place.end;
    if markup.len() > MAX_TAG {
        return Markup::Tag;
    }
    let open = if end { Markup::Tag } else { Markup::Open };
    if markup.starts_with('\\') {
        // The rest is the document.
        const DOCUMENT: [&str; 6] = [
            "\\documentclass",
            "\\usepackage",
            "\\chapter{",
            "\\section{",
            "\\section*{",
            "\\subsection{",
        ];
        if place.leads && DOCUMENT.contains(&markup) {
            return Markup::Whole;
        }
        if place.leads && DOCUMENT.iter().any(|begin| begin.starts_with(markup)) && !end {
            return Markup::Open;
        }
        return environment(markup, open);
    }
    let inner = markup.get(1..).unwrap_or_default();
    match inner.chars().next() {
        None => {
            if end {
                Markup::None
            } else {
                Markup::Open
            }
        }
        Some('<') => here_document(inner.get(1..).unwrap_or_default(), place),
        // A tag of a template, which the line tells of, unless it is a comment.
        Some('%') if inner == "%--" && (place.leads || place.code) => {
            Markup::Block(Block::new(End::Text("--%>".into())))
        }
        Some('%') if "%--".starts_with(inner) && !end => Markup::Open,
        Some('%') => Markup::None,
        // A fragment of JSX.
        Some('>') if place.leads => Markup::Block(Block::new(End::Text("</>".into()))),
        // A comment of PowerShell.
        Some('#') if place.leads => Markup::Block(Block::new(End::Text("#>".into()))),
        Some('|' | '｜') => Markup::Whole,
        Some('!' | '?') if place.first => Markup::Whole,
        Some('!') if inner == "!--" => Markup::Block(Block::new(End::Text("-->".into()))),
        Some('!') if inner == "![CDATA[" => Markup::Block(Block::new(End::Text("]]>".into()))),
        Some('!') if ["!--", "![CDATA["].iter().any(|begin| begin.starts_with(inner)) && !end => {
            Markup::Open
        }
        Some('?') if inner.starts_with("?php") || inner.starts_with("?=") => {
            Markup::Block(Block::new(End::Text("?>".into())))
        }
        Some('?') if "?php".starts_with(inner) && !end => Markup::Open,
        Some('!' | '?') => Markup::Tag,
        // A tag may go on in the next line.
        Some(begin) if begin == '/' || begin.is_alphabetic() || begin == '_' => {
            inner.strip_suffix('>').map_or(Markup::Open, |inner| tag(inner, place.code))
        }
        Some(_) => Markup::None,
    }
}

/// A whole tag, without `<` and `>`.
fn tag(inner: &str, code: bool) -> Markup {
    let closing = inner.strip_prefix('/');
    let name = closing.unwrap_or(inner);
    let (name, rest) = name.split_at(name.find(|letter| !is_name(letter)).unwrap_or(name.len()));
    // `<a@a.example>`, `<https://a.example>`: an address, which Markdown makes a link.
    if rest.starts_with('@') || rest.starts_with("//") && name.ends_with(':') {
        return Markup::None;
    }
    let is = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    let void = is(&VOID) && !(code && name == "p");
    if is(&WRAPPERS) {
        Markup::Wrapper
    } else if closing.is_some() || inner.ends_with('/') || name.is_empty() || void {
        Markup::Tag
    } else {
        Markup::Element(name.into())
    }
}

/// `<<EOF`, `<<-'EOF'`, `<<~SQL`, `<<<"EOT"`, `<< EOF`, without the first two characters.
fn here_document(behind: &str, place: &Place<'_>) -> Markup {
    let glued = behind.trim_start_matches(['<', '-', '~']);
    let mut word = glued.trim_start_matches(' ');
    if place.assigned {
        // `let x =<< trim END` of Vim.
        for option in ["trim ", "eval "] {
            word = word.strip_prefix(option).unwrap_or(word);
        }
    }
    let spaced = word.len() < glued.len();
    let quote = word.chars().next().filter(|first| matches!(first, '\'' | '"' | '\\'));
    let word = quote.map_or(word, |quote| word.strip_prefix(quote).unwrap_or(word));
    let closing = quote.filter(|quote| *quote != '\\');
    let length = word.find(|character: char| match closing {
        Some(quote) => character == quote,
        None => !(character.is_alphanumeric() || matches!(character, '_' | '-' | '!')),
    });
    let (name, rest) = word.split_at(length.unwrap_or(word.len()));
    if rest.is_empty() && behind.len() <= 2 * MAX_NAME && !place.end {
        return Markup::Open;
    }
    let shell = || place.opening.is_command();
    let loud = !name.contains(|letter: char| letter.is_lowercase()) && name.len() > 1;
    // What programs shift by is named, too.
    let usual = || {
        let known = ["END", "EOD", "EOL", "EOM", "EOS", "EOT", "SQL"].contains(&name);
        let begins = ["EOF", "END_OF", "ENDOF", "HERE"].iter().any(|it| name.starts_with(it));
        (known || begins) && !place.opening.text().contains("((")
    };
    let valid = match (spaced, quote) {
        _ if name.is_empty() || name.len() > MAX_NAME => false,
        // A here-string of a shell.
        (true, _) if behind.starts_with('<') => false,
        _ if name.contains('!') => name == "!" && shell(),
        _ if name.starts_with(|first: char| first.is_ascii_digit()) => false,
        (true, Some('"')) => place.assigned || shell(),
        (true, None) => place.assigned || loud && usual() || shell(),
        (true, Some('\\')) => loud || shell(),
        (_, Some(_)) => name.len() > 1 || shell(),
        (false, None) => loud || name == "eof" || name.len() > 1 && shell(),
    };
    if !valid {
        return Markup::None;
    }
    let certain = !spaced || place.code || shell();
    Markup::Here { block: Block::new(End::Word(name.into())), certain }
}

/// `\begin{verbatim}`, up to `\end{verbatim}`.
fn environment(markup: &str, open: Markup) -> Markup {
    const BEGIN: &str = "\\begin{";
    match markup.strip_prefix(BEGIN) {
        Some(name) if name.len() > MAX_NAME => Markup::Tag,
        Some(name) => match name.strip_suffix('}') {
            Some(name) => Markup::Block(Block::new(End::Text(format!("\\end{{{name}}}").into()))),
            None => open,
        },
        // Text of Isabelle.
        None if markup == "\\<open>" => Markup::Block(Block::new(End::Text("\\<close>".into()))),
        None if BEGIN.starts_with(markup) || "\\<open>".starts_with(markup) => open,
        None => match markup.chars().nth(1) {
            Some(next) if next.is_alphanumeric() || matches!(next, '(' | '[') => Markup::Tag,
            _ => Markup::None,
        },
    }
}
