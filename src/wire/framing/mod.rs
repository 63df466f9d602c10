//! Framings: how a body is divided into events, and written again from edited ones.
//!
//! A [`Splitter`] cuts a byte stream into raw events, each with every byte that it came with. An
//! event that nobody edits is forwarded as it is. [`Event`] finds the payload of one and writes it
//! with its edits in place; an [`Unframed`] event of the layer's own gets its form here too. Nothing
//! outside knows how a framing looks.
//!
//! ```
//! use bytes::Bytes;
//! use guilloche::wire::framing::{Event, Framing, Splitter};
//!
//! let mut splitter = Splitter::new(Framing::Sse, 1024);
//! splitter.push(Bytes::from_static(b": ping\n\ndata: {\"a\":"));
//! assert_eq!(splitter.next_event()?.as_deref(), Some(&b": ping\n\n"[..]));
//! assert_eq!(splitter.next_event()?, None);
//! splitter.push(Bytes::from_static(b"1}\n\n"));
//! let event = splitter.next_event()?.unwrap_or_default();
//! let event = Event::parse(Framing::Sse, &event);
//! assert_eq!(event.payload().as_deref(), Some(&b"{\"a\":1}"[..]));
//! # Ok::<(), guilloche::wire::framing::EventError>(())
//! ```

mod array;
pub(in crate::wire) mod base64;
mod blank;
mod chunk;
mod commas;
mod crc32;
mod data;
mod error;
mod event;
mod event_stream;
pub(crate) mod flow;
mod ndjson;
mod splitter;
mod sse;
#[cfg(test)]
mod tests;
mod unframed;

pub use blank::{Blank, BlankEvent};
pub(crate) use commas::Commas;
pub use error::EventError;
pub(crate) use event::MadeWhole;
pub use event::{Event, Stated};
pub use splitter::Splitter;
pub use unframed::{Heartbeat, Unframed};

/// How a body is divided into events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Framing {
    /// It is not: one document of JSON.
    Document,
    /// Server-sent events.
    Sse,
    /// One line of JSON each.
    Ndjson,
    /// The elements of one array of JSON, as they come.
    JsonArray,
    /// The binary messages of Amazon's event streams.
    AwsEventStream,
    /// The same, each with an event of another's in base64.
    AwsChunks,
}

impl Framing {
    /// The framing of a media type, which is in lower case and without parameters.
    #[must_use]
    pub fn of_media_type(media_type: &[u8]) -> Option<Self> {
        match media_type {
            b"text/event-stream" => Some(Self::Sse),
            b"application/x-ndjson" | b"application/ndjson" | b"application/jsonl" => {
                Some(Self::Ndjson)
            }
            b"application/vnd.amazon.eventstream" => Some(Self::AwsEventStream),
            b"application/json" => Some(Self::Document),
            other => other.ends_with(b"+json").then_some(Self::Document),
        }
    }

    /// How the answer of an endpoint comes that streams in one of `streams`, if `streamed` was asked
    /// for; `None` if that is not known.
    #[must_use]
    pub fn of_answer(media_type: &[u8], streams: &[Self], streamed: bool) -> Option<Self> {
        match Self::of_media_type(media_type)? {
            // An array has the media type of a document.
            Self::Document if streamed && streams.contains(&Self::JsonArray) => {
                Some(Self::JsonArray)
            }
            Self::Document => Some(Self::Document),
            // It is told by the endpoint what such messages hold.
            Self::AwsEventStream if streams.contains(&Self::AwsChunks) => Some(Self::AwsChunks),
            framing => streams.contains(&framing).then_some(framing),
        }
    }
}
