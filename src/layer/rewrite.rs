//! From what was found in one event or document to what becomes of it.
//!
//! The only place where channels meet countermeasures. Streams and documents both come through
//! here, so that neither can be skipped.

use http::HeaderMap;

use crate::countermeasure::{ResponseEdits, Rounded, Rounding, Tally};
use crate::secret::opaque_debug;
use crate::wire::framing::{BlankEvent, Event};
use crate::wire::json::{Edit, unescape, unescape_lossy};
use crate::wire::{
    Channel, Citation, Close, Field, FieldKind, Kind, Mode, Scan, Usage, member_names,
};

use super::carrier::carrier;
use super::fields;
use super::lanes::{LANES, Lanes, TooManyLanes};
use super::open_lane::OpenLane;
use super::outcome::{Given, Rewritten, TextBytes, TextEdit, boundary};
use super::sequence::Sequence;
use super::volume::Volume;

opaque_debug!(ResponseRewriter);

/// Rewrites the events of one response, or its document.
pub(super) struct ResponseRewriter {
    edits: ResponseEdits,
    lanes: Lanes,
    tally: Tally,
    /// Token counts as the upstream stated them last.
    usage: Usage,
    rounding: Option<Rounding>,
    /// How the numbers of events have moved.
    sequence: Sequence,
    /// The choices whose role has gone out.
    begun: Vec<u32>,
    /// Bytes of text seen, in all and of reasoning: what tokens are estimated from until the
    /// upstream has stated them.
    seen: TextBytes,
    /// The same, each text once.
    volume: Volume,
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
        self.lanes.held()
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
        tally
    }

    /// What the response's fields may say.
    pub(super) fn guard_fields(&self, fields: &mut HeaderMap) {
        fields::guard(&self.edits, fields);
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
        TextBytes { once: self.volume.bytes(), ..self.seen }
    }

    /// The same, but for how many there are of each text once, which is worked out at the end.
    pub(super) fn passed(&self) -> TextBytes {
        self.seen
    }

    /// Bytes of text that went out.
    pub(super) fn delivered(&self) -> u64 {
        self.seen.delivered
    }

    fn see(&mut self, channel: &Channel) {
        self.seen.add(channel);
        self.volume.add(channel);
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
        self.lanes.look_ahead(payload, scan);
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
        if event.is_some() && scan.only_usage && self.edits.drops_usage_event() {
            return Ok(Rewritten::Dropped);
        }
        if self.only_counts() {
            scan.channels.iter().for_each(|channel| self.see(channel));
            self.seen.delivered = self.seen.all;
            return Ok(Rewritten::Kept);
        }
        if self.edits.only_closes() {
            return Ok(self.close_fields(scan));
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
            self.see(channel);
            let outcome = self.push(channel, payload, scan, event, betrayed, before)?;
            self.outcomes.push(outcome);
        }
        self.lanes.signed(scan);
        self.lanes.called(scan);
        self.end_before_calls(scan, before);
        for close in &scan.closes {
            self.close(*close, scan, before);
        }
        let citations = self.citation_edits(scan, before)?;
        self.repeat(scan);
        if event.is_some() && self.nothing_left(scan) {
            let withheld = self.outcomes.iter().any(|it| it.is_empty() && !it.deferred);
            self.tally.events_dropped += u64::from(withheld);
            return Ok(Rewritten::Dropped);
        }
        self.begin(scan);
        let mut edits = self.field_edits(scan);
        edits.extend(citations);
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
    fn close_fields(&mut self, scan: &Scan) -> Rewritten {
        scan.channels.iter().for_each(|channel| self.see(channel));
        self.seen.delivered = self.seen.all;
        let edits = self.field_edits(scan);
        if edits.is_empty() {
            return Rewritten::Kept;
        }
        Rewritten::Edited(edits)
    }

    /// Gives about `bytes` of a document's texts to their editors; whether all have been given, so that
    /// [`rewrite`](Self::rewrite) has little left to do.
    pub(super) fn give(
        &mut self,
        document: &[u8],
        scan: &Scan,
        given: &mut Given,
        bytes: usize,
    ) -> Result<bool, TooManyLanes> {
        if self.only_counts() || self.edits.only_closes() {
            return Ok(true);
        }
        self.lanes.reasoned(scan);
        let betrayed = scan.fields.iter().any(|field| self.edits.betrays_mark(field));
        let mut left = bytes;
        while let Some(channel) = scan.channels.get(given.texts) {
            let outcome = match given.long.take() {
                None if channel.span.len() <= left => {
                    left -= channel.span.len();
                    self.push(channel, document, scan, None, betrayed, &mut Vec::new())?
                }
                None if left < bytes => return Ok(false),
                None => {
                    let raw = document.get(channel.span.clone()).unwrap_or_default();
                    match unescape(raw) {
                        Ok(text) if !betrayed => {
                            given.long = Some((text.into_owned(), 0, String::new()));
                            continue;
                        }
                        _ => self.push(channel, document, scan, None, betrayed, &mut Vec::new())?,
                    }
                }
                Some((text, from, mut out)) => {
                    let open = self.lanes.open(channel, document, scan, &self.edits)?;
                    open.ended = false;
                    let to = boundary(&text, from.saturating_add(left));
                    if !open.editor.is_none() {
                        open.editor.push(text.get(from..to).unwrap_or_default(), &mut out);
                    }
                    if to < text.len() {
                        given.long = Some((text, to, out));
                        return Ok(false);
                    }
                    left = 0;
                    let deferred = open.editor.lingers();
                    let stays = open.editor.is_none() || out == text;
                    let before = if stays { String::new() } else { out };
                    TextEdit { stays, before, after: String::new(), deferred }
                }
            };
            self.see(channel);
            self.outcomes.push(outcome);
            given.texts += 1;
            if left == 0 {
                return Ok(given.texts == scan.channels.len());
            }
        }
        Ok(true)
    }

    /// Ends every lane, for a stream that ends without having said so.
    pub(super) fn close_all(&mut self, before: &mut Vec<u8>) {
        for place in self.lanes.all_ending() {
            let Some(open) = self.lanes.at(place) else { continue };
            let text = open.finish(true, &self.edits);
            self.seen.delivered += open.carry(&open.last(text), &mut self.sequence, before);
        }
    }

    /// The number of an event of the layer's own that is put in next, where events are numbered.
    pub(super) fn put_in(&mut self) -> Option<u64> {
        self.sequence.put_in()
    }

    /// Lets text leave that was held back to be marked, because the upstream has been silent for
    /// too long.
    pub(super) fn release(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        for place in self.lanes.all_ending() {
            let Some(open) = self.lanes.at(place) else { continue };
            // What repeats the text that leaves, leaves with it.
            let copies = open.mode == Mode::Snapshot && !out.is_empty() && open.editor.lingers();
            if open.carrier.is_none() || !copies && !open.lingers() {
                continue;
            }
            let mut text = String::new();
            if let Some(mark) = open.editor.mark() {
                mark.flush(&mut text);
            }
            self.seen.delivered += open.carry(&open.last(text), &mut self.sequence, &mut out);
        }
        out
    }

    /// Whether there is such text.
    pub(super) fn lingers(&self) -> bool {
        self.lanes.linger()
    }

    /// Gives one piece of text to its lane's editors. `betrayed` if the event says the text a
    /// second time.
    fn push(
        &mut self,
        channel: &Channel,
        payload: &[u8],
        scan: &Scan,
        event: Option<&Event<'_>>,
        betrayed: bool,
        ahead: &mut Vec<u8>,
    ) -> Result<TextEdit, TooManyLanes> {
        let stays = TextEdit { stays: true, ..TextEdit::default() };
        let Self { edits, lanes, tally, scratch, seen, sequence, .. } = self;
        let raw = payload.get(channel.span.clone()).unwrap_or_default();
        // A text has not begun before it says something.
        if raw.is_empty() {
            return Ok(stays);
        }
        let open = lanes.open(channel, payload, scan, edits)?;
        if channel.mode == Mode::Repeat {
            // What it says of it is known when the event has been read.
            if !open.editor.is_none() {
                open.repeat(
                    &unescape(raw).unwrap_or_else(|_| unescape_lossy(raw).into()),
                    scan,
                    edits,
                );
            }
            return Ok(stays);
        }
        open.ended = false;
        if open.editor.is_none() {
            return Ok(stays);
        }
        if scan.begins.is_some() && !scan.in_blocks {
            open.course.begin_again(&mut open.editor);
        }
        scratch.clear();
        if let Some(mark) = open.editor.mark().filter(|_| betrayed) {
            mark.stop(scratch);
        }
        let mut outcome = match unescape(raw) {
            Ok(text) => {
                match event {
                    Some(_) => open.take(&text, scan, betrayed, edits, scratch),
                    None => open.editor.push(&text, scratch),
                }
                seen.delivered += open.part_from_marker(&text, scratch, sequence, ahead);
                open.emit(scratch);
                if *scratch == *text {
                    stays
                } else {
                    TextEdit { before: scratch.clone(), ..TextEdit::default() }
                }
            }
            Err(_) => {
                let text = unescape_lossy(raw);
                let stays = open.editor.push_opaque(&text, scratch);
                open.emit(scratch);
                open.emit(if stays { &text } else { "" });
                TextEdit { stays, before: scratch.clone(), ..TextEdit::default() }
            }
        };
        outcome.deferred = open.lingers() || open.course.owes();
        // Where times change, an event that carries a text tells the last one.
        let holds =
            (open.carrier.is_none() || scan.varies) && (open.editor.holds() || open.course.owes());
        let Some(event) = event.filter(|_| holds) else {
            return Ok(outcome);
        };
        if open.end(scan).is_none() {
            // An event that cannot be repeated carries nothing; a later one of the lane may.
            let before = open.carrier.as_ref().map_or(0, BlankEvent::size);
            let made = carrier(event, payload, scan, channel, edits, tally);
            open.carrier = made.or(open.carrier.take());
            let bytes = open.carrier.as_ref().map_or(0, BlankEvent::size);
            if let Some(mark) = open.editor.mark().filter(|_| bytes == 0) {
                // Nothing could bring the text if no more of it came.
                mark.flush(&mut outcome.after);
                outcome.deferred = false;
                open.emit(&outcome.after);
            }
            lanes.carry(before, bytes)?;
        }
        Ok(outcome)
    }

    /// Whether this event may end a text that another one shows to go on, or to have been cut short.
    pub(super) fn is_provisional(&self, scan: &Scan) -> bool {
        // One that says why it ends needs no other to tell.
        if scan.cut_short.is_some() {
            return false;
        }
        let ends = |close: &Close| {
            let says = |channel: &Channel| {
                close.is_of(channel.lane)
                    && !channel.span.is_empty()
                    && channel.kind != Kind::ToolArguments
                    && !self.has_said(channel)
            };
            let owes = |it: &OpenLane| it.editor.withholds() || it.course.owes();
            let mut lanes = self.lanes.of(close.group).filter(|it| close.is_of(it.lane));
            let withheld = self.edits.withholds()
                && (lanes.clone().any(owes) || scan.channels.iter().any(says));
            // A word that was cut short is not marked.
            withheld || lanes.any(OpenLane::lingers)
        };
        scan.closes.iter().filter(|close| !close.reasoning_only).any(ends)
    }

    /// Whether a piece only repeats a text that has been said.
    fn has_said(&self, channel: &Channel) -> bool {
        channel.mode == Mode::Repeat && self.lanes.knows(channel.lane, channel.mode.of_text())
    }

    /// Whether what one of these blocks holds back may be reasoning that the next one closes.
    pub(super) fn puts_off(&self, mut groups: impl Iterator<Item = u32>) -> bool {
        groups.any(|group| self.lanes.puts_off(group))
    }

    fn close(&mut self, close: Close, scan: &Scan, before: &mut Vec<u8>) {
        let Close { group, reasoning_only, cut_short, .. } = close;
        // What stands in reasoning is no answer to it.
        if reasoning_only && self.still_reasons(group, scan) {
            return;
        }
        if !reasoning_only {
            self.lanes.tell_calls(group);
        }
        let Self { edits, lanes, outcomes, seen, sequence, .. } = self;
        // An answer that has come is only owed as long as its pieces can be read in two ways.
        let answered = lanes
            .of(group)
            .any(|open| open.course.owes() && !open.course.current(&open.editor).reasons());
        for place in lanes.ending_with(&close) {
            let Some(open) = lanes.at(place) else { continue };
            if reasoning_only && open.kind != Kind::Reasoning {
                continue;
            }
            let cut_short = cut_short && !(answered && open.kind == Kind::Reasoning);
            let text = open.finish(cut_short, edits);
            seen.delivered += open.put(&text, scan, outcomes, sequence, before);
        }
    }

    /// Has what says a text again say what that has let out.
    fn repeat(&mut self, scan: &Scan) {
        let Self { lanes, outcomes, .. } = self;
        let repeats = scan.channels.iter().zip(outcomes.iter_mut());
        for (channel, outcome) in repeats.filter(|(it, _)| it.mode == Mode::Repeat) {
            if let Some(emitted) = lanes.emitted(channel) {
                let before = emitted.to_owned();
                *outcome = TextEdit { before, ..TextEdit::default() };
            }
        }
    }

    /// Whether all that an event says besides the reasoning of a choice is reasoning, too, or has
    /// not gone out.
    fn still_reasons(&self, group: u32, scan: &Scan) -> bool {
        let mut said = scan
            .channels
            .iter()
            .zip(&self.outcomes)
            .filter(|(it, _)| it.lane.group == group && it.kind != Kind::Reasoning)
            .filter(|(it, _)| !it.span.is_empty())
            .peekable();
        said.peek().is_some()
            && said.all(|(channel, outcome)| {
                let mut lanes = self.lanes.of(group).filter(|open| open.is_of(channel));
                channel.kind != Kind::ToolArguments
                    && lanes.any(|open| {
                        let held = outcome.is_empty() && open.editor.withholds();
                        // White space may come alone before a marker, and has gone out then.
                        held || open.editor.reasons() && !open.editor.has_begun()
                    })
            })
    }

    /// Text that is held back to be marked leaves before a tool call of the same choice.
    fn end_before_calls(&mut self, scan: &Scan, before: &mut Vec<u8>) {
        let Self { lanes, outcomes, seen, sequence, .. } = self;
        let calls = scan.channels.iter().filter(|channel| channel.kind == Kind::ToolArguments);
        for call in calls {
            let held = lanes
                .iter_mut()
                .filter(|open| open.lane.group == call.lane.group && open.lingers());
            for open in held {
                let mut text = String::new();
                if let Some(mark) = open.editor.mark() {
                    mark.end(false, &mut text);
                }
                seen.delivered += open.put(&text, scan, outcomes, sequence, before);
            }
        }
    }

    /// Has annotations point to where the text they mean has come to stand.
    fn citation_edits(
        &mut self,
        scan: &Scan,
        before: &mut Vec<u8>,
    ) -> Result<Vec<Edit>, TooManyLanes> {
        let Self { edits: made, lanes, outcomes, seen, sequence, .. } = self;
        let mut edits = Vec::new();
        for Citation { lane, start, end } in &scan.citations {
            // A text that has not begun will be cited as it comes.
            let only_whole = !lanes.knows(*lane, Mode::Delta) && lanes.knows(*lane, Mode::Snapshot);
            let mode = if only_whole { Mode::Snapshot } else { Mode::Delta };
            let kind = Kind::Answer;
            let channel = Channel { lane: *lane, kind, mode, span: 0..0, signed: false };
            let open = lanes.open(&channel, &[], scan, made)?;
            let mut text = String::new();
            let located = open.editor.locate(start.1..end.1, &mut text);
            seen.delivered += open.put(&text, scan, outcomes, sequence, before);
            let Some(located) = located else { continue };
            let moved = [(start, located.start), (end, located.end)];
            let moved = moved.into_iter().filter(|((_, from), to)| from != to);
            edits.extend(moved.map(|((span, _), to)| Edit::literal(span.clone(), to.to_string())));
        }
        Ok(edits)
    }

    /// Remembers the choices whose role this event brings.
    fn begin(&mut self, scan: &Scan) {
        if roles(scan) == 0 {
            return;
        }
        for Channel { lane, .. } in &scan.channels {
            if self.begun.len() < LANES && !self.begun.contains(&lane.group) {
                self.begun.push(lane.group);
            }
        }
    }

    /// Whether the event had text, has none left, and says nothing else. A role that comes with
    /// every piece says nothing after the first: an empty event for each would tell how many
    /// pieces were withheld.
    fn nothing_left(&self, scan: &Scan) -> bool {
        let first = scan.channels.iter().any(|channel| !self.begun.contains(&channel.lane.group));
        let role = roles(scan) > usize::from(!first);
        let mut emptied = false;
        let empty = scan.channels.iter().zip(&self.outcomes).all(|(channel, outcome)| {
            emptied |= outcome.is_empty() && !channel.span.is_empty();
            outcome.is_empty()
                || channel.span.is_empty() && outcome.before.is_empty() && outcome.after.is_empty()
        });
        emptied && empty && !scan.says_more && !role
    }

    /// What becomes of the event's token counts.
    fn rounded(&mut self, scan: &Scan) -> Option<Rounded> {
        if scan.usage == Usage::default() {
            return None;
        }
        let withheld = self.seen.reasoning + self.tally().words_removed;
        let withheld = (self.seen.all > 0).then_some(withheld);
        self.rounding.as_mut().map(|rounding| rounding.round(scan.usage, withheld))
    }

    fn field_edits(&mut self, scan: &Scan) -> Vec<Edit> {
        let rounded = self.rounded(scan);
        let Self { edits, tally, outcomes, sequence, .. } = self;
        let edited = outcomes.iter().any(|outcome| {
            !outcome.stays || !outcome.before.is_empty() || !outcome.after.is_empty()
        });
        let padding = |kind| edited && kind == FieldKind::Padding;
        scan.fields
            .iter()
            .filter_map(|field| match field.kind {
                // It hides the length that the text no longer has.
                kind if padding(kind) => Some(Edit::text(field.span.clone(), "")),
                FieldKind::Sequence(number) => {
                    let number = sequence.moved(number)?;
                    Some(Edit::literal(field.span.clone(), number.to_string()))
                }
                _ => edits.field(field, rounded.as_ref(), tally),
            })
            .collect()
    }
}

fn roles(scan: &Scan) -> usize {
    scan.fields.iter().filter(|field| field.kind == FieldKind::Role).count()
}
