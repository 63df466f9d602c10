//! What carries the thoughts of a candidate: the signatures of its parts.
//!
//! The server signs a thought, the call of a tool or a text. A thought that it has not signed gets a signature
//! of its own; in a stream, where thoughts come in pieces, that stands in a thought behind the last one.

use std::ops::Range;

use crate::wire::scan::{Carrier, CarrierPlace, Scan, Share};

use super::response::Form;
use super::{PART, THOUGHT};

/// What stands there where the server has signed nothing.
const NOTHING: &str = "\"\"";

/// A part, as far as it carries anything.
#[derive(Default)]
pub(super) struct Part {
    /// Where its text ends.
    pub(super) text: Option<usize>,
    /// Its signature: the whole value.
    pub(super) signature: Option<Range<usize>>,
    /// It shows something.
    pub(super) shows: bool,
    /// It calls a tool.
    pub(super) calls: bool,
}

/// The parts of a candidate that carry something.
#[derive(Default)]
pub(super) struct Signatures {
    /// Where their carriers begin.
    first: usize,
    /// Those of them that stand before the last part that is no thought.
    followed: usize,
    /// A part that is no thought is the first one to show anything.
    answers_first: bool,
}

impl Signatures {
    /// Those that are found behind what has been.
    pub(super) fn behind(scan: &Scan) -> Self {
        let first = scan.carriers.len();
        Self { first, followed: first, answers_first: false }
    }

    /// Takes a part that ends at `end`.
    pub(super) fn part(&mut self, part: Part, thought: bool, end: usize, scan: &mut Scan) {
        let Part { text, signature, shows, calls } = part;
        let thought = thought && !calls;
        let before = scan.carriers.len();
        let place = match (signature, text) {
            (Some(span), _) => Some(CarrierPlace::Value(span)),
            (None, Some(at)) if thought => {
                Some(CarrierPlace::Member { at, name: "thoughtSignature" })
            }
            (None, _) => None,
        };
        let since = Share::Since { place: end, slot: None };
        let (name, share) = if thought { (THOUGHT, since) } else { (PART, Share::Nothing) };
        let shows = shows || matches!(place, Some(CarrierPlace::Value(_)));
        let carrier = |place| Carrier { name, group: 0, share, nothing: NOTHING, place };
        scan.carriers.extend(place.map(carrier));
        if shows && !thought {
            self.answers_first |= before == self.first;
            self.followed = scan.carriers.len();
        }
    }

    /// Settles what is carried where, once all of the candidate has been read.
    pub(super) fn settle(self, group: u32, (form, ends): (Form, bool), scan: &mut Scan) {
        let Self { first, followed, answers_first } = self;
        if form == Form::Chunk {
            let last = scan.carriers.split_off(followed);
            // A thought of which more may come carries nothing yet.
            let stays = |it: &Carrier| ends || !matches!(it.place, CarrierPlace::Member { .. });
            scan.carriers.extend(last.into_iter().filter(stays));
            if answers_first || ends && scan.carriers.len() == first {
                scan.carriers.insert(first, thought_before(group));
            }
        }
        scan.carriers.iter_mut().skip(first).for_each(|carrier| carrier.group = group);
    }
}

/// What carries thoughts that came in events before this one.
fn thought_before(group: u32) -> Carrier {
    const FIRST: &str = "{\"candidates\":[{\"index\":0,\"content\":{\"parts\":[{\"text\":\"\",\
                         \"thought\":true,\"thoughtSignature\":";
    let before = match group {
        0 => FIRST.into(),
        _ => FIRST.replacen('0', &group.to_string(), 1).into(),
    };
    let place = CarrierPlace::Event { kind: None, before, after: "}],\"role\":\"model\"}}]}" };
    let share = Share::Since { place: 0, slot: None };
    Carrier { name: THOUGHT, group, share, nothing: NOTHING, place }
}
