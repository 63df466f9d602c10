//! Where a response or one of its events keeps its text.

mod annotation;
mod event;
mod item;
mod lists;
mod object;
mod part;
mod sealed;
mod subject;
mod summary;

use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::scan::{Kind, Lane, Mode, Scan, UNPLACED};

pub(super) use event::scan_event;
pub(super) use object::scan_document;
pub(super) use subject::EVENT_NAMES;

/// Stands for the item of an event whose index may come behind its texts.
const LATER: u32 = u32::MAX;

/// The highest index: some server would count further than there can be items.
const LAST: u32 = UNPLACED - 1;

/// The group of what is spoken, which belongs to no item.
const SPOKEN: u32 = LATER - 1;

/// By how much the parts of a summary are told from those of the text that it sums up.
pub(super) const SUMMARY: u32 = 1 << 16;

/// A text, if it is one.
fn text(
    reader: &mut Reader<'_>,
    name: &[u8],
    (lane, kind, mode): (Lane, Kind, Mode),
    scan: &mut Scan,
) -> Result<(), Error> {
    if scan.expects(JsonKind::String, reader, name)? {
        if let Some(Text { span, .. }) = reader.text()? {
            scan.text(lane, kind, span);
            scan.channels.iter_mut().rev().take(1).for_each(|it| it.mode = mode);
        }
    }
    Ok(())
}

/// The `type` of an object that stands next, and is read later; the first one, if there are several.
fn type_of(reader: &Reader<'_>) -> String {
    let mut found = None;
    let mut ahead = Reader::at(reader.bytes(), reader.position());
    // The error says no more than that it is found: what is wrong is told when the object is read.
    let _ = ahead.members(|reader, key| {
        if !key.is("type") {
            return reader.pass();
        }
        found = Some(reader.name()?.map(|(_, kind)| kind).unwrap_or_default());
        Err(Error { at: key.start, expected: "nothing further" })
    });
    found.unwrap_or_default()
}

/// An id by which an answer, or an item of it, can be asked for.
fn id(reader: &mut Reader<'_>, name: &[u8], scan: &mut Scan) -> Result<(), Error> {
    let is_text = reader.kind()? == JsonKind::String;
    let span = reader.spanned(|reader| scan.call_id(reader, name))?;
    scan.ids.extend(is_text.then(|| span.start + 1..span.end - 1));
    Ok(())
}

/// An index as a place in a list.
fn position(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(LAST).min(LAST)
}
