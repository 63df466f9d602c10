//! The texts of one response, each with its editor.

use crate::countermeasure::inline::{Dialects, unopened};
use crate::countermeasure::{Beside, Counts, LaneEditor, ResponseEdits};
use crate::wire::json::{unescape, unescape_lossy};
use crate::wire::{Channel, Kind, Lane, Mode, Scan, Signed};

use super::carrier::Carrier;
use super::cumulative::{Course, Origin};

/// The most lanes one response may have. An upstream that claims more is not answering.
pub(super) const LANES: usize = 1024;

/// The most bytes that the carriers of one response may take.
const CARRIED: usize = 1 << 20;

/// The lanes seen so far.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: Vec<OpenLane>,
    /// Bytes that carriers take.
    carried: usize,
    /// The choices that hold a signed block; `None` for all of the response.
    signed: Vec<Option<u32>>,
    /// The choices that said reasoning in members of their own, likewise.
    reasoned: Vec<Option<u32>>,
    /// Texts that have not begun, and how many bytes of them are reasoning that nothing opened.
    unopened: Vec<(Lane, usize)>,
    /// The choices or blocks behind whose text a tool is called.
    called: Vec<u32>,
    /// Events so far.
    events: u64,
}

/// One lane: its editors, and the event that can carry text which is left when the lane ends.
#[derive(Debug)]
pub(super) struct OpenLane {
    pub(super) lane: Lane,
    pub(super) kind: Kind,
    pub(super) editor: LaneEditor,
    pub(super) carrier: Option<Carrier>,
    /// The same for the member that says all so far beside the deltas, and what it said last.
    pub(super) copy: Option<(Carrier, String)>,
    /// How fresh editors of it are made.
    pub(super) origin: Origin,
    /// How its pieces follow each other.
    pub(super) course: Course,
    /// The event that brought the first piece.
    event: u64,
}

impl OpenLane {
    /// Whether text is held back only to be marked. A text that comes again and again brings it
    /// along.
    pub(super) fn lingers(&self) -> bool {
        self.editor.lingers() && !self.course.repeats()
    }
}

/// The response has more lanes than any answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooManyLanes;

impl Lanes {
    /// The lane of a channel, opened if this is its first piece.
    pub(super) fn open(
        &mut self,
        channel: &Channel,
        payload: &[u8],
        scan: &Scan,
        edits: &ResponseEdits,
    ) -> Result<&mut OpenLane, TooManyLanes> {
        let known = self.lanes.iter().position(|open| open.lane == channel.lane);
        let position = match known {
            Some(position) => position,
            None if self.lanes.len() == LANES => return Err(TooManyLanes),
            None => {
                let beside = self.beside(channel, payload, scan);
                let origin = Origin { channel: channel.clone(), beside, told_apart: false };
                let editor = origin.editor(edits);
                let Channel { lane, kind, .. } = *channel;
                let course = Course::default();
                let (carrier, copy, event) = (None, None, self.events);
                self.lanes.push(OpenLane {
                    lane,
                    kind,
                    editor,
                    carrier,
                    copy,
                    origin,
                    course,
                    event,
                });
                self.lanes.len() - 1
            }
        };
        self.lanes.get_mut(position).ok_or(TooManyLanes)
    }

    /// What is known when the text of `channel` begins.
    fn beside(&self, channel: &Channel, payload: &[u8], scan: &Scan) -> Beside {
        let concerned = |of: Option<u32>| of.is_none_or(|of| of == channel.lane.group);
        let reasoning = self.reasoned.iter().any(|of| concerned(*of))
            || scan.channels.iter().filter_map(reasoned).any(concerned);
        let before = channel.span.start;
        let signed = self.signed.iter().any(|of| concerned(*of))
            || scan.signed.iter().any(|it| concerned(it.group) && it.from <= before);
        let spent = self.spent(channel, payload, scan);
        let thought = channel.kind == Kind::Answer
            && self.of(channel.lane.group).any(|it| it.origin.channel.signed);
        let continues = scan.in_blocks && channel.kind == Kind::Answer && self.reasons();
        let unopened = self.unopened.iter().find(|(lane, _)| *lane == channel.lane);
        let unopened = unopened.map_or(0, |(_, bytes)| *bytes);
        Beside { reasoning, sealed: signed, signed, spent, thought, continues, unopened }
    }

    /// Whether the answer text that began last ended, or ends, within reasoning.
    fn reasons(&self) -> bool {
        let last = self.lanes.iter().rev().find(|open| open.kind == Kind::Answer);
        last.is_some_and(|open| open.course.current(&open.editor).leaves_open())
    }

    /// Whether the choice has said reasoning in another member before: all of it is one text, of which
    /// one part is kept. A member that begins with the other, and like it, is a copy.
    fn spent(&self, channel: &Channel, payload: &[u8], scan: &Scan) -> bool {
        let Channel { lane, kind, signed, .. } = *channel;
        if kind != Kind::Reasoning || signed {
            return false;
        }
        let text = |of: &Channel| payload.get(of.span.clone());
        let piece = |of: Lane| scan.channels.iter().find(|it| it.lane == of);
        let mut others = self.of(lane.group).filter(|it| it.kind == Kind::Reasoning).peekable();
        others.peek().is_some()
            && !others.any(|it| {
                it.event == self.events
                    && !it.origin.beside.spent
                    && piece(it.lane).is_some_and(|other| text(other) == text(channel))
            })
    }

