//! Anthropic Messages.
//!
//! Thinking blocks are signed, and a client that uses tools must send them back as they came: a
//! shortened block is refused by the upstream at the next turn. The official way to withhold one
//! is the shape that `thinking.display = "omitted"` gives: `"thinking":""` beside the signature.

pub(super) mod carried;
mod history;
mod request;
mod response;

use super::framing::{Heartbeat, Unframed};
use super::{
    Carried, Protocol, ProtocolId, Refusal, RefusalKind, Request, Said, Scan, Target, json,
    terminator,
};

/// The signature of a thinking block.
const THINKING: &str = "messages.thinking";

/// The data of a redacted one.
const REDACTED: &str = "messages.redacted_thinking";

/// What stands there where there is none.
const NOTHING: &str = "\"\"";

/// A block of which nobody knows what it says: nothing was sealed for it.
const AMBIGUOUS: &str = "messages.ambiguous";

/// Anthropic Messages: `POST /v1/messages`.
#[derive(Clone, Copy, Debug)]
pub struct Messages;

impl Protocol for Messages {
    fn id(&self) -> ProtocolId {
        ProtocolId::Messages
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
        super::history::scan(body, &history::NAMES, each)
    }

    fn scan_carried(&self, body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), json::Error> {
        carried::scan(body, each)
    }

    fn scan_opening(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), json::Error> {
        super::history::opening(body, "messages", &history::NAMES, each)
    }

    fn unopened(&self) -> &'static str {
        "messages: Invalid `signature` in `thinking` block"
    }

    fn is_terminator(&self, payload: &[u8]) -> bool {
        // vLLM and OpenRouter send it behind `message_stop`, which is read as any event.
        terminator::is_done(payload)
    }

    fn error_body(&self, refusal: &Refusal) -> Vec<u8> {
        let kind = match refusal.kind {
            RefusalKind::Refused => "permission_error",
            RefusalKind::RateLimited => "rate_limit_error",
            RefusalKind::Malformed
            | RefusalKind::Unopened
            | RefusalKind::Encoding
            | RefusalKind::Method
            | RefusalKind::Upgrade => "invalid_request_error",
            RefusalKind::TooLarge => "request_too_large",
            RefusalKind::NotFound => "not_found_error",
            RefusalKind::TooSlow => "timeout_error",
            RefusalKind::Overloaded => "overloaded_error",
            RefusalKind::Unreadable | RefusalKind::UpstreamFailed => "api_error",
            RefusalKind::UpstreamTimeout => "timeout_error",
        };
        let error = serde_json::json!({
            "type": "error", "error": {"type": kind, "message": refusal.message}
        });
        error.to_string().into_bytes()
    }

    fn error_event(&self, refusal: &Refusal, _: Option<u64>) -> Unframed {
        Unframed { kind: Some("error"), payload: self.error_body(refusal), is_error: true }
    }

    fn seals_signed(&self) -> bool {
        true
    }

    fn heartbeat(&self) -> Option<Heartbeat> {
        Some(Heartbeat::Event { kind: "ping", payload: r#"{"type":"ping"}"# })
    }
}
