//! `guilloche verify`: from files to a verdict.
#![cfg(feature = "cli")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

mod answers;
mod arms;
mod canaries;
mod commitments;
mod conclusions;
mod corpora;
mod hostile;
mod law;
mod ledgers;
mod naming;
mod null;
mod page;
mod prose;
mod report;
mod rosters;
mod scene;
mod sentences;
