//! From a byte stream to events and back.

pub(in crate::wire) mod base64;
mod data;
pub(crate) mod flow;
pub mod sse;
