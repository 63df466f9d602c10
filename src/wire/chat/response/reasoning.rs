//! Reasoning in members of its own.

use crate::wire::chat::{DETAIL_DATA, DETAIL_SIGNATURE};
use crate::wire::json::{Error, Kind as JsonKind, Reader};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{Carrier, CarrierPlace, Scan, Share, Signed, Slot};

use super::text::reasoning;

/// Members of an entry of `reasoning_details` that carry none: what is sealed stays.
const DETAIL: [Listed; 5] = [
    (b"type", Shape::Identifier),
    (b"format", Shape::Identifier),
    (b"id", Shape::Identifier),
    (b"data", Shape::Sealed),
    (b"signature", Shape::Sealed),
];

/// Members of a part of a thinking part that carry no text: what it refers to.
const THOUGHT: [Listed; 3] =
    [(b"type", Shape::Identifier), (b"reference_ids", Shape::Data), (b"url", Shape::Data)];

/// The value of a thinking part: text parts, or a string.
pub(super) fn thinking(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    if reader.kind()? != JsonKind::Array {
        return reasoning(reader, Slot::ThinkingPart, name, scan);
    }
    reader.elements(|reader, _| {
        if reader.kind()? != JsonKind::Object {
            return reasoning(reader, Slot::ThinkingPart, name, scan);
        }
        reader.members(|reader, key| match &*key.name() {
            name @ b"text" => reasoning(reader, Slot::ThinkingPart, name, scan),
            name => scan.listed(reader, &THOUGHT, name),
        })
    })
}

/// One entry of `reasoning_details`. Encrypted data and signatures are opaque and stay.
pub(super) fn detail(
    reader: &mut Reader<'_>,
    position: usize,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"reasoning_details")? {
        return Ok(());
    }
    let (first_channel, first_carrier) = (scan.channels.len(), scan.carriers.len());
    let mut index = u32::try_from(position).unwrap_or(u32::MAX);
    reader.members(|reader, key| match &*key.name() {
        name @ (b"text" | b"summary") => reasoning(reader, Slot::ReasoningDetail(0), name, scan),
        b"index" => {
            if let Some((_, number)) = scan.whole_number(reader, b"index")? {
                index = u32::try_from(number).unwrap_or(u32::MAX);
            }
            Ok(())
        }
        name @ (b"data" | b"signature") => {
            // Reasoning belongs before the answer, wherever a server puts it.
            scan.once(reader, |scan, reader| {
                let signs = reader.kind()? == JsonKind::String;
                let span = reader.spanned(|reader| scan.listed(reader, &DETAIL, name))?;
                let signs = signs && span.len() > 2;
                scan.signed.extend(signs.then_some(Signed { group: None, from: 0 }));
                let name = if name == b"data" { DETAIL_DATA } else { DETAIL_SIGNATURE };
                let (share, place) = (Share::All, CarrierPlace::Value(span));
                let carrier = Carrier { name, group: 0, share, nothing: "null", place };
                scan.carriers.extend(signs.then_some(carrier));
                Ok(())
            })
        }
        name => scan.listed(reader, &DETAIL, name),
    })?;
    for channel in scan.channels.iter_mut().skip(first_channel) {
        channel.lane.slot = Slot::ReasoningDetail(index);
    }
    for carrier in scan.carriers.iter_mut().skip(first_carrier) {
        carrier.share = Share::Text(Slot::ReasoningDetail(index));
    }
    Ok(())
}
