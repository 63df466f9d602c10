//! OpenAI Chat Completions and the dialects that inference servers speak.
//!
//! Reasoning goes by many names: `reasoning_content` (DeepSeek, SGLang, llama.cpp), `reasoning`
//! (vLLM, Ollama), `reasoning_details` beside it (OpenRouter), thinking parts in an array of
//! content parts (Mistral), or `<think>` tags in the content. All are found on every choice, since
//! the number of choices is the client's to set.

mod carried;
mod history;
pub(super) mod request;
pub(super) mod response;

use super::framing::{Heartbeat, Unframed};
use super::{
    Carried, Protocol, ProtocolId, Refusal, RefusalKind, Request, Said, Scan, Target, json,
    terminator,
};

/// The signature of an entry of `reasoning_details`.
const DETAIL_SIGNATURE: &str = "chat.reasoning_details.signature";

/// The data of an entry that its server has encrypted.
const DETAIL_DATA: &str = "chat.reasoning_details.data";

/// The signature of a block of `thinking_blocks`.
const BLOCK_SIGNATURE: &str = "chat.thinking_blocks.signature";

/// The data of a block that its server has redacted.
const BLOCK_DATA: &str = "chat.thinking_blocks.data";

/// What a server has signed of its thoughts beside a message, the call of a tool or a part.
const THOUGHT_SIGNATURE: &str = "chat.thought_signature";

/// A string of reasoning, in whose place a blob stands.
const STRING: &str = "chat.reasoning";

/// An entry of which nobody knows what it says: nothing was sealed for it.
const AMBIGUOUS: &str = "chat.ambiguous";

/// OpenAI Chat Completions: `POST /v1/chat/completions`.
#[derive(Clone, Copy, Debug)]
pub struct Chat;

impl Protocol for Chat {
    fn id(&self) -> ProtocolId {
        ProtocolId::Chat
    }

    fn scan_event(
        &self,
        _: Option<&[u8]>,
        payload: &[u8],
        scan: &mut Scan,
    ) -> Result<(), json::Error> {
        response::scan(payload, (response::Form::Chunk, response::Texts::Messages), scan)
    }

    fn scan_document(&self, document: &[u8], scan: &mut Scan) -> Result<(), json::Error> {
        response::scan(document, (response::Form::Document, response::Texts::Messages), scan)
    }

    fn scan_request(&self, target: Target, body: &[u8]) -> Result<Request, json::Error> {
        request::scan(target, body)
    }

    fn scan_history(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), json::Error> {
        super::history::scan(body, &history::NAMES, each)
    }

    fn scan_opening(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), json::Error> {
        super::history::opening(body, "messages", &history::NAMES, each)
    }

    fn scan_carried(&self, body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), json::Error> {
        carried::scan(body, each)
    }

    fn string_carrier(&self) -> Option<&'static str> {
        Some(STRING)
    }

    fn unopened(&self) -> &'static str {
        "The reasoning in `messages` could not be verified."
    }

    fn is_terminator(&self, payload: &[u8]) -> bool {
        terminator::is_done(payload) || terminator::is_message_stop(payload)
    }

    fn error_body(&self, refusal: &Refusal) -> Vec<u8> {
        error_body(refusal)
    }

    fn error_event(&self, refusal: &Refusal, _: Option<u64>) -> Unframed {
        Unframed { kind: None, payload: self.error_body(refusal), is_error: true }
    }

    fn heartbeat(&self) -> Option<Heartbeat> {
        Some(Heartbeat::Comment("keep-alive"))
    }
}

/// An error as `OpenAI`'s endpoints have it.
pub(super) fn error(refusal: &Refusal) -> serde_json::Value {
    let (kind, code) = match refusal.kind {
        RefusalKind::Refused => ("permission_error", "request_refused"),
        RefusalKind::RateLimited => ("requests", "rate_limit_exceeded"),
        RefusalKind::Malformed => ("invalid_request_error", "invalid_body"),
        RefusalKind::Unopened => ("invalid_request_error", "invalid_encrypted_content"),
        RefusalKind::Encoding => ("invalid_request_error", "unsupported_encoding"),
        RefusalKind::TooLarge => ("invalid_request_error", "request_too_large"),
        RefusalKind::TooSlow => ("invalid_request_error", "request_timeout"),
        RefusalKind::Overloaded => ("server_error", "overloaded"),
        RefusalKind::Method => ("invalid_request_error", "method_not_allowed"),
        RefusalKind::Upgrade => ("invalid_request_error", "upgrade_required"),
        RefusalKind::NotFound => ("invalid_request_error", "unknown_url"),
        RefusalKind::Unreadable | RefusalKind::UpstreamFailed => ("server_error", "bad_gateway"),
        RefusalKind::UpstreamTimeout => ("server_error", "timeout"),
    };
    serde_json::json!({"message": refusal.message, "type": kind, "param": null, "code": code})
}

/// The same as the body of a response.
pub(super) fn error_body(refusal: &Refusal) -> Vec<u8> {
    serde_json::json!({ "error": error(refusal) }).to_string().into_bytes()
}
