//! Events of a vendor's own within the messages of an event stream: `{"bytes":"…"}`, in base64.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::secret::opaque_debug;
use crate::wire::json::{Kind, Reader, unescape};
use crate::wire::listed::is_identifier;

/// What a message that holds one is called.
pub(super) const KIND: &str = "chunk";

/// An event in a message's payload.
pub(super) struct Chunk {
    /// The event.
    pub(super) event: Vec<u8>,
    /// Where it stands in the message's payload: a string's contents.
    contents: Range<usize>,
    /// Something stands beside it that may say anything.
    pub(super) has_more: bool,
}

opaque_debug!(Chunk);

impl Chunk {
    /// The event of a payload; `None` if there is not one of which all readers know what it is.
    pub(super) fn of(payload: &[u8]) -> Option<Self> {
        let (mut found, mut has_more) = (Vec::new(), false);
        let read = Reader::new(payload).document(|reader| {
            reader.object(|reader, key| {
                let text = reader.kind()? == Kind::String;
                let span = reader.skip()?;
                let contents = span.start + 1..span.end.saturating_sub(1);
                match &*key.name() {
                    b"bytes" => found.push(Some(contents).filter(|_| text)),
                    // Filling that hides how long it is.
                    b"p" if text => {
                        has_more |= !payload.get(contents).is_some_and(is_identifier);
                    }
                    _ => has_more = true,
                }
                Ok(())
            })
        });
        read.ok()?;
        let [Some(contents)] = &found[..] else { return None };
        let encoded = unescape(payload.get(contents.clone())?).ok()?;
        let event = STANDARD.decode(encoded.as_bytes()).ok()?;
        Some(Self { event, contents: contents.clone(), has_more })
    }

    /// Appends the payload with another event in it.
    pub(super) fn write(&self, payload: &[u8], event: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(payload.get(..self.contents.start).unwrap_or_default());
        out.extend_from_slice(STANDARD.encode(event).as_bytes());
        out.extend_from_slice(payload.get(self.contents.end..).unwrap_or_default());
    }
}

/// Appends a payload that holds an event and nothing else.
pub(super) fn wrap(event: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"bytes\":\"");
    out.extend_from_slice(STANDARD.encode(event).as_bytes());
    out.extend_from_slice(b"\"}");
}

#[cfg(test)]
mod tests {
    use super::*;

    // Break it: take the first of two, or what cannot be decoded for nothing.
    #[test]
    fn an_event_is_found_where_there_is_one_of_which_all_know_what_it_is() {
        let event = br#"{"type":"x \u00e9"}"#;
        let encoded = STANDARD.encode(event);
        for (payload, has_more) in [
            (format!(r#"{{"bytes":"{encoded}"}}"#), false),
            (format!(r#"{{ "p":"abc", "bytes" : "{encoded}" }}"#), false),
            (format!(r#"{{"bytes":"{}"}}"#, encoded.replace('/', "\\/")), false),
            (format!(r#"{{"bytes":"{encoded}","p":"a thought"}}"#), true),
            (format!(r#"{{"bytes":"{encoded}","other":1}}"#), true),
        ] {
            let chunk = Chunk::of(payload.as_bytes()).unwrap();
            assert_eq!((chunk.event.as_slice(), chunk.has_more), (&event[..], has_more));
            let mut again = Vec::new();
            chunk.write(payload.as_bytes(), &chunk.event, &mut again);
            assert_eq!(Chunk::of(&again).unwrap().event, event);
        }
        for payload in [
            "{}",
            "[]",
            "",
            r#"{"bytes":null}"#,
            r#"{"bytes":"!"}"#,
            r#"{"bytes":"e30=","bytes":"e30="}"#,
            r#"{"bytes":"e30=","by\u0074es":"e30="}"#,
            r#"{"bytes":"e30="} x"#,
        ] {
            assert!(Chunk::of(payload.as_bytes()).is_none(), "{payload}");
        }
        let mut wrapped = Vec::new();
        wrap(event, &mut wrapped);
        assert_eq!(Chunk::of(&wrapped).unwrap().event, event);
    }
}
