//! A response that comes as one JSON document.

use bytes::{Bytes, BytesMut};
use http::{StatusCode, response};

use crate::countermeasure::ResponseEdits;
use crate::policy::Unhandled;
use crate::secret::opaque_debug;
use crate::wire::framing::flow::DataFlow;
use crate::wire::json::{closing, splice};
use crate::wire::{Failure, Protocol, Refusal, RefusalKind, Scan, scan_error};

use super::begun::{Begun, beginning};
use super::budget::grown;
use super::lanes::TooManyLanes;
use super::outcome::{Given, Rewritten};
use super::rewrite::ResponseRewriter;

/// Collects a document and rewrites it.
pub(super) struct Document {
    protocol: &'static dyn Protocol,
    collected: BytesMut,
    limit: usize,
    /// Large, and moved with the document a few times before anything of it comes.
    rewriter: Box<ResponseRewriter>,
    on_opaque: Unhandled,
    failed: bool,
    /// The document is too long to be held, and goes on as it comes.
    uncounted: bool,
    /// The status, if that says that the document is an error.
    error: Option<StatusCode>,
    /// The error is too long to be read.
    unread: bool,
    /// It has come to its end and is being rewritten.
    work: Option<Work>,
    /// What of it is no text, and does not count for the limit.
    data: DataFlow,
    /// What of it has gone out.
    begun: Begun,
    /// The head that it came with, where only its ids tell whether anything is done to it.
    as_it_came: Option<Box<response::Parts>>,
    /// Nothing is done to it.
    untouched: bool,
}

opaque_debug!(Document);

/// A document that is being rewritten.
struct Work {
    document: Bytes,
    scan: Scan,
    given: Given,
}

opaque_debug!(Work);

