//! What is kept of a response until something carries it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::countermeasure::Tally;
use crate::secret::opaque_debug;
use crate::wire::{Carrier, Lane};

opaque_debug!(Text, Place, Value);

/// An empty string, as llama.cpp's server has it where it seals nothing.
pub(super) const EMPTY: &[u8] = b"\"\"";

/// One text of the reasoning.
pub(super) struct Text {
    pub(super) lane: Lane,
    /// The contents of a string of JSON.
    pub(super) raw: Vec<u8>,
    /// It was too long.
    pub(super) lost: bool,
    /// Where each piece of it stands in the event that is read, and how long it was before.
    pub(super) pieces: VecDeque<(usize, usize)>,
    /// How much of it a blob has, which is kept until the event has been read.
    pub(super) taken: usize,
}

/// What carries reasoning.
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) group: u32,
    /// What the upstream has put there.
    pub(super) value: Option<Value>,
    /// What has gone out there, and the bytes of text that it holds.
    pub(super) blob: Option<(String, usize)>,
    /// That something of it was too long has been counted.
    pub(super) lost: bool,
}

/// What the upstream has signed or sealed: a value of JSON, or pieces of one.
pub(super) enum Value {
    /// As the upstream wrote it.
    Whole(Vec<u8>),
    /// The bytes that came in several strings of base64.
    Pieces(Vec<u8>),
}

impl Text {
    pub(super) fn of(lane: Lane) -> Self {
        Self { lane, raw: Vec::new(), lost: false, pieces: VecDeque::new(), taken: 0 }
    }

    /// Takes what stands before `place` in the event that is read, or came before it.
    pub(super) fn take_before(&mut self, place: usize) -> &[u8] {
        while self.pieces.front().is_some_and(|(start, _)| *start < place) {
            self.pieces.pop_front();
        }
        let end = self.pieces.front().map_or(self.raw.len(), |(_, before)| *before);
        let begin = std::mem::replace(&mut self.taken, end);
        self.raw.get(begin..end).unwrap_or_default()
    }

    /// Whether there is anything of it that has gone out in no blob, or never will.
    pub(super) fn says(&self) -> bool {
        self.lost || self.taken < self.raw.len()
    }

    /// The event has been read.
    pub(super) fn forget_taken(&mut self) {
        self.raw.drain(..std::mem::take(&mut self.taken));
        self.pieces.clear();
    }

    /// It is too long.
    pub(super) fn lose(&mut self) {
        (self.raw, self.pieces, self.lost) = (Vec::new(), VecDeque::new(), true);
    }
}

impl Place {
    pub(super) fn of(carrier: &Carrier) -> Self {
        let Carrier { name, group, .. } = *carrier;
        Self { name, group, value: None, blob: None, lost: false }
    }

    /// Whether the upstream has put this there.
    pub(super) fn has(&self, value: &[u8]) -> bool {
        self.value.as_ref().is_some_and(|it| *it.json() == *value)
    }

    pub(super) fn is_of(&self, carrier: &Carrier) -> bool {
        (self.name, self.group) == (carrier.name, carrier.group)
    }

    /// Counts once that something of it cannot be kept.
    pub(super) fn lose(&mut self, tally: &mut Tally) {
        tally.blocks_unsealed += u64::from(!std::mem::replace(&mut self.lost, true));
    }
}

impl Value {
    pub(super) fn whole(value: &[u8]) -> Self {
        Self::Whole(value.to_vec())
    }

    /// The same with a piece behind it; `None` if one of them is no base64.
    pub(super) fn goes_on(self, piece: &[u8]) -> Option<Self> {
        let mut bytes = match self {
            Self::Whole(value) => decoded(&value)?,
            Self::Pieces(bytes) => bytes,
        };
        bytes.extend_from_slice(&decoded(piece)?);
        Some(Self::Pieces(bytes))
    }

    /// As it goes to the upstream: what clients that put the pieces together write.
    pub(super) fn json(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Whole(value) => value.into(),
            Self::Pieces(bytes) => format!("\"{}\"", STANDARD.encode(bytes)).into_bytes().into(),
        }
    }

    /// Whether it is an empty string, which a client has to send back where there is reasoning.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Whole(value) if value == EMPTY)
    }

    pub(super) fn held(&self) -> usize {
        match self {
            Self::Whole(bytes) | Self::Pieces(bytes) => bytes.capacity(),
        }
    }
}

/// The bytes that a string of base64 stands for.
fn decoded(value: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(value.strip_prefix(b"\"")?.strip_suffix(b"\"")?).ok()
}

/// A value, unless it says nothing, which `nothing` stands for.
pub(super) fn said<'p>(payload: &'p [u8], span: Range<usize>, nothing: &str) -> Option<&'p [u8]> {
    let value = payload.get(span)?;
    (value != b"null" && value != nothing.as_bytes()).then_some(value)
}
