//! What begins with `<` or `\`: tags, comments, here-documents, environments.

use super::block::{Block, End, is_name};
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
    /// A block that is open from the next line on.
    Here(Block),
    /// A document or the special tokens of a model, to the end of the text.
    Whole,
}

opaque_debug!(Markup);

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

/// Judges what has come of it, from `<` or `\` on. `first` says that nothing stood before it in the
/// text, `end` that its line ends here.
pub(super) fn judge(markup: &str, first: bool, end: bool) -> Markup {
    if markup.len() > MAX_TAG {
        return Markup::Tag;
    }
    let open = if end { Markup::Tag } else { Markup::Open };
    if markup.starts_with('\\') {
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
        Some('<') => here_document(inner.get(1..).unwrap_or_default(), end),
        Some('|' | '｜') => Markup::Whole,
        Some('!' | '?') if first => Markup::Whole,
        Some('!') if inner == "!--" => Markup::Block(Block::new(End::Text("-->".into()))),
        Some('!') if inner == "![CDATA[" => Markup::Block(Block::new(End::Text("]]>".into()))),
        Some('!') if ["!--", "![CDATA["].iter().any(|begin| begin.starts_with(inner)) && !end => {
            Markup::Open
        }
        Some('!' | '?') => Markup::Tag,
        // A tag may go on in the next line.
        Some(begin) if begin == '/' || begin.is_alphabetic() || begin == '_' => {
            inner.strip_suffix('>').map_or(Markup::Open, tag)
        }
        Some(_) => Markup::None,
    }
}

/// A whole tag, without `<` and `>`.
fn tag(inner: &str) -> Markup {
    let closing = inner.strip_prefix('/');
    let name = closing.unwrap_or(inner);
    let name = name.split(|character| !is_name(character)).next().unwrap_or_default();
    let is = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    if is(&WRAPPERS) {
        Markup::Wrapper
    } else if closing.is_some() || inner.ends_with('/') || name.is_empty() || is(&VOID) {
        Markup::Tag
    } else {
        Markup::Element(name.into())
    }
}

/// `<<EOF`, `<<-'EOF'`, `<<~SQL`, `<<<"EOT"`, without the first two characters.
fn here_document(behind: &str, end: bool) -> Markup {
    let word = behind.trim_start_matches(['<', '-', '~']);
    let quote = word.chars().next().filter(|first| matches!(first, '\'' | '"' | '\\'));
    let word = quote.map_or(word, |quote| word.strip_prefix(quote).unwrap_or(word));
    let length = word.find(|character: char| !(character.is_alphanumeric() || character == '_'));
    let (name, rest) = word.split_at(length.unwrap_or(word.len()));
    let valid = || {
        name.len() <= MAX_NAME
            && (2..).contains(&name.len())
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && (quote.is_some()
                || !name.contains(|letter: char| letter.is_lowercase())
                || name == "eof")
    };
    let open = rest.is_empty() && behind.len() <= 2 * MAX_NAME;
    if open && !end {
        Markup::Open
    } else if valid() {
        Markup::Here(Block::new(End::Word(name.into())))
    } else {
        Markup::None
    }
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
        None if BEGIN.starts_with(markup) => open,
        None => match markup.chars().nth(1) {
            Some(next) if next.is_alphanumeric() || matches!(next, '(' | '[') => Markup::Tag,
            _ => Markup::None,
        },
    }
}
