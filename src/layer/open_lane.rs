//! One text of a response, with its editors and what can carry it.

use super::cumulative::{Course, Origin, Piece};
use super::outcome::TextEdit;
use super::sequence::Sequence;
use crate::countermeasure::{LaneEditor, ResponseEdits};
use crate::secret::opaque_debug;
use crate::wire::framing::BlankEvent;
use crate::wire::{Channel, Close, Kind, Lane, Mode, Scan};

opaque_debug!(OpenLane);

/// One lane: its editors, and the event that can carry text which is left when the lane ends.
pub(super) struct OpenLane {
    pub(super) lane: Lane,
    pub(super) mode: Mode,
    pub(super) kind: Kind,
    pub(super) editor: LaneEditor,
    pub(super) carrier: Option<BlankEvent>,
    /// How fresh editors of it are made.
    pub(super) origin: Origin,
    /// How its pieces follow each other.
    pub(super) course: Course,
    /// The event that brought the first piece.
    pub(super) event: u64,
    /// It has ended, and nothing has come since.
    pub(super) ended: bool,
    /// All that it has let out, in a stream that says its texts again.
    pub(super) emitted: Option<String>,
}

impl OpenLane {
    /// Whether text is held back only to be marked. A text that comes again and again brings it
    /// along.
    pub(super) fn lingers(&self) -> bool {
        self.editor.lingers() && !self.course.repeats()
    }

    /// Whether this is the text that a channel says.
    pub(super) fn is_of(&self, channel: &Channel) -> bool {
        (self.lane, self.mode) == (channel.lane, channel.mode)
    }

    /// Bytes that are kept of the text, and of what was exchanged in it.
    pub(super) fn held(&self) -> usize {
        let emitted = self.emitted.as_ref().map_or(0, String::capacity);
        self.course.held() + self.editor.allocated() + emitted
    }

    /// A tool is called behind the text.
    pub(super) fn call(&mut self) {
        self.course.call(&mut self.editor);
    }

    /// So much of it leaves.
    pub(super) fn emit(&mut self, text: &str) {
        let Some(emitted) = &mut self.emitted else { return };
        if self.course.repeats() {
            emitted.clear();
        }
        emitted.push_str(text);
    }

    /// Takes a piece that says again what the lane has said, and of which the lane says what nobody has
    /// said before.
    pub(super) fn repeat(&mut self, text: &str, scan: &Scan, edits: &ResponseEdits) {
        let Some(added) = self.course.added(text).filter(|added| !added.is_empty()) else {
            // Whatever else it may say, the lane has let out what it has.
            return;
        };
        self.ended = false;
        let mut out = String::new();
        self.take(added, scan, false, edits, &mut out);
        self.emit(&out);
    }

    /// Ends the lane and gives the text that was held back.
    pub(super) fn finish(&mut self, cut_short: bool, edits: &ResponseEdits) -> String {
        let mut text = String::new();
        if std::mem::replace(&mut self.ended, true) {
            return text;
        }
        self.course.finish(cut_short, &mut self.editor, &mut text);
        edits.remember(&mut self.editor);
        text
    }

    /// Takes a piece of a stream.
    pub(super) fn take(
        &mut self,
        text: &str,
        scan: &Scan,
        betrayed: bool,
        edits: &ResponseEdits,
        out: &mut String,
    ) {
        match self.course.take(text, &mut self.editor, &self.origin, edits, out) {
            Piece::Continued => {}
            Piece::Whole => self.whole(text, self.end(scan), betrayed, edits, out),
            Piece::Perhaps => {
                self.whole(text, None, betrayed, edits, out);
                self.course.weigh(text, out);
            }
        }
    }

    /// What goes out of a piece that says all so far, and ends if something ends it.
    fn whole(
        &mut self,
        text: &str,
        end: Option<&Close>,
        betrayed: bool,
        edits: &ResponseEdits,
        out: &mut String,
    ) {
        out.clear();
        let mut editor = self.origin.editor(edits);
        if let Some(mark) = editor.mark().filter(|_| betrayed) {
            mark.stop(out);
        }
        editor.push(text, out);
        if let Some(close) = end {
            editor.finish(close.cut_short, out);
        }
        self.course.show(out);
    }

    /// What ends the lane in this event.
    pub(super) fn end<'s>(&self, scan: &'s Scan) -> Option<&'s Close> {
        scan.closes.iter().find(|it| it.is_of(self.lane) && !it.reasoning_only)
    }

    /// Has text that was held back leave in an event of its own, if a marker begins this one:
    /// clients look for it where it came. How many bytes went.
    pub(super) fn part_from_marker(
        &mut self,
        text: &str,
        out: &mut String,
        sequence: &mut Sequence,
        before: &mut Vec<u8>,
    ) -> u64 {
        let Some(marker) = self.editor.marker().filter(|_| self.carrier.is_some()) else {
            return 0;
        };
        let begins = out.get(marker.clone()).is_some_and(|marker| text.starts_with(marker));
        if !begins || marker.start == 0 || self.course.repeats() {
            return 0;
        }
        let held: String = out.drain(..marker.start).collect();
        self.carry(&held, sequence, before)
    }

    /// What is to leave when the lane ends: all of it again, where every piece says all of it.
    pub(super) fn last(&self, text: String) -> String {
        if text.is_empty() || !self.course.repeats() {
            return text;
        }
        self.course.shown().to_owned() + &text
    }

    /// Puts text of the lane behind what this event has of it, or into an event of its own; how
    /// many bytes went into that.
    pub(super) fn put(
        &mut self,
        text: &str,
        scan: &Scan,
        outcomes: &mut [TextEdit],
        sequence: &mut Sequence,
        before: &mut Vec<u8>,
    ) -> u64 {
        if text.is_empty() {
            return 0;
        }
        let here = |channel: &Channel| self.is_of(channel);
        if self.course.repeats() {
            // A piece of this event has it already.
            let said = |channel: &Channel| here(channel) && !channel.span.is_empty();
            return match scan.channels.iter().any(said) {
                true => 0,
                false => self.carry(&self.last(text.to_owned()), sequence, before),
            };
        }
        match scan.channels.iter().rposition(here).and_then(|position| outcomes.get_mut(position)) {
            Some(outcome) => {
                outcome.after.push_str(text);
                self.emit(text);
                0
            }
            None => self.carry(text, sequence, before),
        }
    }

    /// Appends an event of the lane's own that holds `text`; how many bytes of text went.
    pub(super) fn carry(&mut self, text: &str, sequence: &mut Sequence, out: &mut Vec<u8>) -> u64 {
        if text.is_empty() {
            return 0;
        }
        // Where nothing carries it, it is told by what repeats the text.
        self.emit(text);
        let Some(carrier) = &self.carrier else { return 0 };
        let number = carrier.is_numbered().then(|| sequence.put_in()).flatten();
        carrier.fill(text, number.unwrap_or_default(), out);
        text.len() as u64
    }
}
