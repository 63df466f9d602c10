//! Asking a suspect model over real sockets: the embedded upstream, and endpoints that misbehave.
#![cfg(all(feature = "proxy", feature = "forensics"))]
#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

mod misbehaving;
mod resuming;
mod support;
