//! Blocks that one line opens and a line of its own closes, by the first token of the line.

use super::block::{Block, End};
use super::token::{is_loud, is_run};

/// First tokens that open a block, and with what the line begins that closes it.
const DELIMITERS: [(&str, &str); 19] = [
    ("%changelog", "%"),
    ("%description", "%"),
    ("-----BEGIN", "-----END"),
    ("@@code", "@@end"),
    ("@@start", "@@end"),
    ("@startgantt", "@endgantt"),
    ("@startjson", "@endjson"),
    ("@startmindmap", "@endmindmap"),
    ("@startsalt", "@endsalt"),
    ("@startuml", "@enduml"),
    ("@startwbs", "@endwbs"),
    ("@startyaml", "@endyaml"),
    ("=begin", "=end"),
    ("=encoding", "=cut"),
    ("=head1", "=cut"),
    ("=head2", "=cut"),
    ("=item", "=cut"),
    ("=over", "=cut"),
    ("=pod", "=cut"),
];

/// Commands behind `@` whose lines are shown as they stand.
const VERBATIM: [&str; 7] =
    ["code", "display", "dot", "example", "lisp", "smallexample", "verbatim"];

/// How tokens begin that open a block, and how the token begins that closes it, with the same name
/// behind.
const NAMED: [(&str, &str); 3] =
    [("#+BEGIN_", "#+END_"), ("#+begin_", "#+end_"), ("BEGIN:", "END:")];

/// Markup of wikis and forums in whose blocks text stands as it is.
const WIKI: [&str; 5] = ["code", "noformat", "panel", "pre", "quote"];

/// The block that a line with this first token opens, if one does. `alone` says that the line is the
/// token and nothing else, and goes on no paragraph, as the underline of a heading does; `announced`,
/// that it stands behind a colon or code.
pub(super) fn opened_by(token: &str, alone: bool, announced: bool) -> Option<Block> {
    let listed = || DELIMITERS.iter().find(|(opening, _)| *opening == token);
    let named = || {
        NAMED.iter().find_map(|(opening, closing)| {
            let name = token.strip_prefix(opening).filter(|name| !name.is_empty())?;
            Some(End::Word(format!("{closing}{name}").into()))
        })
    };
    // The delimiters of AsciiDoc. A rule has three characters, or many.
    let rule = alone && matches!(token, "----" | "...." | "====" | "++++");
    // The directives of MyST.
    let colons = token.len() - token.trim_start_matches(':').len();
    let directive =
        colons >= 3 && token.get(colons..).is_some_and(|name| name.starts_with(is_name_or_brace));
    // A drawer of Org.
    let drawer = alone
        && token.len() > 2
        && token != ":END:"
        && token.ends_with(':')
        && is_loud(token.trim_matches(':'));
    if let Some(end) = alone.then(|| framed(token)).flatten() {
        return Some(Block::new(end));
    }
    let end = match token.chars().next()? {
        '-' | '.' | '=' | '+' if rule => End::Word(token.into()),
        '\\' if token.starts_with("\\start") => command(token)?,
        '@' | '\\' if alone => {
            command(token).or_else(|| listed_end(listed())).or_else(|| directive_of_blade(token))?
        }
        '{' if token.starts_with("{{#") => return template(token, ""),
        '{' | '[' | '(' if alone => bracketed(token)?,
        '#' if token.ends_with('[') && token.len() > 2 => nested('['),
        ':' if directive => End::Word(":".repeat(colons).into()),
        ':' if drawer => End::Word(":END:".into()),
        '%' if alone && token == "%{" => End::Line("%}".into()),
        '%' | '-' | '@' | '=' | '#' | 'B' => listed_end(listed()).or_else(named)?,
        _ if alone && (token == "DATA" || is_edit(token, announced)) => End::Word(".".into()),
        _ => return None,
    };
    Some(Block::new(end))
}

/// `===BEGIN===`, `---START_OF_FILE---`: what says between two runs that something begins, up to the line that says
/// so of its end; `###CONTENT###`, up to the next such line.
fn framed(token: &str) -> Option<End> {
    if !token.starts_with(['-', '=', '+', '#', '*', '%', '<', '[']) {
        return None;
    }
    let name = token.trim_matches(|mark: char| mark.is_ascii_punctuation());
    let (run, behind) = token.split_once(name)?;
    let begins = is_loud(name) && (name.starts_with("BEGIN") || name.starts_with("START"));
    let end = match name {
        "CONTENT" | "FILE" | "TEXT" => run.into(),
        _ if begins => format!("{run}END"),
        _ => return None,
    };
    (is_run(run) && is_run(behind)).then(|| End::Line(end.into()))
}

fn is_name_or_brace(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '{'
}

