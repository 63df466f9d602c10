//! Texts, given to the editors of their lanes.

use crate::layer::carrier::carrier;
use crate::layer::lanes::TooManyLanes;
use crate::layer::outcome::{Given, TextEdit, boundary};
use crate::wire::framing::{BlankEvent, Event};
use crate::wire::json::{unescape, unescape_lossy};
use crate::wire::{Channel, Mode, Scan};

use super::ResponseRewriter;

impl ResponseRewriter {
    /// Gives about `bytes` of a document's texts to their editors; whether all have been given, so that
    /// [`rewrite`](Self::rewrite) has little left to do.
    pub(in crate::layer) fn give(
        &mut self,
        document: &[u8],
        scan: &Scan,
        given: &mut Given,
        bytes: usize,
    ) -> Result<bool, TooManyLanes> {
        let idle = self.only_counts() || self.edits.only_closes();
        if idle || !self.edits.concerns(document, scan) {
            return Ok(true);
        }
        self.lanes.reasoned(scan);
        let betrayed = scan.fields.iter().any(|field| self.edits.betrays_mark(field));
        let mut left = bytes;
        while let Some(channel) = scan.channels.get(given.texts) {
            if given.long.is_none() {
                self.leave_part(channel, document, scan)?;
            }
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
            self.see_edited(channel, document, true);
            self.outcomes.push(outcome);
            given.texts += 1;
            if left == 0 {
                return Ok(given.texts == scan.channels.len());
            }
        }
        Ok(true)
    }

    /// Has text that is held back to be marked leave with the part that it came in, where the next text of
    /// the same lane stands in a part of its own: clients keep them apart.
    pub(super) fn leave_part(
        &mut self,
        channel: &Channel,
        payload: &[u8],
        scan: &Scan,
    ) -> Result<(), TooManyLanes> {
        let Self { edits, lanes, outcomes, .. } = self;
        let before = outcomes.len().checked_sub(1).and_then(|at| scan.channels.get(at));
        let goes_on = before.is_some_and(|it| {
            (it.lane, it.mode) == (channel.lane, channel.mode) && !it.span.is_empty()
        });
        if !goes_on || channel.span.is_empty() || channel.mode != Mode::Delta {
            return Ok(());
        }
        let open = lanes.open(channel, payload, scan, edits)?;
        let Some(outcome) = outcomes.last_mut().filter(|_| open.lingers()) else { return Ok(()) };
        let mut text = String::new();
        if let Some(mark) = open.editor.mark() {
            mark.end(false, &mut text);
        }
        open.emit(&text);
        outcome.after.push_str(&text);
        outcome.deferred = open.course.owes();
        Ok(())
    }

    /// Gives one piece of text to its lane's editors. `betrayed` if the event says the text a
    /// second time.
    pub(super) fn push(
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
        if channel.mode == Mode::Repeat {
            // What it adds is known when the event has been read.
            return Ok(stays);
        }
        let open = lanes.open(channel, payload, scan, edits)?;
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
            if bytes == 0 {
                // Nothing could bring the text if no more of it came.
                open.editor.let_go(&mut outcome.after);
                if let Some(mark) = open.editor.mark() {
                    mark.flush(&mut outcome.after);
                    outcome.deferred = false;
                }
                open.emit(&outcome.after);
            }
            lanes.carry(before, bytes)?;
        }
        Ok(outcome)
    }

    /// Gives what says a text again to its lane's editors, behind the pieces of the same event,
    /// wherever it stands in it.
    pub(super) fn push_again(&mut self, payload: &[u8], scan: &Scan) -> Result<(), TooManyLanes> {
        let Self { lanes, edits, .. } = self;
        for channel in scan.channels.iter().filter(|it| it.mode == Mode::Repeat) {
            let raw = payload.get(channel.span.clone()).unwrap_or_default();
            if raw.is_empty() {
                continue;
            }
            let open = lanes.open(channel, payload, scan, edits)?;
            if !open.editor.is_none() {
                let text = unescape(raw).unwrap_or_else(|_| unescape_lossy(raw).into());
                let (_, text) = edits.repeated_prompt(channel.lane.group, &text);
                open.repeat(text, scan, edits);
            }
        }
        Ok(())
    }

    /// Has what says a text again say what that has let out.
    pub(super) fn repeat(&mut self, payload: &[u8], scan: &Scan) {
        let Self { lanes, outcomes, edits, .. } = self;
        let repeats = scan.channels.iter().zip(outcomes.iter_mut());
        for (channel, outcome) in repeats.filter(|(it, _)| it.mode == Mode::Repeat) {
            if let Some(emitted) = lanes.emitted(channel) {
                let text = unescape_lossy(payload.get(channel.span.clone()).unwrap_or_default());
                let (prompt, _) = edits.repeated_prompt(channel.lane.group, &text);
                let before = prompt.to_owned() + emitted;
                *outcome = TextEdit { before, ..TextEdit::default() };
            }
        }
    }
}
