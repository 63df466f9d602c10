//! One event, looked into.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;

use super::blank::{Blank, BlankEvent};
use super::chunk::{self, Chunk};
use super::event_stream::{self, Message};
use super::sse::Block;
use super::{Framing, Unframed, array, ndjson};
use crate::secret::opaque_debug;
use crate::wire::json::{Edit, closing, splice, splice_into};

/// One event, looked into: where its payload is, and how it is written anew.
pub struct Event<'a> {
    raw: &'a [u8],
    form: Form<'a>,
}

opaque_debug!(Event<'_>, Stated<'_>);

/// What the framing of an event says of it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Stated<'a> {
    /// What it calls the event.
    pub kind: Option<&'a [u8]>,
    /// The event is an error.
    pub is_error: bool,
}

enum Form<'a> {
    Block(Block<'a>),
    Message(Message),
    Chunk(Message, Chunk),
    /// JSON with nothing beside it that could say anything; where it stands, if there is any.
    Plain {
        framing: Framing,
        value: Option<Range<usize>>,
    },
    /// None of its framing.
    Foreign,
}

impl<'a> Event<'a> {
    /// Looks into a raw event.
    #[must_use]
    #[inline]
    pub fn parse(framing: Framing, raw: &'a [u8]) -> Self {
        let plain = |value| Form::Plain { framing, value };
        let form = match framing {
            Framing::Sse => Form::Block(Block::parse(raw)),
            Framing::AwsEventStream => Message::of(raw).map_or(Form::Foreign, Form::Message),
            Framing::AwsChunks => chunk(raw),
            Framing::JsonArray => plain(array::value(raw)),
            Framing::Ndjson | Framing::Document => plain(ndjson::value(raw)),
        };
        Self { raw, form }
    }

