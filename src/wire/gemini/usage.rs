//! Where a response states what it used. Thoughts are counted beside the answer.

use crate::wire::json::{Error, Kind, Reader};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{FieldKind, Scan};
use crate::wire::usage::{count, input, output, reasoning};

/// Counts of the request, by kind of media, and what is no count.
const REQUEST: [Listed; 4] = [
    (b"promptTokensDetails", Shape::Data),
    (b"cacheTokensDetails", Shape::Data),
    (b"toolUsePromptTokensDetails", Shape::Data),
    (b"trafficType", Shape::Identifier),
];

/// Reads usage metadata.
pub(super) fn scan(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(Kind::Object, reader, b"usageMetadata")? {
        return Ok(());
    }
    let span = reader.spanned(|reader| {
        reader.members(|reader, key| match &*key.name() {
            name @ b"promptTokenCount" => input(reader, name, scan),
            name @ b"candidatesTokenCount" => output(reader, name, scan),
            name @ b"thoughtsTokenCount" => reasoning(reader, name, scan),
            name @ b"totalTokenCount" => {
                if let Some((span, total)) = count(reader, name, scan)? {
                    scan.field(FieldKind::TotalTokens(total), span);
                }
                Ok(())
            }
            name @ (b"cachedContentTokenCount" | b"toolUsePromptTokenCount") => {
                let counted = count(reader, name, scan)?;
                if let (b"toolUsePromptTokenCount", Some((_, more))) = (name, counted) {
                    scan.usage.input = Some(scan.usage.input.unwrap_or_default() + more);
                }
                Ok(())
            }
            name @ b"candidatesTokensDetails" => details(reader, name, scan),
            name => scan.listed(reader, &REQUEST, name),
        })
    })?;
    scan.field(FieldKind::Usage, span);
    if let Some(thoughts) = scan.usage.reasoning {
        scan.usage.output = Some(scan.usage.output.unwrap_or_default().saturating_add(thoughts));
        scan.usage.beside = true;
    }
    Ok(())
}

/// The parts that the output's count is made of.
fn details(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(Kind::Array, reader, name)? {
        return Ok(());
    }
    reader.elements(|reader, _| {
        reader.members(|reader, key| match &*key.name() {
            name @ b"tokenCount" => {
                if let Some((span, part)) = count(reader, name, scan)? {
                    scan.field(FieldKind::PartTokens(part), span);
                }
                Ok(())
            }
            name => scan.listed(reader, &[(b"modality", Shape::Identifier)], name),
        })
    })
}
