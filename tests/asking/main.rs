//! Asking a suspect model over real sockets: the embedded upstream, and endpoints that misbehave.
#![cfg(all(feature = "proxy", feature = "forensics"))]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[cfg(feature = "cli")]
mod command;
mod misbehaving;
mod resuming;
mod support;
