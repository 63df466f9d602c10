//! What says, beside a text, that the text is thought.
//!
//! Servers and gateways mark the texts of a message by a flag, by the channel or phase that they belong to,
//! or by who is said to speak. Whatever says so, the text is reasoning.

use super::json::{Error, Kind as JsonKind, Reader, unescape_lossy};
use super::scan::{Channel, Kind, Scan, Slot, Twice};

/// How a member says of the texts beside it whether they are thought.
enum Saying {
    /// By being set; `text` if it may be a text, too, and is none of these then.
    Flag { text: bool },
    /// By a word for what the texts are, or for who says them; `lasts` if that holds for what comes
    /// later, too, until it is said anew.
    Word { lasts: bool },
}

fn saying(name: &[u8]) -> Option<Saying> {
    Some(match name {
        b"thought" | b"is_thought" | b"isThought" | b"is_thinking" | b"is_reasoning"
        | b"isReasoning" => Saying::Flag { text: false },
        b"thinking" | b"reasoning" => Saying::Flag { text: true },
        b"channel" | b"phase" | b"role" => Saying::Word { lasts: true },
        b"content_type" | b"kind" | b"section" | b"stage" | b"step_type" | b"type" => {
            Saying::Word { lasts: false }
        }
        _ => return None,
    })
}

/// Words by which they say that it is thought.
const WORDS: [&str; 16] = [
    "analysis",
    "commentary",
    "cot",
    "deliberation",
    "monologue",
    "reason",
    "reasoner",
    "reasoning",
    "reflection",
    "scratchpad",
    "think",
    "thinker",
    "thinking",
    "thought",
    "thoughts",
    "thoughtful",
];

/// What the members of an object say of its texts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Thought {
    says: bool,
    /// What is said of later ones.
    lasts: Option<bool>,
}

impl Thought {
    /// Looks at the member that stands next, which is read elsewhere.
    pub(super) fn read(&mut self, name: &[u8], reader: &Reader<'_>) -> Result<(), Error> {
        let Some(saying) = saying(name) else { return Ok(()) };
        let mut reader = Reader::at(reader.bytes(), reader.position());
        let kind = reader.kind()?;
        let span = reader.skip()?;
        let value = reader.bytes().get(span).unwrap_or_default();
        match saying {
            Saying::Flag { text } => {
                let set: [&[u8]; 3] = [b"\"true\"", b"\"True\"", b"\"1\""];
                let unset: [&[u8]; 3] = [b"false", b"0", b"0.0"];
                let worded = kind == JsonKind::String && !text && set.contains(&value);
                self.says |= kind == JsonKind::Scalar && !unset.contains(&value) || worded;
            }
            Saying::Word { lasts } if kind == JsonKind::String => {
                let text = unescape_lossy(value.get(1..value.len() - 1).unwrap_or_default());
                let thought = is_worded(&text);
                self.says |= thought;
                if lasts {
                    self.lasts = Some(self.lasts.unwrap_or_default() || thought);
                }
            }
            Saying::Word { .. } => {}
        }
        Ok(())
    }

    /// Takes over what another object says of the same texts.
    pub(super) fn join(&mut self, other: Self) {
        self.says |= other.says;
        self.lasts = match (self.lasts, other.lasts) {
            (Some(one), Some(other)) => Some(one || other),
            (one, other) => one.or(other),
        };
    }

    /// Whether the texts are thought.
    pub(super) fn says(self) -> bool {
        self.says
    }

    /// Whether what comes later is, if that is said.
    pub(super) fn lasts(self) -> Option<bool> {
        self.lasts
    }
}

/// Reads an object that may hold texts, each member by `member`: what it says of its texts. A member that
/// comes twice is noted.
pub(super) fn members<'r>(
    reader: &mut Reader<'r>,
    scan: &mut Scan,
    mut member: impl FnMut(&mut Reader<'r>, &[u8], &mut Thought, &mut Scan) -> Result<(), Error>,
) -> Result<Thought, Error> {
    let (mut twice, mut thought) = (Twice::default(), Thought::default());
    reader.members(|reader, key| {
        let name = key.name();
        thought.read(&name, reader)?;
        scan.once_only(&mut twice, &name);
        member(reader, &name, &mut thought, scan)
    })?;
    Ok(thought)
}

fn is_worded(text: &str) -> bool {
    let is_thought = |word: &str| WORDS.iter().any(|it| it.eq_ignore_ascii_case(word));
    text.split(|it: char| !it.is_alphabetic()).any(is_thought)
}

/// Takes texts of an answer for reasoning.
pub(super) fn think(channels: &mut [Channel]) {
    for channel in channels {
        if matches!(channel.kind, Kind::Answer | Kind::Refusal) {
            (channel.lane.slot, channel.kind) = (Slot::ReasoningPart, Kind::Reasoning);
        }
    }
}
