//! What of a response is sealed: its reasoning as it came, until something carries it.

use std::ops::Range;

use super::lanes::{LANES, TooManyLanes};
use crate::countermeasure::Tally;
use crate::countermeasure::seal::Sealer;
use crate::secret::opaque_debug;
use crate::wire::framing::{Framing, Unframed};
use crate::wire::json::Edit;
use crate::wire::{Carrier, CarrierPlace, Channel, Close, Kind, Lane, Mode};

opaque_debug!(Sealing);

/// The most bytes of one text that are kept to be sealed, as it stands in its JSON. What is longer is
/// lost to the next turn, and what the upstream signed is sealed without it.
const LONGEST: usize = 1 << 20;

/// The most bytes that are kept of one response.
const KEPT: usize = 8 << 20;

/// Keeps the reasoning of one response and seals it.
pub(super) struct Sealing {
    sealer: Sealer,
    texts: Vec<Text>,
    places: Vec<Place>,
}

/// One text of the reasoning.
struct Text {
    lane: Lane,
    /// The contents of a string of JSON.
    raw: Vec<u8>,
    /// It was too long.
    lost: bool,
}

/// What carries reasoning.
struct Place {
    name: &'static str,
    group: u32,
    /// What the upstream has put there.
    value: Option<Vec<u8>>,
    /// What has gone out there, and the bytes of text that it holds.
    blob: Option<(String, usize)>,
    /// That something of it was too long has been counted.
    lost: bool,
}

impl Sealing {
    pub(super) fn new(sealer: Sealer) -> Self {
        Self { sealer, texts: Vec::new(), places: Vec::new() }
    }

    /// Bytes that are kept.
    pub(super) fn held(&self) -> usize {
        let texts: usize = self.texts.iter().map(|it| it.raw.capacity()).sum();
        let places = self.places.iter().map(|it| {
            let blob = it.blob.as_ref().map_or(0, |(blob, _)| blob.len());
            blob + it.value.as_ref().map_or(0, Vec::len)
        });
        texts + places.sum::<usize>()
    }

    /// Takes a piece of text.
    pub(super) fn take(&mut self, channel: &Channel, payload: &[u8]) {
        let Channel { lane, kind, mode, span, .. } = channel;
        if *kind != Kind::Reasoning || span.is_empty() {
            return;
        }
        let raw = payload.get(span.clone()).unwrap_or_default();
        let kept: usize = self.texts.iter().map(|it| it.raw.len()).sum();
        let known = self.texts.iter().position(|it| it.lane == *lane);
        let at = known.unwrap_or(self.texts.len());
        if known.is_none() && self.texts.len() < LANES {
            self.texts.push(Text { lane: *lane, raw: Vec::new(), lost: false });
        }
        let Some(text) = self.texts.get_mut(at).filter(|it| !it.lost) else { return };
        if *mode != Mode::Delta {
            // It is said again, or all at once.
            if text.raw.len() >= raw.len() {
                return;
            }
            text.raw.clear();
        }
        if text.raw.len() + raw.len() > LONGEST || kept + raw.len() > KEPT {
            (text.raw, text.lost) = (Vec::new(), true);
            return;
        }
        text.raw.extend_from_slice(raw);
    }

    /// A block has ended, and nothing comes of it any more.
    pub(super) fn end(&mut self, close: &Close) {
        if close.part.is_none() && !close.reasoning_only {
            self.texts.retain(|it| it.lane.group != close.group);
            self.places.retain(|it| it.group != close.group);
        }
    }

    /// Puts blobs where the response carries what was signed or sealed. An event of its own goes to
    /// `before`, in this framing; `None` for a document.
    pub(super) fn carry(
        &mut self,
        carriers: &[Carrier],
        payload: &[u8],
        framing: Option<Framing>,
        before: &mut Vec<u8>,
        tally: &mut Tally,
    ) -> Result<Vec<Edit>, TooManyLanes> {
        let mut edits = Vec::new();
        for carrier in carriers {
            let value = carrier.value().and_then(|span| said(payload, span));
            let literal = |span: &Range<usize>, blob: Option<&str>| {
                let nothing = payload.get(span.clone()) == Some(carrier.nothing.as_bytes());
                match blob {
                    Some(blob) => Some(Edit::literal(span.clone(), format!("\"{blob}\""))),
                    None if nothing => None,
                    None => Some(Edit::literal(span.clone(), carrier.nothing)),
                }
            };
            match &carrier.place {
                CarrierPlace::Begun => drop(self.place(carrier)?),
                CarrierPlace::Early(span) => {
                    self.keep(carrier, value, tally)?;
                    edits.extend(literal(span, None));
                }
                CarrierPlace::Value(span) => {
                    self.keep(carrier, value, tally)?;
                    edits.extend(literal(span, self.blob(carrier, tally)?));
                }
                CarrierPlace::Member { at, name } => {
                    let member = |blob: &str| format!(",\"{name}\":\"{blob}\"");
                    let blob = self.blob(carrier, tally)?;
                    edits.extend(blob.map(|it| Edit::literal(*at..*at, member(it))));
                }
                CarrierPlace::Event { kind, before: head, after } => {
                    let Some(framing) = framing.filter(|_| self.owes(carrier)) else { continue };
                    let Some(blob) = self.blob(carrier, tally)? else { continue };
                    let payload = format!("{head}\"{blob}\"{after}").into_bytes();
                    let event = Unframed { kind: Some(kind), payload, is_error: false };
                    before.extend_from_slice(&framing.frame(&event));
                }
            }
        }
        Ok(edits)
    }

