//! Where the answer has its passages from, and how likely its tokens were.

use super::lists;
use crate::wire::json::{Error, Kind as JsonKind, Reader};
use crate::wire::scan::{Citation, FieldKind, Lane, Scan};

/// A passage that the answer has from somewhere, by characters of its part.
pub(super) fn annotation(
    reader: &mut Reader<'_>,
    lane: Lane,
    scan: &mut Scan,
) -> Result<(), Error> {
    if !scan.expects(JsonKind::Object, reader, b"annotations")? {
        return Ok(());
    }
    let (mut start, mut end) = (None, None);
    reader.members(|reader, key| match &*key.name() {
        name @ b"start_index" => {
            start = scan.whole_number(reader, name)?;
            Ok(())
        }
        name @ b"end_index" => {
            end = scan.whole_number(reader, name)?;
            Ok(())
        }
        name => scan.listed(reader, &lists::ANNOTATION, name),
    })?;
    let points = start.zip(end).map(|(start, end)| Citation { lane, start, end, base: 0 });
    scan.citations.extend(points);
    Ok(())
}

/// Log-probabilities: typed clients expect a list, be it empty.
pub(super) fn logprobs(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    if reader.kind()? != JsonKind::Array {
        return scan.leak(reader, name);
    }
    let mut entries = false;
    let start = reader.position();
    reader.elements(|reader, _| {
        entries = true;
        reader.pass()
    })?;
    if entries {
        scan.unlisted(&mut Reader::at(reader.bytes(), start), FieldKind::List, name)?;
    }
    Ok(())
}
