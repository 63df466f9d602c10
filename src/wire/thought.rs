//! What says, beside a text, that the text is thought.
//!
//! Servers and gateways mark the texts of a message by a flag, by the channel or phase that they belong to,
//! or by who is said to speak. Whatever says so, the text is reasoning.

use super::json::{Error, Kind as JsonKind, Reader, unescape_lossy};
use super::scan::{Channel, Kind, Slot};

/// Flags of a text that is thought.
const FLAGS: [&[u8]; 8] = [
    b"thought",
    b"is_thought",
    b"isThought",
    b"thinking",
    b"is_thinking",
    b"reasoning",
    b"is_reasoning",
    b"isReasoning",
];

/// Those of them that are texts, too.
const TEXTS: [&[u8]; 2] = [b"thinking", b"reasoning"];

/// Members that say what a text is, or who says it.
const NAMES: [&[u8]; 9] = [
    b"channel",
    b"content_type",
    b"kind",
    b"phase",
    b"role",
    b"section",
    b"stage",
    b"step_type",
    b"type",
];

/// Those of them that hold for what comes later, too, until it is said anew.
const LASTING: [&[u8]; 3] = [b"channel", b"phase", b"role"];

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
        let (flag, says) = (FLAGS.contains(&name), NAMES.contains(&name));
        if !flag && !says {
            return Ok(());
        }
        let mut reader = Reader::at(reader.bytes(), reader.position());
        let kind = reader.kind()?;
        let span = reader.skip()?;
        let value = reader.bytes().get(span).unwrap_or_default();
        if flag {
            let text: [&[u8]; 3] = [b"\"true\"", b"\"True\"", b"\"1\""];
            let not: [&[u8]; 3] = [b"false", b"0", b"0.0"];
            let worded =
                kind == JsonKind::String && !TEXTS.contains(&name) && text.contains(&value);
            self.says |= kind == JsonKind::Scalar && !not.contains(&value) || worded;
        } else if kind == JsonKind::String {
            let text = unescape_lossy(value.get(1..value.len() - 1).unwrap_or_default());
            let thought = is_worded(&text);
            self.says |= thought;
            if LASTING.contains(&name) {
                self.lasts = Some(self.lasts.unwrap_or_default() || thought);
            }
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

fn is_worded(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.split(|it: char| !it.is_alphabetic()).any(|word| WORDS.contains(&word))
}

/// Takes texts of an answer for reasoning.
pub(super) fn think(channels: &mut [Channel]) {
    for channel in channels {
        if matches!(channel.kind, Kind::Answer | Kind::Refusal) {
            (channel.lane.slot, channel.kind) = (Slot::ReasoningPart, Kind::Reasoning);
        }
    }
}
