//! What a client asks for in a message, and what it is told in one.

use std::fmt::Write;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName,
    SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    TRANSFER_ENCODING, UPGRADE,
};
use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde_json::json;
use serde_json::value::RawValue;

use crate::layer::NoRoom;
use crate::secret::opaque_debug;

/// Fields of the request for a WebSocket that say nothing of the requests that come of it.
pub(super) const OF_THE_OPENING: [HeaderName; 11] = [
    ACCEPT,
    ACCEPT_ENCODING,
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Bytes of the name of a lane.
const LONGEST_LANE: usize = 256;

/// A message `response.create`.
pub(super) struct Create {
    /// The lane in which it is asked for, one response after the other; `None` is a lane, too.
    pub(super) lane: Option<String>,
    /// The body of the request.
    pub(super) body: Bytes,
}

opaque_debug!(Create);

/// Why a message asks for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MessageError {
    #[error("a message is one JSON object of text")]
    NoObject,
    #[error("the only message that is answered here is `response.create`")]
    UnknownType,
    #[error("`stream_id` is a string of at most {LONGEST_LANE} bytes")]
    Lane,
    #[error("`background` cannot be asked for over a WebSocket")]
    Background,
    #[error("too many responses are asked for at once")]
    TooMany,
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
}

impl MessageError {
    fn status(self) -> u16 {
        match self {
            Self::NoRoom(NoRoom::Now) => 503,
            Self::NoRoom(NoRoom::Ever) => 413,
            Self::NoObject | Self::UnknownType | Self::Lane | Self::Background | Self::TooMany => {
                400
            }
        }
    }
}

/// What the members of a message say in their order. Those of the request are written to its body as they
/// are, one that stands twice included: what is made of those is decided as it is over HTTP.
struct Members {
    body: String,
    creates: bool,
    lane: Option<String>,
    refused: Option<MessageError>,
}

impl Members {
    fn take(&mut self, name: &str, value: &str) -> Result<(), MessageError> {
        match name {
            "type" => self.creates = value == "\"response.create\"",
            "stream_id" => {
                let name: Option<String> =
                    serde_json::from_str(value).map_err(|_| MessageError::Lane)?;
                if name.as_ref().is_some_and(|name| name.len() > LONGEST_LANE) {
                    return Err(MessageError::Lane);
                }
                self.lane = name;
            }
            "stream" => {}
            "background" if matches!(value, "false" | "null") => {}
            "background" => return Err(MessageError::Background),
            name => {
                // Writing to a string does not fail.
                let _ = write!(self.body, ",{}:{value}", json!(name));
            }
        }
        Ok(())
    }
}

/// Members are taken as they are found: kept together, short ones would take many times their length.
impl<'de> DeserializeSeed<'de> for &mut Members {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Members {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            if self.refused.is_none() {
                self.refused = self.take(&name, value.get()).err();
            }
        }
        Ok(())
    }
}

/// Reads a message of a client's.
pub(super) fn read(text: &str) -> Result<Create, MessageError> {
    // The client is answered in messages, whatever it asks for.
    let mut body = String::with_capacity(text.len() + 16);
    body.push_str("{\"stream\":true");
    let mut members = Members { body, creates: false, lane: None, refused: None };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = members.deserialize(&mut json).and_then(|()| json.end());
    read.map_err(|_| MessageError::NoObject)?;
    let Members { mut body, creates, lane, refused } = members;
    match refused {
        Some(error) => return Err(error),
        None if !creates => return Err(MessageError::UnknownType),
        None => {}
    }
    body.push('}');
    Ok(Create { lane, body: body.into() })
}

/// An event of an answer as a message, which names its lane.
pub(super) fn event(data: &str, lane: Option<&str>) -> String {
    match (lane, data.trim_start().strip_prefix('{')) {
        (Some(lane), Some(members)) => {
            let comma = if members.trim_start().starts_with('}') { "" } else { "," };
            format!("{{\"stream_id\":{}{comma}{members}", json!(lane))
        }
        _ => data.to_owned(),
    }
}

/// An error as a message: what an answer's body says, or a kind and words of ours.
pub(super) fn error(status: u16, error: &serde_json::Value, lane: Option<&str>) -> String {
    let mut message = json!({ "type": "error", "status": status, "error": error });
    if let (Some(lane), Some(message)) = (lane, message.as_object_mut()) {
        message.insert("stream_id".to_owned(), lane.into());
    }
    message.to_string()
}

/// The error of a message that asks for nothing.
pub(super) fn refused(refused: MessageError, lane: Option<&str>) -> String {
    let status = refused.status();
    let (kind, code) = match status {
        503 => ("server_error", "server_error"),
        _ => ("invalid_request_error", "invalid_request"),
    };
    let message = refused.to_string();
    let told = json!({ "type": kind, "code": code, "param": null, "message": message });
    error(status, &told, lane)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> String {
        String::from_utf8(read(text).unwrap().body.to_vec()).unwrap()
    }

    #[test]
    fn a_message_is_the_body_of_a_request_as_it_is_written() {
        let text = r#"{"type":"response.create", "model":"m","input":[ {"a":1.10} ],"model":"n"}"#;
        assert_eq!(body(text), r#"{"stream":true,"model":"m","input":[ {"a":1.10} ],"model":"n"}"#);
        assert_eq!(read(text).unwrap().lane, None);
    }

    #[test]
    fn what_belongs_to_the_connection_is_no_member_of_the_request() {
        let text = r#"{"stream_id":"a\"b","type":"response.create","stream":false,"background":false,"x":null}"#;
        assert_eq!(body(text), r#"{"stream":true,"x":null}"#);
        assert_eq!(read(text).unwrap().lane.as_deref(), Some("a\"b"));
        // Spelled otherwise it is the same member.
        let escaped =
            r#"{"type":"response.create","\u0073tream":false,"ty\u0070e":"response.create"}"#;
        assert_eq!(body(escaped), r#"{"stream":true}"#);
    }

    #[test]
    fn a_message_that_asks_for_nothing_is_told_apart() {
        for (text, error) in [
            ("", MessageError::NoObject),
            ("[]", MessageError::NoObject),
            ("{\"type\":\"response.create\"", MessageError::NoObject),
            ("{\"type\":\"response.create\"} {}", MessageError::NoObject),
            ("{}", MessageError::UnknownType),
            ("{\"type\":\"response.steer\"}", MessageError::UnknownType),
            ("{\"type\":\"response.create\",\"type\":\"x\"}", MessageError::UnknownType),
            ("{\"type\":\"response.create\",\"stream_id\":1}", MessageError::Lane),
            ("{\"type\":\"response.create\",\"background\":true}", MessageError::Background),
        ] {
            assert_eq!(read(text).err(), Some(error), "{text}");
        }
    }

    #[test]
    fn an_event_names_the_lane_that_it_belongs_to() {
        assert_eq!(event(r#"{"type":"x"}"#, None), r#"{"type":"x"}"#);
        assert_eq!(event(r#"{"type":"x"}"#, Some("l")), r#"{"stream_id":"l","type":"x"}"#);
        assert_eq!(event("{ }", Some("l")), r#"{"stream_id":"l" }"#);
        // Whatever stands before it.
        assert_eq!(event("  {\"a\":1}", Some("l")), r#"{"stream_id":"l","a":1}"#);
    }
}
