//! Where a response states what it used.
//!
//! The names are few and the shapes are many: counts stand as numbers, fractions and strings, on
//! their own or in details, reasoning within the output or beside it. What is known to count the
//! request passes; what counts the output is told apart, so that it can be rounded; anything else
//! (costs, durations) may tell how much was generated.

use std::ops::Range;

use super::json::{Error, Kind, Reader};
use super::listed::{Shape, number};
use super::scan::{FieldKind, Scan, Usage};

/// Counts of the request, and what is no count of tokens.
const REQUEST: [&[u8]; 13] = [
    b"prompt_cache_hit_tokens",
    b"prompt_cache_miss_tokens",
    b"cache_creation_input_tokens",
    b"cache_read_input_tokens",
    b"cached_tokens",
    b"citation_tokens",
    b"classifications",
    b"num_search_queries",
    b"num_sources_used",
    b"prompt_audio_seconds",
    b"prompt_time",
    b"queue_time",
    b"search_units",
];

/// Objects of such counts.
const REQUEST_DETAILS: [&[u8]; 5] = [
    b"prompt_tokens_details",
    b"input_tokens_details",
    b"cache_creation",
    b"server_tool_use",
    b"server_tool_use_details",
];

/// Reads a usage object.
pub(super) fn scan(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(Kind::Object, reader, b"usage")? {
        return Ok(());
    }
    let mut total = None;
    let span = reader.spanned(|reader| {
        reader.members(|reader, key| match &*key.name() {
            name @ (b"prompt_tokens" | b"input_tokens") => input(reader, name, scan),
            name @ (b"completion_tokens" | b"output_tokens") => output(reader, name, scan),
            name @ b"total_tokens" => {
                if let Some((span, count)) = count(reader, name, scan)? {
                    total = Some(count);
                    scan.field(FieldKind::TotalTokens(count), span);
                }
                Ok(())
            }
            name @ (b"reasoning_tokens" | b"thinking_tokens") => reasoning(reader, name, scan),
            b"completion_tokens_details" | b"output_tokens_details" => details(reader, scan),
            b"service_tier" | b"inference_geo" | b"search_context_size" | b"speed" => {
                scan.shaped(reader, Shape::Identifier, FieldKind::Leak, b"usage")
            }
            name if REQUEST.contains(&name) => request(reader, name, scan).map(|_| ()),
            name if REQUEST_DETAILS.contains(&name) => {
                if !scan.expects(Kind::Object, reader, name)? {
                    return Ok(());
                }
                reader.members(|reader, key| request(reader, &key.name(), scan).map(|_| ()))
            }
            name => telling(reader, name, scan),
        })
    })?;
    scan.field(FieldKind::Usage, span);
    scan.usage = with_reasoning(scan.usage, total);
    Ok(())
}

/// A count of tokens of the request.
pub(super) fn input(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    if let Some(count) = request(reader, name, scan)? {
        scan.usage.input = Some(count);
    }
    Ok(())
}

/// A count of something of the request.
pub(super) fn request(
    reader: &mut Reader<'_>,
    name: &[u8],
    scan: &mut Scan,
) -> Result<Option<u64>, Error> {
    let count = count(reader, name, scan)?;
    Ok(count.map(|(span, count)| {
        scan.field(FieldKind::InputTokens(count), span);
        count
    }))
}

/// A count of tokens of the output.
pub(super) fn output(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    if let Some((span, count)) = count(reader, name, scan)? {
        scan.usage.output = Some(count);
        scan.field(FieldKind::OutputTokens(count), span);
    }
    Ok(())
}

/// Counts as they are meant: some servers count the reasoning beside the output.
fn with_reasoning(usage: Usage, total: Option<u64>) -> Usage {
    let Usage { input, output: Some(output), reasoning: Some(reasoning), .. } = usage else {
        return usage;
    };
    let sum = output.saturating_add(reasoning);
    let summed = total.is_some_and(|total| total == input.unwrap_or_default().saturating_add(sum));
    let beside = reasoning > output || summed && reasoning > 0;
    Usage { output: Some(if beside { sum } else { output }), beside, ..usage }
}

/// The parts that the output's count is made of.
fn details(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(Kind::Object, reader, b"usage")? {
        return Ok(());
    }
    reader.members(|reader, key| match &*key.name() {
        name @ (b"reasoning_tokens" | b"thinking_tokens") => reasoning(reader, name, scan),
        name => {
            if let Some((span, count)) = count(reader, name, scan)? {
                scan.field(FieldKind::PartTokens(count), span);
            }
            Ok(())
        }
    })
}

/// A count of tokens of reasoning.
pub(super) fn reasoning(
    reader: &mut Reader<'_>,
    name: &[u8],
    scan: &mut Scan,
) -> Result<(), Error> {
    if let Some((span, count)) = count(reader, name, scan)? {
        scan.usage.reasoning = Some(count);
        scan.field(FieldKind::ReasoningTokens(count), span);
    }
    Ok(())
}

/// A count, and where its digits stand; what is none is a leak.
pub(super) fn count(
    reader: &mut Reader<'_>,
    name: &[u8],
    scan: &mut Scan,
) -> Result<Option<(Range<usize>, u64)>, Error> {
    let kind = reader.kind()?;
    let start = reader.position();
    let span = reader.skip()?;
    let value = reader.bytes().get(span.clone()).unwrap_or_default();
    match number(value).filter(|number| *number >= 0.0) {
        Some(number) if kind == Kind::String => {
            Ok(Some((span.start + 1..span.end - 1, number.ceil() as u64)))
        }
        Some(number) if kind == Kind::Scalar => Ok(Some((span, number.ceil() as u64))),
        _ => {
            *reader = Reader::at(reader.bytes(), start);
            scan.leak(reader, name)?;
            Ok(None)
        }
    }
}

/// A value that may tell how much was generated, if it is one of numbers and identifiers.
pub(super) fn telling(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    let value = reader.bytes();
    let kind = reader.kind()?;
    let start = reader.position();
    let span = reader.skip()?;
    let fits = Shape::Data.fits(value.get(span).unwrap_or_default());
    *reader = Reader::at(value, start);
    let known = fits && kind != Kind::Null;
    scan.unlisted(reader, if known { FieldKind::Telling } else { FieldKind::Leak }, name)
}
