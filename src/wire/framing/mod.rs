//! From a byte stream to events and back.

pub(crate) mod data;
pub mod sse;
