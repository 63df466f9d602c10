//! A streamed response: events in, events out.

use bytes::Bytes;

use crate::countermeasure::ResponseEdits;
use crate::policy::Unhandled;
use crate::secret::opaque_debug;
use crate::wire::framing::{Commas, Event, EventError, Framing, MadeWhole, Splitter};
use crate::wire::{Protocol, Refusal, Scan, Scanner, json};

use super::begun::{Begun, beginning};
use super::budget::grown;
use super::document::{Document, SLICE};
use super::ending::{Fate, Provisional};
use super::lanes::TooManyLanes;
use super::numbering::{Numbering, WAITING};
use super::outcome::Rewritten;
use super::rewrite::ResponseRewriter;

mod opening;
mod sequence_number;

use self::opening::{Opening, TurnedOut};

/// Rewrites a stream of events.
pub(super) struct EventStream {
    protocol: &'static dyn Protocol,
    framing: Framing,
    /// The longest event that is held.
    event_limit: usize,
    splitter: Splitter,
    scanner: Scanner,
    scan: Scan,
    numbering: Box<Numbering>,
    /// Events of which it is not known yet which texts they go on with.
    waiting: Vec<Bytes>,
    rewriter: Box<ResponseRewriter>,
    on_opaque: Unhandled,
    /// An event that may end a text, until the next one tells.
    provisional: Option<Box<Provisional>>,
    /// The upstream reported an error inside the stream.
    failed: bool,
    /// What of an unfinished event has gone out.
    begun: Begun,
    commas: Commas,
    /// What the body turns out to be is not known yet.
    opening: Option<Box<Opening>>,
    /// The events up to this number do not go out: the client has them.
    behind: Option<u64>,
}

opaque_debug!(EventStream);

/// The stream cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    #[error(transparent)]
    Framing(#[from] EventError),
    #[error("an event of the upstream cannot be read")]
    Unreadable,
    #[error("the upstream's answer has too many parts")]
    TooManyLanes,
}

impl From<TooManyLanes> for StreamError {
    fn from(_: TooManyLanes) -> Self {
        Self::TooManyLanes
    }
}

impl EventStream {
    pub(super) fn new(
        protocol: &'static dyn Protocol,
        framing: Framing,
        edits: ResponseEdits,
        on_opaque: Unhandled,
        event_limit: usize,
    ) -> Self {
        Self {
            protocol,
            framing,
            event_limit,
            splitter: Splitter::with_long_data(framing, event_limit),
            scanner: Scanner::new(protocol),
            scan: Scan::default(),
            numbering: Box::new(Numbering::new(edits.choices())),
            waiting: Vec::new(),
            rewriter: Box::new(ResponseRewriter::new(edits)),
            on_opaque,
            provisional: None,
            failed: false,
            begun: Begun::default(),
            commas: Commas::new(framing),
            opening: None,
            behind: None,
        }
    }

    /// If the body turns out to be a document, it is read as one of up to so many bytes.
    pub(super) fn or_document(self, limit: usize) -> Self {
        let opening = Some(Box::new(Opening::new(limit)));
        Self { opening: opening.filter(|_| self.framing == Framing::Sse), ..self }
    }

    /// What is to be read of a chunk, and the document that the body is after all.
    pub(super) fn turned_out(&mut self, chunk: Bytes) -> (Bytes, Option<Document>) {
        let Some(opening) = &mut self.opening else { return (chunk, None) };
        let (chunk, limit) = match opening.push(chunk) {
            TurnedOut::Unknown => return (Bytes::new(), None),
            TurnedOut::Stream(chunk) => {
                self.opening = None;
                return (chunk, None);
            }
            TurnedOut::Document(chunk, limit) => (chunk, limit),
        };
        self.opening = None;
        let none = Box::new(ResponseRewriter::new(ResponseEdits::default()));
        let rewriter = std::mem::replace(&mut self.rewriter, none);
        let passes = rewriter.may_pass_unread();
        let on_opaque = if passes { Unhandled::Pass } else { self.on_opaque };
        (chunk, Some(Document::with(self.protocol, rewriter, on_opaque, limit)))
    }

    pub(super) fn rewriter(&self) -> &ResponseRewriter {
        &self.rewriter
    }

    /// Whether the upstream reported an error inside the stream.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    /// Takes bytes of the upstream's.
    pub(super) fn push(&mut self, chunk: Bytes) {
        self.splitter.push(chunk);
    }

    /// What goes out next; `None` until more bytes come.
    pub(super) fn next_event(&mut self) -> Result<Option<Bytes>, StreamError> {
        loop {
            let Some(out) = self.next_rewritten()? else { return Ok(None) };
            let out = self.left_behind(out);
            if !out.is_empty() {
                return Ok(Some(self.commas.placed(out)));
            }
        }
    }

