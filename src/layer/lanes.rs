//! The texts of one response, each with its editor.

use std::collections::BTreeMap;

use crate::countermeasure::inline::{Dialects, unopened};
use crate::countermeasure::{Beside, LaneEditor, ResponseEdits, Tally};
use crate::secret::opaque_debug;
use crate::wire::json::{unescape, unescape_lossy};
use crate::wire::{Channel, Close, Kind, Lane, Mode, Scan, Signed, Slot};

use super::cumulative::{Course, Origin};
use super::open_lane::OpenLane;

opaque_debug!(Lanes);

/// The most lanes one response may have. An upstream that claims more is not answering.
pub(super) const LANES: usize = 1024;

/// The most bytes that the carriers of one response may take.
const CARRIED: usize = 1 << 20;

/// The lanes seen so far.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: Vec<OpenLane>,
    /// Where the one stands that spoke last, and speaks next as a rule.
    last: usize,
    /// Where each one stands. In trees: most answers have one or two, which costs less than two hashes each.
    places: BTreeMap<(Lane, Mode), usize>,
    /// Where those of each choice or block do.
    groups: BTreeMap<u32, Vec<usize>>,
    /// Bytes that carriers take.
    carried: usize,
    /// The choices that hold a signed block; `None` for all of the response.
    signed: Vec<Option<u32>>,
    /// The choices that said reasoning in members of their own, likewise.
    reasoned: Vec<Option<u32>>,
    /// Texts that have not begun, and how many bytes of them are reasoning that nothing opened.
    unopened: BTreeMap<(Lane, Mode), usize>,
    /// The choices or blocks behind whose text a tool is called.
    called: Vec<u32>,
    /// Events so far.
    events: u64,
}

/// The response has more lanes than any answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct TooManyLanes;

/// Whether reasoning stands in a place with room for a signature, beside the string that says it as well.
fn has_room(channel: &Channel) -> bool {
    matches!(
        channel.lane.slot,
        Slot::ReasoningDetail(_) | Slot::ThinkingBlock | Slot::ProviderThinkingBlock
    )
}

impl Lanes {
    /// The lane of a channel, opened if this is its first piece.
    pub(super) fn open(
        &mut self,
        channel: &Channel,
        payload: &[u8],
        scan: &Scan,
        edits: &ResponseEdits,
    ) -> Result<&mut OpenLane, TooManyLanes> {
        let mode = channel.mode.of_text();
        let place = match self.place(channel.lane, mode) {
            Some(place) => place,
            None if self.lanes.len() == LANES => return Err(TooManyLanes),
            None => {
                let beside = self.beside(channel, payload, scan);
                let channel = Channel { mode, ..channel.clone() };
                let put_off = self.put_off(&channel, scan);
                let Channel { lane, kind, .. } = channel;
                let origin = Origin { channel, beside, told_apart: false };
                let editor = put_off.unwrap_or_else(|| origin.editor(edits));
                let emitted = (scan.repeats && !editor.is_none()).then(String::new);
                let course = Course::default();
                let (carrier, event, ended) = (None, self.events, false);
                let place = self.lanes.len();
                self.places.insert((lane, mode), place);
                self.groups.entry(lane.group).or_default().push(place);
                self.lanes.push(OpenLane {
                    lane,
                    mode,
                    kind,
                    editor,
                    carrier,
                    origin,
                    course,
                    event,
                    ended,
                    emitted,
                });
                place
            }
        };
        self.last = place;
        self.lanes.get_mut(place).ok_or(TooManyLanes)
    }

    fn place(&self, lane: Lane, mode: Mode) -> Option<usize> {
        match self.lanes.get(self.last) {
            Some(last) if (last.lane, last.mode) == (lane, mode) => Some(self.last),
            _ => self.places.get(&(lane, mode)).copied(),
        }
    }

    /// Whether the lane is known, as a text that says what comes next or as one that says all so far.
    pub(super) fn knows(&self, lane: Lane, mode: Mode) -> bool {
        self.place(lane, mode).is_some()
    }

    /// What the lane of a channel has let out, if that is kept.
    pub(super) fn emitted(&self, channel: &Channel) -> Option<&str> {
        let place = self.place(channel.lane, channel.mode.of_text())?;
        self.lanes.get(place)?.emitted.as_deref()
    }

    /// The editors of the block before, whose text the block of `channel` goes on with: whether it is
    /// reasoning is not known yet, and will be told there.
    fn put_off(&mut self, channel: &Channel, scan: &Scan) -> Option<LaneEditor> {
        let goes_on = scan.in_blocks && channel.kind == Kind::Answer;
        let last = self.lanes.iter_mut().rev().filter(|_| goes_on);
        let mut last = last.filter(|it| it.kind == Kind::Answer && it.mode == channel.mode);
        let last = last.next().filter(|it| !it.ended && it.editor.puts_off())?;
        Some(last.editor.hand_over())
    }

