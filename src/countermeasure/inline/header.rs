//! Harmony's headers, which name the channel that a message stands in.

use super::marker::{Match, literal};

/// What begins one.
const CHANNEL: &str = "<|channel|>";

/// What ends one.
const MESSAGE: &str = "<|message|>";

/// The channels that are not the answer.
const CHANNELS: [&str; 2] = ["analysis", COMMENTARY];

/// The one in which tools are called, too.
const COMMENTARY: &str = "commentary";

/// The most that a header says behind its channel.
const REST: usize = 160;

/// `<|channel|>analysis<|message|>`, or `commentary` that is not a call, with what else the header
/// says. Where a server leaves out the token behind the name, the message is grown to that.
pub(super) fn find(text: &str) -> Match {
    match literal(text, CHANNEL) {
        Match::Yes(_) => {}
        other => return other,
    }
    let header = text.get(CHANNEL.len()..).unwrap_or_default();
    let name_start = header.trim_start();
    let spaces = header.len() - name_start.len();
    let name = name_start.trim_start_matches(|it: char| it.is_ascii_alphabetic());
    let length = name_start.len() - name.len();
    let rest = name;
    let name = name_start.get(..length).unwrap_or_default();
    if spaces > 8 {
        return Match::No;
    }
    let named = |known: &&&str| {
        name.get(..known.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(known))
    };
    let Some(known) = CHANNELS.iter().find(named) else {
        let lower = name.to_ascii_lowercase();
        let begins = || CHANNELS.iter().any(|known| known.starts_with(&lower));
        return if rest.is_empty() && begins() { Match::Perhaps } else { Match::No };
    };
    let bare = CHANNEL.len() + spaces + known.len();
    if length > known.len() {
        return Match::Yes(bare);
    }
    if rest.is_empty() {
        return Match::Perhaps;
    }
    let end = rest.find(MESSAGE);
    let said = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    let broken = ["\n", "<|channel|>", "<|start|>", "<|end|>"].iter().any(|it| said.contains(it));
    let Some(message) = end.filter(|_| !broken && said.len() < REST) else {
        let open = !broken && said.len() < REST;
        return if open { Match::Perhaps } else { Match::Yes(bare) };
    };
    if *known == COMMENTARY && said.contains("to=") {
        // The arguments of a tool call, not reasoning.
        return Match::No;
    }
    Match::Yes(bare + message + MESSAGE.len())
}

/// How much of a text is of the header that may be beginning there, whatever follows.
pub(super) fn certain(text: &str) -> usize {
    let behind = text.get(CHANNEL.len()..).unwrap_or_default();
    let name = behind.trim_start().trim_start_matches(|it: char| it.is_ascii_alphabetic());
    text.len() - name.len()
}

/// Whether a header that was found is without the token that ends it.
pub(super) fn is_bare(header: &str) -> bool {
    !header.ends_with(MESSAGE)
}

/// The header in which a prompt ends, if it does, and it may be one of a channel that is not the answer's. To a model
/// its tokens are no less in what reads like code.
pub(super) fn at_end_of(prompt: &str) -> Option<String> {
    let (_, said) = prompt.rsplit_once(CHANNEL)?;
    // However many blanks a caller puts there.
    let header = [CHANNEL, said.trim_start()].concat();
    (find(&header) == Match::Perhaps).then_some(header)
}

/// Whether the beginning of a header names such a channel, and has not said that a tool is called.
pub(super) fn names_reasoning(header: &str) -> bool {
    let said = header.strip_prefix(CHANNEL).unwrap_or_default();
    let name = said.split("<|").next().unwrap_or_default().trim_start();
    CHANNELS.iter().any(|known| {
        let named = name.get(..known.len()).is_some_and(|it| it.eq_ignore_ascii_case(known));
        named && (*known != COMMENTARY || !name.contains("to="))
    })
}
