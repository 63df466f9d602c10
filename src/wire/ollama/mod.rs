//! Ollama's own protocol: `/api/chat` and `/api/generate`, in lines of JSON.
//!
//! A request that does not say whether it wants a stream gets one. Reasoning stands in a member of its own, or
//! in the text if the server was not asked to part it; arguments of tools are objects; the last line has
//! counts, durations, and with `generate` all tokens of the conversation once more. Clients expect a message
//! with a role on every line, no empty line, and a last one that says `done`.

mod carried;
mod request;
mod response;

use http::HeaderName;

use super::framing::{Framing, Heartbeat, Unframed};
use super::history::{self, Names};
use super::protocol_id::{CarriesSealed, Endpoint, Features};
use super::{Carried, Protocol, ProtocolId, Refusal, Request, Said, Scan, Target, json};
use response::Form;

/// Ollama's own protocol: `POST /api/chat` and `POST /api/generate`.
#[derive(Clone, Copy, Debug)]
pub struct Ollama;

pub(super) static FEATURES: Features = Features {
    name: "ollama",
    endpoints: &[Endpoint::asked("/api/chat"), Endpoint::asked("/api/generate")],
    count_endpoints: &[],
    request_id: HeaderName::from_static("x-request-id"),
    streams: &[Framing::Ndjson],
    event_names: &[],
    ends_texts_alone: false,
    stores: false,
    signs_reasoning: false,
    parameters: None,
    cites_bytes: false,
    carries_sealed: CarriesSealed::InStrings,
};

/// A string of reasoning, in whose place a blob stands.
const STRING: &str = "ollama.thinking";

/// A result is told from others by the tool that gave it, or the call that it answers.
const NAMES: Names = Names {
    contents: &["content"],
    texts: &["text"],
    message: &["tool_name", "tool_call_id"],
    part: &[],
};

impl Protocol for Ollama {
    fn id(&self) -> ProtocolId {
        ProtocolId::Ollama
    }

    fn scan_event(
        &self,
        _: Option<&[u8]>,
        payload: &[u8],
        scan: &mut Scan,
    ) -> Result<(), json::Error> {
        response::scan(payload, Form::Line, scan)
    }

    fn scan_document(&self, document: &[u8], scan: &mut Scan) -> Result<(), json::Error> {
        response::scan(document, Form::Document, scan)
    }

    fn scan_request(&self, target: Target, body: &[u8]) -> Result<Request, json::Error> {
        request::scan(target, body)
    }

    fn scan_history(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), json::Error> {
        history::scan(body, &NAMES, each)
    }

    fn scan_carried(&self, body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), json::Error> {
        carried::scan(body, each)
    }

    fn scan_opening(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), json::Error> {
        history::opening(body, "messages", &NAMES, each)
    }

    fn string_carrier(&self) -> Option<&'static str> {
        Some(STRING)
    }

    fn unopened(&self) -> &'static str {
        "the thinking in messages could not be verified"
    }

    fn is_terminator(&self, _: &[u8]) -> bool {
        false
    }

    fn error_body(&self, refusal: &Refusal) -> Vec<u8> {
        serde_json::json!({ "error": refusal.message }).to_string().into_bytes()
    }

    /// A last line, at which the libraries raise.
    fn error_event(&self, refusal: &Refusal, _: Option<u64>) -> Unframed {
        Unframed { kind: None, payload: self.error_body(refusal), is_error: true }
    }

    /// Nothing that all clients ignore.
    fn heartbeat(&self) -> Option<Heartbeat> {
        None
    }
}
