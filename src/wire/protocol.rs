//! What every protocol can be asked.

use std::fmt::Debug;

use http::{HeaderName, HeaderValue};

use super::framing::{Heartbeat, Unframed};
use super::{Carried, Counted, Features, ProtocolId, Refusal, Request, Said, Scan, Target, json};

/// One family of endpoints: where its text stands, and the shapes that its clients expect.
pub trait Protocol: Debug + Send + Sync {
    /// Which one it is.
    fn id(&self) -> ProtocolId;

    /// What it does beside its JSON.
    fn features(&self) -> &'static Features {
        self.id().features()
    }

    /// Finds the channels and fields of one stream event's payload. `kind` is what the framing calls the
    /// event, where the payload does not say it.
    ///
    /// # Errors
    /// The payload is not JSON.
    fn scan_event(
        &self,
        kind: Option<&[u8]>,
        payload: &[u8],
        scan: &mut Scan,
    ) -> Result<(), json::Error>;

    /// Finds the channels and fields of a whole response document.
    ///
    /// # Errors
    /// The document is not JSON.
    fn scan_document(&self, document: &[u8], scan: &mut Scan) -> Result<(), json::Error>;

    /// Finds what a countermeasure may change in a request, wherever it stands: in its target or its
    /// body.
    ///
    /// # Errors
    /// The body is not JSON.
    fn scan_request(&self, target: Target, body: &[u8]) -> Result<Request, json::Error>;

    /// Finds what a request repeats of its conversation: calls `each` with every text of its
    /// messages, and with the end of every message.
    ///
    /// # Errors
    /// The body is not a JSON object; `each` may have been called for what stands before that.
    fn scan_history(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), json::Error>;

    /// Finds what a request carries back of the model's reasoning for its server to open: calls `each`
    /// with every block of the model's own that does. A protocol whose answers name no
    /// [`Carrier`](super::Carrier) has none.
    ///
    /// # Errors
    /// The body is not a JSON object; `each` may have been called for what stands before that.
    fn scan_carried(&self, _: &[u8], _: &mut dyn FnMut(Carried)) -> Result<(), json::Error> {
        Ok(())
    }

    /// Finds the requests that stand in one for a count of tokens, which are what is counted: calls `each`
    /// with every one. A protocol whose requests are counted as they are has none.
    ///
    /// # Errors
    /// The body is not JSON; `each` may have been called for what stands before that.
    fn scan_counted(&self, _: &[u8], _: &mut dyn FnMut(Counted)) -> Result<(), json::Error> {
        Ok(())
    }

    /// Finds the first message of a conversation that is not the model's: calls `each` with every text
    /// of those before it, and [`Said::End`] behind it.
    ///
    /// # Errors
    /// As [`scan_history`](Self::scan_history).
    fn scan_opening(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), json::Error> {
        self.scan_history(body, each)
    }

    /// Whether what its servers sign of the reasoning is carried by its own block, so that a block which
    /// shows other words can carry what it said, sealed.
    fn seals_signed(&self) -> bool {
        false
    }

    /// How blobs are named that stand in the place of a string of reasoning, where clients of the protocol
    /// send such strings back.
    fn string_carrier(&self) -> Option<&'static str> {
        None
    }

    /// What the vendor says of reasoning that comes back and does not open.
    fn unopened(&self) -> &'static str {
        "The reasoning that the request carries could not be verified."
    }

    /// Whether a payload is a stream's terminator that is not JSON, such as `[DONE]`.
    fn is_terminator(&self, payload: &[u8]) -> bool;

    /// The body of an error response.
    fn error_body(&self, refusal: &Refusal) -> Vec<u8>;

    /// A field of an error response by which the vendor's libraries tell what went wrong, where its body
    /// does not.
    fn error_field(&self, _: &Refusal) -> Option<(HeaderName, HeaderValue)> {
        None
    }

    /// The event that tells a client of this protocol that its stream failed; `number` is its own in a
    /// stream that numbers its events.
    fn error_event(&self, refusal: &Refusal, number: Option<u64>) -> Unframed;

    /// What keeps an idle connection open and is ignored by every client of the protocol, if there
    /// is anything.
    fn heartbeat(&self) -> Option<Heartbeat>;
}
