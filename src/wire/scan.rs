//! What a protocol finds in one event or document.

use std::ops::Range;

use super::failure::Failure;
use super::json::{self, Error, Reader};
use super::listed::{Listed, Shape, is_worded_id, long_strings, number, shape};
use crate::secret::opaque_debug;

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
    pub(super) const fn new(group: u32, slot: Slot) -> Self {
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
    ReasoningPart,
    /// An entry of `reasoning_details`, by its index.
    ReasoningDetail(u32),
    /// A thinking block of another protocol, in `thinking_blocks`.
    ThinkingBlock,
    /// The refusal text.
    Refusal,
    /// What a spoken answer says.
    Transcript,
    /// A tool call's arguments, by its index.
    Tool(u32),
}

/// How a piece of text continues its lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
    pub(super) const fn of(group: u32, reasoning_only: bool, cut_short: bool) -> Self {
        Self { group, part: None, reasoning_only, cut_short }
    }

    /// Whether a lane is among those that end, be it with all of its reasoning only.
    #[must_use]
    pub fn is_of(&self, lane: Lane) -> bool {
        self.group == lane.group && self.part.is_none_or(|part| part == lane.part)
    }
}

/// The longest text of a client's at which an answer ends, in bytes.
const LONGEST_STOP: usize = 256;

/// Reasons for which a text ends where its model meant to. Whatever other reason there is, the
/// model was kept from going on.
const MEANT: [&[u8]; 10] = [
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
];

/// Reasons that say that a tool is called.
const CALLS: [&[u8]; 3] = [b"tool_calls", b"function_call", b"tool_use"];

/// Whether a text that ended for this reason ends in the call of a tool.
pub(super) fn is_call(reason: &[u8]) -> bool {
    CALLS.iter().any(|call| call.eq_ignore_ascii_case(reason))
}

/// Whether a text that ended for this reason was cut short.
pub(super) fn is_cut_short(reason: &[u8]) -> bool {
    !MEANT.iter().any(|meant| meant.eq_ignore_ascii_case(reason))
}

/// Two positions in a lane's text, in Unicode characters, that an annotation points to. A client
/// that shows the annotation looks there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// The text.
    pub lane: Lane,
    /// Where the number stands at which the cited passage begins, and that number.
    pub start: (Range<usize>, u64),
    /// The same of its end, which does not belong to the passage.
    pub end: (Range<usize>, u64),
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

/// A value that may change with every event and tells nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Varying {
    /// The whole value.
    pub(super) span: Range<usize>,
    /// What it is.
    pub(super) shape: Shape,
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
}

/// What is said of all texts of a choice that come from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The choice.
    pub group: u32,
    /// Whether they are thought.
    pub thought: bool,
}

/// Members under which texts stand. Of two of one name some parsers take the first and some the
/// last, so that nobody knows what an object says that has two.
const ONCE_ONLY: [&[u8]; 14] = [
    b"message",
    b"delta",
    b"content",
    b"content_block",
    b"type",
    b"text",
    b"thinking",
    b"reasoning",
    b"reasoning_content",
    b"reasoning_details",
    b"summary",
    b"refusal",
    b"audio",
    b"transcript",
];

