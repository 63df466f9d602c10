//! OpenAI Responses: items with parts, numbered events, and every text said up to five times.
//!
//! A text comes in pieces, then whole, then in its part, in its item and in the response. Each copy is
//! written from what the text's lane let out, so that all of them agree. Reasoning is an item of its own;
//! what of it is withheld is emptied where it stands, since clients count items and parts.

mod carried;
mod history;
mod request;
mod response;

use http::HeaderName;

use super::framing::{Framing, Heartbeat, Unframed};
use super::protocol_id::{CarriesSealed, Endpoint, Features};
use super::{
    Carried, Protocol, ProtocolId, Refusal, Request, Said, Scan, Target, chat, json, terminator,
};

/// OpenAI Responses: `POST /v1/responses`.
#[derive(Clone, Copy, Debug)]
pub struct Responses;

/// The encrypted content of a reasoning item.
const REASONING: &str = "responses.reasoning";

/// What stands there where there is none.
const NOTHING: &str = "null";

/// An item of which nobody knows what it says: nothing was sealed for it.
const AMBIGUOUS: &str = "responses.ambiguous";

pub(super) static FEATURES: Features = Features {
    name: "responses",
    endpoints: &[Endpoint::asked("/responses")],
    count_endpoints: &["/responses/input_tokens"],
    request_id: HeaderName::from_static("x-request-id"),
    streams: &[Framing::Sse],
    event_names: response::EVENT_NAMES,
    ends_texts_alone: true,
    stores: true,
    signs_reasoning: false,
    parameters: None,
    cites_bytes: false,
    carries_sealed: CarriesSealed::InOwnPlace,
};

impl Protocol for Responses {
    fn id(&self) -> ProtocolId {
        ProtocolId::Responses
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
        history::scan(body, each)
    }

    fn scan_carried(&self, body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), json::Error> {
        carried::scan(body, each)
    }

    fn scan_opening(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), json::Error> {
        super::history::opening(body, "input", &history::NAMES, each)
    }

    fn unopened(&self) -> &'static str {
        "The encrypted content could not be verified. Reason: Encrypted content could not be \
         decrypted or parsed."
    }

    fn is_terminator(&self, payload: &[u8]) -> bool {
        terminator::is_done(payload)
    }

    fn error_body(&self, refusal: &Refusal) -> Vec<u8> {
        chat::error_body(refusal)
    }

    /// The nested form: some clients take the flat one for an event that they do not know.
    fn error_event(&self, refusal: &Refusal, number: Option<u64>) -> Unframed {
        let error = serde_json::json!({
            "type": "error", "sequence_number": number, "error": chat::error(refusal),
        });
        Unframed { kind: Some("error"), payload: error.to_string().into_bytes(), is_error: true }
    }

    fn heartbeat(&self) -> Option<Heartbeat> {
        Some(Heartbeat::Comment("keep-alive"))
    }
}
