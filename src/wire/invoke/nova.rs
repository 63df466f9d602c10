//! Amazon's Nova: requests and answers like Converse's. An event of a stream stands under its name, in an
//! object of its own (Amazon Nova user guide, "Streaming responses").

use crate::wire::converse::{request, response};
use crate::wire::json::{Error, Kind, Reader};
use crate::wire::scan::{Carrier, CarrierPlace, Scan};
use crate::wire::{Request, Target};

/// The events of a stream.
const EVENTS: [&[u8]; 6] = [
    b"messageStart",
    b"contentBlockStart",
    b"contentBlockDelta",
    b"contentBlockStop",
    b"messageStop",
    b"metadata",
];

/// Whether a member holds an event.
pub(super) fn is_event(name: &[u8]) -> bool {
    EVENTS.contains(&name)
}

pub(super) fn scan_request(target: Target, body: &[u8]) -> Result<Request, Error> {
    request::nova(target, body)
}

pub(super) fn scan_event(payload: &[u8], scan: &mut Scan) -> Result<(), Error> {
    Reader::new(payload).document(|reader| {
        if reader.kind()? != Kind::Object {
            return Err(reader.expected("an object"));
        }
        reader.members(|reader, key| match &*key.name() {
            kind if is_event(kind) && reader.kind()? == Kind::Object => {
                response::event(Some(kind), reader, scan)
            }
            name => scan.leak(reader, name),
        })
    })?;
    scan.carriers.iter_mut().for_each(put_under_name);
    Ok(())
}

/// An event of the layer's own, as one of Nova's.
fn put_under_name(carrier: &mut Carrier) {
    if let CarrierPlace::Event { kind, before, after } = &mut carrier.place {
        if let Some(name) = kind.take() {
            *before = format!("{{\"{name}\":{before}").into();
            *after = "}}}}";
        }
    }
}
