//! One event of a stream.

use std::ops::Range;

use super::annotation::{annotation, logprobs};
use super::item::{Shown, called, item};
use super::object::{Ended, Seen, end, member};
use super::part::{Place, part};
use super::subject::{PIECE, Subject, Texts};
use super::summary::in_events;
use super::{LAST, LATER, SPOKEN, SUMMARY, lists, text, type_of};
use crate::wire::error::Flat;
use crate::wire::json::{Error, Kind as JsonKind, Reader};
use crate::wire::listed::Shape;
use crate::wire::scan::{
    Block, Channel, Close, FieldKind, Kind, Lane, Mode, Scan, Slot, Twice, UNPLACED, Unplaced,
};

/// An event, as far as it was read.
struct Event<'k> {
    subject: Subject,
    verb: &'k str,
    /// `None` if it does not say which one it is about.
    item: Option<u32>,
    part: u32,
    sums_up: bool,
    /// The part that it shows is of the answer.
    answers: bool,
    /// The item that it shows.
    shown: Option<Shown>,
    /// The texts that stand at its top level, or in a part.
    own: Range<usize>,
    /// The response that it shows.
    seen: Seen,
    /// The id of the item that it is about.
    id: Option<Range<usize>>,
    twice: Twice,
}

pub(in crate::wire::responses) fn scan_event(payload: &[u8], scan: &mut Scan) -> Result<(), Error> {
    (scan.in_blocks, scan.repeats) = (true, true);
    let mut ahead = Reader::new(payload);
    ahead.kind()?;
    let kind = type_of(&ahead);
    let mut event = Event::of(&kind);
    let mut flat = Flat::new(scan);
    Reader::new(payload).document(|reader| {
        reader.object(|reader, key| event.member(reader, &key.name(), &mut flat, scan))
    })?;
    flat.settle(scan);
    event.settle(payload, scan);
    Ok(())
}

impl<'k> Event<'k> {
    fn of(kind: &'k str) -> Self {
        let (subject, verb) = Subject::of(kind);
        let sums_up = kind.starts_with("response.reasoning_summary");
        Self {
            subject,
            verb,
            item: None,
            part: 0,
            sums_up,
            answers: false,
            shown: None,
            own: 0..0,
            seen: Seen::new(Mode::Repeat),
            id: None,
            twice: Twice::default(),
        }
    }

    /// How its texts continue what has been said.
    fn mode(&self) -> Mode {
        if self.verb == "done" { Mode::Repeat } else { Mode::Delta }
    }

    fn member(
        &mut self,
        reader: &mut Reader<'_>,
        name: &[u8],
        flat: &mut Flat,
        scan: &mut Scan,
    ) -> Result<(), Error> {
        let mode = self.mode();
        match scan.once_only(&mut self.twice, name) {
            b"type" => scan.identifier(reader, name).map(|_| ()),
            b"sequence_number" => scan.number_of_event(reader, name),
            b"output_index" => index(reader, name, scan).map(|it| self.item = Some(it)),
            b"content_index" | b"summary_index" => {
                index(reader, name, scan).map(|it| self.part = it)
            }
            b"part" => {
                let first = scan.channels.len();
                let place = Place { group: LATER, part: 0, sums_up: self.sums_up, mode };
                self.answers = part(reader, place, scan)? == Kind::Answer;
                self.own = first..scan.channels.len();
                Ok(())
            }
            b"item" => {
                self.shown = Some(item(reader, LATER, mode, scan)?);
                Ok(())
            }
            b"response" if scan.expects(JsonKind::Object, reader, name)? => {
                reader.members(|reader, key| member(reader, &key.name(), &mut self.seen, scan))
            }
            b"response" => Ok(()),
            b"annotation" => annotation(reader, Lane::new(LATER, Slot::Answer), scan),
            b"obfuscation" => {
                let padding = scan.identifier(reader, name)?;
                padding.into_iter().for_each(|span| scan.field(FieldKind::Padding, span));
                Ok(())
            }
            b"logprobs" => logprobs(reader, name, scan),
            b"error" => {
                // Libraries raise on any truthy value.
                let span = reader.spanned(|reader| flat.member(reader, name, scan))?;
                let falsy: [&[u8]; 5] = [b"null", b"false", b"0", b"\"\"", b"{}"];
                let value = reader.bytes().get(span).unwrap_or_default();
                scan.error |= !falsy.contains(&value);
                Ok(())
            }
            b"message" | b"code" | b"param" if self.subject == Subject::Error => {
                flat.member(reader, name, scan)
            }
            b"name" => scan.tool(reader, name),
            b"item_id" => {
                let listed = |reader: &mut Reader<'_>| scan.listed(reader, &lists::EVENT, name);
                self.id = Some(reader.spanned(listed)?);
                Ok(())
            }
            name => self.text(reader, name, scan),
        }
    }

