//! Google's Gemini, on its own API and on Vertex: `…:generateContent`, `…:streamGenerateContent`.
//!
//! The model and whether the answer is streamed stand in the path. A stream comes as events, or without
//! `alt=sse` as one array of JSON, element by element. Texts are parts of a candidate's content, and those that
//! are flagged are thoughts; what signs a thought has to come back with the call of a tool. Parameters of the
//! query leave members of the answer out: the flag of a thought could be one. Its libraries take no comment and
//! no field of an event but its data, and are told of failures by an event with an `error`.

mod carried;
mod grounding;
mod history;
mod request;
mod response;
mod signature;
mod usage;

use http::HeaderName;

use super::framing::{Framing, Heartbeat, Unframed};
use super::json::Reader;
use super::protocol_id::{CarriesSealed, Endpoint, Features};
use super::{
    Carried, Counted, Protocol, ProtocolId, Refusal, RefusalKind, Request, Said, Scan, Target, json,
};
use response::Form;

/// The signature of a thought.
const THOUGHT: &str = "gemini.thought";

/// That of any other part: what its server signed, and nothing more.
const PART: &str = "gemini.part";

/// What the vendor has stand in the place of the signature of a call that nobody has: a call without one is
/// refused by its newer models.
pub(super) const UNSIGNED: &str = "\"skip_thought_signature_validator\"";

/// A part of which nobody knows what it says: nothing was sealed for it.
const AMBIGUOUS: &str = "gemini.ambiguous";

/// Google's Gemini: `POST /v1beta/models/MODEL:generateContent` and `:streamGenerateContent`.
#[derive(Clone, Copy, Debug)]
pub struct Gemini;

pub(super) static FEATURES: Features = Features {
    name: "gemini",
    endpoints: &[
        Endpoint::told(":generateContent", false),
        Endpoint::told(":streamGenerateContent", true),
    ],
    count_endpoints: &[":countTokens"],
    request_id: HeaderName::from_static("x-request-id"),
    streams: &[Framing::Sse, Framing::JsonArray],
    event_names: &[],
    ends_texts_alone: false,
    stores: false,
    signs_reasoning: false,
    parameters: Some(&[
        "$.xgafv",
        "$alt",
        "$prettyprint",
        "access_token",
        "alt",
        "api-version",
        "key",
        "oauth_token",
        "prettyprint",
        "quotauser",
        "userproject",
    ]),
    cites_bytes: true,
    carries_sealed: CarriesSealed::InOwnPlace,
};

impl Protocol for Gemini {
    fn id(&self) -> ProtocolId {
        ProtocolId::Gemini
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
        history::scan(body, each)
    }

    fn scan_counted(&self, body: &[u8], each: &mut dyn FnMut(Counted)) -> Result<(), json::Error> {
        Reader::new(body).document(|reader| {
            reader.members(|reader, key| match &*key.name() {
                b"generateContentRequest" | b"generate_content_request" => {
                    Counted::value(&Gemini, reader)?.into_iter().for_each(&mut *each);
                    Ok(())
                }
                _ => reader.pass(),
            })
        })
    }

    fn scan_carried(&self, body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), json::Error> {
        carried::scan(body, each)
    }

    fn unopened(&self) -> &'static str {
        "Corrupted thought signature."
    }

    fn is_terminator(&self, _: &[u8]) -> bool {
        false
    }

    fn error_body(&self, refusal: &Refusal) -> Vec<u8> {
        let status = match refusal.kind {
            RefusalKind::Refused => "PERMISSION_DENIED",
            RefusalKind::RateLimited => "RESOURCE_EXHAUSTED",
            RefusalKind::Malformed
            | RefusalKind::Unopened
            | RefusalKind::Encoding
            | RefusalKind::TooLarge
            | RefusalKind::TooSlow
            | RefusalKind::Upgrade => "INVALID_ARGUMENT",
            RefusalKind::Overloaded => "UNAVAILABLE",
            RefusalKind::Method => "UNIMPLEMENTED",
            RefusalKind::NotFound => "NOT_FOUND",
            RefusalKind::Unreadable | RefusalKind::UpstreamFailed => "INTERNAL",
            RefusalKind::UpstreamTimeout => "DEADLINE_EXCEEDED",
        };
        let code = refusal.kind.status().as_u16();
        let error = serde_json::json!({"code": code, "message": refusal.message, "status": status});
        serde_json::json!({ "error": error }).to_string().into_bytes()
    }

    fn error_event(&self, refusal: &Refusal, _: Option<u64>) -> Unframed {
        Unframed { kind: None, payload: self.error_body(refusal), is_error: true }
    }

    /// Nothing that all clients ignore.
    fn heartbeat(&self) -> Option<Heartbeat> {
        None
    }
}
