//! From a byte stream to events and back.

pub mod sse;
