//! From a byte stream to events and back.

mod data;
pub(crate) mod flow;
pub mod sse;
