//! Values that are no runs of text.

use std::ops::Range;

use crate::secret::opaque_debug;
use crate::wire::failure::Failure;
use crate::wire::listed::Shape;

/// A value that is not a run of text but that a countermeasure may have to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A way round the text channels: log-probabilities, token ids, an unknown member.
    Leak,
    /// The name of a member that nobody knows and that is worded like no name, so that it may say
    /// anything: a string's contents.
    Name,
    /// A number under a name that is known, where no such number is known to stand. Typed clients
    /// expect a number there: 0 takes its place.
    Number,
    /// A list under a name that is known, whose entries may say anything. Typed clients expect a list
    /// there: an empty one takes its place.
    List,
    /// What should be sealed and can be read: a text once more. It tells nothing where none is changed.
    Unsealed,
    /// The text at which the answer ended, which stands in `name`, too. It is the client's own, if
    /// the client asked for that.
    Stop,
    /// What a tool is called that is called like no program, which stands in `name`, too. It is the
    /// client's own, if the request has such a tool.
    Tool,
    /// The id of a call, in words: it tells nothing where no text is withheld.
    WordedId,
    /// The name of the model that answers: a string's contents.
    Model,
    /// What differs from model to model without being its name.
    ModelTrace,
    /// The role, which clients may see once per choice only.
    Role,
    /// The whole usage object.
    Usage,
    /// A count of input tokens, or of some part of them: its digits.
    InputTokens(u64),
    /// A count of output tokens: its digits.
    OutputTokens(u64),
    /// A count of reasoning tokens.
    ReasoningTokens(u64),
    /// A count of some other part of the output.
    PartTokens(u64),
    /// A count of all tokens.
    TotalTokens(u64),
    /// What may tell how much was generated without counting it: a cost, a duration.
    Telling,
    /// What an event says besides its texts and must say once: tool calls, a finish reason.
    Once,
    /// The same of what a tool is called. Typed clients expect a string there: an empty one says it no more.
    OnceCalled,
    /// The number of the event in its stream, which runs on: its digits.
    Sequence(u64),
    /// Random filling that hides an event's length: a string's contents.
    Padding,
    /// What an error says in words, and what it is about.
    ErrorMessage(Failure),
    /// What else stands in an error and may say anything.
    ErrorDetail,
}

/// Where such a value stands.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// What it is.
    pub kind: FieldKind,
    /// The whole value, or a string's contents where the kind says so.
    pub span: Range<usize>,
    /// The member's name, for a leak that a policy lets through; empty where the kind says nothing of
    /// it.
    pub name: String,
}

opaque_debug!(Field);

/// A value that may change with every event and tells nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::wire) struct Varying {
    /// The whole value.
    pub(in crate::wire) span: Range<usize>,
    /// What it is.
    pub(in crate::wire) shape: Shape,
}
