//! What a protocol finds in one event or document.

use std::ops::Range;

use super::failure::Failure;

mod carrier;
mod field;
mod lane;
mod summary;
mod unplaced;
mod values;

pub use carrier::{Carrier, CarrierPlace, Share};
pub(super) use field::Varying;
pub use field::{Field, FieldKind};
pub use lane::{Channel, Citation, Close, Kind, Lane, Mode, Slot};
pub(crate) use summary::around;
pub use summary::{SummaryAt, SummaryEvent, SummaryPlace};
pub use unplaced::Unplaced;
pub(super) use unplaced::{Items, UNPLACED};

/// Reasons for which a text ends where its model meant to. Whatever other reason there is, the
/// model was kept from going on.
const MEANT: [&[u8]; 14] = [
    b"stop",
    b"end_turn",
    b"stop_sequence",
    b"tool_calls",
    b"function_call",
    b"tool_use",
    b"pause_turn",
    b"eos",
    b"eos_token",
    b"complete",
    b"finish",
    b"finished",
    b"stop_criteria_met",
    b"tool_call",
];

/// Reasons that say that a tool is called.
const CALLS: [&[u8]; 4] = [b"tool_calls", b"tool_call", b"function_call", b"tool_use"];

/// Whether a text that ended for this reason ends in the call of a tool.
pub(super) fn is_call(reason: &[u8]) -> bool {
    CALLS.iter().any(|call| call.eq_ignore_ascii_case(reason))
}

/// Whether a text that ended for this reason was cut short.
pub(super) fn is_cut_short(reason: &[u8]) -> bool {
    !MEANT.iter().any(|meant| meant.eq_ignore_ascii_case(reason))
}

/// A block that its server has signed or sealed: it may compare the texts around it with what it
/// wrote when they come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The choice that it concerns; `None` for all of the response.
    pub group: Option<u32>,
    /// Where in the event or document the texts begin that stand behind it.
    pub from: usize,
}

/// A block of a message that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The block.
    pub group: u32,
    /// Whether texts in it are the answer's.
    pub answers: bool,
    /// Whether it calls a tool.
    pub calls: bool,
    /// It is a part of one that has begun, which says what its texts are.
    pub within: bool,
}

/// What is said of all texts of a choice that come from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The choice.
    pub group: u32,
    /// Whether they are thought.
    pub thought: bool,
}

/// Which of the members under which texts stand have come in one object.
#[derive(Debug, Default)]
pub(super) struct Twice(u64);

/// The place of such a member. Of two of one name some parsers take the first and some the last, so
/// that nobody knows what an object says that has two.
fn once_only(name: &[u8]) -> Option<u32> {
    Some(match name {
        b"message" => 0,
        b"delta" => 1,
        b"content" => 2,
        b"content_block" => 3,
        b"type" => 4,
        b"text" => 5,
        b"thinking" => 6,
        b"reasoning" => 7,
        b"reasoning_content" => 8,
        b"reasoning_details" => 9,
        b"summary" => 10,
        b"refusal" => 11,
        b"audio" => 12,
        b"transcript" => 13,
        b"response" => 14,
        b"output" => 15,
        b"item" => 16,
        b"part" => 17,
        b"output_index" => 18,
        b"content_index" => 19,
        b"summary_index" => 20,
        b"data" => 21,
        b"candidates" => 22,
        b"parts" => 23,
        b"thought" => 24,
        b"reasoningContent" => 25,
        b"reasoningText" => 26,
        b"citationsContent" => 27,
        b"start" => 28,
        b"contentBlockIndex" => 29,
        b"token" => 30,
        b"generated_text" => 31,
        b"details" => 32,
        b"generation" => 33,
        b"completion" => 34,
        b"outputText" => 35,
        b"outputs" => 36,
        b"generations" => 37,
        b"results" => 38,
        _ => return None,
    })
}

/// Token counts as the upstream states them; they accumulate over a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the request.
    pub input: Option<u64>,
    /// Tokens of the response, reasoning included.
    pub output: Option<u64>,
    /// Tokens of reasoning.
    pub reasoning: Option<u64>,
    /// The server states the reasoning beside the output, not as a part of it.
    pub beside: bool,
}