    /// Begins behind the event of this number, as the client counts them: all of the stream is read.
    pub(super) fn behind(self, number: Option<u64>) -> Self {
        if number.is_none() {
            return self;
        }
        // No event goes out in parts.
        let splitter = Splitter::new(self.framing, self.event_limit);
        Self { behind: number, splitter, ..self }
    }

    /// What of these events the client does not have.
    fn left_behind(&mut self, out: Bytes) -> Bytes {
        let Some(behind) = self.behind else { return out };
        sequence_number::left_behind(behind, self.framing, out)
    }

    fn next_rewritten(&mut self) -> Result<Option<Bytes>, StreamError> {
        loop {
            if let Some(data) = self.splitter.next_data() {
                return Ok(Some(data));
            }
            let Some(raw) = self.splitter.next_event()? else { return Ok(self.begin()) };
            let long = raw.len() > SLICE;
            let rewritten = self.rewrite_rest(raw)?;
            if long {
                self.rewriter.trim();
            }
            if !rewritten.is_empty() {
                return Ok(Some(rewritten));
            }
        }
    }

    /// Whether a part of an event has gone out, so that nothing else may until its rest has.
    pub(super) fn is_within_event(&self) -> bool {
        self.begun.has_begun()
    }

    /// Lets an event that is too long to be held begin to go out, if it breaks off in data that flows
    /// and what becomes of its beginning is certain.
    fn begin(&mut self) -> Option<Bytes> {
        let before = self.splitter.before_data()?.to_vec();
        let mut out = if self.is_within_event() { Vec::new() } else { self.rewriter.release() };
        match self.beginning(&before, &mut out).and_then(|later| self.begun.go_on(later)) {
            Some(new) => {
                out.extend_from_slice(&new);
                self.splitter.let_flow(before.len());
            }
            None => self.splitter.hold_whole(),
        }
        Some(Bytes::from(out)).filter(|out| !out.is_empty())
    }

    /// What goes out of an event that breaks off with these bytes, if that is certain.
    fn beginning(&mut self, before: &[u8], ahead: &mut Vec<u8>) -> Option<Begun> {
        let MadeWhole { event: whole, end, closing } = MadeWhole::of(self.framing, before)?;
        let event = Event::parse(self.framing, &whole);
        let bare = self.bare(&event);
        let event = bare.as_deref().map_or(event, |bare| Event::parse(self.framing, bare));
        let payload = event.payload()?;
        let cut = payload.len().checked_sub(closing)?;
        let waits = self.provisional.is_some() || !self.waiting.is_empty();
        if waits || event.is_foreign() {
            return None;
        }
        let kind = event.stated().kind;
        let scan = |payload: &[u8], scan: &mut Scan| self.protocol.scan_event(kind, payload, scan);
        let ahead = (!self.begun.has_begun()).then_some((self.framing, ahead));
        let mut out = Vec::new();
        match beginning(&payload, cut, &mut self.rewriter, ahead, scan)? {
            Rewritten::Edited(mut edits) => event.write(&payload, &mut edits, &mut out),
            Rewritten::Kept => out.extend_from_slice(event.raw()),
            Rewritten::Dropped => return None,
        }
        out.truncate(out.strip_suffix(end.as_slice())?.len());
        Some(Begun::new(out, end))
    }

    /// What goes out of an event that has come to its end, and of which something may have before.
    fn rewrite_rest(&mut self, raw: Bytes) -> Result<Bytes, StreamError> {
        let whole = self.take(raw)?;
        self.begun.rest(whole).ok_or(StreamError::Unreadable)
    }

    /// Rewrites an event, and those before it that have waited for what it tells, unless all have to wait.
    fn take(&mut self, raw: Bytes) -> Result<Bytes, StreamError> {
        if !self.numbering.is_open() {
            return self.rewrite(raw);
        }
        if self.waits(&raw) {
            self.waiting.push(raw);
            return Ok(Bytes::new());
        }
        let mut out = Vec::new();
        self.take_waiting(&mut out)?;
        out.extend_from_slice(&self.rewrite(raw)?);
        Ok(out.into())
    }

    /// Whether it depends on what follows which text an event goes on with.
    fn waits(&mut self, raw: &Bytes) -> bool {
        let event = Event::parse(self.framing, raw);
        let waiting: usize = self.waiting.iter().map(Bytes::len).sum();
        if self.is_within_event() || event.is_end() || waiting + raw.len() > WAITING {
            return false;
        }
        let Some(payload) = event.payload() else { return waiting > 0 };
        if self.protocol.is_terminator(&payload) || self.scan(&event, &payload).is_err() {
            return false;
        }
        !self.scan.error && self.numbering.weigh(&self.scan)
    }

