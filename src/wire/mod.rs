//! Bytes on the wire: framings, a byte-exact JSON editor, and where each protocol keeps its text.
//!
//! A [`Protocol`] only says where things stand in an event ([`Scan`]) or a request ([`Request`]).
//! What becomes of them is decided elsewhere, so that a countermeasure works on every protocol, and
//! on JSON and streams alike.

mod carried;
pub mod chat;
pub mod cohere;
pub mod completions;
pub mod converse;
mod counted;
mod error;
mod failure;
mod fields;
pub mod framing;
pub mod gemini;
mod generation;
mod governed;
mod history;
pub mod invoke;
pub mod json;
mod listed;
pub mod llama_cpp;
pub(crate) mod member_names;
pub mod messages;
pub mod model_name;
mod model_segment;
pub mod ollama;
mod own_answer;
mod prefill;
mod protocol;
mod protocol_id;
mod protocols;
mod refusal;
mod request;
pub mod responses;
mod route;
mod scan;
mod scanner;
mod server;
mod stored;
mod target;
mod terminator;
pub mod tgi;
mod thought;
mod usage;
mod websocket;

pub use carried::{Carried, Element, Nothing, TextList, without_elements};
pub use counted::{Counted, CountedPlace};
pub(crate) use error::scan_error;
pub use failure::Failure;
#[cfg(feature = "proxy")]
pub(crate) use fields::has_field;
pub(crate) use fields::remove_fields;
pub use generation::{Generation, Setting, Use};
pub use history::Said;
pub use own_answer::{OwnAnswer, refuse_for_good, refuse_for_now};
pub use protocol::Protocol;
pub use protocol_id::{CarriesSealed, Endpoint, Features, ProtocolId};
pub use refusal::{Refusal, RefusalKind};
#[cfg(test)]
pub(crate) use request::elsewhere;
pub use request::{
    Asked, AskedEffort, Edited, Edits, EffortSaid, Model, OutputCap, Place, Prompts, Request,
    SettingPlace, SettingValue, Thinking,
};
#[cfg(feature = "proxy")]
pub(crate) use route::protocol_of;
pub use route::{
    KnownRoute, Route, Verdict, WayRound, conversation_protocol, error_protocol, route,
};
pub(crate) use scan::around;
pub use scan::{
    Block, Carrier, CarrierPlace, Channel, Citation, Close, Field, FieldKind, Kind, Lane, Mode,
    Scan, Share, Signed, Slot, SummaryAt, SummaryEvent, SummaryPlace, Unplaced, Usage,
};
pub use scanner::Scanner;
pub use server::ServerKind;
pub(crate) use stored::{from_its_start, segments, stored};
pub(crate) use target::words_of as words;
pub use target::{Parameter, Target};
pub(crate) use websocket::asks_for_websocket;
