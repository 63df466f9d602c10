//! Calls of tools.

use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{FieldKind, Kind, Scan, Slot};

use super::signed::{call_content, signatures};
use super::text::lane;

/// Members of a tool call besides the call itself.
const TOOL_CALL: [Listed; 1] = [(b"type", Shape::Identifier)];

/// One call of several.
pub(in crate::wire) fn tool_call(
    reader: &mut Reader<'_>,
    position: usize,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"tool_calls")? {
        return Ok(());
    }
    let first_channel = scan.channels.len();
    let mut index = u32::try_from(position).unwrap_or(u32::MAX);
    reader.members(|reader, key| match &*key.name() {
        b"index" => {
            if let Some((_, number)) = scan.whole_number(reader, b"index")? {
                index = u32::try_from(number).unwrap_or(u32::MAX);
            }
            Ok(())
        }
        b"function" | b"custom" => function(reader, scan),
        name @ b"id" => {
            let id = reader.spanned(|reader| scan.call_id(reader, name))?;
            scan.field(FieldKind::Once, id);
            Ok(())
        }
        b"provider_specific_fields" => signatures(reader, scan),
        b"extra_content" => call_content(reader, scan),
        name => scan.listed(reader, &TOOL_CALL, name),
    })?;
    for channel in scan.channels.iter_mut().skip(first_channel) {
        channel.lane.slot = Slot::Tool(index);
    }
    Ok(())
}

/// What is called, and with what.
pub(in crate::wire) fn function(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"tool_calls")? {
        return Ok(());
    }
    reader.members(|reader, key| match &*key.name() {
        // Some servers send them unwritten, as an object.
        b"arguments" | b"input" if reader.kind()? == JsonKind::Object => {
            let span = reader.skip()?;
            scan.encoded(reader.bytes(), span.clone());
            scan.quoted.push(span);
            Ok(())
        }
        b"arguments" | b"input" => {
            if let Some(Text { span, .. }) = reader.text()? {
                scan.text(lane(Slot::Tool(0)), Kind::ToolArguments, span);
            }
            Ok(())
        }
        // Clients put it together from pieces, and only the first of them says it.
        name @ b"name" => {
            let called = reader.spanned(|reader| scan.tool(reader, name))?;
            scan.field(FieldKind::OnceCalled, called);
            Ok(())
        }
        name @ b"index" => scan.shaped(reader, Shape::Findings, FieldKind::Leak, name),
        b"provider_specific_fields" => signatures(reader, scan),
        name => scan.leak(reader, name),
    })
}
