//! Where an answer states what it used: reasoning is counted with the output, and not told apart.

use crate::wire::json::{Error, Kind, Reader};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{FieldKind, Scan};
use crate::wire::usage::{count, input, output, request, telling};

/// Reads `usage`.
pub(super) fn scan(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(Kind::Object, reader, b"usage")? {
        return Ok(());
    }
    let span = reader.spanned(|reader| {
        reader.members(|reader, key| match &*key.name() {
            name @ b"inputTokens" => input(reader, name, scan),
            name @ b"outputTokens" => output(reader, name, scan),
            name @ b"totalTokens" => {
                if let Some((span, total)) = count(reader, name, scan)? {
                    scan.field(FieldKind::TotalTokens(total), span);
                }
                Ok(())
            }
            name @ (b"cacheReadInputTokens"
            | b"cacheReadInputTokenCount"
            | b"cacheWriteInputTokens"
            | b"cacheWriteInputTokenCount") => request(reader, name, scan).map(|_| ()),
            name @ b"cacheDetails" => cache(reader, name, scan),
            // Some models' servers put what they spent on it there.
            name @ b"serverToolUsage" => telling(reader, name, scan),
            name => scan.leak(reader, name),
        })
    })?;
    scan.field(FieldKind::Usage, span);
    Ok(())
}

fn cache(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    const ENTRY: [Listed; 1] = [(b"ttl", Shape::Identifier)];
    if !scan.expects(Kind::Array, reader, name)? {
        return Ok(());
    }
    reader.elements(|reader, _| {
        if !scan.expects(Kind::Object, reader, name)? {
            return Ok(());
        }
        reader.members(|reader, key| match &*key.name() {
            name @ b"inputTokens" => request(reader, name, scan).map(|_| ()),
            name => scan.listed(reader, &ENTRY, name),
        })
    })
}

/// Reads `metrics`: how long it took tells how much was generated.
pub(super) fn metrics(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(Kind::Object, reader, b"metrics")? {
        return Ok(());
    }
    reader.members(|reader, key| match &*key.name() {
        name @ b"latencyMs" => telling(reader, name, scan),
        name => scan.leak(reader, name),
    })
}
