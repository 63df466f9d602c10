//! Blocks of an answer, whole and in pieces.

use std::ops::Range;

use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{
    Block, Carrier, CarrierPlace, FieldKind, Kind, Lane, Scan, Share, Signed, Slot,
};
use crate::wire::thought::members;

use super::{REASONING, REDACTED};

/// What stands where nothing is signed.
const NOTHING: &str = "\"\"";

/// The most bytes of what is quoted of a source.
const QUOTED: usize = 256 * 1024;

/// The most bytes of what tools are asked, and have given.
const CALLED: usize = 4 << 20;

/// Members of a block that carry none.
const BLOCK: [Listed; 6] = [
    (b"audio", Shape::Data),
    (b"cachePoint", Shape::Findings),
    (b"document", Shape::Data),
    (b"image", Shape::Data),
    (b"searchResult", Shape::Quoted(QUOTED)),
    (b"video", Shape::Data),
];

/// Members of a citation: it points into a source, not into the answer.
const CITATION: [Listed; 4] = [
    (b"location", Shape::Data),
    (b"source", Shape::Text(QUOTED)),
    (b"sourceContent", Shape::Quoted(QUOTED)),
    (b"title", Shape::Text(QUOTED)),
];

/// Members of the result of a tool that the server ran.
const RESULT: [Listed; 3] = [
    (b"content", Shape::Quoted(CALLED)),
    (b"status", Shape::Identifier),
    (b"type", Shape::Identifier),
];

/// The block that an event is about, until all of it has been read.
pub(super) const THIS: u32 = u32::MAX;

/// What an event says of its block.
#[derive(Default)]
pub(super) struct Event {
    pub(super) index: u32,
    /// A signature that ends the reasoning.
    pub(super) signature: bool,
    /// The block that begins.
    pub(super) begins: Option<Block>,
}

/// A whole block; whether it calls a tool.
pub(super) fn block(reader: &mut Reader<'_>, group: u32, scan: &mut Scan) -> Result<bool, Error> {
    if !scan.expects(JsonKind::Object, reader, b"content")? {
        return Ok(false);
    }
    let first = scan.channels.len();
    let mut calls = false;
    let thought = members(reader, scan, |reader, name, _, scan| match name {
        b"text" => text(reader, name, answer(group), scan),
        b"citationsContent" => cited(reader, name, group, scan),
        b"reasoningContent" => reasoning(reader, name, group, scan).map(|_| ()),
        b"toolUse" => {
            calls = true;
            call(reader, name, group, scan)
        }
        b"toolResult" => result(reader, name, scan),
        name => scan.listed(reader, &BLOCK, name),
    })?;
    if thought.says() {
        think(first, scan);
    }
    Ok(calls)
}

/// A block as it begins. Those of text and reasoning begin with their first piece.
pub(super) fn start(
    reader: &mut Reader<'_>,
    name: &[u8],
    event: &mut Event,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    members(reader, scan, |reader, name, _, scan| match name {
        b"toolUse" => {
            event.begins = Some(Block { group: THIS, answers: false, calls: true, within: false });
            call(reader, name, THIS, scan)
        }
        b"toolResult" => result(reader, name, scan),
        name => scan.listed(reader, &BLOCK, name),
    })
    .map(|_| ())
}

/// A piece of a block.
pub(super) fn delta(
    reader: &mut Reader<'_>,
    name: &[u8],
    event: &mut Event,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    let first = scan.channels.len();
    let thought = members(reader, scan, |reader, name, _, scan| match name {
        b"text" => text(reader, name, answer(THIS), scan),
        b"reasoningContent" => {
            event.signature |= reasoning(reader, name, THIS, scan)?;
            Ok(())
        }
        b"toolUse" => call(reader, name, THIS, scan),
        b"toolResult" => scan.shaped(reader, Shape::Quoted(CALLED), FieldKind::Leak, name),
        b"citation" => citation(reader, name, scan),
        name => scan.listed(reader, &BLOCK, name),
    })?;
    if thought.says() {
        think(first, scan);
    }
    Ok(())
}

/// The text of a block that is the answer's.
fn answer(group: u32) -> (Lane, Kind) {
    (Lane::new(group, Slot::Answer), Kind::Answer)
}

fn text(
    reader: &mut Reader<'_>,
    name: &[u8],
    (lane, kind): (Lane, Kind),
    scan: &mut Scan,
) -> Result<(), Error> {
    if scan.expects(JsonKind::String, reader, name)? {
        if let Some(Text { span, .. }) = reader.text()? {
            scan.text(lane, kind, span);
        }
    }
    Ok(())
}

/// Takes what beside them is said to be thought for reasoning.
fn think(first: usize, scan: &mut Scan) {
    let texts = scan.channels.iter_mut().skip(first);
    for channel in texts.filter(|it| it.kind == Kind::Answer) {
        (channel.lane.slot, channel.kind, channel.signed) =
            (Slot::Reasoning, Kind::Reasoning, true);
    }
}