/// Which of them have come in one object.
#[derive(Debug, Default)]
pub(super) struct Twice([bool; ONCE_ONLY.len()]);

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
    /// Values that are quoted of others, or input of the client's tools: nobody's to change.
    pub quoted: Vec<Range<usize>>,
    /// The contents of strings that are encoded data, of any length: images, recordings, files, what
    /// is sealed. Short ones are left out.
    pub media: Vec<Range<usize>>,
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
        data && !padded && !counts && !self.ambiguous && !self.error
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
        quoted.clear();
        media.clear();
        varying.clear();
        *usage = Usage::default();
        (self.begins, self.in_blocks, self.ambiguous) = (None, false, false);
        (self.cut_short, self.called, self.idle) = (None, false, false);
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
        let known = ONCE_ONLY.iter().zip(&mut twice.0).find(|(known, _)| **known == name);
        if let Some((_, seen)) = known {
            self.ambiguous |= std::mem::replace(seen, true);
        }
        name
    }

    /// Reads the next value as one that its event says once, unless it says nothing.
    pub(super) fn once(
        &mut self,
        reader: &mut Reader<'_>,
        value: impl FnOnce(&mut Self, &mut Reader<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let span = reader.spanned(|reader| value(self, reader))?;
        let nothing: [&[u8]; 4] = [b"null", b"[]", b"{}", b"\"\""];
        if !nothing.contains(&reader.bytes().get(span.clone()).unwrap_or_default()) {
            self.says_more = true;
            self.field(FieldKind::Once, span);
        }
        Ok(())
    }

    /// Whether a value of the kind that the member `name` is known to have stands next. Another is
    /// read as a leak: what it says is known to nobody.
    pub(super) fn expects(
        &mut self,
        kind: json::Kind,
        reader: &mut Reader<'_>,
        name: &[u8],
    ) -> Result<bool, Error> {
        if reader.kind()? == kind {
            return Ok(true);
        }
        self.leak(reader, name).map(|()| false)
    }

    /// Reads the next value as a leak, unless it is null.
    pub(super) fn leak(&mut self, reader: &mut Reader<'_>, name: &[u8]) -> Result<(), Error> {
        self.unlisted(reader, FieldKind::Leak, name)
    }

    /// Passes over the next value if `list` has its name and it is of the shape that goes with it;
    /// otherwise it is read as a leak.
    pub(super) fn listed(
        &mut self,
        reader: &mut Reader<'_>,
        list: &[Listed],
        name: &[u8],
    ) -> Result<(), Error> {
        match shape(list, name) {
            Some(shape) => self.shaped(reader, shape, FieldKind::Leak, name),
            None => self.leak(reader, name),
        }
    }

    /// Passes over the next value if it has a shape; otherwise it is read as a field of this kind.
    pub(super) fn shaped(
        &mut self,
        reader: &mut Reader<'_>,
        shape: Shape,
        kind: FieldKind,
        name: &[u8],
    ) -> Result<(), Error> {
        let span = reader.skip()?;
        let value = reader.bytes().get(span.clone()).unwrap_or_default();
        if !shape.fits(value) {
            let counts =
                kind == FieldKind::Leak && !value.starts_with(b"\"") && number(value).is_some();
            self.named_field(if counts { FieldKind::Number } else { kind }, span, name);
        } else {
            if shape.is_data() {
                self.encoded(reader.bytes(), span.clone());
            }
            if shape.is_quoted() {
                self.quoted.push(span);
            } else if shape.varies() && value != b"null" {
                self.varying.push(Varying { span, shape });
            }
        }
        Ok(())
    }

    /// Notes the data that stands in a value which may hold any.
    pub(super) fn encoded(&mut self, bytes: &[u8], span: Range<usize>) {
        let value = bytes.get(span.clone()).unwrap_or_default();
        let long = long_strings(value);
        self.media.extend(long.map(|it| it.start + span.start..it.end + span.start));
    }

    /// Reads the next value as the text at which the answer ended.
    pub(super) fn stop(&mut self, reader: &mut Reader<'_>, name: &[u8]) -> Result<(), Error> {
        let text = reader.kind()? == json::Kind::String;
        let known = self.fields.len();
        let span = reader.spanned(|reader| {
            self.shaped(reader, Shape::Text(LONGEST_STOP), FieldKind::Leak, name)
        })?;
        if text && self.fields.len() == known {
            let raw = reader.bytes().get(span.start + 1..span.end - 1).unwrap_or_default();
            self.named_field(FieldKind::Stop, span, json::unescape_lossy(raw).as_bytes());
        }
        Ok(())
    }

    /// Reads the next value as the name of a tool.
    pub(super) fn tool(&mut self, reader: &mut Reader<'_>, name: &[u8]) -> Result<(), Error> {
        if reader.kind()? != json::Kind::String {
            return self.shaped(reader, Shape::Identifier, FieldKind::Leak, name);
        }
        let span = reader.skip()?;
        let value = reader.bytes().get(span.clone()).unwrap_or_default();
        if !Shape::Identifier.fits(value) {
            let raw = value.get(1..value.len() - 1).unwrap_or_default();
            self.named_field(FieldKind::Tool, span, json::unescape_lossy(raw).as_bytes());
        }
        Ok(())
    }

    /// Reads the next value as the id of a call.
    pub(super) fn call_id(&mut self, reader: &mut Reader<'_>, name: &[u8]) -> Result<(), Error> {
        reader.kind()?;
        let start = reader.position();
        let span = reader.skip()?;
        let value = reader.bytes().get(span.clone()).unwrap_or_default();
        if !Shape::CallId.fits(value) && is_worded_id(value) {
            self.named_field(FieldKind::WordedId, span, name);
            return Ok(());
        }
        *reader = Reader::at(reader.bytes(), start);
        self.shaped(reader, Shape::CallId, FieldKind::Leak, name)
    }

    /// The contents of the next value if it is an identifier; any other but null is read as a leak.
    pub(super) fn identifier(
        &mut self,
        reader: &mut Reader<'_>,
        name: &[u8],
    ) -> Result<Option<Range<usize>>, Error> {
        let text = reader.kind()? == json::Kind::String;
        let start = reader.position();
        let known = self.fields.len();
        self.shaped(reader, Shape::Identifier, FieldKind::Leak, name)?;
        let contents = start + 1..reader.position() - 1;
        Ok((text && self.fields.len() == known).then_some(contents))
    }

    /// Reads the next value as the number of its event.
    #[cfg(test)]
    pub(super) fn number_of_event(
        &mut self,
        reader: &mut Reader<'_>,
        name: &[u8],
    ) -> Result<(), Error> {
        if let Some((span, number)) = self.whole_number(reader, name)? {
            self.field(FieldKind::Sequence(number), span);
        }
        Ok(())
    }

    /// The next value if it is a whole number; any other but null is read as a leak.
    pub(super) fn whole_number(
        &mut self,
        reader: &mut Reader<'_>,
        name: &[u8],
    ) -> Result<Option<(Range<usize>, u64)>, Error> {
        reader.kind()?;
        let start = reader.position();
        let number = reader.whole_number()?;
        if number.is_none() {
            *reader = Reader::at(reader.bytes(), start);
            self.leak(reader, name)?;
        }
        Ok(number)
    }

    /// Reads the next value as the name of the model that answers.
    pub(super) fn model(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        let model = self.identifier(reader, b"model")?;
        model.into_iter().for_each(|span| self.field(FieldKind::Model, span));
        Ok(())
    }

    /// Reads the next value as a field of this kind, unless it is null.
    pub(super) fn unlisted(
        &mut self,
        reader: &mut Reader<'_>,
        kind: FieldKind,
        name: &[u8],
    ) -> Result<(), Error> {
        let null = reader.kind()? == json::Kind::Null;
        if !is_name(name) {
            let written = name_before(reader.bytes(), reader.position());
            written.into_iter().for_each(|span| self.named_field(FieldKind::Name, span, name));
        }
        let span = reader.skip()?;
        if !null {
            self.named_field(kind, span, name);
        }
        Ok(())
    }

    fn named_field(&mut self, kind: FieldKind, span: Range<usize>, name: &[u8]) {
        let name = String::from_utf8_lossy(name).into_owned();
        self.fields.push(Field { kind, span, name });
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

/// Whether a member's name is worded as names are: short, and without white space.
fn is_name(name: &[u8]) -> bool {
    const LONGEST: usize = 64;
    let usual = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.:@$/".contains(byte);
    name.len() <= LONGEST && name.iter().all(usual)
}

/// Where the name of the member is written whose value begins at `value`.
fn name_before(bytes: &[u8], value: usize) -> Option<Range<usize>> {
    let before = bytes.get(..value)?.trim_ascii_end().strip_suffix(b":")?;
    let name = before.trim_ascii_end().strip_suffix(b"\"")?;
    let opens = |at: &usize| {
        let before = name.get(..*at).unwrap_or_default().iter().rev();
        before.take_while(|byte| **byte == b'\\').count() % 2 == 0
    };
    let quote = memchr::memrchr_iter(b'"', name).find(opens)?;
    Some(quote + 1..name.len())
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
