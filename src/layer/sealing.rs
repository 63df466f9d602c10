//! What of a response is sealed: its reasoning as it came, until something carries it.

mod kept;

use std::borrow::Cow;

use super::lanes::{LANES, TooManyLanes};
use crate::countermeasure::Tally;
use crate::countermeasure::seal::Sealer;
use crate::secret::opaque_debug;
use crate::wire::framing::{Framing, Unframed};
use crate::wire::json::Edit;
use crate::wire::{Carrier, CarrierPlace, Channel, Close, Kind, Mode, Share};
use kept::{EMPTY, Place, Text, Value, said};

opaque_debug!(Sealing);

/// The most bytes of one text that are kept to be sealed, as it stands in its JSON. What is longer is
/// lost to the next turn, and what the upstream signed is sealed without it.
const LONGEST: usize = 1 << 20;

/// The most bytes that are kept of one response.
const KEPT: usize = 8 << 20;

/// The most blobs of one response: no more are opened of a request.
const BLOBS: usize = 4096;

/// Keeps the reasoning of one response and seals it.
pub(super) struct Sealing {
    sealer: Sealer,
    texts: Vec<Text>,
    places: Vec<Place>,
    /// Blobs so far.
    blobs: usize,
}

impl Sealing {
    pub(super) fn new(sealer: Sealer) -> Self {
        Self { sealer, texts: Vec::new(), places: Vec::new(), blobs: 0 }
    }

    /// Bytes that are kept.
    pub(super) fn held(&self) -> usize {
        let texts: usize = self.texts.iter().map(|it| it.raw.capacity()).sum();
        let places = self.places.iter().map(|it| {
            let blob = it.blob.as_ref().map_or(0, |(blob, _)| blob.len());
            blob + it.value.as_ref().map_or(0, Value::held)
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
            self.texts.push(Text::of(*lane));
        }
        let Some(text) = self.texts.get_mut(at).filter(|it| !it.lost) else { return };
        if *mode != Mode::Delta {
            // It is said again, or all at once.
            if text.raw.len() >= raw.len() {
                return;
            }
            text.raw.clear();
            text.pieces.clear();
        }
        if text.raw.len() + raw.len() > LONGEST || kept + raw.len() > KEPT {
            text.lose();
            return;
        }
        text.pieces.push_back((span.start, text.raw.len()));
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
            let value = carrier.value().and_then(|span| said(payload, span, carrier.nothing));
            let blob = match carrier.share {
                Share::Since { place, .. } => {
                    self.blob_since(carrier, place, value, framing, tally)
                }
                Share::All | Share::Text(_) | Share::Nothing => {
                    self.blob_of(carrier, value, framing, tally)?
                }
            };
            match (&carrier.place, blob) {
                (CarrierPlace::Value(span), Some(blob)) => {
                    edits.push(Edit::literal(span.clone(), format!("\"{blob}\"")));
                }
                (
                    CarrierPlace::Value(span)
                    | CarrierPlace::Early(span)
                    | CarrierPlace::Piece(span),
                    _,
                ) => {
                    let nothing = [carrier.nothing.as_bytes(), EMPTY];
                    let nothing = payload.get(span.clone()).is_some_and(|it| nothing.contains(&it));
                    let edit = || Edit::literal(span.clone(), carrier.nothing);
                    edits.extend((!nothing).then(edit));
                }
                (CarrierPlace::Member { at, name }, Some(blob)) => {
                    edits.push(Edit::literal(*at..*at, format!(",\"{name}\":\"{blob}\"")));
                }
                (CarrierPlace::Event { kind, before: head, after }, Some(blob)) => {
                    let payload = format!("{head}\"{blob}\"{after}").into_bytes();
                    let event = Unframed { kind: *kind, payload, is_error: false };
                    let framing = framing.unwrap_or(Framing::Document);
                    before.extend_from_slice(&framing.frame(&event));
                }
                (
                    CarrierPlace::Begun | CarrierPlace::Member { .. } | CarrierPlace::Event { .. },
                    _,
                ) => {}
            }
        }
        self.texts.iter_mut().for_each(Text::forget_taken);
        Ok(edits)
    }

    /// Whether these put nothing into the event that they are found in, nor will, whatever it goes on with.
    pub(super) fn leaves(&self, carriers: &[Carrier]) -> bool {
        carriers.iter().all(|carrier| match carrier.place {
            CarrierPlace::Begun => true,
            CarrierPlace::Event { .. } => {
                let mut texts = self.texts.iter().filter(|it| carrier.is_of(it.lane));
                let since = matches!(carrier.share, Share::Since { .. });
                !(self.owes(carrier) || since && texts.any(Text::says))
            }
            CarrierPlace::Value(_)
            | CarrierPlace::Early(_)
            | CarrierPlace::Piece(_)
            | CarrierPlace::Member { .. } => false,
        })
    }

