//! Anthropic Messages.
//!
//! Thinking blocks are signed, and a client that uses tools must send them back as they came: a
//! shortened block is refused by the upstream at the next turn. The official way to withhold one
//! is the shape that `thinking.display = "omitted"` gives: `"thinking":""` beside the signature.

mod history;
mod request;
mod response;

use http::HeaderName;

use super::{Protocol, Refusal, RefusalKind, Request, Said, Scan, chat, json};

/// Anthropic Messages: `POST /v1/messages`.
#[derive(Clone, Copy, Debug)]
pub struct Messages;

/// Whether an event says that the message has ended, and nothing else.
pub(super) fn is_stop(payload: &[u8]) -> bool {
    let mut stop = false;
    let mut more = false;
    let read = json::Reader::new(payload).document(|reader| {
        reader.object(|reader, key| {
            let kind = if key.is("type") { reader.name()? } else { reader.skip().map(|_| None)? };
            let stops = kind.is_some_and(|(_, kind)| kind == "message_stop");
            (stop, more) = (stop || stops, more || !stops);
            Ok(())
        })
    });
    read.is_ok() && stop && !more
}

impl Protocol for Messages {
    fn name(&self) -> &'static str {
        "messages"
    }

    fn scan_event(&self, payload: &[u8], scan: &mut Scan) -> Result<(), json::Error> {
        response::scan_event(payload, scan)
    }

    fn scan_document(&self, document: &[u8], scan: &mut Scan) -> Result<(), json::Error> {
        response::scan_document(document, scan)
    }

    fn scan_request(&self, body: &[u8]) -> Result<Request, json::Error> {
        request::scan(body)
    }

    fn scan_history(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), json::Error> {
        super::history::scan(body, &history::NAMES, each)
    }

    fn is_terminator(&self, payload: &[u8]) -> bool {
        // vLLM and OpenRouter send it behind `message_stop`, which is read as any event.
        chat::is_done(payload)
    }

    fn error_body(&self, refusal: &Refusal) -> Vec<u8> {
        let kind = match refusal.kind {
            RefusalKind::Refused => "permission_error",
            RefusalKind::RateLimited => "rate_limit_error",
            RefusalKind::Malformed
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

    fn request_id(&self) -> HeaderName {
        HeaderName::from_static("request-id")
    }

    fn error_event(&self, refusal: &Refusal) -> Vec<u8> {
        [b"event: error\ndata: ", self.error_body(refusal).as_slice(), b"\n\n"].concat()
    }

    fn event_names(&self) -> &'static [&'static str] {
        &[
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
            "message",
            "done",
            "ping",
            "error",
        ]
    }

    fn heartbeat(&self) -> &'static [u8] {
        b"event: ping\ndata: {\"type\":\"ping\"}\n\n"
    }

    fn ends_texts_alone(&self) -> bool {
        true
    }

    fn signs_reasoning(&self) -> bool {
        true
    }
}
