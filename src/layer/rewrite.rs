//! From what was found in one event or document to what becomes of it.
//!
//! The only place where channels meet countermeasures. Streams and documents both come through
//! here, so that neither can be skipped.

mod apart;
mod beside;
mod ending;
mod texts;

use http::HeaderMap;

use crate::countermeasure::{ResponseEdits, Rounding, Tally};
use crate::secret::opaque_debug;
use crate::wire::framing::Event;
use crate::wire::json::{Edit, unescape, unescape_lossy};
use crate::wire::{Channel, Field, FieldKind, Mode, Scan, Usage, member_names};

use super::fields;
use super::inline_reasoning::InlineReasoning;
use super::lanes::{LANES, Lanes, TooManyLanes};
use super::outcome::{Rewritten, TextBytes, TextEdit};
use super::sealing::Sealing;
use super::sequence::Sequence;
use super::volume::Volume;
use apart::Apart;

opaque_debug!(ResponseRewriter);

/// Rewrites the events of one response, or its document.
pub(super) struct ResponseRewriter {
    edits: ResponseEdits,
    lanes: Lanes,
    tally: Tally,
    /// Token counts as the upstream stated them last.
    usage: Usage,
    rounding: Option<Rounding>,
    /// What is sealed of its reasoning, if that is done.
    sealing: Option<Sealing>,
    /// Summaries that stand apart from what they sum up.
    apart: Vec<Apart>,
    /// How the numbers of events have moved.
    sequence: Sequence,
    /// The choices whose role has gone out.
    begun: Vec<u32>,
    /// Bytes of text seen, in all and of reasoning: what tokens are estimated from until the
    /// upstream has stated them.
    seen: TextBytes,
    /// The same, each text once.
    volume: Volume,
    /// What of the answer's own text is reasoning, if that is counted.
    inline: Option<Box<InlineReasoning>>,
    /// What the upstream last called its model, as it spells it.
    model: Vec<u8>,
    /// What becomes of this event's texts; kept for its memory.
    outcomes: Vec<TextEdit>,
    scratch: String,
}

impl ResponseRewriter {
    pub(super) fn new(edits: ResponseEdits) -> Self {
        Self {
            rounding: edits.rounding(),
            sealing: edits.sealer().cloned().map(Sealing::new),
            inline: edits.counts_reasoning().then(Box::default),
            apart: Vec::new(),
            sequence: Sequence::default(),
            begun: Vec::new(),
            edits,
            lanes: Lanes::default(),
            tally: Tally::default(),
            usage: Usage::default(),
            seen: TextBytes::default(),
            volume: Volume::default(),
            model: Vec::new(),
            outcomes: Vec::new(),
            scratch: String::new(),
        }
    }

    /// Whether the response is read to be slowed down or counted only.
    pub(super) fn only_counts(&self) -> bool {
        !self.edits.changes_answer()
    }

    /// Whether an event that cannot be read may go out: it holds nothing that is withheld.
    pub(super) fn may_pass_unread(&self) -> bool {
        self.edits.only_closes()
    }

    /// Whether the ways round the text channels are closed.
    pub(super) fn closes(&self) -> bool {
        self.edits.allowed_leaks().is_some()
    }

    /// What stood beside an event's data was closed.
    pub(super) fn closed_beside(&mut self) {
        self.tally.response_fields_closed += 1;
    }

    /// Whether nobody knows which of two texts a client reads, one of which was to be edited with the
    /// other before it.
    pub(super) fn is_ambiguous(&self, scan: &Scan) -> bool {
        scan.ambiguous && !self.may_pass_unread()
    }

    /// An event of so many bytes went out unread.
    pub(super) fn passed_unread(&mut self, bytes: usize) {
        self.tally.events_unread += 1;
        // It is text as far as anybody knows.
        self.seen.all += bytes as u64;
        self.seen.delivered += bytes as u64;
    }

    /// Bytes that are held besides the event that is read.
    pub(super) fn held(&self) -> usize {
        let sealing = self.sealing.as_ref().map_or(0, Sealing::held);
        let apart: usize = self.apart.iter().map(Apart::held).sum();
        self.lanes.held() + self.edits.held() + sealing + apart
    }

    /// Gives back the memory that a long event took: it is kept for the next one, and few are long.
    pub(super) fn trim(&mut self) {
        (self.outcomes, self.scratch) = (Vec::new(), String::new());
        self.lanes.iter_mut().for_each(|open| open.editor.trim());
    }

    /// What was done to the response so far, by its editors too.
    pub(super) fn tally(&self) -> Tally {
        let mut tally = self.tally;
        self.lanes.add_to(&mut tally);
        tally.summaries = self.edits.summaries();
        tally
    }