    /// The event as it came.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// What it says, as one text; `None` if it says nothing, as a comment does.
    #[must_use]
    #[inline]
    pub fn payload(&self) -> Option<Cow<'a, [u8]>> {
        match &self.form {
            Form::Block(block) => block.payload(),
            Form::Chunk(_, chunk) => Some(Cow::Owned(chunk.event.clone())),
            _ => self.span().and_then(|span| self.raw.get(span)).map(Cow::Borrowed),
        }
    }

    /// What its framing says of it that its payload may not: how an event stream of Amazon's calls it.
    #[must_use]
    #[inline]
    pub fn stated(&self) -> Stated<'a> {
        match &self.form {
            Form::Message(message) => Stated { kind: self.kind(), is_error: message.is_error },
            // What a chunk is says its event.
            Form::Block(_) | Form::Chunk(..) | Form::Plain { .. } | Form::Foreign => {
                Stated::default()
            }
        }
    }

    /// Its framing.
    #[must_use]
    pub fn framing(&self) -> Framing {
        match &self.form {
            Form::Block(_) | Form::Foreign => Framing::Sse,
            Form::Message(_) => Framing::AwsEventStream,
            Form::Chunk(..) => Framing::AwsChunks,
            Form::Plain { framing, .. } => *framing,
        }
    }

    /// What its framing calls it, where that names events.
    #[must_use]
    pub fn kind(&self) -> Option<&'a [u8]> {
        match &self.form {
            Form::Block(block) => block.name(),
            Form::Message(message) | Form::Chunk(message, _) => {
                message.kind.clone().and_then(|kind| self.raw.get(kind))
            }
            Form::Plain { .. } | Form::Foreign => None,
        }
    }

    /// Whether it ends the stream, by what its framing says.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(&self.form, Form::Plain { framing: Framing::JsonArray, .. } if array::is_end(self.raw))
    }

    /// Whether what is around it stays whole without it: a bracket of an array cannot go.
    #[must_use]
    pub fn can_be_left_out(&self) -> bool {
        !matches!(self.form, Form::Plain { framing: Framing::JsonArray, value: None })
    }

    /// Whether something stands in it that client libraries do not read, or not all of them alike; a
    /// reader of the bytes does.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        match &self.form {
            Form::Block(block) => block.is_foreign(),
            Form::Message(message) | Form::Chunk(message, _) => message.is_foreign,
            Form::Plain { .. } => false,
            Form::Foreign => true,
        }
    }

    /// The event with nothing but its payload, and its name if `is_known`; `None` if it has nothing
    /// else. What stands beside may say anything.
    #[must_use]
    pub fn bare(&self, is_known: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        match &self.form {
            Form::Block(block) => block.bare(is_known),
            Form::Message(message) => message.bare(self.raw, is_known),
            Form::Chunk(message, chunk) => {
                let bare = message.bare(self.raw, is_known);
                if bare.is_none() && !chunk.has_more {
                    return None;
                }
                let event = Unframed { kind: None, payload: chunk.event.clone(), is_error: false };
                Some(Framing::AwsChunks.frame(&event))
            }
            Form::Plain { .. } | Form::Foreign => None,
        }
    }

    /// Appends the event with `edits` of its `payload` and all else as it was.
    pub fn write(&self, payload: &[u8], edits: &mut [Edit], out: &mut Vec<u8>) {
        if let Form::Chunk(message, chunk) = &self.form {
            let event = splice(payload, edits);
            let around = self.raw.get(message.payload.clone()).unwrap_or_default();
            let headers = message.headers(self.raw);
            return event_stream::write(headers, out, |out| chunk.write(around, &event, out));
        }
        let in_lines = !matches!(self.form, Form::Message(_));
        let Some(span) = self.span().filter(|_| !in_lines || edits.iter().all(is_one_line)) else {
            // Lines are put together and parted again.
            return match &self.form {
                Form::Block(block) => {
                    out.extend_from_slice(&block.with_payload(&splice(payload, edits)));
                }
                _ => out.extend_from_slice(self.raw),
            };
        };
        let added: usize = edits.iter().map(|edit| edit.with.len()).sum();
        let removed: usize = edits.iter().map(|edit| edit.span.len()).sum();
        out.reserve_exact((self.raw.len() + added).saturating_sub(removed));
        if let Form::Message(message) = &self.form {
            let headers = message.headers(self.raw);
            return event_stream::write(headers, out, |out| splice_into(payload, edits, out));
        }
        out.extend_from_slice(self.raw.get(..span.start).unwrap_or_default());
        splice_into(payload, edits, out);
        out.extend_from_slice(self.raw.get(span.end..).unwrap_or_default());
    }

    /// The event with `edits` of its `payload` and without what stands at `places`, to be filled with
    /// other texts and numbers; `None` if that is not possible.
    #[must_use]
    pub fn blank(
        &self,
        payload: &[u8],
        places: Vec<(Blank, Range<usize>)>,
        edits: Vec<Edit>,
    ) -> Option<BlankEvent> {
        if let Form::Chunk(message, _) = &self.form {
            let blank = BlankEvent::of(payload, places, edits)?;
            return Some(blank.in_chunk(message.headers(self.raw).to_vec()));
        }
        let Some(span) = self.span() else {
            let Form::Block(block) = &self.form else { return None };
            // On several lines: broken between tokens, where a space says the same.
            let line: Vec<u8> =
                payload.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }).collect();
            let raw = block.with_payload(&line);
            let event = Event::parse(Framing::Sse, &raw);
            event.span()?;
            return event.blank(&line, places, edits);
        };
        let blank = BlankEvent::of(payload, places, edits)?;
        if let Form::Message(message) = &self.form {
            return Some(blank.in_message(message.headers(self.raw).to_vec()));
        }
        let head = match &self.form {
            Form::Plain { framing: Framing::JsonArray, .. } => array::BEFORE,
            _ => self.raw.get(..span.start)?,
        };
        Some(blank.between(head, self.raw.get(span.end..)?))
    }

    /// Where the payload stands, if it is on one line.
    fn span(&self) -> Option<Range<usize>> {
        match &self.form {
            Form::Block(block) => block.payload_span(),
            Form::Message(message) => Some(message.payload.clone()),
            Form::Plain { value, .. } => value.clone(),
            Form::Chunk(..) | Form::Foreign => None,
        }
    }
}

/// A message that holds an event of another's, or says what went wrong itself.
fn chunk<'a>(raw: &'a [u8]) -> Form<'a> {
    let Some(message) = Message::of(raw) else { return Form::Foreign };
    let own = message.kind.clone().and_then(|kind| raw.get(kind)) == Some(chunk::KIND.as_bytes());
    if message.is_error || !own {
        return Form::Message(message);
    }
    let chunk = raw.get(message.payload.clone()).and_then(Chunk::of);
    chunk.map_or(Form::Foreign, |chunk| Form::Chunk(message, chunk))
}

fn is_one_line(edit: &Edit) -> bool {
    memchr2(b'\n', b'\r', &edit.with).is_none()
}

/// An event that has broken off within a string, made whole.
pub(crate) struct MadeWhole {
    /// The event.
    pub(crate) event: Vec<u8>,
    /// What of it was put behind its beginning.
    pub(crate) end: Vec<u8>,
    /// How much of that belongs to the payload.
    pub(crate) closing: usize,
}

impl MadeWhole {
    /// The event that begins so, if it can be made whole.
    pub(crate) fn of(framing: Framing, beginning: &[u8]) -> Option<Self> {
        let end: &[u8] = match framing {
            Framing::Sse => b"\n\n",
            Framing::Ndjson => b"\n",
            Framing::JsonArray | Framing::Document => b"",
            Framing::AwsEventStream | Framing::AwsChunks => return None,
        };
        let broken_off = [beginning, end].concat();
        let closing = closing(&Event::parse(framing, &broken_off).payload()?)?;
        let end = [&*closing, end].concat();
        let event = [beginning, &end].concat();
        Some(Self { event, end, closing: closing.len() })
    }
}
