//! Events that may end a text.
//!
//! Some servers state a finish reason in every event, and a protocol that gives each text a block
//! ends the block before it says why the answer ends. What such an event lets out depends on it: so
//! where something is withheld, it waits for the next one.

use bytes::Bytes;

use crate::secret::opaque_debug;
use crate::wire::{Channel, Close, Scan};

/// Such an event.
pub(super) struct Provisional {
    pub(super) raw: Bytes,
    /// The choices or blocks that it ends.
    pub(super) groups: Vec<u32>,
    /// It also says something.
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
    pub(super) fn new(raw: Bytes, scan: &Scan) -> Self {
        let groups = scan.closes.iter().filter(|it| !it.reasoning_only).map(|it| it.group);
        let says = scan.channels.iter().any(|channel| !channel.span.is_empty());
        Self { raw, groups: groups.collect(), says }
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
        if next.begins.is_some_and(|it| it.answers) {
            return Some(Fate::Followed);
        }
        let said = |it: &&Channel| !it.span.is_empty();
        let same = |group| self.groups.contains(&group);
        let again = next.channels.iter().filter(said).any(|it| same(it.lane.group))
            || next.closes.iter().any(|it| same(it.group) && !it.reasoning_only);
        // Of a server that says so in every event another choice's tells nothing.
        let other = self.says && next.channels.iter().any(|it| said(&it));
        Some(if again || other { Fate::GoesOn } else { Fate::Stated })
    }
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
