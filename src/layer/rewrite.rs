//! From what was found in one event or document to what becomes of it.
//!
//! The only place where channels meet countermeasures. Streams and documents both come through
//! here, so that neither can be skipped.

use crate::countermeasure::{Counts, ResponseEdits};
use crate::wire::framing::sse::Block;
use crate::wire::json::{Edit, escape, splice, unescape, unescape_lossy};
use crate::wire::{Channel, Close, FieldKind, Kind, Scan, Usage};

use super::lanes::{Carrier, LANES, Lanes, TooManyLanes};

/// Rewrites the events of one response, or its document.
#[derive(Debug)]
pub(super) struct Rewriter {
    edits: ResponseEdits,
    lanes: Lanes,
    counts: Counts,
    /// Token counts as the upstream stated them last.
    usage: Usage,
    /// Bytes of text seen, in all and of reasoning: what tokens are estimated from until the
    /// upstream has stated them.
    seen: TextBytes,
    /// What becomes of this event's texts; kept for its memory.
    outcomes: Vec<Outcome>,
    scratch: String,
}

/// Bytes of text that a response has carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TextBytes {
    pub(super) all: u64,
    pub(super) reasoning: u64,
    /// What of it goes out.
    pub(super) delivered: u64,
}

/// What becomes of one piece of text: it stays, with other text around it, or gives way to it.
#[derive(Debug, Default)]
struct Outcome {
    stays: bool,
    before: String,
    behind: String,
}

/// What becomes of one event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rewritten {
    /// Goes out as it came.
    Kept,
    /// Has another payload.
    Payload(Vec<u8>),
    /// Nothing is left of it.
    Dropped,
}

impl TextBytes {
    fn add(&mut self, channel: &Channel) {
        let bytes = channel.span.len() as u64;
        self.all += bytes;
        self.reasoning += if channel.kind == Kind::Reasoning { bytes } else { 0 };
    }
}

impl Outcome {
    fn is_empty(&self) -> bool {
        !self.stays && self.before.is_empty() && self.behind.is_empty()
    }
}

impl Rewriter {
    pub(super) fn new(edits: ResponseEdits, counts: Counts) -> Self {
        Self {
            edits,
            lanes: Lanes::default(),
            counts,
            usage: Usage::default(),
            seen: TextBytes::default(),
            outcomes: Vec::new(),
            scratch: String::new(),
        }
    }

    /// Whether the response is read to be slowed down or counted only.
    pub(super) fn only_counts(&self) -> bool {
        !self.edits.changes_answer()
    }