/// Reasoning, whole or a piece of it; whether it has a signature. Of a stream nobody knows before its end
/// whether it will be signed, so that no text of it is shortened.
fn reasoning(
    reader: &mut Reader<'_>,
    name: &[u8],
    group: u32,
    scan: &mut Scan,
) -> Result<bool, Error> {
    const SIGNED: [Listed; 2] =
        [(b"signature", Shape::Sealed), (b"redactedContent", Shape::Sealed)];
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(false);
    }
    let (first, mut signature, mut signed) = (scan.channels.len(), false, false);
    let mut found = Found::default();
    let thinking = (Lane::new(group, Slot::Reasoning), Kind::Reasoning);
    let mut member = |reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan| match name {
        b"text" => {
            text(reader, name, thinking, scan)?;
            found.text = Some(reader.position());
            Ok(())
        }
        name @ (b"signature" | b"redactedContent") => {
            let span = reader.spanned(|reader| scan.listed(reader, &SIGNED, name))?;
            let says =
                span.len() > b"\"\"".len() && reader.bytes().get(span.clone()) != Some(b"null");
            signature |= name == b"signature";
            let place =
                if name == b"signature" { &mut found.signature } else { &mut found.redacted };
            scan.ambiguous |= place.replace(span).is_some();
            signed |= says;
            Ok(())
        }
        name => scan.leak(reader, name),
    };
    members(reader, scan, |reader, name, _, scan| match name {
        b"reasoningText" if scan.expects(JsonKind::Object, reader, name)? => {
            members(reader, scan, |reader, name, _, scan| member(reader, name, scan)).map(|_| ())
        }
        b"reasoningText" => Ok(()),
        name => member(reader, name, scan),
    })?;
    scan.channels.iter_mut().skip(first).for_each(|channel| channel.signed = true);
    found.carried(group, scan);
    scan.signed.extend(signed.then(|| Signed { group: None, from: reader.position() }));
    Ok(signature)
}

/// Where reasoning stands, and what its server has signed or sealed of it.
#[derive(Default)]
struct Found {
    /// Where its text ends.
    text: Option<usize>,
    signature: Option<Range<usize>>,
    redacted: Option<Range<usize>>,
}

impl Found {
    /// What carries it. In a stream its signature comes behind its text, if there is one.
    fn carried(self, group: u32, scan: &mut Scan) {
        let Self { text, signature, redacted } = self;
        let signed = match (signature, text) {
            (Some(span), _) => Some(CarrierPlace::Value(span)),
            (None, Some(_)) if group == THIS => Some(CarrierPlace::Begun),
            (None, Some(at)) => Some(CarrierPlace::Member { at, name: "signature" }),
            (None, None) => None,
        };
        // In a stream it may come in pieces.
        let whole = if group == THIS { CarrierPlace::Piece } else { CarrierPlace::Value };
        let places = [(REASONING, signed), (REDACTED, redacted.map(whole))];
        scan.carriers.extend(places.into_iter().filter_map(|(name, place)| {
            Some(Carrier { name, group, share: share_of(name), nothing: NOTHING, place: place? })
        }));
    }
}

/// Which of the reasoning of a block goes with a carrier of this name.
fn share_of(name: &str) -> Share {
    if name == REASONING { Share::All } else { Share::Nothing }
}

/// What would carry, before a block ends, a signature that has not come, and what came redacted in
/// pieces.
pub(super) fn before_stop(group: u32) -> [Carrier; 2] {
    [(REASONING, "signature"), (REDACTED, "redactedContent")].map(|(name, member)| {
        let before = format!(
            "{{\"contentBlockIndex\":{group},\"delta\":{{\"reasoningContent\":{{\"{member}\":"
        );
        let (kind, after) = (Some("contentBlockDelta"), "}}}");
        let place = CarrierPlace::Event { kind, before: before.into(), after };
        Carrier { name, group, share: share_of(name), nothing: NOTHING, place }
    })
}

/// A call of a tool: whole, as it begins, or a piece of what it is called with.
fn call(reader: &mut Reader<'_>, name: &[u8], group: u32, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    reader.members(|reader, key| match &*key.name() {
        name @ b"name" => scan.tool(reader, name),
        name @ b"toolUseId" => scan.call_id(reader, name),
        name @ b"input" if reader.kind()? == JsonKind::String => {
            let lane = Lane::new(group, Slot::Tool(0));
            text(reader, name, (lane, Kind::ToolArguments), scan)
        }
        name @ b"input" => scan.shaped(reader, Shape::Quoted(CALLED), FieldKind::Leak, name),
        name => scan.listed(reader, &[(b"type", Shape::Identifier)], name),
    })
}

/// What a tool that the server ran has given.
fn result(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    reader.members(|reader, key| match &*key.name() {
        name @ b"toolUseId" => scan.call_id(reader, name),
        name => scan.listed(reader, &RESULT, name),
    })
}

/// A text with the sources that it is drawn from.
fn cited(reader: &mut Reader<'_>, name: &[u8], group: u32, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    members(reader, scan, |reader, name, _, scan| match name {
        b"content" if scan.expects(JsonKind::Array, reader, name)? => {
            reader.elements(|reader, _| {
                if !scan.expects(JsonKind::Object, reader, b"content")? {
                    return Ok(());
                }
                let first = scan.channels.len();
                let thought = members(reader, scan, |reader, name, _, scan| match name {
                    b"text" => text(reader, name, answer(group), scan),
                    name => scan.leak(reader, name),
                })?;
                if thought.says() {
                    think(first, scan);
                }
                Ok(())
            })
        }
        b"content" => Ok(()),
        b"citations" if scan.expects(JsonKind::Array, reader, name)? => {
            reader.elements(|reader, _| citation(reader, b"citations", scan))
        }
        b"citations" => Ok(()),
        name => scan.leak(reader, name),
    })
    .map(|_| ())
}

fn citation(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    reader.members(|reader, key| scan.listed(reader, &CITATION, &key.name()))
}
