//! Events that say only that a stream has ended.
//!
//! Gateways end streams of one protocol as those of another end, so every protocol knows all of them.

use super::json::{Error, Reader};

/// Whether an event is the `[DONE]` of chat completions.
pub(super) fn is_done(payload: &[u8]) -> bool {
    payload.trim_ascii().eq_ignore_ascii_case(b"[DONE]")
}

/// Whether an event says that the message has ended, and nothing else.
pub(super) fn is_message_stop(payload: &[u8]) -> bool {
    // Most events say something else first.
    let key =
        payload.iter().position(|byte| *byte == b'"').and_then(|quote| payload.get(quote + 1));
    if !matches!(key, Some(b't' | b'\\')) {
        return false;
    }
    let mut stop = false;
    let read = Reader::new(payload).document(|reader| {
        reader.object(|reader, key| {
            let kind = if key.is("type") { reader.name()? } else { None };
            stop = kind.is_some_and(|(_, kind)| kind == "message_stop");
            if stop { Ok(()) } else { Err(Error { at: 0, expected: "a type alone" }) }
        })
    });
    read.is_ok() && stop
}
