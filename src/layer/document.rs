//! A response that comes as one JSON document.

use bytes::{Bytes, BytesMut};

use crate::countermeasure::{Counts, ResponseEdits};
use crate::policy::Unhandled;
use crate::wire::{Protocol, Scan};

use super::rewrite::{Rewriter, Rewritten};

/// Collects a document and rewrites it.
#[derive(Debug)]
pub(super) struct Document {
    protocol: &'static dyn Protocol,
    collected: BytesMut,
    limit: usize,
    rewriter: Rewriter,
    on_opaque: Unhandled,
    failed: bool,
}

/// The document cannot be passed on.
#[derive(Debug, thiserror::Error)]
pub(super) enum DocumentError {
    #[error("the upstream's answer exceeds {0} bytes")]
    TooLong(usize),
    #[error("the upstream's answer cannot be read")]
    Unreadable,
}

impl Document {
    pub(super) fn new(
        protocol: &'static dyn Protocol,
        edits: ResponseEdits,
        counts: Counts,
        on_opaque: Unhandled,
        limit: usize,
    ) -> Self {
        let rewriter = Rewriter::new(edits, counts);
        Self { protocol, collected: BytesMut::new(), limit, rewriter, on_opaque, failed: false }
    }

    pub(super) fn rewriter(&self) -> &Rewriter {
        &self.rewriter
    }

    /// Whether the document is an error of the upstream's.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    /// Takes bytes of the upstream's. White space before the document goes on at once: some
    /// servers keep the connection open with it.
    pub(super) fn push(&mut self, mut chunk: Bytes) -> Result<Option<Bytes>, DocumentError> {
        let mut early = None;
        if self.collected.is_empty() {
            let blank = chunk.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            early = (blank > 0).then(|| chunk.split_to(blank));
        }
        if self.collected.len() + chunk.len() > self.limit {
            return Err(DocumentError::TooLong(self.limit));
        }
        self.collected.extend_from_slice(&chunk);
        Ok(early)
    }

    /// The document as it goes out.
    pub(super) fn finish(&mut self) -> Result<Bytes, DocumentError> {
        let document = std::mem::take(&mut self.collected).freeze();
        if document.is_empty() {
            return Ok(document);
        }
        let mut scan = Scan::default();
        let scanned = self.protocol.scan_document(&document, &mut scan).ok();
        self.failed = scan.error;
        let rewritten = scanned
            .and_then(|()| self.rewriter.rewrite(&document, &scan, None, &mut Vec::new()).ok());
        match (rewritten, self.on_opaque) {
            (Some(Rewritten::Payload(rewritten)), _) => Ok(rewritten.into()),
            (Some(_), _) | (None, Unhandled::Pass) => Ok(document),
            (None, Unhandled::Refuse) => Err(DocumentError::Unreadable),
        }
    }
}