    fn place(&mut self, carrier: &Carrier) -> Result<&mut Place, TooManyLanes> {
        place(&mut self.places, carrier)
    }

    /// Keeps what the upstream has put there.
    fn keep(
        &mut self,
        carrier: &Carrier,
        value: Option<&[u8]>,
        tally: &mut Tally,
    ) -> Result<(), TooManyLanes> {
        let held = self.held();
        let place = self.place(carrier)?;
        let Some(value) = value.filter(|it| place.value.as_deref() != Some(it)) else {
            return Ok(());
        };
        // Another value, another blob.
        (place.value, place.blob) = (None, None);
        if held + value.len() > KEPT {
            place.lose(tally);
        } else {
            place.value = Some(value.to_vec());
        }
        Ok(())
    }

    /// Whether something of a place that has been shown has gone out in no blob.
    fn owes(&self, carrier: &Carrier) -> bool {
        let place = self.places.iter().find(|it| it.is_of(carrier));
        place.is_some_and(|place| match &place.blob {
            None => true,
            Some((_, length)) => *length != length_of(&self.texts, carrier),
        })
    }

    /// The blob of a carrier; `None` if there is nothing to be sealed.
    fn blob(&mut self, carrier: &Carrier, tally: &mut Tally) -> Result<Option<&str>, TooManyLanes> {
        let Self { sealer, texts, places } = self;
        let place = place(places, carrier)?;
        let mut of: Vec<&Text> = texts.iter().filter(|it| carrier.is_of(it.lane)).collect();
        of.sort_by_key(|it| it.lane.part);
        if of.iter().any(|it| it.lost) {
            place.lose(tally);
            of.clear();
        }
        let length = of.iter().map(|it| it.raw.len()).sum();
        if length == 0 && place.value.is_none() {
            return Ok(None);
        }
        if place.blob.as_ref().is_none_or(|(_, sealed)| *sealed != length) {
            let parts: Vec<_> = of.iter().map(|it| (it.lane.part, it.raw.as_slice())).collect();
            let blob = sealer.seal(carrier.name, &parts, place.value.as_deref());
            tally.blocks_sealed += u64::from(blob.is_some() && place.blob.is_none());
            place.blob = blob.map(|blob| (blob, length));
        }
        Ok(place.blob.as_ref().map(|(blob, _)| blob.as_str()))
    }
}

impl Place {
    fn is_of(&self, carrier: &Carrier) -> bool {
        (self.name, self.group) == (carrier.name, carrier.group)
    }

    /// Counts once that something of it cannot be kept.
    fn lose(&mut self, tally: &mut Tally) {
        tally.blocks_unsealed += u64::from(!std::mem::replace(&mut self.lost, true));
    }
}

fn place<'p>(places: &'p mut Vec<Place>, carrier: &Carrier) -> Result<&'p mut Place, TooManyLanes> {
    let known = places.iter().position(|it| it.is_of(carrier));
    let at = known.unwrap_or(places.len());
    if known.is_none() && at < LANES {
        let Carrier { name, group, .. } = *carrier;
        places.push(Place { name, group, value: None, blob: None, lost: false });
    }
    places.get_mut(at).ok_or(TooManyLanes)
}

/// The bytes of text that go with a carrier.
fn length_of(texts: &[Text], carrier: &Carrier) -> usize {
    texts.iter().filter(|it| carrier.is_of(it.lane)).map(|it| it.raw.len()).sum()
}

/// A value, unless it says nothing.
fn said(payload: &[u8], span: Range<usize>) -> Option<&[u8]> {
    let value = payload.get(span)?;
    let nothing: [&[u8]; 2] = [b"null", b"\"\""];
    (!nothing.contains(&value)).then_some(value)
}