fn is_form_of_words(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

fn listed_end(listed: Option<&(&str, &'static str)>) -> Option<End> {
    listed.map(|(_, closing)| End::Line((*closing).into()))
}

fn nested(open: char) -> End {
    let close = match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    };
    End::Nested { open, close, depth: 1 }
}

/// A command of Texinfo, Doxygen or TeX whose lines are shown as they stand: `@example`,
/// `\code{.py}`, `\starttyping`.
fn command(token: &str) -> Option<End> {
    let name = token.get(1..)?;
    let name = name.split(['{', '[']).next().unwrap_or(name);
    if let Some(kind) = name.strip_prefix("start").filter(|_| token.starts_with('\\')) {
        return Some(End::Line(format!("\\stop{kind}").into()));
    }
    if token == "\\iffalse" {
        return Some(End::Line("\\fi".into()));
    }
    let end = if token.starts_with('@') { "@end" } else { "\\end" };
    VERBATIM.contains(&name).then(|| End::Line(end.into()))
}

/// `@if(ready)`, up to `@endif`.
fn directive_of_blade(token: &str) -> Option<End> {
    const NAMES: [&str; 8] = ["can", "empty", "for", "foreach", "forelse", "if", "isset", "unless"];
    let (name, _) = token.strip_prefix('@')?.strip_suffix(')')?.split_once('(')?;
    NAMES.contains(&name).then(|| End::Line("@end".into()))
}

/// A bracket alone, or a word in brackets that opens a block of a wiki: `{code:java}`, `[quote=A]`.
fn bracketed(token: &str) -> Option<End> {
    let inner = |open: char, close: char| token.strip_prefix(open)?.strip_suffix(close);
    let known = |inner: &str| {
        let name = inner.split([':', '=']).next().unwrap_or(inner);
        WIKI.iter().copied().find(|wiki| *wiki == name)
    };
    if token == "(" {
        return Some(nested('('));
    }
    if let Some(name) = inner('[', ']').and_then(known) {
        return Some(End::Text(format!("[/{name}]").into()));
    }
    let name = inner('{', '}').and_then(known)?;
    Some(End::Line(format!("{{{name}}}").into()))
}

/// A command of `ed` or `ex` behind which lines of text follow, up to one of a stop: `1i`, `/a/a`,
/// `:append`. A command without an address is one only if it is announced.
fn is_edit(token: &str, announced: bool) -> bool {
    let command = token.strip_prefix(':').unwrap_or(token);
    let long = ["append", "insert", "change"].iter().find_map(|name| command.strip_suffix(name));
    let Some(address) = long.or_else(|| command.strip_suffix(['a', 'i', 'c'])) else {
        return false;
    };
    let pattern = address.len() > 2 && address.starts_with('/') && address.ends_with('/');
    let place = |byte| matches!(byte, b'0'..=b'9' | b'$' | b'.' | b',' | b';' | b'+' | b'-' | b'%');
    pattern
        || address.bytes().all(place)
            && (!address.is_empty() || token.len() > command.len() || announced)
}

/// Tags of Go's templates that `end` closes, and of Ruby's and JavaScript's.
const GO: [&str; 5] = ["block", "define", "if", "range", "with"];
const RUBY: [&str; 5] = ["case", "for", "if", "unless", "while"];

/// The block that a tag of a template opens, by the first two tokens of its line: `{% if`, `{{#if`,
/// `{{ range`, `<% unless`.
pub(super) fn template(first: &str, second: &str) -> Option<Block> {
    /// Tags of Jinja that need none to close them.
    const SINGLE: [&str; 9] =
        ["assign", "do", "elif", "else", "extends", "from", "import", "include", "set"];
    /// Shortcodes of Hugo that hold nothing.
    const SHORT: [&str; 7] = ["figure", "gist", "param", "ref", "relref", "vimeo", "youtube"];
    if !first.starts_with(['{', '<']) {
        return None;
    }
    let block = |opens: &[&str], closes: &str| {
        let opens = opens.iter().map(|name| Box::from(*name)).collect();
        Some(Block::new(End::Template { opens, closes: closes.into(), open: 1 }))
    };
    let name = second.split(['%', '}', '(']).next().unwrap_or(second);
    match first {
        "{%" | "{%-" | "{%~" if !name.starts_with("end") && !SINGLE.contains(&name) => {
            block(&[name], &format!("end{name}"))
        }
        "{{" | "{{-" if GO.contains(&name) => block(&GO, "end"),
        // The shortcodes of Hugo.
        "{{<" | "{{%" if is_form_of_words(second) && !SHORT.contains(&second) => {
            block(&[second], &format!("/{second}"))
        }
        "<%" | "<%-" if RUBY.contains(&name) => block(&RUBY, "end"),
        _ => {
            let name = first.strip_prefix('{')?.trim_start_matches('{').strip_prefix('#')?;
            let name = name.trim_end_matches('}');
            let opens = name.bytes().all(|byte| byte.is_ascii_lowercase()) && !name.is_empty();
            opens.then(|| block(&[&format!("#{name}")], &format!("/{name}"))).flatten()
        }
    }
}