    fn take_waiting(&mut self, out: &mut Vec<u8>) -> Result<(), StreamError> {
        self.numbering.decide();
        for raw in std::mem::take(&mut self.waiting) {
            out.extend_from_slice(&self.rewrite(raw)?);
        }
        Ok(())
    }

    /// The event without what may say anything beside its data, if that is closed and it has any.
    fn bare(&self, event: &Event<'_>) -> Option<Vec<u8>> {
        let names = self.protocol.features().event_names;
        let known = |name: &[u8]| names.iter().any(|known| known.as_bytes() == name);
        event.bare(known).filter(|_| self.rewriter.closes())
    }

    /// Reads the next event for what is counted of it, if it has come: how many bytes it had, and whether
    /// anything would have gone out.
    pub(super) fn read_event(&mut self) -> Result<Option<(usize, bool)>, StreamError> {
        let Some(raw) = self.splitter.next_event()? else { return Ok(None) };
        let bytes = raw.len();
        self.take(raw).map(|out| Some((bytes, !out.is_empty())))
    }

    /// What goes out when the upstream has ended.
    pub(super) fn finish(&mut self) -> Result<Bytes, StreamError> {
        if let Some(opening) = self.opening.take() {
            self.splitter.push(opening.into_blank());
        }
        let rest = self.splitter.take_rest();
        let told = matches!(self.framing, Framing::AwsEventStream | Framing::AwsChunks);
        if told && !rest.is_empty() {
            // Client libraries take what is left of a message for nothing.
            return Err(EventError::Broken("the last message is not whole").into());
        }
        let mut last = match rest.is_empty() {
            true => Vec::new(),
            false => self.rewrite_rest(rest)?.to_vec(),
        };
        self.take_waiting(&mut last)?;
        self.settle(Fate::Unsaid, &mut last)?;
        self.rewriter.close_all(&mut last);
        let last = self.left_behind(last.into());
        Ok(self.commas.placed(last))
    }

    /// What was held back and has to leave before the stream is broken off.
    pub(super) fn flush(&mut self) -> Vec<u8> {
        let mut last = self.begun.abandon();
        // It has been read before, and what was held leaves in any case.
        let _ = self.take_waiting(&mut last);
        let _ = self.settle(Fate::Unsaid, &mut last);
        self.rewriter.close_all(&mut last);
        last
    }

    /// The same, and the event that says why it is.
    pub(super) fn fail(&mut self, refusal: &Refusal) -> Bytes {
        let mut last = self.flush();
        let event = self.protocol.error_event(refusal, self.rewriter.put_in());
        last.extend_from_slice(&self.framing.frame(&event));
        self.commas.placed(last.into())
    }

    /// Whether anything keeps the connection open while nothing can go out.
    pub(super) fn has_heartbeat(&self) -> bool {
        let framed = self.framing == Framing::Sse;
        framed && self.protocol.heartbeat().is_some() && !self.is_within_event()
    }

    /// What keeps it open, if there is anything.
    pub(super) fn heartbeat(&self) -> Option<Bytes> {
        let heartbeat = self.protocol.heartbeat().filter(|_| !self.is_within_event())?;
        self.framing.heartbeat(heartbeat).map(Bytes::from)
    }

    /// What was held back to be marked, and leaves because nothing has come for too long.
    pub(super) fn release(&mut self) -> Bytes {
        let text = self.rewriter.release().into();
        let text = self.left_behind(text);
        self.commas.placed(text)
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        let waiting = self.waiting.iter().map(Bytes::len).sum::<usize>()
            + self.provisional.as_ref().map_or(0, |it| it.held())
            + self.opening.as_ref().map_or(0, |it| it.held());
        grown(self.splitter.allocated()) + self.begun.held() + waiting + self.rewriter.held()
    }

    /// Something in the event cannot be read: it passes, counted, or the stream cannot go on.
    fn unreadable(&mut self, raw: &[u8]) -> Result<(), StreamError> {
        if self.on_opaque == Unhandled::Refuse && !self.rewriter.may_pass_unread() {
            return Err(StreamError::Unreadable);
        }
        self.rewriter.passed_unread(raw.len());
        Ok(())
    }

