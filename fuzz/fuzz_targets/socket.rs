//! Messages of a client over a WebSocket: what asks for a response becomes the body of one request that streams,
//! with the members that were there, as they were written; an event names its lane and stays JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

// No part of the library's face, so it is compiled in here.
#[expect(dead_code, reason = "the proxy uses more of it")]
#[path = "../../src/proxy/socket/message.rs"]
mod message;

/// What `message` asks of its crate.
mod secret {
    macro_rules! opaque_debug {
        ($($name:ident),+) => {$(
            impl std::fmt::Debug for $name {
                fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    formatter.write_str(stringify!($name))
                }
            }
        )+};
    }
    pub(crate) use opaque_debug;
}

/// And this.
mod layer {
    #[expect(dead_code, reason = "room is made where messages are collected")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
    pub(crate) enum NoRoom {
        #[error("now")]
        Now,
        #[error("ever")]
        Ever,
    }
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    for text in [text.to_string(), format!("{{\"type\":\"response.create\",{text}}}")] {
        let asked = object(&text);
        match message::read(&text) {
            Ok(create) => {
                // Half of a surrogate pair is more than the oracle can read.
                let Some(mut asked) = asked else { continue };
                assert_eq!(asked["type"], "response.create");
                let body = std::str::from_utf8(&create.body).unwrap();
                let said = object(body).expect("the body is an object");
                assert_eq!(said["stream"], true);
                for of_the_socket in ["type", "stream_id", "background"] {
                    assert!(!said.contains_key(of_the_socket));
                    asked.remove(of_the_socket);
                }
                asked.insert("stream".to_owned(), true.into());
                assert_eq!(said, asked, "{text}");
                assert!(create.lane.is_none_or(|lane| lane.len() <= 256));
            }
            Err(refused) => {
                let told = message::refused(refused, None);
                assert_eq!(object(&told).expect("an error is an object")["status"], 400);
            }
        }
        for lane in [None, Some("a\"b")] {
            if let Some(event) = object(&text) {
                let named = object(&message::event(&text, lane)).expect("an event is an object");
                assert_eq!(
                    named.len(),
                    event.len() + usize::from(lane.is_some() && !event.contains_key("stream_id"))
                );
            }
        }
    }
});
