//! Passages of a text, and what they were drawn from.

use crate::wire::json::{Error, Kind as JsonKind, Reader};
use crate::wire::listed::{Listed, Shape};
use crate::wire::scan::{Citation, FieldKind, Lane, Scan, Slot};

use super::response::group_of;

/// The most bytes of what is quoted of sources.
const QUOTED: usize = 4 << 20;

/// Members of a citation that repeat nothing of the text.
const CITATION: [Listed; 3] = [
    (b"sources", Shape::Quoted(QUOTED)),
    (b"document_ids", Shape::Data),
    (b"type", Shape::Identifier),
];

/// Members of one of which the passage is reasoning: what is a number may tell how much there is.
const OF_REASONING: [Listed; 5] = [
    (b"sources", Shape::Quoted(QUOTED)),
    (b"type", Shape::Identifier),
    (b"start", Shape::Flag),
    (b"end", Shape::Flag),
    (b"content_index", Shape::Data),
];

/// One citation, or several. Without a block's index they point into the first block.
pub(in crate::wire) fn citations(
    reader: &mut Reader<'_>,
    name: &[u8],
    scan: &mut Scan,
) -> Result<(), Error> {
    match reader.kind()? {
        JsonKind::Array => reader.elements(|reader, _| citation(reader, name, scan)),
        _ => citation(reader, name, scan),
    }
}

fn citation(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, name)? {
        return Ok(());
    }
    if !is_of_text(reader)? {
        return reader.members(|reader, key| scan.listed(reader, &OF_REASONING, &key.name()));
    }
    let (mut index, mut start, mut end) = (0, None, None);
    reader.members(|reader, key| match &*key.name() {
        name @ b"start" => {
            start = scan.whole_number(reader, name)?;
            Ok(())
        }
        name @ b"end" => {
            end = scan.whole_number(reader, name)?;
            Ok(())
        }
        name @ b"content_index" => {
            index = scan.whole_number(reader, name)?.map_or(0, |(_, index)| index);
            Ok(())
        }
        // The passage once more.
        name @ b"text" => scan.unlisted(reader, FieldKind::Unsealed, name),
        name => scan.listed(reader, &CITATION, name),
    })?;
    if let Some((start, end)) = start.zip(end) {
        let lane = Lane::new(group_of(index), Slot::Answer);
        scan.citations.push(Citation { lane, start, end, base: 0 });
    }
    Ok(())
}

/// Whether the passage is one of the text, as far as its type says.
fn is_of_text(reader: &Reader<'_>) -> Result<bool, Error> {
    let mut of_text = true;
    Reader::at(reader.bytes(), reader.position()).members(|reader, key| {
        if key.is("type") {
            let kind = reader.name()?.map(|(_, kind)| kind);
            of_text &= kind.is_none_or(|kind| kind == "TEXT_CONTENT");
            return Ok(());
        }
        reader.pass()
    })?;
    Ok(of_text)
}
