//! Texts, and the lanes that they belong to.

use crate::wire::json::{Error, Kind as JsonKind, Reader, Text};
use crate::wire::scan::{Kind, Lane, Scan, Slot};

/// Text that ends the reasoning, unless it is empty.
pub(super) fn said(
    reader: &mut Reader<'_>,
    lane: Lane,
    kind: Kind,
    answered: &mut bool,
    scan: &mut Scan,
) -> Result<(), Error> {
    if let Some(Text { span, .. }) = reader.text()? {
        *answered |= !span.is_empty();
        scan.text(lane, kind, span);
    }
    Ok(())
}

/// A text of the reasoning.
pub(super) fn reasoning(
    reader: &mut Reader<'_>,
    slot: Slot,
    name: &[u8],
    scan: &mut Scan,
) -> Result<(), Error> {
    if scan.expects(JsonKind::String, reader, name)? {
        if let Some(Text { span, .. }) = reader.text()? {
            scan.text(lane(slot), Kind::Reasoning, span);
        }
    }
    Ok(())
}

/// A lane of the choice that is read, whose index is not known yet.
pub(super) fn lane(slot: Slot) -> Lane {
    Lane::new(0, slot)
}
