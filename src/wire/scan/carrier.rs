//! Where an answer carries what its server has signed or sealed of the reasoning.

use std::borrow::Cow;
use std::ops::Range;

use super::{Lane, Slot};
use crate::secret::opaque_debug;

/// A place in an answer whose value the client sends back with the conversation, as it came: a
/// signature, or encrypted reasoning.
#[derive(Clone, PartialEq, Eq)]
pub struct Carrier {
    /// The kind of place, by the name that it has in requests, too.
    pub name: &'static str,
    /// The choice, block or item whose reasoning it goes with.
    pub group: u32,
    /// Which of its reasoning.
    pub share: Share,
    /// What stands there where the server has put nothing: a value.
    pub nothing: &'static str,
    /// Where it stands.
    pub place: CarrierPlace,
}

/// Which of the reasoning of a choice, block or item goes with a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// All of it.
    All,
    /// One text of it.
    Text(Slot),
    /// What has come since the carrier before it.
    Since {
        /// As far as it stands before this place in the event or document.
        place: usize,
        /// Of one text of it only.
        slot: Option<Slot>,
    },
    /// None: the value is its server's alone.
    Nothing,
}

/// Where such a value stands, or would.
#[derive(Clone, PartialEq, Eq)]
pub enum CarrierPlace {
    /// The whole value.
    Value(Range<usize>),
    /// The whole value, before all of the reasoning has come.
    Early(Range<usize>),
    /// A piece of the value, a string of base64: all of it goes out later, in an event of its own.
    Piece(Range<usize>),
    /// What carries it has begun, without a value yet.
    Begun,
    /// Its object has no such member, which would go here, behind another.
    Member {
        /// Where.
        at: usize,
        /// What it is called.
        name: &'static str,
    },
    /// In an event before this one, which nothing comes behind.
    Event {
        /// What the event is called, where that is told beside its JSON.
        kind: Option<&'static str>,
        /// Its JSON before the value.
        before: Cow<'static, str>,
        /// And behind it.
        after: &'static str,
    },
}

opaque_debug!(Carrier, CarrierPlace);

impl Carrier {
    /// Whether a text of reasoning goes with it.
    #[must_use]
    pub fn is_of(&self, lane: Lane) -> bool {
        self.group == lane.group
            && match self.share {
                Share::All | Share::Since { slot: None, .. } => true,
                Share::Text(slot) | Share::Since { slot: Some(slot), .. } => slot == lane.slot,
                Share::Nothing => false,
            }
    }

    /// Whether it says the same of an event whose bytes stand elsewhere.
    pub(in crate::wire) fn stands_nowhere(&self) -> bool {
        matches!(self.place, CarrierPlace::Begun | CarrierPlace::Event { .. })
    }

    /// The whole value, if there is one here.
    #[must_use]
    pub fn value(&self) -> Option<Range<usize>> {
        match &self.place {
            CarrierPlace::Value(span) | CarrierPlace::Early(span) | CarrierPlace::Piece(span) => {
                Some(span.clone())
            }
            CarrierPlace::Begun | CarrierPlace::Member { .. } | CarrierPlace::Event { .. } => None,
        }
    }
}
