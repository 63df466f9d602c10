//! Amazon Bedrock's InvokeModel: `POST /model/MODEL/invoke` and `/invoke-with-response-stream`.
//!
//! Body and answer are those of the model's vendor. Those of Anthropic Messages, which say `anthropic_version`, and of
//! Chat Completions are read by their own codecs, Nova's as Converse, and prompts and texts here; any other body cannot be
//! read, and is refused where something is to be carried out. In a stream each of the vendor's events stands in a message,
//! in base64.

mod command_r;
mod metrics;
mod nova;
mod prompt;
mod texts;
mod titan;
mod vendor;

use http::{HeaderName, HeaderValue};

use super::converse::Converse;
use super::framing::{Framing, Heartbeat, Unframed};
use super::json::Error;
use super::messages::Messages;
use super::protocol_id::{CarriesSealed, Endpoint, Features};
use super::{Carried, Protocol, ProtocolId, Refusal, Request, Said, Scan, Target, terminator};
use vendor::{Answered, Asked};

/// Amazon Bedrock's InvokeModel and InvokeModelWithResponseStream.
#[derive(Clone, Copy, Debug)]
pub struct Invoke;

pub(super) static FEATURES: Features = Features {
    name: "invoke",
    endpoints: &[
        Endpoint::told("/invoke", false).of_one_segment(),
        Endpoint::told("/invoke-with-response-stream", true).of_one_segment(),
    ],
    count_endpoints: &[],
    request_id: HeaderName::from_static("x-amzn-requestid"),
    streams: &[Framing::AwsChunks],
    event_names: &[
        "chunk",
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

impl Protocol for Invoke {
    fn id(&self) -> ProtocolId {
        ProtocolId::Invoke
    }

    fn scan_event(
        &self,
        kind: Option<&[u8]>,
        payload: &[u8],
        scan: &mut Scan,
    ) -> Result<(), Error> {
        Answered::of(payload)?.scan_event(kind, payload, scan)?;
        metrics::scan(payload, scan)
    }

    fn scan_document(&self, document: &[u8], scan: &mut Scan) -> Result<(), Error> {
        Answered::of(document)?.scan_document(document, scan)?;
        metrics::scan(document, scan)
    }

    fn scan_request(&self, target: Target, body: &[u8]) -> Result<Request, Error> {
        let request = Asked::of(target.model(), body)?.scan_request(target, body)?;
        // No member of a body asks for counts here: they come in any case.
        Ok(Request { ask_usage: None, usage_in_stream: true, ..request })
    }

    fn scan_history(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), Error> {
        Asked::of(None, body)?.scan_history(body, each)
    }

    fn scan_carried(&self, body: &[u8], each: &mut dyn FnMut(Carried)) -> Result<(), Error> {
        Asked::of(None, body)?.scan_carried(body, each)
    }

    fn scan_opening(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), Error> {
        Asked::of(None, body)?.scan_opening(body, each)
    }

    fn unopened(&self) -> &'static str {
        Messages.unopened()
    }

    fn is_terminator(&self, payload: &[u8]) -> bool {
        terminator::is_done(payload)
    }

    fn error_body(&self, refusal: &Refusal) -> Vec<u8> {
        Converse.error_body(refusal)
    }

    fn error_field(&self, refusal: &Refusal) -> Option<(HeaderName, HeaderValue)> {
        Converse.error_field(refusal)
    }

    fn error_event(&self, refusal: &Refusal, number: Option<u64>) -> Unframed {
        Converse.error_event(refusal, number)
    }

    /// Nothing that all clients ignore.
    fn heartbeat(&self) -> Option<Heartbeat> {
        None
    }
}