    /// What the response's fields may say.
    pub(super) fn guard_fields(&self, fields: &mut HeaderMap) {
        fields::guard(&self.edits, fields);
    }

    /// Whether anything is done to a document at all, by the ids that were found in it, or by all that may
    /// be one where it could not be read.
    pub(super) fn concerns(&self, document: &[u8], scan: Option<&Scan>) -> bool {
        match scan {
            Some(scan) => self.edits.concerns(document, scan),
            None => self.edits.concerns_unread(document),
        }
    }

    /// A body is replaced that could not be read.
    pub(super) fn close_unread(&mut self) {
        self.tally.response_fields_closed += 1;
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    /// Bytes of text seen so far.
    pub(super) fn seen(&self) -> TextBytes {
        let inline = self.inline.as_ref().map_or(0, |it| it.bytes_at_end());
        TextBytes { once: self.volume.bytes(), inline, ..self.seen }
    }

    /// The same, but for what is worked out at the end: how many there are of each text once, and what of them is
    /// reasoning without a marker before it.
    pub(super) fn passed(&self) -> TextBytes {
        let inline = self.inline.as_ref().map_or(0, |it| it.bytes());
        TextBytes { inline, ..self.seen }
    }

    /// Bytes of text that went out.
    pub(super) fn delivered(&self) -> u64 {
        self.seen.delivered
    }

    /// Takes note of a text whose editors see it, too.
    fn see_edited(&mut self, channel: &Channel, payload: &[u8], whole: bool) {
        self.see(channel, payload, whole);
        if let Some(sealing) = &mut self.sealing {
            sealing.take(channel, payload);
        }
    }

    fn see(&mut self, channel: &Channel, payload: &[u8], whole: bool) {
        self.seen.add(channel);
        self.volume.add(channel);
        if let Some(inline) = &mut self.inline {
            inline.add(channel, payload, whole, &self.edits);
        }
    }

    /// What can be told of the texts of an event or document before they are read.
    pub(super) fn look_ahead(&mut self, payload: &[u8], scan: &Scan) {
        if !self.edits.withholds() {
            return;
        }
        if self.edits.minds_model() {
            let names = |field: &&Field| {
                field.kind == FieldKind::Model
                    // One that is spelled like no name.
                    || field.kind == FieldKind::Leak && member_names::names_model(&field.name)
            };
            for field in scan.fields.iter().filter(names) {
                let raw = payload.get(field.span.clone()).unwrap_or_default();
                if raw != self.model {
                    self.edits.answered_by(unescape_lossy(raw).trim_matches('"'));
                    raw.clone_into(&mut self.model);
                }
            }
        }
        self.lanes.look_ahead(payload, scan, &self.edits);
    }

    /// Rewrites one event. Text that is left of lanes which end here, and that this event has no
    /// place for, goes to `before` in events of its own. `event` is what holds the payload; `None`
    /// for a document, which holds each lane whole.
    pub(super) fn rewrite(
        &mut self,
        payload: &[u8],
        scan: &Scan,
        event: Option<&Event<'_>>,
        before: &mut Vec<u8>,
    ) -> Result<Rewritten, TooManyLanes> {
        let number = scan.sequence();
        number.into_iter().for_each(|number| self.sequence.read(number));
        let rewritten = self.rewrite_event(payload, scan, event, before);
        if let Some(number) = number {
            let stays = !matches!(rewritten, Ok(Rewritten::Dropped));
            self.sequence.pass(number, stays);
        }
        rewritten
    }

    fn rewrite_event(
        &mut self,
        payload: &[u8],
        scan: &Scan,
        event: Option<&Event<'_>>,
        before: &mut Vec<u8>,
    ) -> Result<Rewritten, TooManyLanes> {
        self.usage.update(scan.usage);
        self.edits.remember_by(payload, scan);
        if !self.edits.concerns(payload, scan) {
            return Ok(Rewritten::Kept);
        }
        if event.is_some() && scan.only_usage && self.edits.drops_usage_event() {
            return Ok(Rewritten::Dropped);
        }
        if self.only_counts() {
            let whole = event.is_none();
            scan.channels.iter().for_each(|channel| self.see(channel, payload, whole));
            self.seen.delivered = self.seen.all;
            return Ok(Rewritten::Kept);
        }
        if self.edits.only_closes() {
            return Ok(self.close_fields(payload, scan, event.is_none()));
        }
        // Each choice closes its reasoning and itself.
        if scan.closes.len() > 2 * LANES {
            return Err(TooManyLanes);
        }
        self.lanes.reasoned(scan);
        let betrayed = scan.fields.iter().any(|field| self.edits.betrays_mark(field));
        if event.is_some() {
            self.look_ahead(payload, scan);
            self.outcomes.clear();
            self.lanes.next_event();
        }
        // Those of a document may have been given before.
        for channel in scan.channels.iter().skip(self.outcomes.len()) {
            self.see_edited(channel, payload, event.is_none());
            self.leave_part(channel, payload, scan)?;
            let outcome = self.push(channel, payload, scan, event, betrayed, before)?;
            self.outcomes.push(outcome);
        }
        self.push_again(payload, scan)?;
        self.lanes.signed(scan);
        self.lanes.called(scan);
        self.end_before_calls(scan, before);
        for close in &scan.closes {
            self.close(*close, scan, before);
        }
        if scan.ends && event.is_some() {
            self.close_rest(scan, before);
        }
        let framing = event.map(Event::framing);
        let apart = self.apart_edits(scan, framing, before);
        let sealed = self.sealed_edits(payload, scan, framing, before)?;
        let citations = self.citation_edits(scan, before)?;
        self.repeat(payload, scan);
        if event.is_some() && self.is_taken(scan) {
            return Ok(Rewritten::Dropped);
        }
        if event.is_some() && self.nothing_left(scan) {
            let withheld = self.outcomes.iter().any(|it| it.is_empty() && !it.deferred);
            self.tally.events_dropped += u64::from(withheld);
            return Ok(Rewritten::Dropped);
        }
        self.begin(scan);
        let mut edits = self.field_edits(scan);
        edits.extend(self.quoted_edits(payload, scan));
        self.put_sealed(sealed, scan, &mut edits);
        edits.extend(citations);
        edits.extend(apart);
        for (channel, outcome) in scan.channels.iter().zip(self.outcomes.drain(..)) {
            let span = channel.span.clone();
            let TextEdit { stays, before, after, deferred: _ } = outcome;
            let around = before.len() + after.len();
            if channel.mode != Mode::Repeat {
                self.seen.delivered += if stays { span.len() + around } else { around } as u64;
            }
            if !stays {
                let text = before + &after;
                let raw = payload.get(span.clone()).unwrap_or_default();
                // The same text stays as the upstream spelled it.
                if text.is_empty() || unescape(raw) != Ok(text.as_str().into()) {
                    edits.push(Edit::text(span, &text));
                }
                continue;
            }
            let insertions = [(span.start, before), (span.end, after)];
            let filled = insertions.into_iter().filter(|(_, text)| !text.is_empty());
            edits.extend(filled.map(|(at, text)| Edit::text(at..at, &text)));
        }
        if let Some(renamed) = self.edits.renamed() {
            renamed.hide(payload, scan, &mut edits);
        }
        if edits.is_empty() {
            return Ok(Rewritten::Kept);
        }
        Ok(Rewritten::Edited(edits))
    }

    /// What [`rewrite`](Self::rewrite) makes of an event or document up to `cut`, whatever comes behind
    /// it; `None` if that may matter. Nothing is counted yet.
    pub(super) fn foresee(&mut self, payload: &[u8], scan: &Scan, cut: usize) -> Option<Rewritten> {
        if !self.apart.is_empty() && !scan.summaries.is_empty() {
            return None;
        }
        let sealed = self.sealing.as_ref().is_some_and(|it| !it.leaves(&scan.carriers));
        if self.edits.waits_for_ids() || sealed {
            return None;
        }
        if self.only_counts() {
            return Some(Rewritten::Kept);
        }
        let says = scan.channels.iter().any(|channel| !channel.span.is_empty());
        let owes = self.lanes.iter_mut().any(|it| it.editor.holds() || it.course.owes());
        if (says || owes) && !self.edits.only_closes() {
            return None;
        }
        let tally = self.tally;
        self.outcomes.clear();
        let mut edits = self.field_edits(scan);
        if let Some(renamed) = self.edits.renamed() {
            renamed.hide(payload, scan, &mut edits);
        }
        self.tally = tally;
        if edits.iter().any(|edit| edit.span.end > cut) {
            return None;
        }
        match edits.is_empty() {
            true => Some(Rewritten::Kept),
            false => Some(Rewritten::Edited(edits)),
        }
    }

    /// The same where no text is edited: then none has to be told from the others, however many an
    /// answer has.
    fn close_fields(&mut self, payload: &[u8], scan: &Scan, whole: bool) -> Rewritten {
        scan.channels.iter().for_each(|channel| self.see(channel, payload, whole));
        self.seen.delivered = self.seen.all;
        let edits = self.field_edits(scan);
        if edits.is_empty() {
            return Rewritten::Kept;
        }
        Rewritten::Edited(edits)
    }

    /// The number of an event of the layer's own that is put in next, where events are numbered.
    pub(super) fn put_in(&mut self) -> Option<u64> {
        self.sequence.put_in()
    }
}
