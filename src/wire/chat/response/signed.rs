//! What servers sign of their reasoning, beside it: a tool's result is refused without it.

use crate::wire::chat::{BLOCK_DATA, BLOCK_SIGNATURE, THOUGHT_SIGNATURE};
use crate::wire::json::{Error, Kind as JsonKind, Reader};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{Carrier, CarrierPlace, FieldKind, Scan, Share, Signed, Slot};
use crate::wire::thought::Thought;

use super::text::reasoning;

/// Google's signatures, as gateways pass them on.
const SIGNATURES: [Listed; 1] = [(b"thought", Shape::Flag)];

/// Members of a thinking block that carry no text.
const BLOCK: [Listed; 1] = [(b"type", Shape::Identifier)];

/// Anthropic's thinking blocks, as gateways pass them on (LiteLLM).
pub(super) fn thinking_blocks(
    reader: &mut Reader<'_>,
    name: &[u8],
    slot: Slot,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Array, reader, name)? {
        return Ok(());
    }
    let first = scan.channels.len();
    reader.elements(|reader, _| block(reader, (name, slot), scan))?;
    // Whole or sealed.
    scan.channels.iter_mut().skip(first).for_each(|channel| channel.signed = true);
    Ok(())
}

fn block(
    reader: &mut Reader<'_>,
    (name, slot): (&[u8], Slot),
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    let first = scan.carriers.len();
    reader.members(|reader, key| match &*key.name() {
        name @ b"thinking" => reasoning(reader, slot, name, scan),
        name @ (b"signature" | b"data") => {
            let carrier = if name == b"data" { BLOCK_DATA } else { BLOCK_SIGNATURE };
            let signs = sealed(reader, name, carrier, scan)?;
            scan.signed.extend(signs.then_some(Signed { group: None, from: 0 }));
            Ok(())
        }
        name => scan.listed(reader, &BLOCK, name),
    })?;
    // The signature may stand before the text that it goes with.
    let share = Share::Since { place: reader.position(), slot: Some(slot) };
    let signatures = scan.carriers.iter_mut().skip(first);
    signatures.filter(|it| it.name == BLOCK_SIGNATURE).for_each(|it| it.share = share);
    Ok(())
}

/// Reads the next value as one that is signed or sealed and said once; whether it says anything.
pub(super) fn sealed(
    reader: &mut Reader<'_>,
    name: &[u8],
    carrier: &'static str,
    scan: &mut Scan,
) -> Result<bool, Error> {
    let mut says = false;
    scan.once(reader, |scan, reader| {
        says = reader.kind()? == JsonKind::String;
        let value =
            |reader: &mut Reader<'_>| scan.shaped(reader, Shape::Sealed, FieldKind::Leak, name);
        let span = reader.spanned(value)?;
        says &= span.len() > 2;
        let (share, place) = (Share::Nothing, CarrierPlace::Value(span));
        let carrier = Carrier { name: carrier, group: 0, share, nothing: "\"\"", place };
        scan.carriers.extend(says.then_some(carrier));
        Ok(())
    })?;
    Ok(says)
}

/// What a gateway adds of its provider's to a call of a tool.
pub(super) fn signatures(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    members(reader, scan, signature)
}

/// What Google's compatible endpoint adds to one.
pub(super) fn call_content(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    members(reader, scan, |reader, name, scan| match name {
        b"google" => members(reader, scan, |reader, name, scan| match name {
            b"thought_signature" => signature(reader, name, scan),
            _ => scan.shaped(reader, Shape::Data, FieldKind::Leak, name),
        }),
        _ => scan.shaped(reader, Shape::Data, FieldKind::Leak, name),
    })
}

/// The same of a message.
pub(super) fn provider_fields(
    reader: &mut Reader<'_>,
    thought: &mut Thought,
    scan: &mut Scan,
) -> Result<(), Error> {
    members(reader, scan, |reader, name, scan| {
        thought.read(name, reader)?;
        match name {
            b"thinking_blocks" => thinking_blocks(reader, name, Slot::ProviderThinkingBlock, scan),
            _ => signature(reader, name, scan),
        }
    })
}

/// One of a provider's members: its word on what is a thought, or a signature, which is said once.
fn signature(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    match name {
        b"thought_signature" => sealed(reader, name, THOUGHT_SIGNATURE, scan).map(|_| ()),
        b"thought_signatures" if scan.expects(JsonKind::Array, reader, name)? => {
            reader.elements(|reader, _| sealed(reader, name, THOUGHT_SIGNATURE, scan).map(|_| ()))
        }
        b"thought_signatures" => Ok(()),
        _ => scan.listed(reader, &SIGNATURES, name),
    }
}

/// What Google's compatible endpoint adds to a message.
pub(super) fn extra_content(
    reader: &mut Reader<'_>,
    thought: &mut Thought,
    scan: &mut Scan,
) -> Result<(), Error> {
    members(reader, scan, |reader, name, scan| {
        thought.read(name, reader)?;
        match name {
            b"google" => members(reader, scan, |reader, name, scan| {
                thought.read(name, reader)?;
                signature(reader, name, scan)
            }),
            _ => scan.leak(reader, name),
        }
    })
}

fn members(
    reader: &mut Reader<'_>,
    scan: &mut Scan,
    mut member: impl FnMut(&mut Reader<'_>, &[u8], &mut Scan) -> Result<(), Error>,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"provider_specific_fields")? {
        return Ok(());
    }
    reader.members(|reader, key| member(reader, &key.name(), scan))
}
