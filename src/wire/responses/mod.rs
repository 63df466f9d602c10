//! OpenAI Responses: items with parts, numbered events, and every text said up to five times.
//!
//! The response side; no path leads here before requests are read as far.

mod response;

use http::HeaderName;

use super::framing::{Framing, Heartbeat, Unframed};
use super::member_names::MODEL;
use super::protocol_id::{Endpoint, Features};
use super::request::{Lists, SettingPlace};
use super::{Protocol, ProtocolId, Refusal, Request, Said, Scan, Target, json, terminator};

/// OpenAI Responses: `POST /v1/responses`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Responses;

static FEATURES: Features = Features {
    name: "responses",
    endpoints: &[Endpoint { path: "/responses", streams: None }],
    count_endpoint: None,
    request_id: HeaderName::from_static("x-request-id"),
    streams: &[Framing::Sse],
    event_names: &[
        "response.created",
        "response.in_progress",
        "response.completed",
        "response.incomplete",
        "response.failed",
        "response.output_item.added",
        "response.output_item.done",
        "response.content_part.added",
        "response.content_part.done",
        "response.output_text.delta",
        "response.output_text.done",
        "response.output_text.annotation.added",
        "response.refusal.delta",
        "response.refusal.done",
        "response.reasoning_text.delta",
        "response.reasoning_text.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "error",
    ],
    ends_texts_alone: true,
    signs_reasoning: false,
};

const LISTS: Lists = Lists {
    governed: &["model", "input", "stream", "max_output_tokens", "reasoning"],
    allowed: &["instructions", "temperature", "tools", "tool_choice", "text"],
    holder: None,
};

impl Protocol for Responses {
    fn id(&self) -> ProtocolId {
        // It has none before a path leads to it.
        ProtocolId::Chat
    }

    fn features(&self) -> &'static Features {
        &FEATURES
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
        let request = Request {
            target,
            model_place: SettingPlace::Member(&[MODEL]),
            output_cap_place: SettingPlace::Member(&["max_output_tokens"]),
            usage_in_stream: true,
            ..Request::default()
        };
        request.read(body, &LISTS, |_, reader, _| reader.pass())
    }

    fn scan_history(&self, _: &[u8], _: &mut dyn FnMut(Said)) -> Result<(), json::Error> {
        Ok(())
    }

    fn is_terminator(&self, payload: &[u8]) -> bool {
        terminator::is_done(payload)
    }

    fn error_body(&self, refusal: &Refusal) -> Vec<u8> {
        super::chat::Chat.error_body(refusal)
    }

    /// The nested form: some clients take the flat one for an event that they do not know.
    fn error_event(&self, refusal: &Refusal, number: Option<u64>) -> Unframed {
        let error = serde_json::json!({
            "type": "error",
            "sequence_number": number,
            "error": {"type": "server_error", "code": "bad_gateway", "message": refusal.message},
        });
        Unframed { kind: Some("error"), payload: error.to_string().into_bytes(), is_error: true }
    }

    fn heartbeat(&self) -> Option<Heartbeat> {
        Some(Heartbeat::Comment("keep-alive"))
    }
}
