//! Blocks that one line opens and a line of its own closes, by the first token of the line.

use super::block::{Block, End};

/// First tokens that open a block, and with what the line begins that closes it.
const DELIMITERS: [(&str, &str); 17] = [
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
    let end = match token.chars().next()? {
        '-' | '.' | '=' | '+' if rule => End::Word(token.into()),
        '-' | '@' | '=' | '#' | 'B' => {
            listed().map(|(_, closing)| End::Line(closing)).or_else(named)?
        }
        _ => return None,
    };
    Some(Block::new(end))
}
