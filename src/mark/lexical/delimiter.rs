//! Blocks that one line opens and a line of its own closes, by the first token of the line.

use super::block::{Block, End};

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

/// The block that a line with this first token opens, if one does. `alone` says that the line is the
/// token and nothing else, and goes on no paragraph, as the underline of a heading does.
pub(super) fn opened_by(token: &str, alone: bool) -> Option<Block> {
    let listed = || DELIMITERS.iter().find(|(opening, _)| *opening == token);
    let named = || {
        NAMED.iter().find_map(|(opening, closing)| {
            let name = token.strip_prefix(opening).filter(|name| !name.is_empty())?;
            Some(End::Word(format!("{closing}{name}").into()))
        })
    };
    // The delimiters of AsciiDoc. A rule has three characters, or many.
    let rule = alone && matches!(token, "----" | "...." | "====" | "++++");
    // The commands of Texinfo and Doxygen.
    let command = token.strip_prefix('@').is_some_and(|name| VERBATIM.contains(&name));
    // The directives of MyST.
    let directive = token
        .split_once('{')
        .filter(|(colons, _)| colons.len() >= 3 && colons.bytes().all(|byte| byte == b':'));
    let end = match token.chars().next()? {
        '-' | '.' | '=' | '+' if rule => End::Word(token.into()),
        '@' if alone && command => End::Line("@end"),
        ':' => End::Word(directive?.0.into()),
        '%' | '-' | '@' | '=' | '#' | 'B' => {
            listed().map(|(_, closing)| End::Line(closing)).or_else(named)?
        }
        _ => return None,
    };
    Some(Block::new(end))
}