    /// Whether all that a block holds back may be reasoning that the next one closes.
    pub(super) fn puts_off(&self, group: u32) -> bool {
        self.of(group).any(|open| open.editor.puts_off())
    }

    /// What is known when the text of `channel` begins.
    fn beside(&self, channel: &Channel, payload: &[u8], scan: &Scan) -> Beside {
        let concerned = |of: Option<u32>| of.is_none_or(|of| of == channel.lane.group);
        // In a response of items it is one that stands before.
        let told = |of: Option<u32>| {
            concerned(of) || scan.in_blocks && of.is_some_and(|of| of < channel.lane.group)
        };
        let reasoning = self.reasoned.iter().any(|of| told(*of))
            || scan.channels.iter().filter_map(reasoned).any(told);
        let before = channel.span.start;
        let signed = self.signed.iter().any(|of| concerned(*of))
            || scan.signed.iter().any(|it| concerned(it.group) && it.from <= before);
        let spent = self.spent(channel, payload, scan);
        let thought = channel.kind == Kind::Answer
            && self.of(channel.lane.group).any(|it| it.origin.channel.signed);
        let continues =
            scan.in_blocks && channel.kind == Kind::Answer && self.reasons(channel.mode.of_text());
        let unopened = self.unopened.get(&(channel.lane, channel.mode.of_text())).copied();
        let unopened = unopened.unwrap_or_default();
        let speaks = |open: &OpenLane| !open.course.current(&open.editor).dialects().is_empty();
        let reasoned = match scan.in_blocks {
            true => self.lanes.iter().any(speaks),
            false => self.of(channel.lane.group).any(speaks),
        };
        let sealed = signed;
        let copied = channel.kind == Kind::Reasoning
            && scan.channels.iter().any(|it| it.lane.group == channel.lane.group && has_room(it));
        Beside { reasoning, sealed, signed, spent, thought, reasoned, continues, unopened, copied }
    }

    /// Whether the answer text that began last ended, or ends, within reasoning.
    fn reasons(&self, mode: Mode) -> bool {
        let answers = |open: &&OpenLane| open.kind == Kind::Answer && open.mode == mode;
        let last = self.lanes.iter().rev().find(answers);
        last.is_some_and(|open| open.course.current(&open.editor).leaves_open())
    }

