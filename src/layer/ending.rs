//! Events that may end a text.
//!
//! Some servers state a finish reason in every event, and a protocol that gives each text a block
//! ends the block before it says why the answer ends. What such an event lets out depends on it: so
//! where something is withheld, it waits for the next one. What says the same text again waits with it.

use bytes::Bytes;

use crate::secret::opaque_debug;
use crate::wire::{Channel, Close, Mode, Scan};

/// The most events that wait. A text is said again in two or three.
const WAITING: usize = 8;

/// Such an event, and those that have joined it.
pub(super) struct Provisional {
    /// As they came, and what was found in them.
    pub(super) events: Vec<(Bytes, Scan)>,
    /// The choices, blocks and parts that they end.
    closes: Vec<Close>,
    /// One of them also says something.
    says: bool,
}

opaque_debug!(Provisional);

/// What the next event tells of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// It is the end, as it says.
    Stated,
    /// It is the end, and this is known of it.
    CutShort(bool),
    /// It is the end, and a tool is called behind it.
    Called,
    /// The text goes on.
    GoesOn,
    /// It is the end, and another text begins behind it.
    Followed,
    /// Nothing came that tells.
    Unsaid,
}

impl Provisional {
    pub(super) fn new(raw: Bytes, scan: Scan) -> Self {
        let mut provisional = Self { events: Vec::new(), closes: Vec::new(), says: false };
        provisional.join(raw, scan);
        provisional
    }

    /// Another event waits with them.
    pub(super) fn join(&mut self, raw: Bytes, scan: Scan) {
        self.closes.extend(scan.closes.iter().filter(|it| !it.reasoning_only));
        self.says |= scan.channels.iter().any(says);
        self.events.push((raw, scan));
    }

    /// Whether an event does not tell, but says once more what they end.
    pub(super) fn is_joined_by(&self, next: &Scan) -> bool {
        let tells = next.called || next.cut_short.is_some() || next.error || next.begins.is_some();
        let ends = |it: &Close| self.closes.iter().any(|other| other.group == it.group);
        let repeats = next.repeats && !next.idle && !next.channels.iter().any(says);
        repeats && !tells && next.closes.iter().any(ends) && self.events.len() < WAITING
    }

    /// The choices or blocks that they end.
    pub(super) fn groups(&self) -> impl Iterator<Item = u32> {
        self.closes.iter().map(|it| it.group)
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.events.iter().map(|(raw, _)| raw.len()).sum()
    }

    /// What `next` tells; `None` if it tells nothing, and may go out before it.
    pub(super) fn fate(&self, next: &Scan) -> Option<Fate> {
        if next.idle {
            return None;
        }
        if next.called {
            return Some(Fate::Called);
        }
        if let Some(cut_short) = next.cut_short {
            return Some(Fate::CutShort(cut_short));
        }
        if next.error {
            return Some(Fate::Unsaid);
        }
        if next.in_blocks && next.begins.is_some_and(|it| it.answers) {
            return Some(Fate::Followed);
        }
        let goes_on = |it: &Channel| says(it) && self.closes.iter().any(|end| end.is_of(it.lane));
        let ends = |it: &Close| self.groups().any(|group| group == it.group) && !it.reasoning_only;
        let again =
            next.channels.iter().any(goes_on) || !next.repeats && next.closes.iter().any(ends);
        // Of a server that says so in every event another choice's tells nothing.
        let other = self.says && next.channels.iter().any(says);
        Some(if again || other { Fate::GoesOn } else { Fate::Stated })
    }
}

/// Whether a piece says what has not been said.
fn says(channel: &Channel) -> bool {
    !channel.span.is_empty() && channel.mode != Mode::Repeat
}

impl Fate {
    /// Has `scan` say so; `alone` if the protocol ends a text without saying why.
    pub(super) fn tell(self, scan: &mut Scan, alone: bool) {
        let ends = |close: &Close| !close.reasoning_only;
        match self {
            Self::Stated | Self::Followed => {}
            Self::Called => {
                scan.calls.extend(scan.closes.iter().filter(|it| ends(it)).map(|it| it.group));
            }
            Self::GoesOn => scan.closes.retain(|close| !ends(close)),
            Self::CutShort(cut_short) => {
                scan.closes
                    .iter_mut()
                    .filter(|it| ends(it))
                    .for_each(|it| it.cut_short = cut_short);
            }
            Self::Unsaid if alone => Self::CutShort(true).tell(scan, alone),
            Self::Unsaid => {}
        }
    }
}
