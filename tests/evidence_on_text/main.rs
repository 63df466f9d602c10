//! Detection, evidence and tracing on synthetic text, and on some that people wrote: calibration without a mark, power with one.
//!
//! An unoptimized build draws fewer keys; `cargo test --release --test evidence_on_text` draws as
//! many as a report.
#![cfg(feature = "forensics")]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

mod calibration;
mod coins;
mod power;
mod prose;
mod shards;
mod source;
mod text;
mod tracing;
mod uniformity;
