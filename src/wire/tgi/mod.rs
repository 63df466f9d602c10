//! The own protocol of Hugging Face's text-generation-inference: `/generate`, `/generate_stream` and, by what
//! the body says, `/`.
//!
//! A text goes on where `inputs` end. A stream has an event for every token, numbered from one, and the last one
//! says the whole text again; with details the tokens, their probabilities, the best others and those of the
//! prompt stand beside it. SGLang's server answers on `/generate` in a form of its own.

mod request;
mod response;
mod sglang;

use http::HeaderName;

use super::chat::{self, response::Form};
use super::completions::history;
use super::framing::{Framing, Heartbeat, Unframed};
use super::protocol_id::{CarriesSealed, Endpoint, Features};
use super::{Protocol, ProtocolId, Refusal, RefusalKind, Request, Said, Scan, Target, json};

/// The own protocol of Hugging Face's text-generation-inference: `POST /generate`, `POST /generate_stream` and
/// `POST /`.
#[derive(Clone, Copy, Debug)]
pub struct Tgi;

pub(super) static FEATURES: Features = Features {
    name: "tgi",
    endpoints: &[
        // SGLang's requests say in their bodies whether they want a stream.
        Endpoint::asked("/generate").whole(),
        Endpoint::told("/generate_stream", true).whole(),
        Endpoint::asked("/").whole(),
    ],
    count_endpoints: &[],
    request_id: HeaderName::from_static("x-request-id"),
    streams: &[Framing::Sse],
    event_names: &["message", "error", "ping", "done"],
    ends_texts_alone: false,
    stores: false,
    signs_reasoning: false,
    parameters: None,
    cites_bytes: false,
    carries_sealed: CarriesSealed::Nowhere,
};

impl Protocol for Tgi {
    fn id(&self) -> ProtocolId {
        ProtocolId::Tgi
    }

    fn scan_event(
        &self,
        _: Option<&[u8]>,
        payload: &[u8],
        scan: &mut Scan,
    ) -> Result<(), json::Error> {
        response::scan(payload, Form::Chunk, scan)
    }

    fn scan_document(&self, document: &[u8], scan: &mut Scan) -> Result<(), json::Error> {
        response::scan(document, Form::Document, scan)
    }

    fn scan_request(&self, target: Target, body: &[u8]) -> Result<Request, json::Error> {
        request::scan(target, body)
    }

    fn scan_history(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), json::Error> {
        history::scan(body, &["inputs", "text"], each)
    }

    fn is_terminator(&self, payload: &[u8]) -> bool {
        chat::Chat.is_terminator(payload)
    }

    fn error_body(&self, refusal: &Refusal) -> Vec<u8> {
        let kind = match refusal.kind {
            RefusalKind::Refused => "forbidden",
            RefusalKind::RateLimited | RefusalKind::Overloaded => "overloaded",
            RefusalKind::NotFound => "not_found",
            RefusalKind::Malformed
            | RefusalKind::Unopened
            | RefusalKind::Encoding
            | RefusalKind::TooLarge
            | RefusalKind::TooSlow
            | RefusalKind::Method
            | RefusalKind::Upgrade => "validation",
            RefusalKind::Unreadable
            | RefusalKind::UpstreamFailed
            | RefusalKind::UpstreamTimeout => "generation",
        };
        serde_json::json!({"error": refusal.message, "error_type": kind}).to_string().into_bytes()
    }

    fn error_event(&self, refusal: &Refusal, _: Option<u64>) -> Unframed {
        Unframed { kind: None, payload: self.error_body(refusal), is_error: true }
    }

    fn heartbeat(&self) -> Option<Heartbeat> {
        chat::Chat.heartbeat()
    }
}