/// How much text is rewritten before others have their turn: a few milliseconds' work.
pub(super) const SLICE: usize = 64 << 10;

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
        on_opaque: Unhandled,
        limit: usize,
    ) -> Self {
        Self::with(protocol, Box::new(ResponseRewriter::new(edits)), on_opaque, limit)
    }

    pub(super) fn with(
        protocol: &'static dyn Protocol,
        rewriter: Box<ResponseRewriter>,
        on_opaque: Unhandled,
        limit: usize,
    ) -> Self {
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
            work: None,
            data: DataFlow::default(),
            begun: Begun::default(),
            as_it_came: None,
            untouched: false,
        }
    }

    /// A list to which something is done if it holds an id that is known, and which goes out as it came,
    /// with its head, otherwise.
    pub(super) fn list(
        protocol: &'static dyn Protocol,
        edits: ResponseEdits,
        limit: usize,
        head: response::Parts,
    ) -> Self {
        let document = Self::new(protocol, edits, Unhandled::Refuse, limit);
        Self { as_it_came: Some(Box::new(head)), ..document }
    }

    /// An error instead of an answer: read for what it may hold beside.
    pub(super) fn error(
        protocol: &'static dyn Protocol,
        edits: ResponseEdits,
        status: StatusCode,
        limit: usize,
    ) -> Self {
        let document = Self::new(protocol, edits, Unhandled::Refuse, limit);
        Self { error: Some(status), ..document }
    }

    pub(super) fn rewriter(&self) -> &ResponseRewriter {
        &self.rewriter
    }

    /// Bytes held: what was collected, or the document and what becomes of it. Its texts are in memory
    /// twice more while they are edited.
    pub(super) fn held(&self) -> usize {
        let work = self.work.as_ref().map_or(0, |work| {
            let document = work.document.len();
            2 * (document + document.min(self.limit))
        });
        grown(self.collected.capacity()) + self.data.held() + self.begun.held() + work
    }

    /// Whether nothing is done to it.
    pub(super) fn is_untouched(&self) -> bool {
        self.untouched
    }

    /// The head that it goes out with, if nothing is done to it.
    pub(super) fn take_head(&mut self) -> Option<Box<response::Parts>> {
        self.as_it_came.take().filter(|_| self.untouched)
    }

    /// Whether the document is an error of the upstream's.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    /// Takes bytes of the upstream's. White space before the document goes on at once, as some servers
    /// keep the connection open with it, and so does what is too long to be held, where it can.
    pub(super) fn push(&mut self, chunk: Bytes) -> Result<Option<Bytes>, DocumentError> {
        let mut out = Vec::new();
        if let Some(held) = self.data.push(chunk) {
            self.flow(&mut out);
            self.hold(held, &mut out)?;
        }
        self.flow(&mut out);
        Ok(Some(Bytes::from(out)).filter(|out| !out.is_empty()))
    }

    fn flow(&mut self, out: &mut Vec<u8>) {
        while let Some(data) = self.data.next() {
            out.extend_from_slice(&data);
        }
    }

    fn hold(&mut self, mut chunk: Bytes, out: &mut Vec<u8>) -> Result<(), DocumentError> {
        if self.collected.is_empty() && self.as_it_came.is_none() {
            let blank = chunk.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            out.extend_from_slice(&chunk.split_to(blank));
        }
        let too_long = self.collected.len() + chunk.len() > self.limit;
        if self.error.is_some() && too_long {
            self.unread = true;
            return Ok(());
        }
        if self.uncounted || too_long && self.rewriter.only_counts() {
            // Too long to be counted, which is no reason to withhold it.
            self.uncounted = true;
            out.extend_from_slice(&std::mem::take(&mut self.collected));
            out.extend_from_slice(&chunk);
            return Ok(());
        }
        self.collected.extend_from_slice(&chunk);
        if !too_long {
            return Ok(());
        }
        let data = self.data.read(&self.collected);
        if self.collected.len().saturating_sub(data) > self.limit {
            return Err(DocumentError::TooLong(self.limit));
        }
        if let Some(before) = self.data.before(&self.collected) {
            self.begin(before, out);
        }
        Ok(())
    }

    /// Lets the document begin to go out, if what becomes of its beginning is certain.
    fn begin(&mut self, before: usize, out: &mut Vec<u8>) {
        let begun = self.beginning(before).and_then(|later| self.begun.go_on(later));
        match begun {
            Some(new) => {
                out.extend_from_slice(&new);
                self.data.begin(&mut self.collected, before);
            }
            None => self.data.hold_whole(),
        }
    }

    /// What goes out of a document that breaks off behind so many bytes, if that is certain.
    fn beginning(&mut self, before: usize) -> Option<Begun> {
        let before = self.collected.get(..before)?;
        let end = closing(before)?;
        let whole = [before, &end].concat();
        let cut = before.len();
        let scan = |payload: &[u8], scan: &mut Scan| self.protocol.scan_document(payload, scan);
        let mut out = match beginning(&whole, cut, &mut self.rewriter, None, scan)? {
            Rewritten::Edited(mut edits) => splice(&whole, &mut edits),
            Rewritten::Kept => whole,
            Rewritten::Dropped => return None,
        };
        out.truncate(out.strip_suffix(end.as_slice())?.len());
        Some(Begun::new(out, end))
    }

    /// Takes the end of the document: what goes out, unless that is yet to be [worked out](Self::work).
    pub(super) fn finish(&mut self) -> Result<Option<Bytes>, DocumentError> {
        self.collected.extend_from_slice(self.data.left());
        let document = std::mem::take(&mut self.collected).freeze();
        if document.is_empty() && !self.unread {
            return Ok(Some(document));
        }
        let mut scan = Scan::default();
        if let Some(status) = self.error {
            let read = !self.unread && scan_error(&document, status, &mut scan).unwrap_or(false);
            if !read {
                self.rewriter.close_unread();
                return Ok(Some(told_anew(self.protocol, status)));
            }
            return self.rewrite(document, &scan).map(Some);
        }
        let scanned = self.protocol.scan_document(&document, &mut scan);
        self.failed = scan.error;
        if self.as_it_came.is_some() {
            let is_read = scanned.is_ok() && !scan.ambiguous;
            self.untouched = !self.rewriter.concerns(&document, is_read.then_some(&scan));
            if self.untouched {
                return self.rest(document).map(Some);
            }
        }
        match self.on_opaque {
            Unhandled::Pass if scanned.is_err() => return self.rest(document).map(Some),
            Unhandled::Refuse if scanned.is_err() || self.rewriter.is_ambiguous(&scan) => {
                return Err(DocumentError::Unreadable);
            }
            _ => {}
        }
        self.rewriter.look_ahead(&document, &scan);
        self.work = Some(Work { document, scan, given: Given::default() });
        Ok(None)
    }

    /// Whether there is work to do.
    pub(super) fn has_work(&self) -> bool {
        self.work.is_some()
    }

    /// Does a slice of the work: the document as it goes out, once it is done.
    pub(super) fn work(&mut self) -> Result<Option<Bytes>, DocumentError> {
        let Some(Work { document, scan, mut given }) = self.work.take() else { return Ok(None) };
        let done = self.rewriter.give(&document, &scan, &mut given, SLICE);
        if !done.map_err(|TooManyLanes| DocumentError::TooManyLanes)? {
            self.work = Some(Work { document, scan, given });
            return Ok(None);
        }
        self.rewrite(document, &scan).map(Some)
    }

    fn rewrite(&mut self, document: Bytes, scan: &Scan) -> Result<Bytes, DocumentError> {
        match self.rewriter.rewrite(&document, scan, None, &mut Vec::new()) {
            Ok(Rewritten::Edited(mut edits)) => self.rest(splice(&document, &mut edits).into()),
            Ok(Rewritten::Kept | Rewritten::Dropped) => self.rest(document),
            Err(TooManyLanes) => Err(DocumentError::TooManyLanes),
        }
    }

    /// What is left to go out of the document.
    fn rest(&mut self, whole: Bytes) -> Result<Bytes, DocumentError> {
        self.begun.rest(whole).ok_or(DocumentError::Unreadable)
    }
}

/// The body of an error in the layer's own words, in place of one that cannot be read.
pub(super) fn told_anew(protocol: &dyn Protocol, status: StatusCode) -> Bytes {
    let message = Failure::of_status(status).message().to_owned();
    let kind = RefusalKind::of_status(status);
    protocol.error_body(&Refusal { kind, message }).into()
}
