//! Events that say only that a stream has ended.
//!
//! Gateways end streams of one protocol as those of another end, so every protocol knows all of them.

use super::json::Reader;

/// Whether an event is the `[DONE]` of chat completions.
pub(super) fn is_done(payload: &[u8]) -> bool {
    payload.trim_ascii().eq_ignore_ascii_case(b"[DONE]")
}

/// Whether an event says that the message has ended, and nothing else.
pub(super) fn is_message_stop(payload: &[u8]) -> bool {
    let mut stop = false;
    let mut more = false;
    let read = Reader::new(payload).document(|reader| {
        reader.object(|reader, key| {
            let kind = if key.is("type") { reader.name()? } else { reader.skip().map(|_| None)? };
            let stops = kind.is_some_and(|(_, kind)| kind == "message_stop");
            (stop, more) = (stop || stops, more || !stops);
            Ok(())
        })
    });
    read.is_ok() && stop && !more
}
