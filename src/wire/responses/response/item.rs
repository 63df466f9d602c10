//! An item of the output.

use std::ops::Range;

use super::part::{Place, part, thinks};
use super::sealed::sealed;
use super::summary::in_list;
use super::{LATER, id, lists, position, text, type_of};
use crate::wire::json::{Error, Kind as JsonKind, Reader};
use crate::wire::responses::{NOTHING, REASONING};
use crate::wire::scan::{Carrier, CarrierPlace, FieldKind, Kind, Lane, Mode, Scan, Share, Slot};
use crate::wire::thought::members;

/// What an item is.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// Where its id stands, or else the one by which its call is answered.
    pub(super) name: Option<Range<usize>>,
    pub(super) answers: bool,
    pub(super) calls: bool,
}

/// Reads an item, whose texts come in this mode.
pub(super) fn item(
    reader: &mut Reader<'_>,
    group: u32,
    mode: Mode,
    scan: &mut Scan,
) -> Result<Shown, Error> {
    if !scan.expects(JsonKind::Object, reader, b"item")? {
        return Ok(Shown::default());
    }
    let kind = type_of(reader);
    let (message, calls) = (kind == "message", kind.ends_with("_call"));
    let first = scan.channels.len();
    let (mut sealed_at, mut last) = (None, None);
    let (mut named, mut called_by) = (None, None);
    let thought = members(reader, scan, |reader, name, _, scan| {
        match name {
            name @ b"summary" if kind == "reasoning" => {
                let list = reader.spanned(|reader| parts(reader, name, (group, mode), scan))?;
                scan.summaries.extend(in_list(reader.bytes(), &list, group));
                Ok(())
            }
            name @ (b"content" | b"summary") => parts(reader, name, (group, mode), scan),
            name if holds(&kind, name) => called(reader, name, (group, mode), scan),
            name @ b"id" => {
                named = Some(reader.spanned(|reader| id(reader, name, scan))?);
                Ok(())
            }
            name @ b"call_id" => {
                called_by = Some(reader.spanned(|reader| scan.call_id(reader, name))?);
                Ok(())
            }
            name @ b"name" => scan.tool(reader, name),
            name @ b"encrypted_content" => {
                sealed_at = Some(reader.spanned(|reader| sealed(reader, name, scan))?);
                Ok(())
            }
            name => match lists::shape_of(&kind, name) {
                Some(shape) => scan.shaped(reader, shape, FieldKind::Leak, name),
                None => scan.leak(reader, name),
            },
        }?;
        last = Some(reader.position());
        Ok(())
    })?;
    if kind == "reasoning" {
        scan.carriers.extend(carrier(sealed_at, last, (group, mode)));
    }
    let answers = message && !thought.says();
    if !answers {
        thinks(scan, first);
    }
    Ok(Shown { name: named.or(called_by), answers, calls })
}

/// Where a reasoning item carries what is sealed of it. One that begins has nothing to carry yet.
fn carrier(
    sealed: Option<Range<usize>>,
    last: Option<usize>,
    (group, mode): (u32, Mode),
) -> Option<Carrier> {
    let begins = group == LATER && mode == Mode::Delta;
    let place = match (sealed, last) {
        (Some(span), _) if begins => CarrierPlace::Early(span),
        (None, _) if begins => CarrierPlace::Begun,
        (Some(span), _) => CarrierPlace::Value(span),
        (None, at) => CarrierPlace::Member { at: at?, name: "encrypted_content" },
    };
    Some(Carrier { name: REASONING, group, share: Share::All, nothing: NOTHING, place })
}

/// Reads an item of what an answer was given to. What the model has said in it before is known to whom it
/// was said: it is withheld as reasoning is, since it stands here as it was before anything was done to it.
pub(super) fn input_item(
    reader: &mut Reader<'_>,
    group: u32,
    scan: &mut Scan,
) -> Result<(), Error> {
    let others = ["user", "system", "developer"];
    let mut ahead = Reader::at(reader.bytes(), reader.position());
    let (mut by_other, mut message) = (false, true);
    ahead.members(|reader, key| {
        match &*key.name() {
            b"role" => {
                let role = reader.name()?.map(|(_, role)| role).unwrap_or_default();
                by_other = others.contains(&role.as_str());
            }
            b"type" => message = reader.name()?.is_some_and(|(_, kind)| kind == "message"),
            _ => reader.pass()?,
        }
        Ok(())
    })?;
    if by_other && message {
        let span = reader.skip()?;
        scan.encoded(reader.bytes(), span.clone());
        scan.quoted.push(span);
        return Ok(());
    }
    let first = scan.channels.len();
    item(reader, group, Mode::Delta, scan)?;
    thinks(scan, first);
    Ok(())
}

/// The parts of an item, or of its summary; some servers have one text in their place.
fn parts(
    reader: &mut Reader<'_>,
    name: &[u8],
    (group, mode): (u32, Mode),
    scan: &mut Scan,
) -> Result<(), Error> {
    let sums_up = name == b"summary";
    match reader.kind()? {
        JsonKind::Array => reader.elements(|reader, at| {
            part(reader, Place { group, part: position(at), sums_up, mode }, scan).map(|_| ())
        }),
        JsonKind::String if !sums_up => {
            text(reader, name, (Lane::new(group, Slot::Answer), Kind::Answer, mode), scan)
        }
        _ => scan.leak(reader, name),
    }
}

/// Whether a member of an item holds what a tool is called with.
fn holds(kind: &str, name: &[u8]) -> bool {
    match name {
        b"arguments" => kind.ends_with("_call") || kind == "mcp_approval_request",
        b"input" => kind == "custom_tool_call",
        b"code" => matches!(kind, "code_interpreter_call" | "program"),
        _ => false,
    }
}

/// What a tool is called with. Some servers send it unwritten, as an object.
pub(super) fn called(
    reader: &mut Reader<'_>,
    name: &[u8],
    (group, mode): (u32, Mode),
    scan: &mut Scan,
) -> Result<(), Error> {
    if reader.kind()? == JsonKind::Object {
        let span = reader.skip()?;
        scan.encoded(reader.bytes(), span.clone());
        scan.quoted.push(span);
        return Ok(());
    }
    text(reader, name, (Lane::new(group, Slot::Tool(0)), Kind::ToolArguments, mode), scan)
}
