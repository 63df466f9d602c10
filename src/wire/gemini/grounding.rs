//! What an answer was drawn from, and which passages of it: by bytes of the part in which they stand.

use std::ops::Range;

use crate::wire::json::{Error, Kind as JsonKind, Reader};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{Citation, FieldKind, Lane, Scan, Slot};

/// The most bytes of what is quoted of sources.
const QUOTED: usize = 1 << 20;

/// Members of grounding metadata that carry none of the answer's text.
const GROUNDING: [Listed; 8] = [
    (b"webSearchQueries", Shape::Quoted(QUOTED)),
    (b"imageSearchQueries", Shape::Quoted(QUOTED)),
    (b"retrievalQueries", Shape::Quoted(QUOTED)),
    (b"searchEntryPoint", Shape::Quoted(QUOTED)),
    (b"groundingChunks", Shape::Quoted(QUOTED)),
    (b"retrievalMetadata", Shape::Data),
    (b"sourceFlaggingUris", Shape::Quoted(QUOTED)),
    (b"googleMapsWidgetContextToken", Shape::Sealed),
];

/// Those of a passage.
const SUPPORT: [Listed; 2] =
    [(b"groundingChunkIndices", Shape::Data), (b"confidenceScores", Shape::Data)];

/// Those of a source that the answer may repeat.
const SOURCE: [Listed; 4] = [
    (b"uri", Shape::Text(QUOTED)),
    (b"title", Shape::Text(QUOTED)),
    (b"license", Shape::Text(QUOTED)),
    (b"publicationDate", Shape::Data),
];

/// A passage whose part, and the lane that it belongs to, are told later.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    part: u64,
    start: Option<(Range<usize>, u64)>,
    end: (Range<usize>, u64),
}

/// Reads `groundingMetadata`.
pub(super) fn grounding(
    reader: &mut Reader<'_>,
    passages: &mut Vec<Passage>,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"groundingMetadata")? {
        return Ok(());
    }
    reader.members(|reader, key| match &*key.name() {
        name @ b"groundingSupports" => {
            if !scan.expects(JsonKind::Array, reader, name)? {
                return Ok(());
            }
            reader.elements(|reader, _| support(reader, passages, scan))
        }
        name => scan.listed(reader, &GROUNDING, name),
    })
}

fn support(
    reader: &mut Reader<'_>,
    passages: &mut Vec<Passage>,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"groundingSupports")? {
        return Ok(());
    }
    reader.members(|reader, key| match &*key.name() {
        b"segment" => passage(reader, passages, scan, |reader, name, scan| match name {
            // The passage once more.
            b"text" => scan.unlisted(reader, FieldKind::Unsealed, b"groundingMetadata"),
            name => scan.leak(reader, name),
        }),
        name => scan.listed(reader, &SUPPORT, name),
    })
}

/// Reads `citationMetadata`.
pub(super) fn citations(
    reader: &mut Reader<'_>,
    passages: &mut Vec<Passage>,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"citationMetadata")? {
        return Ok(());
    }
    reader.members(|reader, key| match &*key.name() {
        name @ (b"citations" | b"citationSources") => {
            if !scan.expects(JsonKind::Array, reader, name)? {
                return Ok(());
            }
            reader.elements(|reader, _| {
                passage(reader, passages, scan, |reader, name, scan| {
                    scan.listed(reader, &SOURCE, name)
                })
            })
        }
        name => scan.leak(reader, name),
    })
}

/// Two places of a part's text; one that is zero is left out.
fn passage(
    reader: &mut Reader<'_>,
    passages: &mut Vec<Passage>,
    scan: &mut Scan,
    mut other: impl FnMut(&mut Reader<'_>, &[u8], &mut Scan) -> Result<(), Error>,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"segment")? {
        return Ok(());
    }
    let (mut part, mut start, mut end) = (0, None, None);
    reader.members(|reader, key| match &*key.name() {
        name @ b"partIndex" => {
            part = scan.whole_number(reader, name)?.map_or(0, |(_, part)| part);
            Ok(())
        }
        name @ b"startIndex" => {
            start = scan.whole_number(reader, name)?;
            Ok(())
        }
        name @ b"endIndex" => {
            end = scan.whole_number(reader, name)?;
            Ok(())
        }
        // Some are dates in objects.
        name @ b"publicationDate" => scan.shaped(reader, Shape::Data, FieldKind::Leak, name),
        name => other(reader, name, scan),
    })?;
    passages.extend(end.map(|end| Passage { part, start, end }));
    Ok(())
}

/// Where each answer's part of a candidate begins in all of its answer: by the part's place, in bytes.
pub(super) type Parts = Vec<(u64, u64)>;

/// Has passages point into the answer of a candidate. In a stream all of it is one part.
pub(super) fn settle(passages: Vec<Passage>, group: u32, parts: Option<&Parts>, scan: &mut Scan) {
    for Passage { part, start, end } in passages {
        let base = match parts {
            Some(parts) => parts.iter().find(|(place, _)| *place == part).map(|(_, base)| *base),
            None => Some(0),
        };
        let Some(base) = base else { continue };
        let start = start.unwrap_or((end.0.clone(), 0));
        scan.citations.push(Citation { lane: Lane::new(group, Slot::Answer), start, end, base });
    }
}
