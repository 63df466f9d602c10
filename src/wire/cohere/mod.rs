//! Cohere's Chat: `/v2/chat`.
//!
//! The contents of a message are blocks of thinking and of text, and a plan for the tools that are called stands
//! beside them: that is reasoning as well. A stream has an event for the beginning, each piece and the end of a
//! block, and the last one says why all ends and what it took. Citations point into the text of a block, and
//! repeat the passage.

mod carried;
pub(super) mod citation;
mod request;
mod response;

use http::HeaderName;

use super::framing::{Framing, Heartbeat, Unframed};
use super::history::{self, Names};
use super::protocol_id::{CarriesSealed, Endpoint, Features};
use super::{Carried, Protocol, ProtocolId, Refusal, Request, Said, Scan, Target, chat, json};

/// Cohere's Chat: `POST /v2/chat`.
#[derive(Clone, Copy, Debug)]
pub struct Cohere;

pub(super) static FEATURES: Features = Features {
    name: "cohere",
    endpoints: &[Endpoint::asked("/v2/chat")],
    count_endpoints: &[],
    request_id: HeaderName::from_static("x-request-id"),
    streams: &[Framing::Sse],
    event_names: &[
        "message-start",
        "content-start",
        "content-delta",
        "content-end",
        "tool-plan-delta",
        "tool-call-start",
        "tool-call-delta",
        "tool-call-end",
        "citation-start",
        "citation-end",
        "message-end",
        "debug",
        "message",
        "error",
        "ping",
        "done",
    ],
    ends_texts_alone: true,
    stores: false,
    signs_reasoning: false,
    parameters: None,
    cites_bytes: false,
    carries_sealed: CarriesSealed::InStrings,
};

/// A string of reasoning, in whose place a blob stands.
const STRING: &str = "cohere.thinking";

/// A result is told from others by the call that it answers.
const NAMES: Names =
    Names { contents: &["content"], texts: &["text"], message: &["tool_call_id"], part: &[] };

impl Protocol for Cohere {
    fn id(&self) -> ProtocolId {
        ProtocolId::Cohere
    }

    fn scan_event(
        &self,
        _: Option<&[u8]>,
        payload: &[u8],
        scan: &mut Scan,
    ) -> Result<(), json::Error> {
        response::scan_event(payload, scan)
    }

    fn scan_document(&self, document: &[u8], scan: &mut Scan) -> Result<(), json::Error> {
        response::scan_document(document, scan)
    }

    fn scan_request(&self, target: Target, body: &[u8]) -> Result<Request, json::Error> {
        request::scan(target, body)
    }

    fn scan_history(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), json::Error> {
        history::scan(body, &NAMES, each)
    }

    fn scan_opening(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), json::Error> {
        history::opening(body, "messages", &NAMES, each)
    }

    fn scan_carried(&self, body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), json::Error> {
        carried::scan(body, each)
    }

    fn string_carrier(&self) -> Option<&'static str> {
        Some(STRING)
    }

    fn unopened(&self) -> &'static str {
        "invalid request: the thinking in messages could not be verified"
    }

    fn is_terminator(&self, payload: &[u8]) -> bool {
        chat::Chat.is_terminator(payload)
    }

    fn error_body(&self, refusal: &Refusal) -> Vec<u8> {
        serde_json::json!({ "message": refusal.message }).to_string().into_bytes()
    }

    /// The last event of a message that has failed.
    fn error_event(&self, refusal: &Refusal, _: Option<u64>) -> Unframed {
        let delta = serde_json::json!({"finish_reason": "ERROR", "error": refusal.message});
        let event = serde_json::json!({"type": "message-end", "delta": delta});
        let payload = event.to_string().into_bytes();
        Unframed { kind: Some("message-end"), payload, is_error: true }
    }

    fn heartbeat(&self) -> Option<Heartbeat> {
        chat::Chat.heartbeat()
    }
}
