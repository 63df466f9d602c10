//! A response that comes as one JSON document.

use bytes::{Bytes, BytesMut};

use crate::countermeasure::{Counts, ResponseEdits};
use crate::policy::Unhandled;
use crate::wire::{Protocol, Scan};

use super::lanes::TooManyLanes;
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
    /// The document is too long to be held, and goes on as it comes.
    uncounted: bool,
}

/// The document cannot be passed on.
#[derive(Debug, thiserror::Error)]
pub(super) enum DocumentError {
    #[error("the upstream's answer exceeds {0} bytes")]
    TooLong(usize),
    #[error("the upstream's answer cannot be read")]
    Unreadable,
    #[error("the upstream's answer has too many parts")]
    TooManyLanes,
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
        Self {
            protocol,
            collected: BytesMut::new(),
            limit,
            rewriter,
            on_opaque,
            failed: false,
            uncounted: false,
        }
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
            if !self.rewriter.only_counts() {
                return Err(DocumentError::TooLong(self.limit));
            }
            // Too long to be counted, which is no reason to withhold it.
            self.collected.extend_from_slice(&chunk);
            self.uncounted = true;
        }
        if self.uncounted {
            let all = std::mem::take(&mut self.collected).freeze();
            return Ok(Some(if all.is_empty() { chunk } else { all }));
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
        let scanned = self.protocol.scan_document(&document, &mut scan);
        self.failed = scan.error;
        if scanned.is_err() {
            return match self.on_opaque {
                Unhandled::Pass => Ok(document),
                Unhandled::Refuse => Err(DocumentError::Unreadable),
            };
        }
        match self.rewriter.rewrite(&document, &scan, None, &mut Vec::new()) {
            Ok(Rewritten::Payload(rewritten)) => Ok(rewritten.into()),
            Ok(Rewritten::Kept | Rewritten::Dropped) => Ok(document),
            Err(TooManyLanes) => Err(DocumentError::TooManyLanes),
        }
    }
}
