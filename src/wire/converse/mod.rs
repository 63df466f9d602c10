//! Amazon Bedrock's Converse and ConverseStream: `POST /model/MODEL/converse` and `/converse-stream`.
//!
//! The model and whether the answer is streamed stand in the path. A stream comes in binary messages whose
//! headers say what each is; a text or reasoning block begins with its first piece, and what ends a block stands
//! before what says why the answer ends. Reasoning of some models is signed and has to come back as it came.
//! Members that the client names of the model's own answer may hold anything, and are closed. The shapes are
//! those of the service's model `bedrock-runtime` of 2023-09-30, as botocore has it.

mod additional;
mod block;
mod carried;
mod history;
pub(super) mod request;
pub(super) mod response;
mod trace;
mod usage;

use http::{HeaderName, HeaderValue};

use super::framing::{Framing, Heartbeat, Unframed};
use super::invoke::Invoke;
use super::json::Reader;
use super::protocol_id::{CarriesSealed, Endpoint, Features};
use super::{
    Carried, Counted, CountedPlace, Protocol, ProtocolId, Refusal, RefusalKind, Request, Said,
    Scan, Target, json,
};

/// Amazon Bedrock's Converse and ConverseStream.
#[derive(Clone, Copy, Debug)]
pub struct Converse;

pub(super) static FEATURES: Features = Features {
    name: "converse",
    endpoints: &[
        Endpoint::told("/converse", false).of_one_segment(),
        Endpoint::told("/converse-stream", true).of_one_segment(),
    ],
    count_endpoints: &["/count-tokens"],
    request_id: HeaderName::from_static("x-amzn-requestid"),
    streams: &[Framing::AwsEventStream],
    event_names: &[
        "messageStart",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
        "internalServerException",
        "modelStreamErrorException",
        "modelTimeoutException",
        "serviceUnavailableException",
        "throttlingException",
        "validationException",
    ],
    ends_texts_alone: true,
    stores: false,
    signs_reasoning: true,
    parameters: None,
    cites_bytes: false,
    carries_sealed: CarriesSealed::InOwnPlace,
};

/// The signature of a reasoning block.
const REASONING: &str = "converse.reasoning";

/// What a model has redacted.
const REDACTED: &str = "converse.redacted";

/// A block of which nobody knows what it says: nothing was sealed for it.
const AMBIGUOUS: &str = "converse.ambiguous";

/// What says by its name what went wrong, and in a stream.
fn exception(kind: RefusalKind) -> (&'static str, &'static str) {
    match kind {
        RefusalKind::Refused => ("AccessDeniedException", "validationException"),
        RefusalKind::RateLimited => ("ThrottlingException", "throttlingException"),
        RefusalKind::Malformed
        | RefusalKind::Unopened
        | RefusalKind::Encoding
        | RefusalKind::TooLarge
        | RefusalKind::TooSlow
        | RefusalKind::Method
        | RefusalKind::Upgrade => ("ValidationException", "validationException"),
        RefusalKind::NotFound => ("ResourceNotFoundException", "validationException"),
        RefusalKind::Overloaded => ("ServiceUnavailableException", "serviceUnavailableException"),
        RefusalKind::Unreadable | RefusalKind::UpstreamFailed => {
            ("InternalServerException", "internalServerException")
        }
        RefusalKind::UpstreamTimeout => ("ModelTimeoutException", "serviceUnavailableException"),
    }
}

fn counted_input(
    reader: &mut Reader<'_>,
    each: &mut dyn FnMut(Counted),
) -> Result<(), json::Error> {
    reader.members(|reader, key| match &*key.name() {
        b"converse" => {
            Counted::value(&Converse, reader)?.into_iter().for_each(&mut *each);
            Ok(())
        }
        b"invokeModel" => reader.members(|reader, key| {
            if !key.is("body") {
                return reader.pass();
            }
            let body = reader.text()?.map(|text| CountedPlace::Base64(text.span));
            let counted = body.map(|place| Counted { protocol: &Invoke, place });
            counted.into_iter().for_each(&mut *each);
            Ok(())
        }),
        _ => reader.pass(),
    })
}

impl Protocol for Converse {
    fn id(&self) -> ProtocolId {
        ProtocolId::Converse
    }

    fn scan_event(
        &self,
        kind: Option<&[u8]>,
        payload: &[u8],
        scan: &mut Scan,
    ) -> Result<(), json::Error> {
        response::scan_event(kind, payload, scan)
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

    /// `CountTokens` takes a request of its own or one of `InvokeModel`.
    fn scan_counted(&self, body: &[u8], each: &mut dyn FnMut(Counted)) -> Result<(), json::Error> {
        Reader::new(body).document(|reader| {
            reader.members(|reader, key| match key.is("input") {
                true => counted_input(reader, each),
                false => reader.pass(),
            })
        })
    }

    fn seals_signed(&self) -> bool {
        true
    }

    fn unopened(&self) -> &'static str {
        "The model returned the following errors: messages: Invalid `signature` in `thinking` block"
    }

    fn is_terminator(&self, _: &[u8]) -> bool {
        false
    }

    fn error_body(&self, refusal: &Refusal) -> Vec<u8> {
        serde_json::json!({ "message": refusal.message }).to_string().into_bytes()
    }

    fn error_field(&self, refusal: &Refusal) -> Option<(HeaderName, HeaderValue)> {
        let name = HeaderName::from_static("x-amzn-errortype");
        Some((name, HeaderValue::from_static(exception(refusal.kind).0)))
    }

    fn error_event(&self, refusal: &Refusal, _: Option<u64>) -> Unframed {
        let kind = Some(exception(refusal.kind).1);
        Unframed { kind, payload: self.error_body(refusal), is_error: true }
    }

    /// Nothing that all clients ignore.
    fn heartbeat(&self) -> Option<Heartbeat> {
        None
    }
}
