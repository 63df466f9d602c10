//! Bytes on the wire: framings, a byte-exact JSON editor, and where each protocol keeps its text.
//!
//! A [`Protocol`] only says where things stand in an event ([`Scan`]) or a request ([`Request`]).
//! What becomes of them is decided elsewhere, so that a countermeasure works on every protocol, and
//! on JSON and streams alike.

pub mod chat;
mod error;
mod failure;
pub mod framing;
mod generation;
mod history;
pub mod json;
mod listed;
pub mod messages;
pub mod model_name;
mod prefill;
mod refusal;
mod request;
mod route;
mod scan;
mod scanner;
mod server;
mod target;
mod usage;
mod websocket;

use std::fmt::Debug;

use http::HeaderName;

pub(crate) use error::scan_error;
pub use failure::Failure;
pub use generation::{Generation, Setting, Use};
pub use history::Said;
pub use refusal::{OwnAnswer, Refusal, RefusalKind, refuse_for_good};
pub use request::{
    Asked, AskedEffort, EffortPlace, EffortSaid, Model, OutputCap, Request, Thinking,
};
pub use route::{Route, conversation_protocol, error_protocol, route};
pub use scan::{
    Block, Channel, Citation, Close, Field, FieldKind, Kind, Lane, Mode, Scan, Signed, Slot, Usage,
};
pub use scanner::Scanner;
pub use server::ServerKind;
pub use target::{Parameter, Target};
pub(crate) use websocket::asks_for_websocket;

/// One family of endpoints: where its text stands, and the shapes that its clients expect.
pub trait Protocol: Debug + Send + Sync {
    /// The name in policies, metrics and audit records.
    fn name(&self) -> &'static str;

    /// Finds the channels and fields of one stream event's payload.
    ///
    /// # Errors
    /// The payload is not JSON.
    fn scan_event(&self, payload: &[u8], scan: &mut Scan) -> Result<(), json::Error>;

    /// Finds the channels and fields of a whole response document.
    ///
    /// # Errors
    /// The document is not JSON.
    fn scan_document(&self, document: &[u8], scan: &mut Scan) -> Result<(), json::Error>;

    /// Finds what a countermeasure may change in a request.
    ///
    /// # Errors
    /// The body is not JSON.
    fn scan_request(&self, body: &[u8]) -> Result<Request, json::Error>;

    /// Finds what a request repeats of its conversation: calls `each` with every text of its
    /// messages, and with the end of every message.
    ///
    /// # Errors
    /// The body is not a JSON object; `each` may have been called for what stands before that.
    fn scan_history(&self, body: &[u8], each: &mut dyn FnMut(Said)) -> Result<(), json::Error>;

    /// Whether a payload is a stream's terminator that is not JSON, such as `[DONE]`.
    fn is_terminator(&self, payload: &[u8]) -> bool;

    /// The body of an error response.
    fn error_body(&self, refusal: &Refusal) -> Vec<u8>;

    /// The response field that the vendor's libraries show as the id of the request.
    fn request_id(&self) -> HeaderName;

    /// The event that tells a client of this protocol that its stream failed, as a raw block.
    fn error_event(&self, refusal: &Refusal) -> Vec<u8>;

    /// The names that events of this protocol have.
    fn event_names(&self) -> &'static [&'static str];

    /// A block that keeps an idle connection open and that every client of the protocol ignores.
    fn heartbeat(&self) -> &'static [u8];

    /// Whether a text of a stream ends before it is said why the answer does.
    fn ends_texts_alone(&self) -> bool {
        false
    }

    /// Whether reasoning comes signed, so that it can be passed on whole or sealed, not shortened.
    fn signs_reasoning(&self) -> bool;
}
