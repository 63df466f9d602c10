//! In which form an answer comes.

use bytes::Bytes;

use super::document::Document;
use super::rewrite::ResponseRewriter;
use super::stream::EventStream;

/// How the response comes.
pub(super) enum Form {
    Events(EventStream),
    Document(Document),
}

impl Form {
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Events(events) => events.held(),
            Self::Document(document) => document.held(),
        }
    }

    pub(super) fn rewriter(&self) -> &ResponseRewriter {
        match self {
            Self::Events(events) => events.rewriter(),
            Self::Document(document) => document.rewriter(),
        }
    }

    /// What is to be read of a chunk: what comes first tells whether the type of the response was a wrong one.
    pub(super) fn look_at(&mut self, chunk: Bytes) -> Bytes {
        let Self::Events(events) = self else { return chunk };
        let (chunk, document) = events.turned_out(chunk);
        if let Some(document) = document {
            *self = Self::Document(document);
        }
        chunk
    }
}
