//! Cutting bytes into events, whatever chunks they come in.

use bytes::{Buf, Bytes, BytesMut};

use super::flow::DataFlow;
use super::{EventError, Framing, array, event_stream, ndjson, sse};
use crate::secret::opaque_debug;

/// How far the held bytes were searched, so that each is looked at once however they arrive.
#[derive(Clone, Copy, Debug)]
enum Search {
    Sse(sse::Search),
    Ndjson(ndjson::Search),
    JsonArray(array::Search),
    AwsEventStream(event_stream::Search),
    /// All of it is one event.
    Document,
}

/// Cuts a byte stream into raw events. Each comes with every byte that it came with, and they are
/// the same for every chunking.
pub struct Splitter {
    /// Bytes not yet yielded. `partial`, if any, comes before `chunk`.
    partial: BytesMut,
    chunk: Bytes,
    search: Search,
    limit: usize,
    /// What does not count for the limit; `None` if all does.
    data: Option<DataFlow>,
}

opaque_debug!(Splitter);

impl Search {
    fn of(framing: Framing) -> Self {
        match framing {
            Framing::Sse => Self::Sse(sse::Search::default()),
            Framing::Ndjson => Self::Ndjson(ndjson::Search::default()),
            Framing::JsonArray => Self::JsonArray(array::Search::default()),
            Framing::AwsEventStream | Framing::AwsChunks => {
                Self::AwsEventStream(event_stream::Search::default())
            }
            Framing::Document => Self::Document,
        }
    }

    /// Where the first event in `bytes` ends, if it is whole.
    fn end(&mut self, bytes: &[u8], limit: usize) -> Result<Option<usize>, EventError> {
        match self {
            Self::Sse(search) => Ok(search.end(bytes)),
            Self::Ndjson(search) => Ok(search.end(bytes)),
            Self::JsonArray(search) => Ok(search.end(bytes)),
            Self::AwsEventStream(search) => search.end(bytes, limit),
            Self::Document => Ok(None),
        }
    }

    /// Only so many bytes of the event are left; it breaks off within a string of JSON.
    fn cut(&mut self, length: usize) {
        match self {
            Self::Sse(search) => search.cut(length),
            Self::Ndjson(search) => search.cut(length),
            Self::JsonArray(search) => search.cut(length),
            Self::AwsEventStream(_) | Self::Document => {}
        }
    }
}

impl Splitter {
    /// A splitter that refuses events of more than `limit` bytes.
    #[must_use]
    pub fn new(framing: Framing, limit: usize) -> Self {
        let (partial, chunk, search) = (BytesMut::new(), Bytes::new(), Search::of(framing));
        Self { partial, chunk, search, limit, data: None }
    }

    /// A splitter that refuses events of more than `limit` bytes besides long data: strings of base64
    /// in members that hold images, recordings or files. How long these may be is for its user to
    /// say, by [`held`](Self::held).
    #[must_use]
    pub fn with_long_data(framing: Framing, limit: usize) -> Self {
        // Where a length stands before it, an event cannot begin to go out.
        let told = matches!(framing, Framing::AwsEventStream | Framing::AwsChunks);
        let data = (!told).then(DataFlow::default);
        Self { data, ..Self::new(framing, limit) }
    }

    /// Adds received bytes. Take all events out before adding more: until then only the
    /// unfinished event is held.
    pub fn push(&mut self, mut chunk: Bytes) {
        if let Some(data) = &mut self.data {
            let Some(held) = data.push(chunk) else { return };
            chunk = held;
        }
        if self.chunk.is_empty() && self.partial.is_empty() {
            self.chunk = chunk;
            return;
        }
        self.partial.extend_from_slice(&self.chunk);
        self.partial.extend_from_slice(&chunk);
        self.chunk = Bytes::new();
    }

    /// The next whole event, or `None` until more bytes come.
    ///
    /// # Errors
    /// The unfinished event is longer than the limit, or broken.
    pub fn next_event(&mut self) -> Result<Option<Bytes>, EventError> {
        let pending: &[u8] = if self.partial.is_empty() { &self.chunk } else { &self.partial };
        if pending.is_empty() {
            return Ok(None);
        }
        let end = self.search.end(pending, self.limit)?;
        let event = pending.get(..end.unwrap_or(pending.len())).unwrap_or_default();
        if event.len() > self.limit {
            // Looked at only now: events of usual size cost nothing.
            let data = self.data.as_mut().map_or(0, |data| data.read(event));
            if event.len().saturating_sub(data) > self.limit {
                return Err(EventError::TooLong { limit: self.limit });
            }
        }
        let Some(end) = end else { return Ok(None) };
        if let Some(data) = &mut self.data {
            data.reset();
        }
        Ok(Some(if !self.partial.is_empty() {
            self.partial.split_to(end).freeze()
        } else if end == self.chunk.len() {
            // Servers write one event at a time: it is the chunk.
            std::mem::take(&mut self.chunk)
        } else {
            self.chunk.split_to(end)
        }))
    }

    /// The beginning of an unfinished event that is longer than the limit and breaks off in long data,
    /// up to where that may [flow](Self::let_flow).
    pub(crate) fn before_data(&self) -> Option<&[u8]> {
        let pending: &[u8] = if self.partial.is_empty() { &self.chunk } else { &self.partial };
        let data = self.data.as_ref().filter(|_| pending.len() > self.limit)?;
        pending.get(..data.before(pending)?)
    }

    /// From now on the data is not held of which an event has so many bytes before it. They are what is
    /// left of the event; what is missing of it comes from [`next_data`](Self::next_data).
    pub(crate) fn let_flow(&mut self, before: usize) {
        if self.partial.is_empty() {
            self.partial.extend_from_slice(&std::mem::take(&mut self.chunk));
        }
        if let Some(data) = &mut self.data {
            data.begin(&mut self.partial, before);
        }
        self.search.cut(self.partial.len());
    }

    /// No data of the unfinished event is to flow.
    pub(crate) fn hold_whole(&mut self) {
        self.data.iter_mut().for_each(DataFlow::hold_whole);
    }

    /// Data that goes on as it came.
    pub(crate) fn next_data(&mut self) -> Option<Bytes> {
        self.data.as_mut()?.next()
    }

    /// What is left at the end of the stream: an event without its end, such as the blank line. The
    /// standard drops it, client libraries read it, so it counts as one.
    pub fn take_rest(&mut self) -> Bytes {
        if let Some(data) = &self.data {
            self.partial.extend_from_slice(data.left());
        }
        self.search.cut(0);
        if self.partial.is_empty() {
            return std::mem::take(&mut self.chunk);
        }
        std::mem::take(&mut self.partial).freeze()
    }

    /// Memory that is taken to hold them.
    #[must_use]
    pub fn allocated(&self) -> usize {
        self.partial.capacity()
            + self.chunk.remaining()
            + self.data.as_ref().map_or(0, DataFlow::held)
    }

    /// Bytes held, in all.
    #[must_use]
    pub fn held(&self) -> usize {
        self.partial.len() + self.chunk.remaining() + self.data.as_ref().map_or(0, DataFlow::held)
    }
}
