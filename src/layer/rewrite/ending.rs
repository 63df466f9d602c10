//! Where texts end: what their editors still hold goes out, and what an event may end is told.

use crate::layer::open_lane::OpenLane;
use crate::wire::{Channel, Close, Kind, Mode, Scan};

use super::ResponseRewriter;
use super::apart::{Apart, stands_apart};

impl ResponseRewriter {
    /// Ends every lane, for a stream that ends without having said so.
    pub(in crate::layer) fn close_all(&mut self, before: &mut Vec<u8>) {
        for place in self.lanes.all_ending() {
            let Some(open) = self.lanes.at(place) else { continue };
            let text = open.finish(true, &self.edits);
            self.seen.delivered += open.carry(&open.last(text), &mut self.sequence, before);
        }
    }

    /// Lets text leave that was held back to be marked, because the upstream has been silent for
    /// too long.
    pub(in crate::layer) fn release(&mut self) -> Vec<u8> {
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
    pub(in crate::layer) fn lingers(&self) -> bool {
        self.lanes.linger()
    }

    /// Whether this event may end a text that another one shows to go on, or to have been cut short.
    pub(in crate::layer) fn is_provisional(&self, scan: &Scan) -> bool {
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
    pub(super) fn has_said(&self, channel: &Channel) -> bool {
        channel.mode == Mode::Repeat && self.lanes.knows(channel.lane, channel.mode.of_text())
    }

    /// Whether what one of these blocks holds back may be reasoning that the next one closes.
    pub(in crate::layer) fn puts_off(&self, mut groups: impl Iterator<Item = u32>) -> bool {
        groups.any(|group| self.lanes.puts_off(group))
    }

    pub(super) fn close(&mut self, close: Close, scan: &Scan, before: &mut Vec<u8>) {
        let Close { group, reasoning_only, cut_short, .. } = close;
        // What stands in reasoning is no answer to it.
        if reasoning_only && self.still_reasons(group, scan) {
            return;
        }
        if !reasoning_only {
            self.lanes.tell_calls(group);
        }
        let Self { edits, lanes, outcomes, seen, sequence, apart, .. } = self;
        // An answer that has come is only owed as long as its pieces can be read in two ways.
        let answered = lanes
            .of(group)
            .any(|open| open.course.owes() && !open.course.current(&open.editor).reasons());
        // A client can have a text end at any word of it, and ask for one summary after another.
        let alone = edits.sums_up()
            && !reasoning_only
            && !scan.in_blocks
            && lanes.of(group).all(|open| open.kind == Kind::Reasoning);
        for place in lanes.ending_with(&close) {
            let Some(open) = lanes.at(place) else { continue };
            if reasoning_only && open.kind != Kind::Reasoning {
                continue;
            }
            let cut_short = alone || cut_short && !(answered && open.kind == Kind::Reasoning);
            let text = open.finish(cut_short, edits);
            if edits.sums_up() && stands_apart(open, scan) {
                apart.extend(Some(Apart::new(group, text)).filter(Apart::says));
                continue;
            }
            seen.delivered += open.put(&text, scan, outcomes, sequence, before);
        }
    }

    /// Ends the lanes that an event does not show with which all ends.
    pub(super) fn close_rest(&mut self, scan: &Scan, before: &mut Vec<u8>) {
        let Self { edits, lanes, outcomes, seen, sequence, .. } = self;
        for place in lanes.all_ending() {
            let Some(open) = lanes.at(place) else { continue };
            let text = open.finish(scan.cut_short.unwrap_or(true), edits);
            seen.delivered += open.put(&text, scan, outcomes, sequence, before);
        }
    }

    /// Whether all that an event says besides the reasoning of a choice is reasoning, too, or has
    /// not gone out.
    pub(super) fn still_reasons(&self, group: u32, scan: &Scan) -> bool {
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
    pub(super) fn end_before_calls(&mut self, scan: &Scan, before: &mut Vec<u8>) {
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
}
