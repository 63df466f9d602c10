//! `guilloche verify`: from files to a verdict.
#![cfg(feature = "cli")]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

mod answers;
mod commitments;
mod conclusions;
mod corpora;
mod hostile;
mod prose;
mod rosters;
mod scene;