    /// A member that may be a text, by what the event is about.
    fn text(&mut self, reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
        let mode = self.mode();
        let is_text = reader.kind()? == JsonKind::String;
        let (slot, kind) = match (self.subject, name) {
            (Subject::Audio, PIECE) => {
                return scan.shaped(reader, Shape::Sealed, FieldKind::Leak, name);
            }
            (Subject::Text(Texts { whole, slot, kind }), name)
                if name == PIECE || name == whole =>
            {
                if kind == Kind::ToolArguments {
                    return called(reader, name, (LATER, mode), scan);
                }
                (slot, kind)
            }
            // Nobody knows what it is.
            (_, b"delta" | b"text" | b"refusal" | b"transcript") if is_text => {
                (Slot::Reasoning, Kind::Reasoning)
            }
            (_, name) => return scan.listed(reader, &lists::EVENT, name),
        };
        let first = scan.channels.len();
        text(reader, name, (Lane::new(LATER, slot), kind, mode), scan)?;
        self.own.start = if self.own.is_empty() { first } else { self.own.start };
        self.own.end = scan.channels.len();
        Ok(())
    }

    /// Puts what was found in its place, now that all of it is known.
    fn settle(self, payload: &[u8], scan: &mut Scan) {
        let Self { subject, verb, part, sums_up, answers, shown, own, mut seen, id, .. } = self;
        let spoken =
            matches!(subject, Subject::Text(Texts { slot: Slot::Transcript, .. }) | Subject::Audio);
        let item = if spoken { SPOKEN } else { self.item.unwrap_or(UNPLACED) };
        let about = matches!(
            subject,
            Subject::Item | Subject::Part { .. } | Subject::Text(_) | Subject::Other
        );
        let name = shown.as_ref().and_then(|it| it.name.clone()).or_else(|| id.clone());
        let begins = (subject, verb) == (Subject::Item, "added");
        scan.unplaced = (about && item == UNPLACED).then_some(Unplaced { name, begins });
        let part = if sums_up { part.saturating_add(SUMMARY) } else { part };
        for channel in scan.channels.get_mut(own).unwrap_or_default() {
            channel.lane.part = part;
        }
        for channel in scan.channels.iter_mut().filter(|it| it.lane.group == LATER) {
            channel.lane.group = item;
        }
        for carrier in scan.carriers.iter_mut().filter(|it| it.group == LATER) {
            carrier.group = item;
        }
        for place in scan.summaries.iter_mut().filter(|it| it.group == LATER) {
            place.group = item;
        }
        for citation in scan.citations.iter_mut().filter(|it| it.lane.group == LATER) {
            citation.lane.group = item;
            citation.lane.part = if shown.is_some() { citation.lane.part } else { part };
        }
        let group = item;
        let reasons = |it: &Channel| it.lane.group == group && it.kind == Kind::Reasoning;
        if verb == "done" && !sums_up && scan.channels.iter().any(reasons) {
            let id = id.or_else(|| scan.ids.first().cloned());
            let place = id.and_then(|id| in_events(payload, &id, (group, self.item), scan));
            scan.summaries.extend(place);
        }
        match (subject, verb) {
            (Subject::Item, "added") => {
                let Shown { answers, calls, .. } = shown.unwrap_or_default();
                scan.begins = Some(Block { group, answers, calls, within: false });
                scan.called |= calls;
            }
            (Subject::Part { .. }, "added") if answers => {
                scan.begins = Some(Block { group, answers, calls: false, within: true });
            }
            // How it ended is told by what follows, as it is of a block.
            (Subject::Item, "done") => scan.closes.push(close(group, None)),
            (Subject::Part { .. } | Subject::Text(_), "done") => {
                scan.closes.push(close(group, Some(part)));
            }
            (Subject::Response, "completed" | "incomplete" | "failed" | "cancelled") => {
                seen.ended = if verb == "completed" { seen.ended } else { Some(Ended::CutShort) };
                scan.cut_short = Some(seen.ended == Some(Ended::CutShort));
                scan.ends = true;
                end(&seen, scan);
            }
            _ => {}
        }
        scan.error |= subject == Subject::Error || (subject, verb) == (Subject::Response, "failed");
        scan.idle = subject == Subject::Nothing && scan.channels.is_empty();
        scan.says_more = verb != "delta" || scan.channels.is_empty();
        scan.unrepeatable = scan.says_more;
    }
}

fn close(group: u32, part: Option<u32>) -> Close {
    Close { group, part, reasoning_only: false, cut_short: false }
}

fn index(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<u32, Error> {
    let index = scan.whole_number(reader, name)?.map_or(0, |(_, index)| index);
    Ok(u32::try_from(index).unwrap_or(LAST).min(LAST))
}
