//! Events of the layer's own, before a framing gives them their form.

use super::{Framing, array, chunk, event_stream};

/// An event that the layer makes: what a protocol says, in whatever framing.
#[derive(Clone, PartialEq, Eq)]
pub struct Unframed {
    /// Its kind, where events are told apart by a name beside their JSON.
    pub kind: Option<&'static str>,
    /// Its JSON, without line breaks.
    pub payload: Vec<u8>,
    /// It says that the stream failed.
    pub is_error: bool,
}

crate::secret::opaque_debug!(Unframed);

/// What keeps an idle connection open and is ignored by every client of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heartbeat {
    /// A comment, where the framing has such.
    Comment(&'static str),
    /// An event of the protocol's.
    Event {
        /// Its kind.
        kind: &'static str,
        /// Its JSON.
        payload: &'static str,
    },
}

impl Framing {
    /// An event of the layer's own in this framing.
    #[must_use]
    pub fn frame(self, event: &Unframed) -> Vec<u8> {
        let Unframed { kind, payload, is_error } = event;
        match self {
            Self::Sse => {
                let name = kind.map(|kind| format!("event: {kind}\n")).unwrap_or_default();
                [name.as_bytes(), b"data: ", payload, b"\n\n"].concat()
            }
            Self::Ndjson => [payload.as_slice(), b"\n"].concat(),
            Self::JsonArray => [array::BEFORE, payload].concat(),
            Self::AwsEventStream => {
                let headers = event_stream::headers(kind.unwrap_or("chunk"), *is_error);
                let mut out = Vec::with_capacity(headers.len() + payload.len() + 16);
                event_stream::write(&headers, &mut out, |out| out.extend_from_slice(payload));
                out
            }
            Self::AwsChunks if *is_error => Self::AwsEventStream.frame(event),
            Self::AwsChunks => {
                let headers = event_stream::headers(chunk::KIND, false);
                let mut out = Vec::with_capacity(headers.len() + 2 * payload.len() + 32);
                event_stream::write(&headers, &mut out, |out| chunk::wrap(payload, out));
                out
            }
            Self::Document => payload.clone(),
        }
    }

    /// A heartbeat in this framing; `None` if it has none that every client ignores.
    #[must_use]
    pub fn heartbeat(self, heartbeat: Heartbeat) -> Option<Vec<u8>> {
        match (self, heartbeat) {
            (Self::Sse, Heartbeat::Comment(comment)) => {
                Some(format!(": {comment}\n\n").into_bytes())
            }
            (Self::Sse, Heartbeat::Event { kind, payload }) => Some(self.frame(&Unframed {
                kind: Some(kind),
                payload: payload.as_bytes().to_vec(),
                is_error: false,
            })),
            _ => None,
        }
    }
}