    /// Whether the choice has said reasoning in another member before: all of it is one text, of which
    /// one part is kept. A member that begins with the other, and like it, is a copy.
    fn spent(&self, channel: &Channel, payload: &[u8], scan: &Scan) -> bool {
        let Channel { lane, kind, signed, mode, .. } = *channel;
        if kind != Kind::Reasoning || signed {
            return false;
        }
        let text = |of: &Channel| payload.get(of.span.clone());
        let piece = |of: &OpenLane| scan.channels.iter().find(|it| of.is_of(it));
        let others = self.of(lane.group).filter(|it| it.kind == Kind::Reasoning);
        let mut others = others.filter(|it| it.mode == mode.of_text()).peekable();
        others.peek().is_some()
            && !others.any(|it| {
                it.event == self.events
                    && it.lane.part == lane.part
                    && !it.origin.beside.spent
                    && piece(it).is_some_and(|other| text(other) == text(channel))
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
            for place in self.ending(group) {
                self.lanes.get_mut(place).into_iter().for_each(OpenLane::call);
            }
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
    pub(super) fn look_ahead(&mut self, payload: &[u8], scan: &Scan, edits: &ResponseEdits) {
        self.unopened.clear();
        let mut texts: Vec<((Lane, Mode), String)> = Vec::new();
        for Channel { lane, kind, mode, span, .. } in &scan.channels {
            let said = matches!(kind, Kind::Answer | Kind::Refusal);
            let of = (*lane, mode.of_text());
            if !said || self.knows(of.0, of.1) {
                continue;
            }
            let raw = payload.get(span.clone()).unwrap_or_default();
            let text = unescape(raw).unwrap_or_else(|_| unescape_lossy(raw).into());
            if let Some((_, all)) = texts.last_mut().filter(|(last, _)| *last == of) {
                all.push_str(&text);
            } else if texts.len() < LANES {
                texts.push((of, text.into_owned()));
            }
        }
        if texts.is_empty() {
            return;
        }
        for ((lane, _), text) in &mut texts {
            let behind = edits.behind_prompt(lane.group, text);
            if behind.len() < text.len() {
                *text = behind.to_owned();
            }
        }
        if scan.in_blocks {
            // What one block closes may have begun in those before it.
            let whole: String = texts.iter().map(|(_, text)| text.as_str()).collect();
            let mut left = unopened(&whole);
            let told = texts.iter().map(|(of, text)| {
                let reasoning = left.min(text.len());
                left -= reasoning;
                (*of, reasoning)
            });
            self.unopened.extend(told);
        } else {
            self.unopened.extend(texts.into_iter().map(|(of, text)| (of, unopened(&text))));
        }
    }

    /// Remembers the signed blocks of an event whose lanes have been opened.
    pub(super) fn signed(&mut self, scan: &Scan) {
        for Signed { group, .. } in &scan.signed {
            if self.signed.len() < LANES && !self.signed.contains(group) {
                self.signed.push(*group);
            }
        }
    }

    /// Counts a new carrier, in place of one of so many bytes.
    pub(super) fn carry(&mut self, before: usize, bytes: usize) -> Result<(), TooManyLanes> {
        self.carried = (self.carried + bytes).saturating_sub(before);
        if self.carried > CARRIED { Err(TooManyLanes) } else { Ok(()) }
    }

    /// Bytes that are kept: by carriers, of texts that may come again, of what was exchanged in them.
    pub(super) fn held(&self) -> usize {
        self.carried + self.lanes.iter().map(OpenLane::held).sum::<usize>()
    }

    /// All lanes, in the order in which they began.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut OpenLane> {
        self.lanes.iter_mut()
    }

    /// The lane at a place.
    pub(super) fn at(&mut self, place: usize) -> Option<&mut OpenLane> {
        self.lanes.get_mut(place)
    }

    /// The places of a choice's lanes, in the order in which they end.
    pub(super) fn ending(&self, group: u32) -> Vec<usize> {
        self.in_order(self.groups.get(&group).cloned().unwrap_or_default())
    }

    /// Those of the lanes that end with a part of an item, or all of it.
    pub(super) fn ending_with(&self, close: &Close) -> Vec<usize> {
        let mut places = self.ending(close.group);
        places.retain(|place| self.lanes.get(*place).is_some_and(|it| close.is_of(it.lane)));
        places
    }

    /// Those of all lanes.
    pub(super) fn all_ending(&self) -> Vec<usize> {
        self.in_order((0..self.lanes.len()).collect())
    }

    /// Reasoning stands before its answer, and what says all so far behind what comes next.
    fn in_order(&self, mut places: Vec<usize>) -> Vec<usize> {
        let rank = |place: &usize| {
            let lane = self.lanes.get(*place);
            lane.map(|open| (open.kind != Kind::Reasoning, open.mode == Mode::Snapshot))
        };
        places.sort_by_key(rank);
        places
    }

    /// Whether text is held back that could leave, only to be marked.
    pub(super) fn linger(&self) -> bool {
        self.lanes.iter().any(|open| open.carrier.is_some() && open.lingers())
    }

    /// The texts of a choice or block.
    pub(super) fn of(&self, group: u32) -> impl Iterator<Item = &OpenLane> + Clone {
        let places = self.groups.get(&group).into_iter().flatten();
        places.filter_map(|place| self.lanes.get(*place))
    }

    /// Adds what the editors have done.
    pub(super) fn add_to(&self, tally: &mut Tally) {
        // A text that another member says, too, is counted once.
        let copies =
            |open: &OpenLane| open.mode == Mode::Snapshot && self.knows(open.lane, Mode::Delta);
        let lanes = || self.lanes.iter().filter(|open| !copies(open));
        let editors = || lanes().map(|open| open.course.current(&open.editor));
        tally.words_removed = editors().map(LaneEditor::words_removed).sum();
        tally.words_repeated += editors().map(LaneEditor::words_repeated).sum::<u64>();
        tally.blocks_sealed += editors().map(LaneEditor::blocks_sealed).sum::<u64>();
        tally.unopened_reasoning = editors().map(LaneEditor::unopened_reasoning).sum();
        tally.unknown_markup = editors().map(LaneEditor::unknown_markup).sum();
        tally.dialects =
            editors().map(LaneEditor::dialects).fold(Dialects::default(), Dialects::union);
        tally.sites = editors().map(|editor| editor.marked().0).sum();
        tally.flips = editors().map(|editor| editor.marked().1).sum();
    }
}

/// Whose reasoning a channel says in a member of its own: a choice's; `None` for all of a response
/// that gives each part a block.
fn reasoned(channel: &Channel) -> Option<Option<u32>> {
    let says = channel.kind == Kind::Reasoning && !channel.span.is_empty();
    says.then_some((!channel.signed).then_some(channel.lane.group))
}
