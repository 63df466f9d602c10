//! OpenAI's legacy Completions: a text goes on where a prompt ends.
//!
//! There is no message and no member for reasoning: what the model thinks stands in its text. The prompt is
//! all of what the model sees, so that it can end within a section that the answer then goes on in. With
//! `echo` the answer begins with the prompt, which is the caller's own. Choices, usage, errors and the end of
//! a stream are those of Chat Completions.

pub(super) mod history;
mod request;
mod response;

use http::HeaderName;

use super::framing::{Framing, Heartbeat, Unframed};
use super::protocol_id::{CarriesSealed, Endpoint, Features};
use super::{Protocol, ProtocolId, Refusal, Request, Said, Scan, Target, chat, json};
use chat::response::Form;

/// OpenAI's legacy Completions: `POST /v1/completions`.
#[derive(Clone, Copy, Debug)]
pub struct Completions;

pub(super) static FEATURES: Features = Features {
    name: "completions",
    endpoints: &[Endpoint::asked("/completions")],
    count_endpoints: &[],
    request_id: HeaderName::from_static("x-request-id"),
    streams: &[Framing::Sse],
    event_names: &["message", "error", "ping", "done", "text_completion"],
    ends_texts_alone: false,
    stores: false,
    signs_reasoning: false,
    parameters: None,
    cites_bytes: false,
    carries_sealed: CarriesSealed::Nowhere,
};

impl Protocol for Completions {
    fn id(&self) -> ProtocolId {
        ProtocolId::Completions
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
        history::scan(body, &["prompt"], each)
    }

    fn is_terminator(&self, payload: &[u8]) -> bool {
        chat::Chat.is_terminator(payload)
    }

    fn error_body(&self, refusal: &Refusal) -> Vec<u8> {
        chat::error_body(refusal)
    }

    fn error_event(&self, refusal: &Refusal, number: Option<u64>) -> Unframed {
        chat::Chat.error_event(refusal, number)
    }

    fn heartbeat(&self) -> Option<Heartbeat> {
        chat::Chat.heartbeat()
    }
}
