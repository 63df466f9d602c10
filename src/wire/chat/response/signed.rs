//! What servers sign of their reasoning, beside it: a tool's result is refused without it.

use crate::wire::json::{Error, Kind as JsonKind, Reader};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{Scan, Signed, Slot};
use crate::wire::thought::Thought;

use super::text::reasoning;

/// Google's signatures, as gateways pass them on.
const SIGNATURES: [Listed; 3] = [
    (b"thought", Shape::Flag),
    (b"thought_signature", Shape::Sealed),
    (b"thought_signatures", Shape::Signatures),
];

/// Members of a thinking block that carry no text.
const BLOCK: [Listed; 3] =
    [(b"type", Shape::Identifier), (b"signature", Shape::Sealed), (b"data", Shape::Sealed)];

/// Anthropic's thinking blocks, as gateways pass them on (LiteLLM).
pub(super) fn thinking_blocks(
    reader: &mut Reader<'_>,
    name: &[u8],
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Array, reader, name)? {
        return Ok(());
    }
    let first = scan.channels.len();
    reader.elements(|reader, _| block(reader, name, scan))?;
    // Whole or sealed.
    scan.channels.iter_mut().skip(first).for_each(|channel| channel.signed = true);
    Ok(())
}

fn block(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    reader.members(|reader, key| match &*key.name() {
        name @ b"thinking" => reasoning(reader, Slot::ThinkingBlock, name, scan),
        name @ (b"signature" | b"data") => scan.once(reader, |scan, reader| {
            let signs = reader.kind()? == JsonKind::String;
            let span = reader.spanned(|reader| scan.listed(reader, &BLOCK, name))?;
            let signs = signs && span.len() > 2;
            scan.signed.extend(signs.then_some(Signed { group: None, from: 0 }));
            Ok(())
        }),
        name => scan.listed(reader, &BLOCK, name),
    })
}

/// What a gateway adds of its provider's to a call of a tool.
pub(super) fn signatures(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    members(reader, scan, |reader, name, scan| scan.listed(reader, &SIGNATURES, name))
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
            b"thinking_blocks" => thinking_blocks(reader, name, scan),
            _ => signature(reader, name, scan),
        }
    })
}

/// One of a provider's members: its word on what is a thought, or a signature, which is said once.
fn signature(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    match name {
        b"thought" => scan.listed(reader, &SIGNATURES, name),
        _ => scan.once(reader, |scan, reader| scan.listed(reader, &SIGNATURES, name)),
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
