//! The own protocol of llama.cpp's server: `/completion`, and `/infill` for code between two pieces of code.
//!
//! A text goes on where a prompt ends, as in legacy Completions, and stands at the top level; several prompts
//! are answered by a list. The last event of a stream repeats the prompt and the settings. Tokens and
//! probabilities stand beside every text, and fields can be renamed, where a request asks for that. Its
//! `/completions` speaks the same where the path has no version, and is read with that protocol.

mod request;
pub(super) mod response;

use super::chat::{self, response::Form};
use super::completions::history;
use super::framing::{Framing, Heartbeat, Unframed};
use super::protocol_id::{CarriesSealed, Endpoint, Features};
use super::{Protocol, ProtocolId, Refusal, RefusalKind, Request, Said, Scan, Target, json};
use http::HeaderName;

/// The own protocol of llama.cpp's server: `POST /completion` and `POST /infill`.
#[derive(Clone, Copy, Debug)]
pub struct LlamaCpp;

pub(super) static FEATURES: Features = Features {
    name: "llama_cpp",
    endpoints: &[Endpoint::asked("/completion"), Endpoint::asked("/infill")],
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

impl Protocol for LlamaCpp {
    fn id(&self) -> ProtocolId {
        ProtocolId::LlamaCpp
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
        history::scan(body, &["prompt", "input_prefix", "input_suffix"], each)
    }

    fn is_terminator(&self, payload: &[u8]) -> bool {
        chat::Chat.is_terminator(payload)
    }

    fn error_body(&self, refusal: &Refusal) -> Vec<u8> {
        let kind = match refusal.kind {
            RefusalKind::Refused => "permission_error",
            RefusalKind::Malformed
            | RefusalKind::Unopened
            | RefusalKind::Encoding
            | RefusalKind::TooLarge
            | RefusalKind::TooSlow
            | RefusalKind::Upgrade => "invalid_request_error",
            RefusalKind::NotFound => "not_found_error",
            RefusalKind::Method => "not_supported_error",
            RefusalKind::RateLimited | RefusalKind::Overloaded => "unavailable_error",
            RefusalKind::Unreadable
            | RefusalKind::UpstreamFailed
            | RefusalKind::UpstreamTimeout => "server_error",
        };
        let code = refusal.kind.status().as_u16();
        let error = serde_json::json!({"code": code, "message": refusal.message, "type": kind});
        serde_json::json!({ "error": error }).to_string().into_bytes()
    }

    fn error_event(&self, refusal: &Refusal, _: Option<u64>) -> Unframed {
        Unframed { kind: None, payload: self.error_body(refusal), is_error: true }
    }

    fn heartbeat(&self) -> Option<Heartbeat> {
        chat::Chat.heartbeat()
    }
}