    fn rewrite(&mut self, raw: Bytes) -> Result<Bytes, StreamError> {
        let event = Event::parse(self.framing, &raw);
        if event.is_foreign() {
            self.unreadable(&raw)?;
        } else if let Some(bare) = self.bare(&event) {
            self.rewriter.closed_beside();
            return self.rewrite(bare.into());
        }
        let mut out = Vec::new();
        let Some(payload) = event.payload().filter(|payload| !says_nothing(payload)) else {
            if event.stated().is_error {
                // All that it says stands in its head.
                self.failed = true;
                self.end(&mut out)?;
                return Ok(behind(out, raw));
            }
            if event.is_end() {
                self.end(&mut out)?;
                return Ok(behind(out, raw));
            }
            // That something came is told, and at a steady pace, by heartbeats.
            let silent = self.rewriter.closes() && !event.is_foreign() && event.can_be_left_out();
            return Ok(if silent { Bytes::new() } else { raw });
        };
        if self.protocol.is_terminator(&payload) {
            self.end(&mut out)?;
            return Ok(behind(out, raw));
        }
        if self.scan(&event, &payload).is_err() {
            if !event.is_foreign() {
                self.unreadable(&raw)?;
            }
            return Ok(raw);
        }
        self.numbering.tell(&mut self.scan);
        let refuses = matches!(self.on_opaque, Unhandled::Refuse);
        if refuses && self.rewriter.is_ambiguous(&self.scan) {
            return Err(StreamError::Unreadable);
        }
        if let Some(waiting) = self.provisional.as_mut().filter(|it| it.is_joined_by(&self.scan)) {
            waiting.join(raw.clone(), std::mem::take(&mut self.scan));
            return Ok(out.into());
        }
        if let Some(fate) = self.provisional.as_ref().and_then(|it| it.fate(&self.scan)) {
            let next = std::mem::take(&mut self.scan);
            self.settle(fate, &mut out)?;
            self.scan = next;
        }
        let provisional = self.rewriter.is_provisional(&self.scan);
        if provisional && self.is_within_event() {
            // It cannot wait. What it ends leaves with what comes next.
            Fate::GoesOn.tell(&mut self.scan, self.protocol.features().ends_texts_alone);
        } else if provisional {
            let scan = std::mem::take(&mut self.scan);
            self.provisional = Some(Box::new(Provisional::new(raw.clone(), scan)));
            return Ok(out.into());
        }
        if self.scan.error {
            self.failed = true;
            self.rewriter.close_all(&mut out);
        }
        match self.rewriter.rewrite(&payload, &self.scan, Some(&event), &mut out)? {
            Rewritten::Kept => return Ok(behind(out, raw)),
            Rewritten::Edited(mut edits) => event.write(&payload, &mut edits, &mut out),
            Rewritten::Dropped => {}
        }
        Ok(out.into())
    }

    /// Finds what an event has, by its payload and by what its framing says.
    fn scan(&mut self, event: &Event<'_>, payload: &[u8]) -> Result<(), json::Error> {
        self.scanner.scan(event.stated(), payload, &mut self.scan)
    }

    /// Lets all go out that was held, before the event that ends the stream.
    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), StreamError> {
        self.settle(Fate::Unsaid, out)?;
        self.rewriter.close_all(out);
        Ok(())
    }

    /// Lets the event go out that may have ended a text, now that it is known whether it did.
    fn settle(&mut self, fate: Fate, out: &mut Vec<u8>) -> Result<(), StreamError> {
        let Some(provisional) = self.provisional.take() else { return Ok(()) };
        let mut begin = provisional.events.iter().filter_map(|(_, scan)| scan.begins);
        let begins = matches!(fate, Fate::Stated) && begin.any(|it| it.answers);
        let followed = matches!(fate, Fate::Followed) || begins;
        let goes_on = followed && self.rewriter.puts_off(provisional.groups());
        let fate = if goes_on { Fate::GoesOn } else { fate };
        let alone = self.protocol.features().ends_texts_alone;
        for (raw, mut scan) in provisional.events {
            let event = Event::parse(self.framing, &raw);
            let payload = event.payload().unwrap_or_default();
            fate.tell(&mut scan, alone);
            match self.rewriter.rewrite(&payload, &scan, Some(&event), out)? {
                Rewritten::Kept => out.extend_from_slice(&raw),
                Rewritten::Edited(mut edits) => event.write(&payload, &mut edits, out),
                Rewritten::Dropped => {}
            }
        }
        Ok(())
    }
}

/// Whether a payload holds no text that could be withheld, and nothing else.
fn says_nothing(payload: &[u8]) -> bool {
    payload.is_empty() || payload.trim_ascii() == b"null"
}

fn behind(mut before: Vec<u8>, event: Bytes) -> Bytes {
    if before.is_empty() {
        return event;
    }
    before.extend_from_slice(&event);
    before.into()
}

#[cfg(test)]
mod tests;