    /// Another event is read.
    pub(super) fn next_event(&mut self) {
        self.events += 1;
    }

    /// Remembers behind whose texts a tool is called.
    pub(super) fn called(&mut self, scan: &Scan) {
        for group in &scan.calls {
            if self.called.len() < LANES && !self.called.contains(group) {
                self.called.push(*group);
            }
        }
    }

    /// Tells the texts of a choice or block that end if a tool is called behind them.
    pub(super) fn tell_calls(&mut self, group: u32) {
        if self.called.contains(&group) {
            let concerned = self.lanes.iter_mut().filter(|open| open.lane.group == group);
            concerned.for_each(|open| open.call());
        }
    }

    /// Remembers whose reasoning an event says in members of its own, and tells their answers.
    pub(super) fn reasoned(&mut self, scan: &Scan) {
        for group in scan.channels.iter().filter_map(reasoned) {
            if self.reasoned.len() < LANES && !self.reasoned.contains(&group) {
                self.reasoned.push(group);
                let concerned = |open: &&mut OpenLane| {
                    matches!(open.kind, Kind::Answer | Kind::Refusal)
                        && group.is_none_or(|of| of == open.lane.group)
                };
                let concerned = self.lanes.iter_mut().filter(concerned);
                for open in concerned {
                    open.course.tell_apart(&mut open.editor);
                    open.origin.told_apart = true;
                }
            }
        }
    }

    /// Looks ahead in the texts that begin here, as far as they are here: how much of them is
    /// reasoning that nothing opened.
    pub(super) fn look_ahead(&mut self, payload: &[u8], scan: &Scan) {
        let mut texts: Vec<(Lane, String)> = Vec::new();
        for Channel { lane, kind, mode, span, .. } in &scan.channels {
            let said = matches!(kind, Kind::Answer | Kind::Refusal) && *mode == Mode::Delta;
            let raw = payload.get(span.clone()).unwrap_or_default();
            if !said || self.lanes.iter().any(|open| open.lane == *lane) {
                continue;
            }
            let text = unescape(raw).unwrap_or_else(|_| unescape_lossy(raw).into());
            if let Some((_, all)) = texts.last_mut().filter(|(last, _)| last == lane) {
                all.push_str(&text);
            } else if texts.len() < LANES {
                texts.push((*lane, text.into_owned()));
            }
        }
        self.unopened = texts.into_iter().map(|(lane, text)| (lane, unopened(&text))).collect();
    }

    /// Remembers the signed blocks of an event whose lanes have been opened.
    pub(super) fn signed(&mut self, scan: &Scan) {
        for Signed { group, .. } in &scan.signed {
            if self.signed.len() < LANES && !self.signed.contains(group) {
                self.signed.push(*group);
            }
        }
    }

    /// Counts a new carrier.
    pub(super) fn carry(&mut self, bytes: usize) -> Result<(), TooManyLanes> {
        self.carried += bytes;
        if self.carried > CARRIED { Err(TooManyLanes) } else { Ok(()) }
    }

    /// Bytes that are kept: by carriers, of texts that may come again, of what was exchanged in them.
    pub(super) fn held(&self) -> usize {
        let texts = self.lanes.iter().map(|open| {
            let shown = open.copy.as_ref().map_or(0, |(_, shown)| shown.capacity());
            open.course.held() + shown + open.editor.allocated()
        });
        self.carried + texts.sum::<usize>()
    }

    /// All lanes, in the order in which they began.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut OpenLane> {
        self.lanes.iter_mut()
    }

    /// All lanes, in the order in which they end: reasoning stands before its answer.
    pub(super) fn ending(&mut self) -> impl Iterator<Item = &mut OpenLane> {
        let mut all: Vec<&mut OpenLane> = self.lanes.iter_mut().collect();
        all.sort_by_key(|open| open.kind != Kind::Reasoning);
        all.into_iter()
    }

    /// Whether text is held back that could leave, only to be marked.
    pub(super) fn linger(&self) -> bool {
        self.lanes.iter().any(|open| open.carrier.is_some() && open.lingers())
    }

    /// The texts of a choice or block.
    pub(super) fn of(&self, group: u32) -> impl Iterator<Item = &OpenLane> {
        self.lanes.iter().filter(move |open| open.lane.group == group)
    }

    /// Sums of the editors' counts over the lanes.
    pub(super) fn counts(&self, counts: &mut Counts) {
        let editors = || self.lanes.iter().map(|open| open.course.current(&open.editor));
        counts.words_removed = editors().map(LaneEditor::words_removed).sum();
        counts.unopened_reasoning = editors().map(LaneEditor::unopened_reasoning).sum();
        counts.unknown_markup = editors().map(LaneEditor::unknown_markup).sum();
        counts.dialects =
            editors().map(LaneEditor::dialects).fold(Dialects::default(), Dialects::union);
        counts.sites = editors().map(|editor| editor.marked().0).sum();
        counts.flips = editors().map(|editor| editor.marked().1).sum();
    }
}

/// Whose reasoning a channel says in a member of its own: a choice's; `None` for all of a response
/// that gives each part a block.
fn reasoned(channel: &Channel) -> Option<Option<u32>> {
    let says = channel.kind == Kind::Reasoning && !channel.span.is_empty();
    says.then_some((!channel.signed).then_some(channel.lane.group))
}
