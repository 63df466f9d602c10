//! What points into the answer.

use crate::wire::json::{Error, Kind as JsonKind, Reader};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{Citation, Scan, Slot};

use super::quoted::{FILE, QUOTED};
use super::text::lane;

/// Members of an annotation, and of what it is about.
const ANNOTATION: [Listed; 11] = [
    (b"type", Shape::Identifier),
    (b"url", Shape::Text(QUOTED)),
    (b"title", Shape::Text(QUOTED)),
    (b"content", Shape::Text(QUOTED)),
    (b"quote", Shape::Text(QUOTED)),
    (b"index", Shape::Data),
    (b"file_id", Shape::Identifier),
    (b"filename", Shape::Text(QUOTED)),
    (b"container_id", Shape::Identifier),
    (b"file", Shape::Quoted(FILE)),
    (b"file_path", Shape::Data),
];

/// Annotations point into the answer as it stands in the whole message, by characters, either
/// themselves or in a member such as `url_citation`.
pub(super) fn annotations(scan: &mut Scan, reader: &mut Reader<'_>) -> Result<(), Error> {
    if !scan.expects(JsonKind::Array, reader, b"annotations")? {
        return Ok(());
    }
    reader.elements(|reader, _| citation(scan, reader, true))
}

/// How far a filter that runs beside the model has come (Azure), by characters of the answer.
pub(super) fn filter_offsets(reader: &mut Reader<'_>, scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"content_filter_offsets")? {
        return Ok(());
    }
    let (mut start, mut end) = (None, None);
    reader.members(|reader, key| {
        let name = key.name();
        let offset = match &*name {
            b"start_offset" | b"end_offset" | b"check_offset" => {
                scan.whole_number(reader, &name)?
            }
            name => return scan.leak(reader, name),
        };
        match &*name {
            b"start_offset" => start = offset,
            b"end_offset" => end = offset,
            _ => scan.citations.extend(offset.map(|offset| Citation {
                lane: lane(Slot::Answer),
                start: offset.clone(),
                end: offset,
                base: 0,
            })),
        }
        Ok(())
    })?;
    scan.citations.extend(start.zip(end).map(|(start, end)| Citation {
        lane: lane(Slot::Answer),
        start,
        end,
        base: 0,
    }));
    Ok(())
}

fn citation(scan: &mut Scan, reader: &mut Reader<'_>, outer: bool) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"annotations")? {
        return Ok(());
    }
    let (mut start, mut end) = (None, None);
    reader.members(|reader, key| match &*key.name() {
        b"start_index" => {
            start = scan.whole_number(reader, b"index")?;
            Ok(())
        }
        b"end_index" => {
            end = scan.whole_number(reader, b"index")?;
            Ok(())
        }
        name if outer && name.ends_with(b"_citation") => citation(scan, reader, false),
        name => scan.listed(reader, &ANNOTATION, name),
    })?;
    if let Some((start, end)) = start.zip(end) {
        scan.citations.push(Citation { lane: lane(Slot::Answer), start, end, base: 0 });
    }
    Ok(())
}