    /// The blob that goes out in a carrier which goes with all of a text or of its group, or with none.
    fn blob_of(
        &mut self,
        carrier: &Carrier,
        value: Option<&[u8]>,
        framing: Option<Framing>,
        tally: &mut Tally,
    ) -> Result<Option<Cow<'_, str>>, TooManyLanes> {
        match &carrier.place {
            CarrierPlace::Begun => {
                self.place(carrier)?;
                return Ok(None);
            }
            CarrierPlace::Early(_) => {
                self.keep(carrier, value, tally)?;
                return Ok(None);
            }
            CarrierPlace::Piece(_) => {
                self.keep_piece(carrier, value, tally)?;
                return Ok(None);
            }
            CarrierPlace::Value(_) => self.keep(carrier, value, tally)?,
            CarrierPlace::Member { .. } => {}
            CarrierPlace::Event { .. } if framing.is_none() || !self.owes(carrier) => {
                return Ok(None);
            }
            CarrierPlace::Event { .. } => {}
        }
        Ok(self.blob(carrier, tally)?.map(Cow::Borrowed))
    }

    /// The same of a carrier that goes with what has come since the one before it: what stands before
    /// `place` in this event. That is kept no longer.
    fn blob_since(
        &mut self,
        carrier: &Carrier,
        place: usize,
        value: Option<&[u8]>,
        framing: Option<Framing>,
        tally: &mut Tally,
    ) -> Option<Cow<'static, str>> {
        if framing.is_none() && matches!(carrier.place, CarrierPlace::Event { .. }) {
            return None;
        }
        let (mut raw, mut lost) = (Vec::new(), false);
        for text in self.texts.iter_mut().filter(|it| carrier.is_of(it.lane)) {
            lost |= std::mem::take(&mut text.lost);
            raw.extend_from_slice(text.take_before(place));
        }
        let texts: &[(u32, &[u8])] = if raw.is_empty() || lost { &[] } else { &[(0, &raw)] };
        if texts.is_empty() && value.is_none() {
            tally.blocks_unsealed += u64::from(lost);
            return None;
        }
        let full = self.blobs >= BLOBS;
        tally.blocks_unsealed += u64::from(lost || full);
        if full {
            return None;
        }
        self.blobs += 1;
        let blob = self.sealer.seal(carrier.name, texts, value);
        count(blob.is_some() && self.sealer.keeps(), tally);
        blob.map(Cow::Owned)
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
        let Some(value) = value.filter(|it| !place.has(it)) else { return Ok(()) };
        // Another value, another blob.
        (place.value, place.blob) = (None, None);
        if held + value.len() > KEPT {
            place.lose(tally);
        } else {
            place.value = Some(Value::whole(value));
        }
        Ok(())
    }

    /// Keeps a piece of it, behind those that have come.
    fn keep_piece(
        &mut self,
        carrier: &Carrier,
        piece: Option<&[u8]>,
        tally: &mut Tally,
    ) -> Result<(), TooManyLanes> {
        let held = self.held();
        let place = self.place(carrier)?;
        let Some(piece) = piece.filter(|_| !place.lost) else { return Ok(()) };
        place.value = match place.value.take() {
            _ if held + piece.len() > KEPT => None,
            None => Some(Value::whole(piece)),
            Some(value) => value.goes_on(piece),
        };
        if place.value.is_none() {
            place.lose(tally);
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
        let Self { sealer, texts, places, blobs } = self;
        let place = place(places, carrier)?;
        let mut of: Vec<&Text> = texts.iter().filter(|it| carrier.is_of(it.lane)).collect();
        of.sort_by_key(|it| it.lane.part);
        if of.iter().any(|it| it.lost) {
            place.lose(tally);
            of.clear();
        }
        let length = of.iter().map(|it| it.raw.len()).sum();
        if length == 0 && place.value.as_ref().is_none_or(Value::is_empty) {
            return Ok(None);
        }
        if place.blob.as_ref().is_none_or(|(_, sealed)| *sealed != length) {
            if *blobs >= BLOBS {
                place.lose(tally);
                return Ok(None);
            }
            *blobs += 1;
            let parts: Vec<_> = of.iter().map(|it| (it.lane.part, it.raw.as_slice())).collect();
            let value = place.value.as_ref().map(Value::json);
            let blob = sealer.seal(carrier.name, &parts, value.as_deref());
            if place.blob.is_none() {
                count(blob.is_some() && sealer.keeps(), tally);
            }
            place.blob = blob.map(|blob| (blob, length));
        }
        Ok(place.blob.as_ref().map(|(blob, _)| blob.as_str()))
    }
}

fn place<'p>(places: &'p mut Vec<Place>, carrier: &Carrier) -> Result<&'p mut Place, TooManyLanes> {
    let known = places.iter().position(|it| it.is_of(carrier));
    let at = known.unwrap_or(places.len());
    if known.is_none() && at < LANES {
        places.push(Place::of(carrier));
    }
    places.get_mut(at).ok_or(TooManyLanes)
}

/// Counts a block of which a blob was to go out.
fn count(sealed: bool, tally: &mut Tally) {
    tally.blocks_sealed += u64::from(sealed);
    tally.blocks_unsealed += u64::from(!sealed);
}

/// The bytes of text that go with a carrier.
fn length_of(texts: &[Text], carrier: &Carrier) -> usize {
    texts.iter().filter(|it| carrier.is_of(it.lane)).map(|it| it.raw.len()).sum()
}
