//! A response that comes as one JSON document.

use bytes::{Bytes, BytesMut};
use http::StatusCode;

use crate::countermeasure::{Counts, ResponseEdits};
use crate::policy::Unhandled;
use crate::wire::{Failure, Protocol, Refusal, RefusalKind, Scan, scan_error};

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
    /// The status, if that says that the document is an error.
    error: Option<StatusCode>,
    /// The error is too long to be read.
    unread: bool,
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
            error: None,
            unread: false,
        }
    }

    /// An error instead of an answer: read for what it may hold beside.
    pub(super) fn error(
        protocol: &'static dyn Protocol,
        edits: ResponseEdits,
        counts: Counts,
        status: StatusCode,
        limit: usize,
    ) -> Self {
        let document = Self::new(protocol, edits, counts, Unhandled::Refuse, limit);
        Self { error: Some(status), ..document }
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
        if self.error.is_some() && self.collected.len() + chunk.len() > self.limit {
            self.unread = true;
            return Ok(early);
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
        if document.is_empty() && !self.unread {
            return Ok(document);
        }
        let mut scan = Scan::default();
        if let Some(status) = self.error {
            let read = !self.unread && scan_error(&document, status, &mut scan).unwrap_or(false);
            if !read {
                self.rewriter.close_unread();
                return Ok(told_anew(self.protocol, status));
            }
            return self.rewrite(document, &scan);
        }
        let scanned = self.protocol.scan_document(&document, &mut scan);
        self.failed = scan.error;
        if scanned.is_err() {
            return match self.on_opaque {
                Unhandled::Pass => Ok(document),
                Unhandled::Refuse => Err(DocumentError::Unreadable),
            };
        }
        self.rewrite(document, &scan)
    }

    fn rewrite(&mut self, document: Bytes, scan: &Scan) -> Result<Bytes, DocumentError> {
        match self.rewriter.rewrite(&document, scan, None, &mut Vec::new()) {
            Ok(Rewritten::Payload(rewritten)) => Ok(rewritten.into()),
            Ok(Rewritten::Kept | Rewritten::Dropped) => Ok(document),
            Err(TooManyLanes) => Err(DocumentError::TooManyLanes),
        }
    }
}

/// The body of an error in the layer's own words, in place of one that cannot be read.
pub(super) fn told_anew(protocol: &dyn Protocol, status: StatusCode) -> Bytes {
    let message = Failure::of_status(status).message().to_owned();
    let kind = RefusalKind::of_status(status);
    protocol.error_body(&Refusal { kind, message }).into()
}