    /// The counts so far, the editors' own included.
    pub(super) fn counts(&self) -> Counts {
        let (words_removed, unopened_reasoning) = self.lanes.counts();
        Counts { words_removed, unopened_reasoning, ..self.counts }
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    pub(super) fn seen(&self) -> TextBytes {
        self.seen
    }

    /// Rewrites one event. Text that is left of lanes which end here, and that this event has no
    /// place for, goes to `before` in events of its own. `block` is what holds the payload; `None`
    /// for a document, which holds each lane whole.
    pub(super) fn rewrite(
        &mut self,
        payload: &[u8],
        scan: &Scan,
        block: Option<&Block<'_>>,
        before: &mut Vec<u8>,
    ) -> Result<Rewritten, TooManyLanes> {
        self.usage.update(scan.usage);
        if block.is_some() && scan.only_usage && self.edits.drops_usage_event() {
            return Ok(Rewritten::Dropped);
        }
        if self.only_counts() {
            scan.channels.iter().for_each(|channel| self.seen.add(channel));
            self.seen.delivered = self.seen.all;
            return Ok(Rewritten::Kept);
        }
        // Each choice closes its reasoning and itself.
        if scan.closes.len() > 2 * LANES {
            return Err(TooManyLanes);
        }
        self.outcomes.clear();
        for channel in &scan.channels {
            self.seen.add(channel);
            let outcome = self.push(channel, payload, scan, block)?;
            self.outcomes.push(outcome);
        }
        for close in &scan.closes {
            self.close(*close, scan, before);
        }
        if block.is_some() && self.nothing_left(scan) {
            self.counts.events_dropped += 1;
            return Ok(Rewritten::Dropped);
        }
        let mut edits = self.field_edits(scan);
        for (channel, outcome) in scan.channels.iter().zip(self.outcomes.drain(..)) {
            let span = channel.span.clone();
            let Outcome { stays, before, behind } = outcome;
            let around = before.len() + behind.len();
            self.seen.delivered += if stays { span.len() + around } else { around } as u64;
            if !stays {
                let text = before + &behind;
                let raw = payload.get(span.clone()).unwrap_or_default();
                // The same text stays as the upstream spelled it.
                if text.is_empty() || unescape(raw) != Ok(text.as_str().into()) {
                    edits.push(Edit::text(span, &text));
                }
                continue;
            }
            let insertions = [(span.start, before), (span.end, behind)];
            let filled = insertions.into_iter().filter(|(_, text)| !text.is_empty());
            edits.extend(filled.map(|(at, text)| Edit::text(at..at, &text)));
        }
        if edits.is_empty() {
            return Ok(Rewritten::Kept);
        }
        Ok(Rewritten::Payload(splice(payload, &mut edits)))
    }

    /// Ends every lane, for a stream that ends without having said so.
    pub(super) fn close_all(&mut self, before: &mut Vec<u8>) {
        for open in self.lanes.iter_mut() {
            let text = open.finish(true);
            self.seen.delivered += open.carry(&text, before);
        }
    }

    /// Gives one piece of text to its lane's editor.
    fn push(
        &mut self,
        channel: &Channel,
        payload: &[u8],
        scan: &Scan,
        block: Option<&Block<'_>>,
    ) -> Result<Outcome, TooManyLanes> {
        let stays = Outcome { stays: true, ..Outcome::default() };
        let Self { edits, lanes, counts, scratch, .. } = self;
        let open = lanes.open(channel, scan, edits)?;
        let raw = payload.get(channel.span.clone()).unwrap_or_default();
        let Some(editor) = open.editor.as_deref_mut().filter(|_| !raw.is_empty()) else {
            return Ok(stays);
        };
        scratch.clear();
        let outcome = match unescape(raw) {
            Ok(text) => {
                editor.push(&text, scratch);
                if *scratch == *text {
                    stays
                } else {
                    Outcome { before: scratch.clone(), ..Outcome::default() }
                }
            }
            Err(_) => Outcome {
                stays: editor.push_opaque(&unescape_lossy(raw), scratch),
                before: scratch.clone(),
                behind: String::new(),
            },
        };
        let Some(block) = block.filter(|_| open.carrier.is_none() && editor.holds()) else {
            return Ok(outcome);
        };
        let ends = |close: &Close| close.group == channel.lane.group && !close.reasoning_only;
        if !scan.closes.iter().any(ends) {
            // An event that cannot be repeated carries nothing; a later one of the lane may.
            open.carrier = carrier(block, payload, scan, channel, edits, counts);
            let bytes = open.carrier.as_ref().map_or(0, Carrier::len);
            lanes.carry(bytes)?;
        }
        Ok(outcome)
    }

    fn close(&mut self, close: Close, scan: &Scan, before: &mut Vec<u8>) {
        let Close { group, reasoning_only, cut_short } = close;
        let Self { lanes, outcomes, seen, .. } = self;
        let ending = lanes.iter_mut().filter(|open| {
            open.lane.group == group && (!reasoning_only || open.kind == Kind::Reasoning)
        });
        for open in ending {
            let text = open.finish(cut_short);
            if text.is_empty() {
                continue;
            }
            let here = scan.channels.iter().rposition(|channel| channel.lane == open.lane);
            match here.and_then(|position| outcomes.get_mut(position)) {
                Some(outcome) => outcome.behind.push_str(&text),
                None => seen.delivered += open.carry(&text, before),
            }
        }
    }

    /// Whether the event had text, has none left, and says nothing else.
    fn nothing_left(&self, scan: &Scan) -> bool {
        let role = scan.fields.iter().any(|field| field.kind == FieldKind::Role);
        let mut emptied = false;
        let empty = scan.channels.iter().zip(&self.outcomes).all(|(channel, outcome)| {
            emptied |= outcome.is_empty() && !channel.span.is_empty();
            outcome.is_empty()
                || channel.span.is_empty() && outcome.before.is_empty() && outcome.behind.is_empty()
        });
        emptied && empty && !scan.says_more && !role
    }

    fn field_edits(&mut self, scan: &Scan) -> Vec<Edit> {
        let Self { edits, counts, outcomes, .. } = self;
        let edited = outcomes.iter().any(|outcome| {
            !outcome.stays || !outcome.before.is_empty() || !outcome.behind.is_empty()
        });
        let padding = |kind| edited && kind == FieldKind::Padding;
        scan.fields
            .iter()
            .filter_map(|field| match field.kind {
                // It hides the length that the text no longer has.
                kind if padding(kind) => Some(Edit::text(field.span.clone(), "")),
                _ => edits.field(field, scan.usage, counts),
            })
            .collect()
    }
}

/// What carries a lane's last text: this event with its other texts, its role and its counts taken
/// out, and what must be said once; `None` if that is not possible.
fn carrier(
    block: &Block<'_>,
    payload: &[u8],
    scan: &Scan,
    channel: &Channel,
    edits: &ResponseEdits,
    counts: &mut Counts,
) -> Option<Carrier> {
    if scan.unrepeatable {
        return None;
    }
    let Some(place) = block.payload_span() else {
        // On several lines: broken between tokens, where a space says the same.
        let line: Vec<u8> =
            payload.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }).collect();
        let raw = block.with_payload(&line);
        let block = Block::parse(&raw);
        block.payload_span()?;
        return carrier(&block, &line, scan, channel, edits, counts);
    };
    // The carrier's own fields are closed like any event's, but counted with the event only.
    let mut uncounted = *counts;
    let mut taken_out: Vec<Edit> = scan
        .fields
        .iter()
        .filter_map(|field| match field.kind {
            FieldKind::Role | FieldKind::Usage | FieldKind::Once => {
                Some(Edit::literal(field.span.clone(), "null"))
            }
            FieldKind::Padding => Some(Edit::text(field.span.clone(), "")),
            _ => edits.field(field, scan.usage, &mut uncounted),
        })
        .collect();
    let others = scan.channels.iter().filter(|other| other.span != channel.span);
    taken_out.extend(others.map(|other| Edit::text(other.span.clone(), "")));
    let (mut before, mut behind): (Vec<Edit>, Vec<Edit>) =
        taken_out.into_iter().partition(|edit| edit.span.end <= channel.span.start);
    for edit in &mut behind {
        edit.span = edit.span.start - channel.span.end..edit.span.end - channel.span.end;
    }
    let raw = block.raw();
    Some(Carrier {
        before: [raw.get(..place.start)?, &splice(payload.get(..channel.span.start)?, &mut before)]
            .concat(),
        behind: [&splice(payload.get(channel.span.end..)?, &mut behind), raw.get(place.end..)?]
            .concat(),
    })
}

impl super::lanes::OpenLane {
    /// Ends the lane and gives the text that was held back.
    fn finish(&mut self, cut_short: bool) -> String {
        let mut text = String::new();
        if let Some(editor) = &mut self.editor {
            editor.finish(cut_short, &mut text);
        }
        text
    }

    /// Appends an event of the lane's own that holds `text`; how many bytes of text went.
    fn carry(&self, text: &str, out: &mut Vec<u8>) -> u64 {
        let Some(Carrier { before, behind }) = self.carrier.as_ref().filter(|_| !text.is_empty())
        else {
            return 0;
        };
        out.extend_from_slice(before);
        escape(text, out);
        out.extend_from_slice(behind);
        text.len() as u64
    }
}
