//! Experiment files, and who is in which arm.

#![cfg(feature = "experiments")]
#![expect(
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that cannot go on must fail"
)]

#[path = "experiment/assignment.rs"]
mod assignment;
#[path = "experiment/files.rs"]
mod files;