/// Everything found in one event or document, in document order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Runs of text.
    pub channels: Vec<Channel>,
    /// Other values.
    pub fields: Vec<Field>,
    /// Lanes that end.
    pub closes: Vec<Close>,
    /// The choices or blocks behind whose text a tool is called.
    pub calls: Vec<u32>,
    /// Annotations that point into a text.
    pub citations: Vec<Citation>,
    /// Signed blocks.
    pub signed: Vec<Signed>,
    /// What carries reasoning that is signed or sealed.
    pub carriers: Vec<Carrier>,
    /// Where summaries of it go that its server has not written.
    pub summaries: Vec<SummaryPlace>,
    /// The ids of the answer and of its items, by which they can be asked for later: strings' contents.
    pub ids: Vec<Range<usize>>,
    /// Values that are quoted of others, or input of the client's tools: nobody's to change.
    pub quoted: Vec<Range<usize>>,
    /// The contents of strings that are encoded data, of any length: images, recordings, files, what
    /// is sealed. Short ones are left out.
    pub media: Vec<Range<usize>>,
    /// The item that an event is about, if it does not say which one of the answer's that is.
    pub unplaced: Option<Unplaced>,
    /// A block that begins.
    pub begins: Option<Block>,
    /// What is said of the texts that follow.
    pub turns: Vec<Turn>,
    /// The groups are blocks that follow each other in one message, no answers beside each other.
    pub in_blocks: bool,
    /// The stream says its texts again when they have ended.
    pub repeats: bool,
    /// Values that may change with every event and tell nothing: times, ids of events.
    pub(super) varying: Vec<Varying>,
    /// They do in this stream.
    pub varies: bool,
    /// A member under which texts stand comes twice in one object.
    pub ambiguous: bool,
    /// Token counts.
    pub usage: Usage,
    /// Why the whole answer ends, where that is told apart from its texts: whether it was cut short.
    pub cut_short: Option<bool>,
    /// All of the answer ends with this event, whatever of it the event shows.
    pub ends: bool,
    /// What ends a text that stands before this event calls a tool: a block, or the whole answer.
    pub called: bool,
    /// The event says nothing but that the connection lives.
    pub idle: bool,
    /// The event says more than its channels and fields: it cannot be dropped when its channels are
    /// emptied.
    pub says_more: bool,
    /// It cannot be repeated either, with what it says once taken out.
    pub unrepeatable: bool,
    /// The event or document is an error, and no answer.
    pub error: bool,
    /// The event holds usage and nothing else.
    pub only_usage: bool,
}

impl Scan {
    /// Whether what was found up to `cut`, which stands in a string, cannot be found to be otherwise by
    /// what follows, as far as it is more than texts: the string may hold data of any length.
    pub(crate) fn is_certain_before(&self, cut: usize) -> bool {
        let data = self.media.iter().any(|span| span.start < cut && cut <= span.end);
        let padded = self.fields.iter().any(|field| field.kind == FieldKind::Padding);
        let counts = self.usage != Usage::default() || !self.citations.is_empty();
        let told = self.unplaced.is_none() && !self.ambiguous;
        data && !padded && !counts && told && !self.error
    }

    /// Forgets what was found, keeping the memory.
    pub fn clear(&mut self) {
        let Self {
            channels,
            fields,
            closes,
            calls,
            citations,
            signed,
            carriers,
            summaries,
            ids,
            quoted,
            media,
            varying,
            usage,
            turns,
            ..
        } = self;
        channels.clear();
        turns.clear();
        fields.clear();
        closes.clear();
        calls.clear();
        citations.clear();
        signed.clear();
        carriers.clear();
        summaries.clear();
        ids.clear();
        quoted.clear();
        media.clear();
        varying.clear();
        *usage = Usage::default();
        (self.begins, self.unplaced) = (None, None);
        (self.in_blocks, self.ambiguous) = (false, false);
        (self.cut_short, self.called, self.idle) = (None, false, false);
        self.ends = false;
        (self.says_more, self.unrepeatable) = (false, false);
        (self.error, self.only_usage) = (false, false);
        (self.repeats, self.varies) = (false, false);
    }

    /// The number of the event in its stream, if it has one.
    #[must_use]
    pub fn sequence(&self) -> Option<u64> {
        self.fields.iter().find_map(|field| match field.kind {
            FieldKind::Sequence(number) => Some(number),
            _ => None,
        })
    }

    pub(super) fn text(&mut self, lane: Lane, kind: Kind, span: Range<usize>) {
        self.channels.push(Channel { lane, kind, mode: Mode::Delta, span, signed: false });
    }

    pub(super) fn field(&mut self, kind: FieldKind, span: Range<usize>) {
        self.fields.push(Field { kind, span, name: String::new() });
    }

    /// The name, once it is known whether another of the object has had it.
    pub(super) fn once_only<'n>(&mut self, twice: &mut Twice, name: &'n [u8]) -> &'n [u8] {
        if let Some(place) = once_only(name) {
            self.ambiguous |= twice.0 & 1 << place != 0;
            twice.0 |= 1 << place;
        }
        name
    }

    /// Says what an error is about whose fields begin with the one at `first`.
    pub(super) fn settle(&mut self, first: usize, failure: Failure) {
        for field in self.fields.iter_mut().skip(first) {
            if matches!(field.kind, FieldKind::ErrorMessage(_)) {
                field.kind = FieldKind::ErrorMessage(failure);
            }
        }
    }
}

impl Usage {
    /// Takes over the counts that `later` states.
    pub fn update(&mut self, later: Self) {
        let Self { input, output, reasoning, beside } = later;
        self.input = input.or(self.input);
        self.output = output.or(self.output);
        self.reasoning = reasoning.or(self.reasoning);
        self.beside = if output.is_some() { beside } else { self.beside };
    }
}
