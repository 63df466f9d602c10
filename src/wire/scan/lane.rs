//! Runs of text: which text a piece belongs to, how it continues it, and where it ends.

use std::ops::Range;

/// What runs of text are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Reasoning that is shown beside the answer.
    Reasoning,
    /// The answer; reasoning may stand in it between inline tags.
    Answer,
    /// Arguments of a tool call.
    ToolArguments,
    /// What else the model says to its user, a refusal or the transcript of what it speaks. Reasoning
    /// may stand in it as in an answer, and it is not marked.
    Refusal,
}

/// Which run of text a piece belongs to. The pieces of one lane, in order, are one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// The choice, content block or item.
    pub group: u32,
    /// The part of an item, where items have several texts of one kind.
    pub part: u32,
    /// Which text of it.
    pub slot: Slot,
}

impl Lane {
    /// A text of a choice or block that has one of its kind.
    pub(in crate::wire) const fn new(group: u32, slot: Slot) -> Self {
        Self { group, part: 0, slot }
    }
}

/// Which text of a choice or block. Servers send the same reasoning under two names at once: each
/// name is a lane of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// The answer.
    Answer,
    /// `reasoning_content`, or a thinking block.
    Reasoning,
    /// The other name, `reasoning`.
    ReasoningAlias,
    /// Thinking parts of an array of content parts.
    ThinkingPart,
    /// Other texts that are said, beside them, to be thought.
    ReasoningPart,
    /// An entry of `reasoning_details`, by its index.
    ReasoningDetail(u32),
    /// The thinking blocks of another protocol, in `thinking_blocks`.
    ThinkingBlock,
    /// The same once more, among what a gateway adds of its provider's.
    ProviderThinkingBlock,
    /// The refusal text.
    Refusal,
    /// What a spoken answer says.
    Transcript,
    /// A tool call's arguments, by its index.
    Tool(u32),
}

/// How a piece of text continues its lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// It says what comes next.
    #[default]
    Delta,
    /// It says all so far, in a member beside the one that says what comes next: a text of its own, whose
    /// pieces repeat each other.
    Snapshot,
    /// It says again what its lane has said, in an event of its own. It is written from what the lane let
    /// out, so that all copies agree; what nobody said before, the lane says with it.
    Repeat,
}

impl Mode {
    /// The mode of the text that a piece of this mode belongs to.
    #[must_use]
    pub fn of_text(self) -> Self {
        if self == Self::Repeat { Self::Delta } else { self }
    }
}

/// One piece of text: the contents of a JSON string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Which text it continues.
    pub lane: Lane,
    /// What it is for.
    pub kind: Kind,
    /// How it continues it.
    pub mode: Mode,
    /// Where it stands, between the quotes.
    pub span: Range<usize>,
    /// Whether the block it belongs to is signed, so that it cannot be shortened.
    pub signed: bool,
}

/// Lanes that end with this event, its own text included. Held-back text must leave before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// The choice, block or item.
    pub group: u32,
    /// The part of an item that ends; `None` for all of it.
    pub part: Option<u32>,
    /// Only its reasoning ends; the answer goes on.
    pub reasoning_only: bool,
    /// The text ended at a limit, not where the model meant to.
    pub cut_short: bool,
}

impl Close {
    /// The end of a choice or block, or of its reasoning only.
    pub(in crate::wire) const fn of(group: u32, reasoning_only: bool, cut_short: bool) -> Self {
        Self { group, part: None, reasoning_only, cut_short }
    }

    /// Whether a lane is among those that end, be it with all of its reasoning only.
    #[must_use]
    pub fn is_of(&self, lane: Lane) -> bool {
        self.group == lane.group && self.part.is_none_or(|part| part == lane.part)
    }
}

/// Two positions in a lane's text, in Unicode characters or in the unit of its protocol, that an annotation
/// points to. A client
/// that shows the annotation looks there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// The text.
    pub lane: Lane,
    /// Where the number stands at which the cited passage begins, and that number.
    pub start: (Range<usize>, u64),
    /// The same of its end, which does not belong to the passage.
    pub end: (Range<usize>, u64),
    /// Where the part of the text begins from which they are counted.
    pub base: u64,
}
