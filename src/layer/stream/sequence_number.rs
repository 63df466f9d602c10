//! The number that an event says, by which a client that comes again names what it has.

use bytes::Bytes;

use crate::wire::framing::{Event, Framing, Splitter};
use crate::wire::json;

/// What of these events, which are whole, a client does not have that has those up to a number.
pub(super) fn left_behind(number: u64, framing: Framing, events: Bytes) -> Bytes {
    let mut splitter = Splitter::new(framing, events.len() + 1);
    splitter.push(events);
    let mut left = Vec::new();
    while let Ok(Some(raw)) = splitter.next_event() {
        let event = Event::parse(framing, &raw);
        let said = event.payload().and_then(|payload| number_of(&payload));
        if said.is_none_or(|said| said > number) {
            left.extend_from_slice(&raw);
        }
    }
    left.extend_from_slice(&splitter.take_rest());
    left.into()
}

fn number_of(payload: &[u8]) -> Option<u64> {
    let mut number = None;
    let read = json::Reader::new(payload).document(|reader| {
        reader.object(|reader, key| {
            if !key.is("sequence_number") {
                return reader.pass();
            }
            number = reader.whole_number()?.map(|(_, number)| number);
            Ok(())
        })
    });
    read.ok().and(number)
}
